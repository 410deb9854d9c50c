"""The SLOs of one system, and one of them in detail: ``?system=...&slo=...&window=30d|last-month|2026-10``."""

import streamlit as st

from workbench.charts import slo as charts
from workbench.ui import board, detail, exports, figures, filters, header, load, states, tables

system = filters.system()
if not system:
    st.title("SLOs", anchor=False)
    states.nothing("No system is known", "Run `workbench init --url http://prometheus:9090 --name mine`.")
    st.stop()

top = st.container()
with states.guard():
    period = filters.period()
    name = filters.slo(system)
    promised = None if name is None else detail.objective(system, name)
facts, body = top.container(), st.container()

with states.guard(), body.skeleton(height=600):
    study = load.slo_compliance(system, period.span, period.zone, name)

with facts:
    if promised is not None:
        filters.back_to_list()
    header.title("SLOs" if promised is None else promised.title, study)
    header.facts(study, header.system_title(system))

with body, states.guard():
    compliance = study.results.get("compliance")
    if compliance is None or compliance.frame.empty:
        if states.usable(study):
            states.nothing("No SLO is defined for this system", "Add an OpenSLO document to a folder named in `slos`.")
        st.stop()
    file_name = exports.file_name("slo", system, name or "all", period.window)
    if promised is None:
        tables.promises(tables.worst_first(compliance.frame), key="slos", open_row=board.choose_slo)
        figures.card("Error budgets left", charts.budget_figure, study.results["budget"], compliance, key="budgets")
        states.warned(study)
        exports.downloads(study, compliance, name=file_name)
        st.stop()

    detail.key_figures(compliance.frame.iloc[0], study.as_of)
    if states.usable(study):
        history = study.results["budget"]
        figures.card("Error budget left", charts.budget_figure, history, compliance, key="budget")
        with st.grid(2, min_column_width=340):
            figures.card("Measured against the objective", charts.sli_figure, history, compliance, key="sli")
            figures.card("Good and bad", charts.requests_figure, history, compliance, key="requests")
            detail.burn_rates(study.results["burn"])
            detail.definition(promised)
        exports.downloads(study, history, name=file_name)
    states.warned(study)
    with st.expander("Where these numbers come from", icon=":material/verified:"):
        detail.commands(system, promised.id, period, study)
        detail.provenance(study)
