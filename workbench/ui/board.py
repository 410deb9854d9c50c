"""The morning's question: what needs attention, and the way from there to the detail."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from workbench.analysis.overview import PromiseBoard
from workbench.core.units import NO_VALUE, ratio_text
from workbench.ui import filters
from workbench.ui.cards import Tile, tiles
from workbench.ui.markdown import escaped
from workbench.ui.states import badge_text

_SHOWN = 6


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


def attention(board: PromiseBoard) -> None:
    """Show the promises that ask for action, worst first, each with a link to its detail."""
    rows = board.frame[(board.frame["status"] != "ok") & (board.frame["objective"] != "")]
    st.subheader("Needs attention")
    if rows.empty:
        st.markdown("Nothing: every SLO is on target.")
        return
    with st.grid(min(3, len(rows)), min_column_width=280, gap="small"):
        for _, row in rows.head(_SHOWN).iterrows():
            with st.container(border=True, height="stretch"):
                st.markdown(badge_text(row["status"]))
                st.page_link(
                    "slo.py",
                    label=escaped(str(row["title"])),
                    icon=":material/arrow_forward:",
                    icon_position="right",
                    query_params=filters.address(str(row["system"]), str(row["objective"])),
                )
                st.caption(escaped(f"{row['system_title']}: {_sentence(row)}"))
    if len(rows) > _SHOWN:
        st.caption(f"{len(rows) - _SHOWN} more in the table below.")


def open_slo(row: pd.Series) -> None:
    """Go to the detail of a row of the board."""
    st.switch_page("slo.py", query_params=filters.address(str(row["system"]), str(row["objective"])))


def choose_slo(row: pd.Series) -> None:
    """Show the detail of a row of the list on the same page."""
    st.session_state["slo"] = str(row["objective"])


def _sentence(row: pd.Series) -> str:
    if not math.isfinite(row["sli"]):
        return f"Objective {ratio_text(row['target'], digits=2)}; nothing measured in {row['period']}."
    text = f"{ratio_text(row['sli'])} against {ratio_text(row['target'], digits=2)} over {row['period']}; "
    left, ends = row["budget_left_ratio"], row["exhausted_at"]
    if left < 0:
        text += f"budget overspent by {ratio_text(-left, digits=0)}"
        return text + (f", gone since {ends:%d %b %H:%M} UTC." if pd.notna(ends) else ".")
    text += f"{ratio_text(left, digits=1)} of the budget left"
    return text + (f", at this pace until {ends:%d %b %H:%M} UTC." if pd.notna(ends) else ".")
