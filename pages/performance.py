"""How one system performs: ``?system=...&window=1d|30d|2026-10&flow=requests&resource=...``."""

import streamlit as st

from workbench.ui import detail, exports, filters, header, load, performance, states

system = filters.system()
if not system:
    header.title("Performance")
    states.nothing("No system is known", "Run `workbench init --url http://prometheus:9090 --name mine`.")
    st.stop()

top = st.container()
with states.guard():
    period = filters.period()
with top:
    beside = header.title("Performance")
    facts = st.container()
body = st.container()

with states.guard(), body.skeleton(height=600):
    study = load.question("service_performance", system, period.span, period.zone)

with beside:
    states.badge(study.status)
with facts:
    header.facts(study, header.system_title(system))

with body, states.guard():
    if states.usable(study):
        performance.key_figures(study)
        performance.flows(study)
        performance.thresholds(study)
        performance.providers(study)
        performance.resources(study)
        states.warned(study)
        name = exports.file_name("performance", system, period.window)
        exports.downloads(study, study.results["flows"], name=name)
    with st.expander("Where these numbers come from", icon=":material/verified:"):
        detail.question_commands("performance", system, period, study)
        detail.provenance(study)
