"""Reviews and the health of the monitoring as tables of text."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from workbench.charts.tables import Sentence, Table
from workbench.core.result import Result, Study
from workbench.core.units import NO_VALUE, count_text, instant_text, ratio_text

#: Columns of the rows below that hold text.
TEXT = ("verdict", "item", "what the data says", "since the last review", "ticked off", "checklist", "review", "id",
        "check", "status", "detail", "job", "instance", "metric", "used", "label")  # fmt: skip

VERDICTS = {
    "attention": "needs attention", "unavailable": "unavailable", "open": "open: for people",
    "not_measured": "not measured", "ok": "ok", "done": "done",
}  # fmt: skip

#: Columns of a review in a report; the page and the command have all.
_REPORTED = ("verdict", "item", "what the data says", "since the last review", "ticked off")
_SEVERAL = {"attention": "need attention"}

_STATUS = {"spent": "wrong", "at_risk": "look", "ok": "ok", "no_data": "not measured"}


def item_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per item of a review."""
    return [
        {
            "verdict": VERDICTS[row.verdict],
            "item": row.text,
            "what the data says": row.number or NO_VALUE,
            "since the last review": _changed(row),
            "ticked off": NO_VALUE if pd.isna(row.ticked_at)
            else f"{instant_text(row.ticked_at)}, {row.ticked_by}" + (f": {row.note}" if row.note else ""),
            "checklist": row.checklist,
            "id": row.item,
        }
        for row in result.frame.itertuples()
    ]  # fmt: skip


def _changed(row: Any) -> str:
    if not row.before:
        return NO_VALUE
    if not row.changed:
        return "unchanged"
    return f"was {VERDICTS.get(row.before, row.before)}" + (f": {row.number_before}" if row.number_before else "")


def review_table(study: Study) -> Table:
    """Items of a review as they stand in a report, those that need attention first, without columns that are empty."""
    rows = item_rows(study.results["items"])
    names = [name for name in _REPORTED if any(row[name] != NO_VALUE for row in rows)]
    caption = f"Tick off what only people can answer: workbench review tick {study.system} ITEM --note TEXT"
    waits = any(row["verdict"] == VERDICTS["open"] for row in rows)
    return Table([{name: row[name] for name in names} for row in rows], left=names, caption=caption if waits else "")


def review_finding(study: Study) -> Sentence:
    """Say in one sentence how a review stands."""
    result: Any = study.results["items"]
    counts = result.frame["verdict"].value_counts()
    if counts.empty:
        return Sentence("No items in this review.")
    parts = [f"{counts[name]} {text}" for name, text in (VERDICTS | _SEVERAL).items() if name in counts]
    if counts.get("attention") == 1:
        parts[0] = f"1 {VERDICTS['attention']}"
    changed = int(result.frame["changed"].sum())
    since = "no review was finished before"
    if result.since is not None:
        since = f"{changed} changed since the last finished review, {instant_text(result.since)}"
    noun = "item" if len(result.frame) == 1 else "items"
    return Sentence(f"{len(result.frame)} {noun}: {', '.join(parts)}; {since}.")


def check_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per check of the monitoring itself."""
    return [
        {
            "check": row.title, "status": _STATUS[row.status],
            "wrong": f"{row.bad:,} of {row.of:,}" if row.of else NO_VALUE,
            "value": _value(row.value, row.unit), "limit": _value(row.limit, row.unit), "detail": row.detail,
            "id": row.check,
        }
        for row in result.frame.itertuples()
    ]  # fmt: skip


def _value(value: float, unit: str) -> str:
    if not math.isfinite(value):
        return NO_VALUE
    return (
        ratio_text(value, digits=1)
        if unit == "ratio"
        else f"{count_text(value)} {unit if unit != 'count' else ''}".strip()
    )


def target_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per scrape target."""
    return [
        {
            "job": row.job, "instance": row.instance, "status": _STATUS[row.status],
            "available": ratio_text(row.availability, digits=2), "changes per day": f"{row.changes:.1f}",
            "longest scrape": NO_VALUE if not math.isfinite(row.scrape_s) else f"{row.scrape_s * 1000:,.0f} ms",
            "of the timeout": ratio_text(row.used, digits=1), "detail": row.detail,
        }
        for row in result.frame.itertuples()
    ]  # fmt: skip


def metric_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per metric: series, growth in a week, whether anything uses it."""
    return [
        {
            "metric": row.metric, "series": f"{row.series:,}", "a week before": count_text(row.before),
            "growth": ratio_text(row.growth, digits=1), "share": ratio_text(row.share, digits=1),
            "used": "yes" if row.used else "no",
        }
        for row in result.frame.itertuples()
    ]  # fmt: skip


def label_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per label: distinct values and the series that carry it."""
    return [
        {"label": row.label, "distinct values": f"{row.values_:,}", "series": f"{row.series:,}"}
        for row in result.frame.rename(columns={"values": "values_"}).itertuples()
    ]


def delivery_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per DORA metric."""
    return [
        {
            "metric": row.title,
            "value": NO_VALUE if not math.isfinite(row.value)
            else ratio_text(row.value, digits=1) if row.unit == "ratio"
            else f"{row.value:,.2f} {row.unit}",
            "counted": f"{row.of:,}", "level": row.level or NO_VALUE, "detail": row.detail,
        }
        for row in result.frame.itertuples()
    ]  # fmt: skip


def delivery_finding(study: Study) -> Sentence:
    """Say in one sentence how often is deployed, and from what it is known."""
    rows = study.results["metrics"].frame.set_index("metric")
    count = int(rows.loc["frequency", "of"])
    if not study.provenance.source:
        return Sentence("No deployments of this system are known.")
    failing = rows.loc["fail_rate", "value"]
    failed = f"; {ratio_text(failing, digits=1)} of them failed" if math.isfinite(failing) else ""
    if rows.loc["fail_rate", "status"] == "no_data":
        failed = "; no incidents are known, so how many failed is not measured"
    noun = "deployment" if count == 1 else "deployments"
    return Sentence(f"{count} {noun}{failed} (from {study.provenance.source}).")
