"""The router: every page stands here with its address, and with the filters that its sidebar shows."""

from pathlib import Path

import streamlit as st

from workbench.ui import filters, states

st.set_page_config(page_title="LLM workbench", page_icon=Path(__file__).with_name("icon.svg"), layout="wide")

overview = st.Page(
    "overview.py",
    title="Overview",
    icon=":material/dashboard:",
    default=True,
    help="All systems and their SLOs, worst first, and what needs attention.",
)
slo = st.Page(
    "slo.py",
    title="SLOs",
    icon=":material/task_alt:",
    url_path="slo",
    help="The SLOs of one system: budget, measured share, traffic, burn rate, definition.",
)
sources = st.Page(
    "sources.py",
    title="Sources",
    icon=":material/database:",
    url_path="sources",
    help="Whether each source answers, how old its data is, and what is measured.",
)

page = st.navigation({"": [overview, slo], "Data": [sources]})
shown = {"": ("window", "zone"), "slo": ("system", "window", "zone"), "sources": ("system",)}

with states.guard():
    filters.sidebar(*shown[page.url_path])

page.run()
