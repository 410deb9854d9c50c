"""The performance page: key figures, one flow over time, one resource over time, and the tables of everything."""

from __future__ import annotations

import streamlit as st

from workbench.analysis.counting.limits import known_now
from workbench.charts.performance import figures as charts
from workbench.charts.performance import tables as words
from workbench.charts.unusual import performance_lines
from workbench.core.result import Study
from workbench.core.units import count_text, ratio_text, span_text
from workbench.ui.parts import figures, filters
from workbench.ui.parts.cards import Tile, curve
from workbench.ui.parts.view import Sheet, View


def _figures(study: Study) -> list[Tile]:
    """Return traffic, failures and slowness of the first flows, and how many thresholds were broken."""
    history = study.results["history"].frame
    row: list[Tile] = []
    for flow in study.results["flows"].frame.itertuples():
        if flow.dimension or len(row) >= 4 or flow.requests != flow.requests:
            continue
        mine = history[history["flow"] == flow.flow]
        failed = (
            f"{ratio_text(flow.error_ratio)} failed" if flow.error_ratio == flow.error_ratio else "failures unknown"
        )
        help_ = "Counted exactly over the period."
        row.append(Tile(flow.title, count_text(flow.requests), failed, help_, spark=curve(mine["rate"])))
        if flow.p95 == flow.p95 and len(row) < 4:
            note = f"p50 {span_text(flow.p50)}, p99 {span_text(flow.p99)}"
            help_ = "95 % were answered within this."
            row.append(Tile(f"p95 of {flow.title}", span_text(flow.p95), note, help_, spark=curve(mine["p95"])))
    totals = study.results["thresholds"].frame
    known = totals[totals["status"] != "no_data"]
    broken, now = int((totals["breaches"] > 0).sum()), int((totals["status"] == "at_risk").sum())
    unseen = len(known) - int(known_now(study.results["thresholds"])[known.index].sum())
    note = f"{now} at the end of the period" + (f", {unseen} not known" if unseen else "")
    row.append(Tile("Thresholds broken", f"{broken} of {len(known)}", note))
    return row


def _charts(study: Study) -> None:
    """Draw one flow over time on one time axis, and one resource."""
    history, resources = study.results["history"], study.results["resource_history"]
    flows, titles = list(history.frame["flow"].unique()), list(resources.frame["title"].unique())
    with st.container(horizontal=True):
        flow = filters.choice("Flow", flows, "flow") if flows else ""
        title = filters.choice("Resource", titles, "resource") if titles else ""
    with st.grid(2, min_column_width=340):
        if flow:
            figures.timed("Rate, failures, time to answer", charts.flow_figure, history, flow, key="flow", study=study)
        with st.container():
            if title:
                figures.timed(title, charts.resources_figure, resources, title, key="resource-use", study=study)
            if len(study.results["breaches"].frame):
                breaches = study.results["breaches"]
                figures.timed("Broken thresholds", charts.breaches_figure, breaches, key="breaches", study=study)


def _sheets(study: Study) -> list[Sheet]:
    results = study.results
    breaches = results["breaches"]
    return [
        Sheet(
            "Thresholds",
            words.threshold_rows(results["thresholds"]),
            "Evaluated once a minute; time without a value is unknown, neither kept nor broken.",
            "Thresholds: not measured, the profile names none.",
        ),
        Sheet(
            "Flows",
            words.flow_rows(results["flows"]),
            "Counts are exact increases; quantiles are histogram_quantile over the whole period.",
        ),
        Sheet("Breaches", words.breach_rows(breaches), f"The longest of {len(breaches.frame)} breaches."),
        Sheet(
            "Availability",
            words.availability_rows(results["availability"]),
            absent="Availability: not measured, no counter, gauge or target says.",
        ),
        Sheet(
            "Limits",
            words.limit_rows(results["limits"]),
            absent="Limits: not measured, the profile has no counter of refused requests.",
        ),
        Sheet(
            "Caches",
            words.cache_rows(results["caches"]),
            absent="Caches: not measured, the profile has no counters of hits and misses.",
        ),
        Sheet(
            "Resources",
            words.resource_rows(results["resources"]),
            absent="Resources: not measured, the profile has no resource.",
        ),
        Sheet(
            "Errors of resources",
            words.error_rows(results["resource_errors"]),
            absent="Errors of resources: not measured, no restarts are counted.",
        ),
    ]


VIEW = View(words.performance_finding, _figures, performance_lines, _charts, _sheets)
