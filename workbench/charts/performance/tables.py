"""Performance as tables of text: the same words on the page, the command line, in the report and in a notebook."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from workbench.analysis.counting.limits import known_now
from workbench.analysis.slo.compliance import COVERAGE_FLOOR
from workbench.charts.tables import Sentence, Table
from workbench.charts.theme import PARTLY, STATUS_WORDS
from workbench.core.result import Result, Study
from workbench.core.units import (
    NO_VALUE,
    count_text,
    instant_text,
    part_text,
    ratio_text,
    rule_text,
    significant_text,
    span_text,
    value_text,
)

#: Breaches listed one by one, longest first; all of them are in the data.
SHOWN = 20

#: Flows that the answer in words names; the table has all.
FLOWS = 2

#: Units that have a way of their own to be written.
_KNOWN = ("count", "s", "bytes")


def flow_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per flow and group: ``flow, by, requests, rate, errors, error share``, quantiles, observed."""
    return [
        {
            "flow": str(row.title),
            "by": part_text(str(row.dimension), str(row.group)) or "all",
            "requests": count_text(row.requests),
            "rate": _rate_text(row.rate),
            "errors": count_text(row.errors),
            "error share": ratio_text(row.error_ratio),
            "p50": span_text(row.p50),
            "p95": span_text(row.p95),
            "p99": span_text(row.p99),
            "observed": ratio_text(row.coverage, digits=1),
        }
        for row in result.frame.itertuples()
    ]


def availability_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per thing that answers: ``what, which, available, measured by``."""
    basis = {"requests": "requests without error", "probes": "its health gauge", "scrapes": "scrapes answered"}
    return [
        {
            "what": str(row.title),
            "which": str(row.group),
            "available": ratio_text(row.share),
            "measured by": basis[str(row.basis)],
            "requests": count_text(row.total),
        }
        for row in result.frame.itertuples()
    ]


def limit_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per limit: ``limit, which, refused, share, left now, least left``."""
    return [
        {
            "limit": str(row.title),
            "which": str(row.group) or "all",
            "refused": count_text(row.refused),
            "share": ratio_text(row.share),
            "left now": value_text(row.left, row.unit),
            "least left": value_text(row.least, row.unit),
        }
        for row in result.frame.itertuples()
    ]


def cache_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per cache: ``cache, which, hits, misses, hit share``."""
    return [
        {
            "cache": str(row.title),
            "which": str(row.group) or "all",
            "hits": count_text(row.hits),
            "misses": count_text(row.misses),
            "hit share": ratio_text(row.hit_ratio, digits=1),
        }
        for row in result.frame.itertuples()
    ]


def resource_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per resource: ``resource, which, mean, p95, peak, peak at, now``."""
    return [
        {
            "resource": str(row.title),
            "which": str(row.group) or "all",
            "mean": use_text(row.mean, row.unit),
            "p95": use_text(row.p95, row.unit),
            "peak": use_text(row.peak, row.unit),
            "peak at": instant_text(row.peak_at),
            "at the end": use_text(row.last, row.unit),
        }
        for row in result.frame.itertuples()
    ]


def error_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per count of errors of a resource: ``what, which, count``."""
    return [
        {"what": str(row["title"]), "which": str(row["group"]) or "all", "count": count_text(row["count"])}
        for row in result.frame.to_dict(orient="records")
    ]


def threshold_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per threshold: ``threshold, state, limit, breaches, in breach, longest, worst, unknown``."""
    words = {"ok": "Within", "at_risk": "Broken now", "no_data": STATUS_WORDS["no_data"]}
    known = known_now(result)
    return [
        {
            "threshold": str(row.title),
            "severity": str(row.severity),
            "state": _unknown_since(row, bool(known[row.Index]))
            or (PARTLY if row.status == "ok" and row.observed < COVERAGE_FLOOR else words[str(row.status)]),
            "limit": rule_text(str(row.rule), use_text(row.value, row.unit)),
            "breaches": count_text(row.breaches) if row.status != "no_data" else NO_VALUE,
            "in breach": span_text(row.seconds) if row.status != "no_data" else NO_VALUE,
            "longest": span_text(row.longest) if row.status != "no_data" else NO_VALUE,
            "share of time": ratio_text(row.share, digits=2),
            "worst": use_text(row.worst, row.unit),
            "unknown": span_text(row.unknown),
        }
        for row in result.frame.itertuples()
    ]


def _unknown_since(row: Any, known: bool) -> str:
    """Say since when a threshold had no value, or was broken and then had none."""
    return "" if known or pd.isna(row.last_known) else f"Unknown since {instant_text(row.last_known)}"


