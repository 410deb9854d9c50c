"""The router: every page stands here with its address, and with the filters that its sidebar shows."""

from pathlib import Path

import streamlit as st

from workbench.ui.parts import filters, links, load, menu, reader, states

st.set_page_config(page_title="LLM workbench", page_icon=Path(__file__).with_name("icon.svg"), layout="wide")

with states.guard():
    settings = load.settings()
    if not reader.admitted(settings):
        st.stop()

page = st.navigation(menu.pages(), expanded=True)

with states.guard():
    states.catalog_mistakes(load.context().catalog.faults)
    filters.sidebar(*menu.filters_of(page.url_path))
    with st.sidebar:
        reader.account(settings)
    links.entered(page.url_path, page.title)
    links.back(menu.titles())

page.run()
