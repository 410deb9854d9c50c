"""When the resources of one system run out: ``?system=...&window=30d|this-month|2026-10&zone=...``."""

import streamlit as st

from workbench.ui import capacity, detail, exports, filters, header, load, states

system = filters.system()
if not system:
    header.title("Capacity")
    states.nothing("No system is known", "Run `workbench init --url http://prometheus:9090 --name mine`.")
    st.stop()

top = st.container()
with states.guard():
    period = filters.period()
with top:
    beside = header.title("Capacity")
    facts = st.container()
body = st.container()

with states.guard(), body.skeleton(height=600):
    study = load.question("capacity_forecast", system, period.span, period.zone)

with beside:
    states.badge(study.status)
with facts:
    header.facts(study, header.system_title(system))

with body, states.guard():
    if states.usable(study):
        capacity.key_figures(study)
        capacity.forecasts(study)
        capacity.details(study)
        states.warned(study)
        exports.downloads(study, study.results["limits"], name=exports.file_name("capacity", system, period.window))
    with st.expander("Where these numbers come from", icon=":material/verified:"):
        detail.question_commands("capacity", system, period, study)
        detail.provenance(study)
