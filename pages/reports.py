"""Runs of reports: search, findings, files, comparison with the period before: ``?search=...&run=...``."""

import streamlit as st

from workbench.ui.business import reports
from workbench.ui.parts import header, states

header.title("Reports")

with states.guard():
    reports.asked_for()
    rows = reports.past()
    if not rows:
        states.nothing("No run of a report was found", "Make one: `workbench report run monthly --system SYSTEM`.")
        st.stop()
    reports.runs(rows)
    chosen = reports.choice(rows)
    if chosen:
        reports.show(chosen)
