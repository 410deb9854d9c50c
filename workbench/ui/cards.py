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
    """Show tiles side by side; on a narrow screen they stack."""
    with st.grid(len(row), min_column_width=150, gap="small"):
        for tile in row:
            st.metric(
                escaped(tile.label),
                escaped(tile.value),
                delta=escaped(tile.note) or None,
                delta_color="off",
                delta_arrow="off",
                help=tile.help or None,
                border=True,
                height="stretch",
            )
