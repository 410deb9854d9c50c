"""What one system spends and uses: ``?system=...&window=30d|this-month|2026-10&zone=...&cost_by=...``."""

import streamlit as st

from workbench.ui import cost, detail, exports, filters, header, load, states

system = filters.system()
if not system:
    header.title("Cost and tokens")
    states.nothing("No system is known", "Run `workbench init --url http://prometheus:9090 --name mine`.")
    st.stop()

top = st.container()
with states.guard():
    period = filters.period()
with top:
    beside = header.title("Cost and tokens")
    facts = st.container()
body = st.container()

with states.guard(), body.skeleton(height=600):
    study = load.question("spend_and_tokens", system, period.span, period.zone)

with beside:
    states.badge(study.status)
with facts:
    header.facts(study, header.system_title(system))

with body, states.guard():
    if states.usable(study):
        cost.key_figures(study)
        cost.totals(study)
        for measure in study.results["totals"].frame["measure"].unique():
            cost.split(study, measure)
        cost.unit_costs(study)
        cost.budgets(study)
        states.warned(study)
        exports.downloads(study, study.results["days"], name=exports.file_name("cost", system, period.window))
    with st.expander("Where these numbers come from", icon=":material/verified:"):
        detail.question_commands("cost", system, period, study)
        detail.provenance(study)
