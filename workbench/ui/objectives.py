"""How many promises are kept, and the way from a row to its detail."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from workbench.analysis.overview.board import PromiseBoard
from workbench.core.units import NO_VALUE
from workbench.ui.parts import filters
from workbench.ui.parts.cards import Tile, tiles


def key_figures(board: PromiseBoard) -> None:
    """Show how many promises are kept, at risk, broken and unknown."""
    status = board.frame.loc[board.frame["objective"] != "", "status"]
    kept, spent, risky = (int(status.isin(names).sum()) for names in (["ok", "at_risk"], ["spent"], ["at_risk"]))
    known = kept + spent
    tiles(
        [
            Tile("Kept", f"{kept} of {known}" if known else NO_VALUE, "SLOs on target"),
            Tile("Budget spent", str(spent) if known else NO_VALUE, "SLOs missed"),
            Tile(
                "At risk",
                str(risky) if known else NO_VALUE,
                "kept, little budget left",
                "Less than a quarter of the error budget is left.",
            ),
            Tile("Not known", str(len(status) - known), "SLOs without an answer", "No data, no traffic, or no answer."),
        ]
    )


def open_slo(row: pd.Series) -> None:
    """Go to the detail of a row of the board."""
    st.switch_page("slo.py", query_params=filters.address(str(row["system"]), str(row["objective"])))


def choose_slo(row: pd.Series) -> None:
    """Show the detail of a row of the list on the same page."""
    st.session_state["slo"] = str(row["objective"])
