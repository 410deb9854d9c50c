"""Key figures in a row of equal tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from workbench.ui.markdown import escaped


@dataclass(frozen=True)
class Tile:
    """One key figure: the value carries its unit, ``note`` says what it is measured against."""

    label: str
    value: str
    note: str = ""
    help: str = ""


def tiles(row: Sequence[Tile]) -> None:
    """Show tiles side by side, all of one height; where the screen is narrow they go two by two."""
    with st.grid(len(row), min_column_width=150, gap="small"):
        for tile in row:
            with st.container(border=True, height="stretch", gap="xxsmall"):
                st.metric(escaped(tile.label), escaped(tile.value), help=tile.help or None)
                st.caption(escaped(tile.note))
