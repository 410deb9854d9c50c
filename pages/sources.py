"""Where the numbers come from: the state of each source, and what is and is not measured."""

import streamlit as st

from workbench.ui.data import collection
from workbench.ui.data import scope as measured
from workbench.ui.parts import filters, header, load, states, tables

header.title("Sources")
facts, body = st.container(), st.container()

with states.guard(), states.waiting(body, height=200):
    study = load.source_checks()

with facts:
    header.facts(study)

with body, states.guard():
    result = study.results["sources"]
    if result.frame.empty:
        states.nothing("No source is set", "Name one under `[sources]` in `workbench.toml`.")
        st.stop()
    tables.sources(result)
    tables.details(result)
    tables.checks(study.results["checks"])
    collection.show(load.collection_states())
    states.warned(study)
    if filters.system():
        measured.show(filters.system())
