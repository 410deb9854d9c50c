"""The overview as tables of text: what to do today, spend of the month, open alerts, sources."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from workbench.charts.theme import STATUS_WORDS
from workbench.core.result import Result
from workbench.core.units import NO_VALUE, age_text, amount_text, change_text, span_text

_NO_SPEND = {"no_data": "not measured", "unavailable": "no answer"}


def today_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per matter.

    Parameters
    ----------
    result : TodayList
        What to do first.
    """
    return [
        {
            "rank": str(row.rank),
            "what": str(row.title),
            "system": str(row.system_title),
            "owner": str(row.owner) or NO_VALUE,
            "runbook": str(row.runbook) or NO_VALUE,
            "evidence": str(row.evidence),
        }
        for row in result.frame.itertuples()
    ]


def spend_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per system and currency of :class:`workbench.analysis.overview.findings.MonthSpend`."""
    return [
        {
            "System": str(row.system_title),
            "Spent": _spent(row),
            "By month's end": amount_text(row.projected, str(row.unit)) if row.unit else NO_VALUE,
            "Against last month": change_text(float(row.change_ratio)),
        }
        for row in result.frame.itertuples()
    ]


def _spent(row: Any) -> str:
    if not row.unit:
        return _NO_SPEND.get(str(row.status), NO_VALUE)
    return amount_text(row.spent, str(row.unit)) if row.coverage > 0 else "no data"


def alert_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per alert of :class:`workbench.analysis.overview.findings.OpenAlerts`."""
    as_of = pd.Timestamp(vars(result)["as_of"])
    return [
        {
            "Alert": str(row.alertname),
            "Severity": str(row.severity) or NO_VALUE,
            "System": str(row.system_title),
            "Firing for": span_text((as_of - row.since).total_seconds()) if pd.notna(row.since) else NO_VALUE,
            "Labels": str(row.labels),
        }
        for row in result.frame.itertuples()
    ]


def source_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per source: whether it answers and how old its data is."""
    return [
        {
            "Source": str(row.name),
            "State": "Stale" if row.stale and row.status == "ok" else STATUS_WORDS.get(row.status, str(row.status)),
            "Newest sample": age_text(row.age_s),
        }
        for row in result.frame.itertuples(index=False)
    ]


def collection_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per part of :class:`workbench.analysis.operations.collection.CollectionStates`, late first."""
    return [
        {
            "Source or system": str(row.subject),
            "Part": str(row.kind),
            "State": "late" if row.stale else "failed" if row.error else "on time",
            "Last collected": f"{span_text(row.age_s)} ago" if math.isfinite(row.age_s) else "never",
            "Every": span_text(row.every_s) if row.every_s else "by hand",
            "Error": str(row.error),
        }
        for row in result.frame.itertuples()
    ]
