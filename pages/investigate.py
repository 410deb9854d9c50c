"""What differs in a window of one system: ``?system=...&from=...&to=...&against=...&table=...``; the last hour."""

import streamlit as st

from workbench.ui import detail, investigate
from workbench.ui.parts import exports, filters, header, load, states

system = filters.system()
beside = header.title("Investigate")
if not system:
    states.nothing("No system is known", "Run `workbench init --url http://prometheus:9090 --name mine`.")
    st.stop()
facts = st.container()

with states.guard():
    window = investigate.window()
    against = investigate.against()
    options = {"against": against} if against else {}

with states.guard(), st.container().skeleton(height=600):
    study = load.windowed("investigate", system, window, **options)

with beside:
    states.badge(study.status)
with facts:
    header.facts(study, header.system_title(system))
with states.guard():
    if states.usable(study):
        investigate.shown(study)
        exports.downloads(study, study.results["changes"], name=f"investigate-{system}")
    states.warned(study)
    with st.expander("Where these numbers come from", icon=":material/verified:"):
        investigate.commands(study, against)
        detail.notebook(study, **options)
        detail.provenance(study)
