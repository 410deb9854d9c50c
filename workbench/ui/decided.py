"""What people decided about the figures of a page: exclusions, with the figures that they change."""

from __future__ import annotations

import streamlit as st

from workbench.charts.decision_tables import effect_rows, windows_table
from workbench.core.result import Study
from workbench.ui.markdown import escaped


def exclusions(study: Study) -> None:
    """Show the figures with and without exclusions where there are any, and who decided them."""
    effects = effect_rows(study.results["exclusions"])
    if not effects:
        return
    with st.container(border=True):
        st.markdown("**With and without exclusions**")
        _table(effects)
        with st.expander("Windows that are left out", icon=":material/event_busy:"):
            _table(windows_table(study.results["exclusion_windows"]).rows)


def _table(rows: list[dict[str, str]]) -> None:
    st.table([{name: escaped(text) for name, text in row.items()} for row in rows], border="horizontal")
