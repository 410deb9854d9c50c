"""The SLOs of one system, and one of them in detail: ``?system=...&slo=...&period=30d|last-month|2026-10``."""

import streamlit as st

from workbench.charts.slo import figures as charts
from workbench.ui import detail
from workbench.ui import objectives as board
from workbench.ui.access import decide
from workbench.ui.parts import exports, figures, filters, header, load, states, tables
from workbench.ui.slo import budget as spent
from workbench.ui.slo import decisions as decided

system = filters.system()
if not system:
    header.title("SLOs")
    states.nothing("No system is known", "Run `workbench init --url http://prometheus:9090 --name mine`.")
    st.stop()

top = st.container()
with states.guard():
    period = filters.period()
    name = filters.slo(system)
    objective = None if name is None else detail.objective(system, name)
with top:
    if objective is not None:
        filters.back_to_list()
    beside = header.title("SLOs" if objective is None else objective.title)
    facts = st.container()
body = st.container()

with states.guard(), states.waiting(body, height=600):
    study = load.slo_compliance(system, period.span, period.zone, name)

with beside:
    states.page_badge(study, study.status)
with facts:
    header.facts(study, header.system_title(system))

with body, states.guard():
    compliance = study.results["compliance"]
    if compliance.frame.empty:
        states.nothing("No SLO is defined for this system", "Add an OpenSLO document to a folder named in `slos`.")
        st.stop()
    usable = states.usable(study)
    history, file_name = study.results["budget"], exports.file_name("slo", system, name or "all", period.text)
    if objective is None:
        if usable:
            board.standing(study)
        tables.goals(tables.worst_first(compliance.frame), key="slos", open_row=board.choose_slo)
        if usable:
            figures.timed("Error budgets left", charts.budget_figure, history, compliance, key="budgets", study=study)
    else:
        if usable:
            spent.outlook(study)
        detail.key_figures(compliance.frame.iloc[0], study.as_of)
        if usable:
            figures.timed(
                "Budget, measured share, counts", charts.detail_figure, history, compliance, key="detail", study=study
            )
            spent.episodes(system, objective.id, period)
        names = ["Burn rate", "Definition", "What if", "Alerting policies"]
        burn, definition, what_if, policies = filters.tabs(names)
        with definition:
            detail.definition(objective)
        if usable:
            with burn:
                detail.burn_rates(study.results["burn"])
            with what_if:
                spent.what_if(system, objective, period)
            with policies:
                spent.policies(system, objective.id, period)
    if usable:
        decided.shown(study)
    if objective is not None:
        decide.forms(system, objective.id)
    if usable:
        states.warned(study)
        exports.downloads(study, compliance if objective is None else history, name=file_name)
    if objective is not None:
        with st.expander("Where these numbers come from", icon=":material/verified:"):
            detail.commands(system, objective.id, period, study)
            detail.notebook(study, slo=objective.id)
            detail.provenance(study)