def breach_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per breach, longest first: ``threshold, which, start, end, lasted, worst, ended by``."""
    longest = result.frame.sort_values("seconds", ascending=False, kind="stable").head(SHOWN)
    return [
        {
            "threshold": str(row.title),
            "severity": str(row.severity),
            "which": str(row.group) or "all",
            "start": instant_text(row.start),
            "end": instant_text(row.end),
            "lasted": span_text(row.seconds),
            "worst": use_text(row.worst, row.unit),
            "ended by": "lasts" if row.ongoing else "recovery" if row.closed else "missing samples",
        }
        for row in longest.itertuples()
    ]


def flows_table(result: Result) -> Table:
    """Table of :func:`flow_rows` that renders itself."""
    caption = "Counts are exact increases; quantiles are PromQL histogram_quantile over the whole period."
    return Table(flow_rows(result), caption=caption, left=("flow", "by"))


def availability_table(result: Result) -> Table:
    """Table of :func:`availability_rows` that renders itself."""
    return Table(availability_rows(result), caption="Least available first.", left=("what", "which", "measured by"))


def limits_table(result: Result) -> Table:
    """Table of :func:`limit_rows` that renders itself."""
    return Table(limit_rows(result), caption="Requests refused by a limit.", left=("limit", "which"))


def caches_table(result: Result) -> Table:
    """Table of :func:`cache_rows` that renders itself."""
    return Table(cache_rows(result), caption="Hits over hits and misses.", left=("cache", "which"))


def resources_table(result: Result) -> Table:
    """Table of :func:`resource_rows` that renders itself."""
    return Table(resource_rows(result), caption="Means over five minutes.", left=("resource", "which"))


def errors_table(result: Result) -> Table:
    """Table of :func:`error_rows` that renders itself."""
    return Table(error_rows(result), left=("what", "which"))


def thresholds_table(result: Result) -> Table:
    """Table of :func:`threshold_rows` that renders itself."""
    caption = "Evaluated once a minute; time without a value is unknown, neither kept nor broken."
    return Table(threshold_rows(result), caption=caption, left=("threshold", "severity", "state", "limit"))


def breaches_table(result: Result) -> Table:
    """Table of :func:`breach_rows` that renders itself."""
    caption = f"The longest {min(SHOWN, len(result.frame))} of {len(result.frame)} breaches."
    return Table(
        breach_rows(result), caption=caption, left=("threshold", "severity", "which", "start", "end", "ended by")
    )


def performance_finding(study: Study) -> Sentence:
    """Say in a few sentences how the service did: broken thresholds, errors, slowness, the fullest resource."""
    if study.status in ("unavailable", "refused"):
        return Sentence(f"Performance is {STATUS_WORDS[study.status].lower()}.")
    totals = study.results["thresholds"].frame
    known = totals[totals["status"] != "no_data"]
    broken = known[known["breaches"] > 0].sort_values("seconds", ascending=False)
    parts = []
    if len(known):
        longest = (
            "" if broken.empty else f", longest {broken.iloc[0]['title']} ({span_text(broken.iloc[0]['seconds'])})"
        )
        parts.append(f"{len(broken)} of {len(known)} thresholds were broken{longest}.")
    if len(known) < len(totals):
        parts.append(f"{len(totals) - len(known)} thresholds have no data.")
    counted = [row for row in study.results["flows"].frame.itertuples() if not row.dimension]
    for row in [row for row in counted if row.requests == row.requests][:FLOWS]:
        text = f"{row.title}: {count_text(row.requests)}"
        text += f", {ratio_text(row.error_ratio)} failed" if row.error_ratio == row.error_ratio else ""
        text += f", 95 % within {span_text(row.p95)}" if row.p95 == row.p95 else ""
        parts.append(f"{text}.")
    shares = study.results["resources"].frame
    full = shares[shares["unit"] == "ratio"].sort_values("peak", ascending=False)
    if len(full):
        most = full.iloc[0]
        parts.append(f"Fullest: {most['title']} {most['group']}, up to {ratio_text(most['peak'], digits=1)}.")
    return Sentence(" ".join(parts) or "No data in this period.")


def _rate_text(rate: float) -> str:
    return NO_VALUE if rate != rate else f"{significant_text(rate)} /s"


def use_text(value: float, unit: str) -> str:
    """Write a value of a threshold or a resource, a percentage as a share."""
    if not math.isfinite(value):
        return NO_VALUE
    if unit == "ratio":
        return ratio_text(value, digits=1)
    return f"{count_text(value)} {unit}" if abs(value) >= 1000 and unit not in _KNOWN else value_text(value, unit)
