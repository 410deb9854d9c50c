"""Objectives met, spend against budgets, activity and the top actions of all systems: ``?period=last-month&zone=``."""

import streamlit as st

from workbench.ui.business import executive
from workbench.ui.parts import filters, header, live, load, states

beside = header.title("Executive summary")
facts, body = st.container(), st.container()

with states.guard(), states.waiting(body, height=500):
    period = filters.period()
    study = load.overview(period.span, period.zone)

with facts:
    header.facts(study)

with body, states.guard():
    if study.results["board"].frame.empty:
        states.nothing("No system is known", "Run `workbench init --url http://prometheus:9090 --name mine`.")
        st.stop()
    with beside:
        states.badge(executive.status(study), of_budget=False)
    states.usable(study)
    executive.first(study)
    rest = st.container()
    with states.waiting(rest, height=300):
        people = executive.activities(period)
    with rest:
        executive.by_system(study, people)
    states.warned(study)
    live.watched(study)
