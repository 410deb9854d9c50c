"""Checklists of one system, judged where data can: ``?system=...&review=morning|day|evening|weekday|week|...``."""

import streamlit as st

from workbench.ui import detail
from workbench.ui.operations import reviews
from workbench.ui.parts import exports, filters, header, states

system = filters.system()
beside = header.title("Reviews")
if not system:
    states.nothing("No system is known", "Run `workbench init --url http://prometheus:9090 --name mine`.")
    st.stop()
facts = st.container()
with states.guard():
    review = reviews.chosen(system)
with states.guard(), states.waiting(st.container(), height=400):
    study = reviews.answer(system, review)
with beside:
    states.badge(study.status)
with facts:
    header.facts(study, header.system_title(system))
with states.guard():
    reviews.shown(study)
    states.warned(study)
    exports.downloads(study, study.results["items"], name=f"review-{system}")
    with st.expander("Where these numbers come from", icon=":material/verified:"):
        st.code(f"workbench review {review} {system}", language=None)
        detail.provenance(study)
