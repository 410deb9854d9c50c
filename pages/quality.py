"""Whether the output of one system drifts: ``?system=...&window=30d|this-month|2026-10&zone=...``."""

import streamlit as st

from workbench.ui import detail, exports, filters, header, load, quality, states

system = filters.system()
if not system:
    header.title("Quality")
    states.nothing("No system is known", "Run `workbench init --url http://prometheus:9090 --name mine`.")
    st.stop()

top = st.container()
with states.guard():
    period = filters.period()
with top:
    beside = header.title("Quality")
    facts = st.container()
body = st.container()

with states.guard(), body.skeleton(height=600):
    study = load.question("quality_drift", system, period.span, period.zone)

with beside:
    states.badge(study.status)
with facts:
    header.facts(study, header.system_title(system))

with body, states.guard():
    if states.usable(study):
        quality.key_figures(study)
        quality.scores(study)
        quality.details(study)
        states.warned(study)
        exports.downloads(study, study.results["hours"], name=exports.file_name("quality", system, period.window))
    with st.expander("Where these numbers come from", icon=":material/verified:"):
        detail.question_commands("quality", system, period, study)
        detail.provenance(study)
