"""All systems: what to do today, then their SLOs, worst first: the page to open in the morning."""

import streamlit as st

from workbench.ui import objectives as board
from workbench.ui import today
from workbench.ui.parts import filters, header, live, load, states, tables

header.title("Overview")
facts, body = st.container(), st.container()

with states.guard(), states.waiting(body, height=500):
    period = filters.period()
    study = load.overview(period.span, period.zone)

with facts:
    header.facts(study)

with body, states.guard():
    result = study.results["board"]
    if result.frame.empty:
        states.nothing("No system is known", "Run `workbench init --url http://prometheus:9090 --name mine`.")
        st.stop()
    usable = states.usable(study)
    today.first(study)
    st.subheader("How it stands", anchor=False)
    today.questions(study)
    st.subheader("All SLOs", anchor=False)
    tables.goals(tables.worst_first(result.frame), key="board", open_row=board.open_slo, system=True)
    today.standing(study)
    if usable:
        states.warned(study)
    live.watched(study)
