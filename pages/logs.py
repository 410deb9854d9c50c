"""Log lines of one system: ``?system=&from=&to=&level=&service=&contains=&trace=&table=``; the last six hours."""

import streamlit as st

from workbench.ui import detail, logs
from workbench.ui.parts import exports, filters, header, load, states

system = filters.system()
beside = header.title("Logs")
if not system:
    states.nothing("No system is known", "Run `workbench init --url http://prometheus:9090 --name mine`.")
    st.stop()
facts = st.container()

with states.guard():
    window = logs.window()
    given = logs.filters()

with states.guard(), st.container().skeleton(height=600):
    study = load.windowed("log_overview", system, window, **given)

with beside:
    states.badge(study.status)
with facts:
    header.facts(study, header.system_title(system))
with states.guard():
    if states.usable(study):
        logs.shown(study)
        exports.downloads(study, study.results["templates"], name=f"logs-{system}")
    states.warned(study)
    with st.expander("Where these numbers come from", icon=":material/verified:"):
        logs.commands(study, given)
        detail.notebook(study, **given)
        detail.provenance(study)
