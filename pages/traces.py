"""Traces of one system: ``?system=...&from=...&to=...&operation=...&trace=...&table=...``; the last day by default."""

import streamlit as st

from workbench.ui import detail, traces
from workbench.ui.parts import exports, filters, header, load, states

system = filters.system()
beside = header.title("Traces")
if not system:
    states.nothing("No system is known", "Run `workbench init --url http://prometheus:9090 --name mine`.")
    st.stop()
facts = st.container()

with states.guard():
    window = traces.window()
    trace = traces.trace_id()

if trace:
    with states.guard(), st.container().skeleton(height=400):
        study = load.windowed("trace_detail", system, traces.around(window), trace_id=trace)
else:
    with states.guard():
        operation = traces.operation()
    with states.guard(), st.container().skeleton(height=600):
        study = load.windowed("trace_analysis", system, window, operation=operation)

with beside:
    states.badge(study.status)
with facts:
    header.facts(study, header.system_title(system))
with states.guard():
    if states.usable(study):
        show = traces.one if trace else traces.many
        show(study)
        exports.downloads(study, study.results["spans" if trace else "operations"], name=f"traces-{system}")
    states.warned(study)
    with st.expander("Where these numbers come from", icon=":material/verified:"):
        traces.commands(study, trace)
        detail.notebook(study, **({"trace_id": trace} if trace else {"operation": operation}))
        detail.provenance(study)
