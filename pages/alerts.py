"""Whether the alerts of one system help or tire: ``?system=...&window=30d|this-month|2026-10&zone=...``."""

import streamlit as st

from workbench.ui import alerts, detail, exports, filters, header, load, states

system = filters.system()
if not system:
    header.title("Alerts")
    states.nothing("No system is known", "Run `workbench init --url http://prometheus:9090 --name mine`.")
    st.stop()

top = st.container()
with states.guard():
    period = filters.period()
with top:
    beside = header.title("Alerts")
    facts = st.container()
body = st.container()

with states.guard(), body.skeleton(height=600):
    study = load.question("alert_load", system, period.span, period.zone)

with beside:
    states.badge(study.status)
with facts:
    header.facts(study, header.system_title(system))

with body, states.guard():
    if states.usable(study):
        alerts.key_figures(study)
        alerts.load(study)
        alerts.details(study)
        states.warned(study)
        exports.downloads(study, study.results["episodes"], name=exports.file_name("alerts", system, period.window))
    with st.expander("Where these numbers come from", icon=":material/verified:"):
        detail.question_commands("alerts", system, period, study)
        detail.provenance(study)
