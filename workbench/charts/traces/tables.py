"""Traces as tables of text: the same words on the page, the command line and in a notebook."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pandas as pd

from workbench.charts.tables import Sentence, Table
from workbench.core.result import Result, Study
from workbench.core.units import NO_VALUE, count_text, ratio_text

#: Columns of the rows below that hold text.
TEXT = ("service", "operation", "kind", "band", "caller", "called", "span", "status", "began at", "trace", "time (UTC)",
        "longest on path", "failure began", "fault", "meaning", "provider", "model", "path", "entry", "severity",
        "message", "verdict", "changed", "id")  # fmt: skip

#: Spans and log lines of a trace in a report; the page and the command have all. [count]
SHOWN = 40

Rows = list[dict[str, str]]


def ms_text(value: float) -> str:
    """Write a duration given in milliseconds, with a unit that fits.

    Examples
    --------
    >>> [ms_text(value) for value in (0.0421, 12.3, 2345.0, 125_000.0, float("nan"))]
    ['42 µs', '12.3 ms', '2.35 s', '2 min 5 s', '–']
    """
    if value is None or not math.isfinite(value):
        return NO_VALUE
    size = abs(value)
    if size == 0:
        return "0 ms"
    if size < 1:
        return f"{value * 1000:,.0f} µs"
    if size < 1000:
        return f"{value:,.3g} ms"
    if size < 60_000:
        return f"{value / 1000:,.3g} s"
    return f"{value / 60_000:,.0f} min {size / 1000 % 60:.0f} s" if size < 3_600_000 else f"{value / 3_600_000:,.3g} h"


def _estimate(row: Any) -> str:
    """Estimated count with its interval, or the count itself where nothing was dropped."""
    if not math.isfinite(row.count_):
        return f"refused ({row.kept:,} kept)"
    if row.error == 0:
        return count_text(row.count_)
    return f"{count_text(row.count_)} ({row.low:,.0f} to {row.high:,.0f})"


def _share(share: float, low: float, high: float) -> str:
    if not math.isfinite(share):
        return NO_VALUE
    text = ratio_text(share, digits=2)
    return text if low == high else f"{text} ({share_ends(low, high)})"


def share_ends(low: float, high: float) -> str:
    """Write an interval of a share. [%]"""
    return f"{low * 100:.2f} to {high * 100:.2f} %"


def _named(frame: pd.DataFrame) -> Any:
    return frame.rename(columns={"count": "count_"}).itertuples()


def operation_rows(result: Result) -> Rows:
    """One row of text per operation: calls with interval, rate, errors, quantiles, self time, share of paths."""
    return [
        {
            "service": row.service, "operation": row.operation, "kind": row.kind, "kept": f"{row.kept:,}",
            "calls (95 %)": _estimate(row),
            "per s": NO_VALUE if not math.isfinite(row.per_s) else f"{row.per_s:,.3g}",
            "errors (95 %)": _share(row.error_share, row.error_low, row.error_high),
            "p50": ms_text(row.p50_ms), "p95": ms_text(row.p95_ms), "p99": ms_text(row.p99_ms),
            "self": ms_text(row.self_ms), "of paths": ratio_text(row.path_share, digits=1),
        }
        for row in _named(result.frame)
    ]  # fmt: skip


def graph_rows(result: Result) -> Rows:
    """One row of text per edge of the service graph."""
    return [
        {
            "caller": row.caller, "called": row.called, "kind": row.kind, "kept": f"{row.kept:,}",
            "calls (95 %)": _estimate(row),
            "per s": NO_VALUE if not math.isfinite(row.per_s) else f"{row.per_s:,.3g}",
            "errors (95 %)": _share(row.error_share, row.error_low, row.error_high),
            "p50": ms_text(row.p50_ms), "p95": ms_text(row.p95_ms), "p99": ms_text(row.p99_ms),
        }
        for row in _named(result.frame)
    ]  # fmt: skip


def band_rows(result: Result) -> Rows:
    """One row of text per band of latency and operation on its critical paths."""
    return [
        {
            "band": row.band, "traces": f"{row.traces:,}", "from": ms_text(row.from_ms), "to": ms_text(row.to_ms),
            "service": row.service, "operation": row.operation, "on path": ms_text(row.exclusive_ms),
            "95 %": f"{ms_text(row.low_ms)} to {ms_text(row.high_ms)}", "share": ratio_text(row.share, digits=1),
            "drag": ms_text(row.drag_ms), "spans per trace": f"{row.spans:.2f}",
        }
        for row in result.frame.itertuples()
    ]  # fmt: skip


def saved_rows(result: Result) -> Rows:
    """One row of text per operation: what traces would save without it."""
    return [
        {
            "service": row.service, "operation": row.operation, "on path": ms_text(row.exclusive_ms),
            "saved per trace": ms_text(row.saved_ms), "of the mean": ratio_text(row.share, digits=1),
            "p95": ms_text(row.p95_ms), "p95 without": ms_text(row.p95_without_ms),
        }
        for row in result.frame.itertuples()
    ]  # fmt: skip


def failure_rows(result: Result) -> Rows:
    """One row of text per call path with failures."""
    return [
        {"path": row.path, "began here": f"{row.alone:,}", "inherited": f"{row.inherited:,}",
         "handled": f"{row.handled:,}", "on path": ms_text(row.exclusive_ns / 1e6)}
        for row in result.frame.itertuples()
    ]  # fmt: skip


def slowest_rows(result: Result) -> Rows:
    """One row of text per trace, slowest first."""
    return [
        {
            "trace": row.trace_id, "time (UTC)": f"{row.time:%Y-%m-%d %H:%M:%S}",
            "entry": f"{row.service} {row.operation}",
            "duration": ms_text(row.duration_ms), "spans": f"{row.spans:,}", "failed": f"{row.failed:,}",
            "longest on path": row.longest, "its time": ms_text(row.longest_ms), "failure began": row.began or NO_VALUE,
        }
        for row in result.frame.itertuples()
    ]  # fmt: skip


def token_rows(result: Any) -> Rows:
    """One row of text per provider and model: tokens and cost of traces."""
    return [
        {
            "provider": row.provider or NO_VALUE, "model": row.model or NO_VALUE, "traces": f"{row.traces:,}",
            "calls": f"{row.calls:,}", "tokens (kept)": f"{row.total:,}",
            "tokens (all)": count_text(row.estimate) if math.isfinite(row.estimate) else "refused",
            "per trace": count_text(row.per_trace), "p95": count_text(row.p95),
            "cost per trace": money(row.cost_per_trace, result.currency),
        }
        for row in result.frame.itertuples()
    ]  # fmt: skip


def tokens_finding(study: Study) -> Sentence:
    """Say in one sentence which model used most tokens per trace, and which part of the calls has a price."""
    frame = study.results["tokens"].frame if "tokens" in study.results else pd.DataFrame()
    if frame.empty:
        return Sentence("No span of this window holds tokens.")
    calls, first = int(frame["calls"].sum()), frame.iloc[0]
    share = ratio_text(first["total"] / frame["total"].sum(), digits=0)
    priced = round(float((frame["priced"] * frame["calls"]).sum()))
    return Sentence(
        f"{first['model'] or 'A model without a name'} used {share} of the tokens "
        f"of kept traces; {priced:,} of {calls:,} calls have a cost."
    )


def money(amount: Decimal | None, currency: str) -> str:
    """Write a small amount of money; what has no price has no cost."""
    return "not priced" if amount is None or pd.isna(amount) else f"{amount:.6f} {currency}"


def health_rows(result: Result) -> Rows:
    """One row of text per fault of traces as data, those that are there first."""
    frame = result.frame.sort_values("share", ascending=False, kind="stable")
    return [
        {"fault": row.title, "found": f"{row.found:,} of {row.of:,} {row.unit}", 
         "share": ratio_text(row.share, digits=2), "meaning": row.meaning}
        for row in frame.itertuples()
    ]  # fmt: skip


def comparison_rows(result: Result) -> Rows:
    """One row of text per operation: both windows, the change with its interval, and whether it is more than chance."""
    return [
        {
            "service": row.service, "operation": row.operation,
            "changed": row.only or ("yes" if row.changed else "no"),
            "kept": f"{row.kept:,} ({row.kept_before:,} before)",
            "mean": f"{ms_text(row.mean_ms)} ({ms_text(row.mean_before_ms)})",
            "change (95 %)": _change(row.mean_change_ms, row.mean_low_ms, row.mean_high_ms),
            "on path per trace": f"{ms_text(row.path_ms)} ({ms_text(row.path_before_ms)})",
            "path change (95 %)": _change(row.path_change_ms, row.path_low_ms, row.path_high_ms),
            "errors": f"{ratio_text(row.error_share, digits=2)} ({ratio_text(row.error_before, digits=2)})",
            "error change (95 %)": NO_VALUE if not math.isfinite(row.error_change)
            else f"{row.error_change * 100:+.2f} points ({row.error_low * 100:+.2f} to {row.error_high * 100:+.2f})",
        }
        for row in result.frame.itertuples()
    ]  # fmt: skip


def _change(change: float, low: float, high: float) -> str:
    if not math.isfinite(change):
        return NO_VALUE
    ends = f" ({_signed(low)} to {_signed(high)})" if math.isfinite(low) else ""
    return f"{_signed(change)}{ends}"


def _signed(value: float) -> str:
    return f"{'+' if value > 0 else ''}{ms_text(value)}"


def span_rows(result: Result, *, raw: bool = False, indent: str = "  ") -> Rows:
    """One row of text per span of a trace, as a tree; with ``raw`` the clock before its repair."""
    rows = []
    for row in result.frame.itertuples():
        marks = [word for flag, word in ((row.origin, "failure began here"), (row.inherited, "inherited"),
                                         (row.orphan, "parent missing")) if flag]  # fmt: skip
        text = {
            "span": indent * min(int(row.depth), 40) + f"{row.service} {row.operation}",
            "kind": row.kind,
            "offset": ms_text(row.offset_ms),
            "duration": ms_text(row.duration_ms),
            "self": ms_text(row.self_ms),
            "on path": ms_text(row.path_ms) if row.on_path else NO_VALUE,
            "drag": ms_text(row.drag_ms) if row.on_path else NO_VALUE,
            "status": ", ".join([row.status, *marks]),
            "clock": f"moved {_signed(row.shift_ms)}" if row.shift_ms else "",
        }
        if raw:
            text["raw offset"] = ms_text(row.offset_ms - row.shift_ms)
        rows.append(text | {"id": row.span_id})
    return rows


def span_table(study: Study | None) -> Table:
    """Spans of one trace as they stand in a report, in the order of the tree; without a trace no rows."""
    if study is None or "spans" not in study.results:
        return Table([])
    spans: Any = study.results["spans"]
    names = ("span", "offset", "duration", "self", "on path", "status")
    rows = [{name: row[name] for name in names} for row in span_rows(spans, indent="› ")]
    more = f"; the first {SHOWN} of {len(rows)} spans" if len(rows) > SHOWN else ""
    return Table(rows[:SHOWN], left=("span",), caption=f"Trace {spans.trace_id}{more}.")


def line_table(study: Study | None) -> Table:
    """Log lines of one trace as they stand in a report; without a trace no rows."""
    rows = line_rows(study.results["lines"]) if study is not None and "lines" in study.results else []
    more = f"; the first {SHOWN} of {len(rows)}" if len(rows) > SHOWN else ""
    return Table(rows[:SHOWN], left=("severity", "service", "message"), caption=f"Log lines of this trace{more}.")


def section_rows(result: Result) -> Rows:
    """One row of text per stretch of the critical path of a trace."""
    return [
        {"from": ms_text(row.offset_ms), "for": ms_text(row.duration_ms), "share": ratio_text(row.share, digits=1),
         "service": row.service, "operation": row.operation}
        for row in result.frame.itertuples()
    ]  # fmt: skip


def line_rows(result: Result) -> Rows:
    """One row of text per log line of a trace."""
    return [
        {"offset": ms_text(row.offset_ms), "severity": row.severity, "service": row.service, "message": row.message}
        for row in result.frame.itertuples()
    ]


def statistic_rows(result: Result) -> Rows:
    """One row of text per service and operation of one trace."""
    return [
        {"service": row.service, "operation": row.operation, "spans": f"{row.count_:,}",
         "total": ms_text(row.total_ns / 1e6),
         "mean": ms_text(row.mean_ns / 1e6), "max": ms_text(row.max_ns / 1e6), "self": ms_text(row.self_ns / 1e6),
         "self of trace": ratio_text(row.share, digits=1)}
        for row in _named(result.frame)
    ]  # fmt: skip


def traces_finding(study: Study) -> Sentence:
    """Say in one sentence what the traces show."""
    results: Mapping[str, Any] = study.results
    if "slowest" not in results or not results["slowest"].traces:
        return Sentence("No traces in this window.")
    slow, saved = results["slowest"], results["saved"].frame
    text = f"{slow.traces:,} kept traces, {slow.failed:,} with a failed span."
    if len(saved):
        first = saved.iloc[0]
        text += (
            f" Without {first['service']} {first['operation']} and what it calls they would take "
            f"{ratio_text(first['share'], digits=0)} less time (p95 {ms_text(first['p95_without_ms'])} in place of "
            f"{ms_text(first['p95_ms'])})."
        )
    return Sentence(text)
