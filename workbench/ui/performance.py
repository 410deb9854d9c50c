"""The performance page's parts: key figures, one flow over time, resources, and the tables of everything else."""

from __future__ import annotations

import streamlit as st

from workbench.charts.performance import figures as charts
from workbench.charts.performance import tables as words
from workbench.core.result import Study
from workbench.core.units import count_text, ratio_text, span_text
from workbench.ui.parts import figures, filters, tables
from workbench.ui.parts.cards import Tile, tiles
from workbench.ui.parts.markdown import escaped


def key_figures(study: Study) -> None:
    """Show each flow's traffic, failures and slowness, and how many thresholds were broken."""
    row: list[Tile] = []
    for flow in study.results["flows"].frame.itertuples():
        if flow.dimension or len(row) >= 4 or flow.requests != flow.requests:
            continue
        failed = (
            f"{ratio_text(flow.error_ratio)} failed" if flow.error_ratio == flow.error_ratio else "failures unknown"
        )
        row.append(Tile(flow.title, count_text(flow.requests), failed, "Counted exactly over the period."))
        if flow.p95 == flow.p95:
            note = f"p50 {span_text(flow.p50)}, p99 {span_text(flow.p99)}"
            row.append(Tile(f"p95 of {flow.title}", span_text(flow.p95), note, "95 % were answered within this."))
    totals = study.results["thresholds"].frame
    broken, now = int((totals["breaches"] > 0).sum()), int((totals["status"] == "at_risk").sum())
    row.append(Tile("Thresholds broken", f"{broken} of {len(totals)}", f"{now} at the end of the period"))
    tiles(row)


def flows(study: Study) -> None:
    """Show one flow over time, and all flows by their labels."""
    st.subheader("Requests", anchor=False)
    history = study.results["history"]
    names = list(history.frame["flow"].unique())
    if names:
        flow = filters.choice("Flow", names, "flow")
        mine = history.frame[history.frame["flow"] == flow]
        with st.grid(2, min_column_width=340):
            figures.card("Rate", charts.rate_figure, history, flow, key="rate")
            if mine["error_ratio"].notna().any():
                figures.card("Failures", charts.errors_figure, history, flow, key="errors")
            if mine["p95"].notna().any():
                figures.card("Time to answer", charts.latency_figure, history, flow, key="latency")
    tables.texts(words.flow_rows(study.results["flows"]), alt="Flows")
    st.caption("Counts are exact increases; quantiles are histogram_quantile over the whole period.")


def thresholds(study: Study) -> None:
    """Show the thresholds of the profile and when they were broken."""
    st.subheader("Thresholds", anchor=False)
    totals, breaches = study.results["thresholds"], study.results["breaches"]
    _table(words.threshold_rows(totals), "Thresholds", "the profile names none")
    if len(breaches.frame):
        figures.card("Broken thresholds", charts.breaches_figure, breaches, key="breaches")
        st.caption(f"The longest of {len(breaches.frame)} breaches")
        tables.texts(words.breach_rows(breaches), alt="Breaches")


def providers(study: Study) -> None:
    """Show what answered how often, and what limits refused."""
    st.subheader("Availability", anchor=False)
    _table(words.availability_rows(study.results["availability"]), "Availability", "no counter, gauge or target says")
    st.subheader("Limits", anchor=False)
    _table(words.limit_rows(study.results["limits"]), "Limits", "the profile has no counter of refused requests")
    st.subheader("Caches", anchor=False)
    _table(words.cache_rows(study.results["caches"]), "Caches", "the profile has no counters of hits and misses")


def resources(study: Study) -> None:
    """Show one resource over time, and all of them over the period."""
    st.subheader("Resources", anchor=False)
    history = study.results["resource_history"]
    names = list(history.frame["title"].unique())
    if names:
        title = filters.choice("Resource", names, "resource")
        figures.card(title, charts.resources_figure, history, title, key="resource-use")
    _table(words.resource_rows(study.results["resources"]), "Resources", "the profile has no resource")
    _table(words.error_rows(study.results["resource_errors"]), "Errors of resources", "no restarts are counted")


def _table(rows: list[dict[str, str]], alt: str, absent: str) -> None:
    if rows:
        tables.texts(rows, alt=alt)
    else:
        st.caption(escaped(f"{alt}: not measured, {absent}."))
