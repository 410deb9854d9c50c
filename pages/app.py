"""The router: every page stands here with its address, and with the filters that its sidebar shows."""

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from workbench.core.settings import load_settings
from workbench.ui.parts import filters, load, reader, states

st.set_page_config(page_title="LLM workbench", page_icon=Path(__file__).with_name("icon.svg"), layout="wide")

with states.guard():
    settings = load_settings()
    if not reader.admitted(settings):
        st.stop()


def _page(name: str, title: str, icon: str, help: str) -> StreamlitPage:
    return st.Page(f"{name}.py", title=title, icon=f":material/{icon}:", url_path=name, help=help)


overview = st.Page(
    "overview.py",
    title="Overview",
    icon=":material/dashboard:",
    default=True,
    help="What to do today; all systems and their SLOs, worst first; spend, open alerts, data.",
)
slo = _page(
    "slo", "SLOs", "task_alt",
    "The SLOs of one system: budget, measured share, traffic, burn rate, definition.",
)  # fmt: skip
performance = _page(
    "performance", "Performance", "speed",
    "Rate, errors and duration of one system, its providers, limits, resources, caches and broken thresholds.",
)  # fmt: skip
cost = _page(
    "cost", "Cost and tokens", "payments",
    "Spend and tokens of one system by every label, by day, against the period before; unit costs and budgets.",
)  # fmt: skip
quality = _page(
    "quality", "Quality", "psychology",
    "Scores of quality and bias of one system against their reference: drift, onset, documented limits.",
)  # fmt: skip
capacity = _page(
    "capacity", "Capacity", "query_stats",
    "When the resources of one system run out: trend, season, interval and date, and past errors.",
)  # fmt: skip
alerts = _page(
    "alerts", "Alerts", "notifications",
    "How often and how long alerts of one system fire, which flap or stand, against published limits.",
)  # fmt: skip
traces = _page(
    "traces", "Traces", "account_tree",
    "Rate, errors and duration from traces, critical paths, service graph; one trace as a tree.",
)  # fmt: skip
reviews = _page(
    "reviews", "Reviews", "checklist",
    "Checklists for morning, evening, week, month, quarter and year, judged where data can.",
)  # fmt: skip
operations = _page(
    "operations", "Operations", "monitor_heart",
    "Whether the monitoring is well: targets, scrapes, rules, cardinality, deliveries, backups.",
)  # fmt: skip
investigate = _page(
    "investigate", "Investigate", "troubleshoot",
    "What differs in a window: where failures began, log templates, slower operations, values of bad requests.",
)  # fmt: skip
logs = _page(
    "logs", "Logs", "article",
    "Levels over time, error shares, templates, latency, security events, lines with search, parse coverage.",
)  # fmt: skip
sources = _page(
    "sources", "Sources", "database",
    "Whether each source answers, how old its data is, and what is measured.",
)  # fmt: skip

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
