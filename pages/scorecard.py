"""Which months used up their budget? Objectives of all systems by month or quarter: ``?periods=24&by=owner``."""

import streamlit as st

from workbench.ui.business import scorecard
from workbench.ui.parts import header, load, states, tables

header.title("Scorecard")
last, count, quarters, by = scorecard.choice()

with states.guard(), states.waiting(st.container(), height=400):
    study = load.scorecard(last, count, quarters)

with states.guard():
    scorecard.show(study)
    tables.texts(
        scorecard.rows(study, by),
        alt="Objectives by period: SLI, budget spent, status; what was issued, or is not whole, is marked",
        tint=tables.status_tint,
    )
    states.warned(study)
    scorecard.downloads(study)
