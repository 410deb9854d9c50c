"""Capacity as tables of text: the same words on the page, the command line, in the report and in a notebook."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from workbench.charts.tables import Sentence, Table
from workbench.charts.theme import STATUS_WORDS
from workbench.core.result import Result, Study
from workbench.core.units import NO_VALUE, bytes_text, count_text, ratio_text

#: Columns of the rows below that hold text.
TEXT = ("resource", "of", "limit", "status", "reached (UTC)", "80 % interval (UTC)", "method", "verdict")


def _amount(value: float, unit: str, *, signed: bool = False) -> str:
    if not math.isfinite(value):
        return NO_VALUE
    sign = "+" if signed and value > 0 else ""
    if unit == "ratio":
        return f"{value * 100:{'+' if signed else ''}.2f} %"
    return sign + (bytes_text(value) if unit == "bytes" else f"{value:,.4g} {unit}")


def _time(value: Any) -> str:
    return NO_VALUE if pd.isna(value) else f"{value:%Y-%m-%d %H:%M} UTC"


def _within(row: Any) -> str:
    if not row.origins and pd.isna(row.reached_at):
        return NO_VALUE
    if pd.notna(row.reached_at):
        return f"{row.reached_at:%Y-%m-%d %H:%M}"
    return f"not before {row.anew_at:%d %b}" if pd.notna(row.anew_at) else f"not within {row.ahead_days:,.0f} d"


def _interval(row: Any) -> str:
    """Earliest to latest, the year left out; what lies beyond the horizon has no date."""
    if pd.isna(row.earliest):
        return NO_VALUE
    latest = "later" if pd.isna(row.latest) else f"{row.latest:%d %b %H:%M}"
    return f"{row.earliest:%d %b %H:%M} to {latest}"


def limit_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per level and limit, the nearest date first: use now, trend, date with its 80 % interval."""
    return [
        {
            "resource": str(row.title),
            "of": str(row.series),
            "limit": str(row.limit),
            "status": STATUS_WORDS[row.status],
            "now": _amount(row.now, str(row.unit)),
            "of the limit": ratio_text(row.used, digits=1),
            "a day": _amount(row.trend, str(row.unit), signed=True),
            "reached (UTC)": _within(row),
            "80 % interval (UTC)": _interval(row),
        }
        for row in result.frame.itertuples()
    ]


def backtest_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per level: the method taken, its error up to three days ahead, and that of the last level."""
    once = result.frame.drop_duplicates(["resource", "series"])
    return [
        {
            "resource": str(row.title),
            "of": str(row.series),
            "method": str(row.method) or NO_VALUE,
            "error": _amount(row.error, str(row.unit)),
            "error of the last level": _amount(row.naive_error, str(row.unit)),
            "in the 80 % band": ratio_text(row.covered, digits=0),
            "backtests": f"{count_text(row.origins)} in {row.history_days:,.0f} d",
            "band measured to": f"{row.measured_days:,.0f} d ahead" if row.origins else NO_VALUE,
            "trend changed": NO_VALUE if pd.isna(row.changed_at) else f"{row.changed_at:%Y-%m-%d}",
            "begins anew": NO_VALUE if pd.isna(row.anew_at) else f"{row.anew_at:%Y-%m-%d}",
            "verdict": str(row.verdict),
        }
        for row in once.itertuples()
    ]


def limit_table(result: Result) -> Table:
    """Table of :func:`limit_rows` that renders itself."""
    caption = "Highest value of an hour; earliest and latest are where the 80 % band meets the limit."
    return Table(limit_rows(result), caption=caption, left=TEXT)


def backtest_table(result: Result) -> Table:
    """Table of :func:`backtest_rows` that renders itself."""
    caption = "Mean absolute error up to three days ahead; beyond what is measured the band grows with the distance."
    return Table(backtest_rows(result), caption=caption, left=TEXT)


def capacity_finding(study: Study) -> Sentence:
    """Say in a few sentences what runs out, when, and how sure that is."""
    limits = study.results["limits"]
    frame = limits.frame
    if frame.empty:
        if study.status in ("unavailable", "refused"):
            return Sentence(f"Capacity is {STATUS_WORDS[study.status].lower()}.")
        asked = bool(study.provenance.queries)
        return Sentence("Capacity: no data in this period." if asked else "Capacity is not measured.")
    parts = []
    for row in frame[frame["reached_at"].notna()].itertuples():
        where = f"{row.title} of {row.series}"
        if row.reached_at <= pd.Timestamp(vars(limits)["as_of"]):
            parts.append(f"{where} is above its limit ({row.limit}) now.")
            continue
        latest = _time(row.latest) if pd.notna(row.latest) else f"after {row.ahead_days:,.0f} d"
        parts.append(f"{where} reaches {row.limit} on {_time(row.reached_at)} ({_time(row.earliest)} to {latest}).")
    levels = frame.groupby(["resource", "series"])
    calm = [part.iloc[0] for _, part in levels if part["reached_at"].isna().all() and part["origins"].gt(0).any()]
    if calm:
        lasting = [row["ahead_days"] for row in calm if pd.isna(row["anew_at"])]
        ends = [f"within {int(min(lasting))} days"] if lasting else []
        ends += ["before they begin anew"] if len(lasting) < len(calm) else []
        parts.append(f"{len(calm)} of {levels.ngroups} levels reach no limit {' or '.join(ends)}.")
    unknown = sum(bool((part["status"] == "no_data").all()) for _, part in levels)
    if unknown:
        parts.append(f"{unknown} have not enough data.")
    return Sentence(" ".join(parts))
