"""When what has no history of its own was last collected, and what is late."""

from __future__ import annotations

import streamlit as st

from workbench.charts.overview.tables import collection_rows
from workbench.core.result import Study
from workbench.ui.parts import tables


def show(study: Study) -> None:
    """Show each part of the collection; where nothing was ever collected, how to begin."""
    st.subheader("Collection", anchor=False)
    rows = collection_rows(study.results["collection"])
    if not rows:
        st.markdown("Nothing was collected. Run `workbench collect --every 5m` beside the dashboard.")
        return
    late = sum(row["State"] == "late" for row in rows)
    if late:
        st.warning(f"{late} of {len(rows)} parts are late.", icon=":material/schedule:")
    tables.texts(rows, alt="Collection")
