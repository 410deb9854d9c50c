"""Figures on a page, in the theme the reader has chosen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from workbench.analysis.counting.happened import Happened
from workbench.charts.marks import marked, unknown_shaded
from workbench.charts.stack import cursor
from workbench.charts.theme import DATES, Mode
from workbench.core.result import Study
from workbench.core.timerange import TimeRange
from workbench.core.units import interval_text
from workbench.ui.parts import filters, links, load
from workbench.ui.parts.drawn import drawn, once, still
from workbench.ui.parts.markdown import escaped

_CONFIG = {**DATES, "displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}
_SELECTABLE = {**DATES, "displaylogo": False, "modeBarButtonsToRemove": ["lasso2d", "autoScale2d"]}


def mode() -> Mode:
    """Return the theme in use; light until the browser has said."""
    return "dark" if st.context.theme.type == "dark" else "light"


def plain(draw: Callable[..., Any], *results: Any, key: str, title: str) -> None:
    """Show a figure inside what is open; ``title`` is read out to those who do not see it."""
    st.plotly_chart(drawn(draw, *results, mode=mode()), theme=None, key=key, config=_CONFIG, alt=title)


def timed(title: str, draw: Callable[..., Any], *results: Any, key: str, study: Study, steady: bool = True) -> None:
    """Show a chart over time as a card, with what happened meanwhile; a stretch that is dragged over becomes a link.

    ``study`` gives the system and the period of the marks. Where data come steadily, as samples do and log lines do
    not, the time after the newest one is shaded as unknown.
    """
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{escaped(title)}**")
        newest = study.freshness if steady else None
        annotations = load.marks(study.system, study.range)
        state = st.plotly_chart(
            once(_over_time, draw, annotations, study.range, newest, *results, mode=mode()),
            theme=None,
            key=f"{key}-chart",
            config=_SELECTABLE,
            alt=title,
            on_select="rerun",
            selection_mode="box",
        )
        _selected(state, study.system)


def _over_time(
    draw: Callable[..., Any],
    annotations: Happened,
    span: TimeRange,
    newest: datetime | None,
    *results: Any,
    mode: Mode,
) -> Any:
    figure = unknown_shaded(marked(draw(*results, mode=mode), annotations, mode=mode), span, newest, mode=mode)
    figure.update_layout(dragmode="select", selectdirection="h")
    return still(figure.update_xaxes(**cursor(), range=[span.start, span.end]))


def _selected(state: Any, system: str) -> None:
    """Offer for the stretch that was dragged over on a chart to show it alone, or what explains it."""
    boxes = state["selection"]["box"] if state else []
    if not boxes:
        return
    start, end = sorted(pd.Timestamp(edge).tz_localize("UTC").to_pydatetime() for edge in boxes[0]["x"])
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"Selected: {escaped(interval_text(start, end))}")
        if st.button("Set as period", key=f"period-{start.timestamp()}", icon=":material/date_range:", type="tertiary"):
            filters.choose_period(start, end)
        links.evidence(system, start, end)


def card(title: str, draw: Callable[..., Any], *results: Any, key: str) -> None:
    """Show one question as a card: its title and its figure."""
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{escaped(title)}**")
        plain(draw, *results, key=key, title=title)
