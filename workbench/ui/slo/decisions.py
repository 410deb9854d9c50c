"""What people decided about the figures of a page: exclusions, changed definitions, and what happened."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from workbench.charts.slo.decision_tables import (
    definition_rows,
    effect_rows,
    happened_table,
    members_table,
    windows_table,
)
from workbench.charts.tables import Table, titled
from workbench.core.result import Result, Study
from workbench.ui.parts import tables


def shown(study: Study) -> None:
    """Show what was decided where there is any: each in a card of its own."""
    results = study.results
    members = members_table(results["members"])
    if members is not None:
        titled(members, results["compliance"])
        with st.container(border=True):
            st.markdown("**What a composite is made of**")
            tables.short(members.rows)
    _exclusions(results)
    if parts := definition_rows(results["definitions"]):
        with st.container(border=True):
            st.markdown("**A definition changed within the period**")
            st.caption("Each part is judged by the definition that held in it.")
            tables.short(parts)
    table = happened_table(results["happened"])
    if isinstance(table, Table):
        with st.container(border=True):
            st.markdown("**What happened meanwhile**")
            tables.short(table.rows)


def _exclusions(results: Mapping[str, Result]) -> None:
    effects = effect_rows(results["exclusions"])
    if not effects:
        return
    with st.container(border=True):
        st.markdown("**With and without exclusions**")
        tables.short(effects)
        with st.expander("Windows that are left out", icon=":material/event_busy:"):
            tables.short(windows_table(results["exclusion_windows"]).rows)
