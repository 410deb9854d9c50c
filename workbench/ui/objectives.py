"""The way from a row of the board to its detail."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from workbench.ui.parts import filters, links


def open_slo(row: pd.Series) -> None:
    """Go to the detail of a row of the board."""
    given = filters.address(str(row["system"]), str(row["objective"]))
    st.switch_page("slo.py", query_params=links.returning(given))


def choose_slo(row: pd.Series) -> None:
    """Show the detail of a row of the list on the same page."""
    st.session_state["slo"] = str(row["objective"])
