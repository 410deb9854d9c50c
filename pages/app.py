"""The router: every page stands here with its address, and with the filters that its sidebar shows."""

from pathlib import Path

import streamlit as st

from workbench.core.settings import load_settings
from workbench.ui.parts import filters, load, reader, states

st.set_page_config(page_title="LLM workbench", page_icon=Path(__file__).with_name("icon.svg"), layout="wide")

with states.guard():
    settings = load_settings()
    if not reader.admitted(settings):
        st.stop()

overview = st.Page(
    "overview.py",
    title="Overview",
    icon=":material/dashboard:",
    default=True,
    help="What to do today; all systems and their SLOs, worst first; spend, open alerts, data.",
)
slo = st.Page(
    "slo.py",
    title="SLOs",
    icon=":material/task_alt:",
    url_path="slo",
    help="The SLOs of one system: budget, measured share, traffic, burn rate, definition.",
)
performance = st.Page(
    "performance.py",
    title="Performance",
    icon=":material/speed:",
    url_path="performance",
    help="Rate, errors and duration of one system, its providers, limits, resources, caches and broken thresholds.",
)
cost = st.Page(
    "cost.py",
    title="Cost and tokens",
    icon=":material/payments:",
    url_path="cost",
    help="Spend and tokens of one system by every label, by day, against the period before; unit costs and budgets.",
)
quality = st.Page(
    "quality.py",
    title="Quality",
    icon=":material/psychology:",
    url_path="quality",
    help="Scores of quality and bias of one system against their reference: drift, onset, documented limits.",
)
capacity = st.Page(
    "capacity.py",
    title="Capacity",
    icon=":material/query_stats:",
    url_path="capacity",
    help="When the resources of one system run out: trend, season, interval and date, and past errors.",
)
alerts = st.Page(
    "alerts.py",
    title="Alerts",
    icon=":material/notifications:",
    url_path="alerts",
    help="How often and how long alerts of one system fire, which flap or stand, against published limits.",
)
traces = st.Page(
    "traces.py",
    title="Traces",
    icon=":material/account_tree:",
    url_path="traces",
    help="Rate, errors and duration from traces, critical paths, service graph; one trace as a tree.",
)
reviews = st.Page(
    "reviews.py",
    title="Reviews",
    icon=":material/checklist:",
    url_path="reviews",
    help="Checklists for morning, evening, week, month, quarter and year, judged where data can.",
)
operations = st.Page(
    "operations.py",
    title="Operations",
    icon=":material/monitor_heart:",
    url_path="operations",
    help="Whether the monitoring is well: targets, scrapes, rules, cardinality, deliveries, backups.",
)
investigate = st.Page(
    "investigate.py",
    title="Investigate",
    icon=":material/troubleshoot:",
    url_path="investigate",
    help="What differs in a window: where failures began, log templates, slower operations, values of bad requests.",
)
logs = st.Page(
    "logs.py",
    title="Logs",
    icon=":material/article:",
    url_path="logs",
    help="Levels over time, error shares, templates, latency, security events, lines with search, parse coverage.",
)
sources = st.Page(
    "sources.py",
    title="Sources",
    icon=":material/database:",
    url_path="sources",
    help="Whether each source answers, how old its data is, and what is measured.",
)

page = st.navigation(
    {
        "": [overview, slo, performance, cost, quality, capacity, alerts, investigate, logs, traces],
        "Operations": [reviews, operations],
        "Data": [sources],
    }
)
chosen = ("system", "period", "zone")
shown = {
    "": ("period", "zone"),
    "sources": ("system",),
    "traces": ("system",),
    "investigate": ("system",),
    "logs": ("system",),
    "reviews": ("system",),
}

with states.guard():
    states.catalog_mistakes(load.context().catalog.faults)
    filters.sidebar(*shown.get(page.url_path, chosen))
    with st.sidebar:
        reader.account(settings)

page.run()
