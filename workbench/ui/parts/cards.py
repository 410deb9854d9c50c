"""Key figures in a row of equal tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from workbench.ui.parts.markdown import escaped


@dataclass(frozen=True)
class Tile:
    """One key figure: the value carries its unit, ``note`` says what it is measured against."""

    label: str
    value: str
    note: str = ""
    help: str = ""


#: Least width of a tile, and what its padding and one character of its value take. [px]
_LEAST, _PADDING, _CHARACTER = 150, 40, 13


def tiles(row: Sequence[Tile]) -> None:
    """Show tiles side by side, all of one height and none with a cut value; on a narrow screen fewer in a row."""
    wide = _PADDING + _CHARACTER * max((len(tile.value) for tile in row), default=0)
    with st.grid(len(row), min_column_width=max(_LEAST, wide), gap="small"):
        for tile in row:
            with st.container(border=True, height="stretch", gap="xxsmall"):
                st.metric(escaped(tile.label), escaped(tile.value), help=tile.help or None)
                st.caption(escaped(tile.note))
