"""Figures on a page, in the theme the reader has chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from workbench.charts.theme import Mode
from workbench.ui.parts.markdown import escaped

_CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}


def mode() -> Mode:
    """Return the theme in use; light until the browser has said."""
    return "dark" if st.context.theme.type == "dark" else "light"


def plain(draw: Callable[..., Any], *results: Any, key: str, title: str) -> None:
    """Show a figure inside what is open; ``title`` is read out to those who do not see it."""
    st.plotly_chart(draw(*results, mode=mode()), theme=None, key=key, config=_CONFIG, alt=title)


def card(title: str, draw: Callable[..., Any], *results: Any, key: str) -> None:
    """Show one question as a card: its title and its figure."""
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{escaped(title)}**")
        plain(draw, *results, key=key, title=title)
