"""Logs as tables of text: the same words on the page, on the command line, in a report and in a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.charts.tables import Sentence, Table
from workbench.core.result import Result, Study
from workbench.core.units import NO_VALUE, count_text, ratio_text, span_text

#: Templates listed; all of them are in the data.
SHOWN = 50

_FIELDS = {"severity": "level", "trace_id": "trace id", "event_type": "event type"}
_PARSERS = {"json": "JSON", "logfmt": "logfmt", "text": "plain text", "fields": "fields of the backend"}
_OUTCOMES = {
    "broken": "begin like JSON and are none",
    "undated": "records without a time",
    "naive": "times without a zone",
    "unknown_levels": "levels that are not known",
    "no_levels": "records without a level",
    "continued": "lines of the record before",
    "blank": "blank lines",
    "cut": "lines cut at 1 MiB",
    "repeated": "lines in two logs, counted once",
}


def template_rows(result: Result, *, security: bool = False) -> list[dict[str, str]]:
    """One row of text per template: ``template, level, event, lines, estimate, share, example, trace``."""
    frame = result.frame[result.frame["security"].astype(bool)] if security else result.frame
    return [
        {
            "template": str(row.template),
            "service": str(row.service),
            "level": str(row.severity) or NO_VALUE,
            "event type": str(row.event_type) or NO_VALUE,
            "kept": count_text(row.kept),
            "lines": estimate_text(row),
            "share": ratio_text(row.share, digits=2),
            "example": str(row.example),
            "trace": str(row.trace_id),
        }
        for row in frame.head(SHOWN).itertuples()
    ]


def estimate_text(row: Any) -> str:
    """Estimate with its interval; whole numbers where every line was kept."""
    if row.estimate != row.estimate:
        return "unknown (tail sampling)"
    if not row.low < row.high:
        return count_text(row.estimate)
    return f"{count_text(round(row.estimate))} ({count_text(round(row.low))} to {count_text(round(row.high))})"


def error_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per service: ``service, lines, error lines, error share``."""
    return [
        {
            "service": str(row.service) or NO_VALUE,
            "kept": count_text(row.kept),
            "lines": count_text(round(row.estimate)) if row.estimate == row.estimate else "unknown",
            "error lines kept": count_text(row.errors_kept),
            "error share": share_text(row),
        }
        for row in result.frame.itertuples()
        if row.kept
    ]


def share_text(row: Any) -> str:
    """Share with its interval; unknown where a rate of sampling is."""
    if row.share != row.share:
        return "unknown (tail sampling)"
    share = ratio_text(row.share, digits=2)
    if not row.share_low < row.share_high:
        return share
    return f"{share} ({ratio_text(row.share_low, digits=1)} to {ratio_text(row.share_high, digits=1)})"


def latency_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per service, event type and level: ``p50, p95, p99`` of the durations that lines tell."""
    return [
        {
            "service": str(row.service),
            "event type": str(row.event_type) or NO_VALUE,
            "level": str(row.severity) or NO_VALUE,
            "kept": count_text(row.kept),
            "p50": span_text(row.p50 / 1000),
            "p95": span_text(row.p95 / 1000),
            "p99": span_text(row.p99 / 1000),
        }
        for row in result.frame.sort_values("kept", ascending=False).itertuples()
    ]


def coverage_rows(fields: Result, coverage: Result) -> list[dict[str, str]]:
    """One row of text per field that lines have, and what became of the records of each parser."""
    rows = [
        {
            "what": f"lines with a {_FIELDS.get(str(row.field), str(row.field))}",
            "count": count_text(row.kept),
            "share": ratio_text(row.share, digits=1),
        }
        for row in fields.frame.itertuples()
    ]
    for row in coverage.frame.itertuples():
        parser = _PARSERS.get(str(row.parser), str(row.parser))
        for what, count, share in (
            ("records", row.records, NO_VALUE),
            ("understood", row.understood, ratio_text(row.share, digits=2)),
            ("with a level that is known", row.with_level, ratio_text(row.level_share, digits=2)),
        ):
            rows.append({"what": f"{parser}: {what}", "count": count_text(count), "share": share})
    outcomes: Mapping[str, int] = getattr(coverage, "outcomes", {})
    rows += [
        {"what": text, "count": count_text(outcomes[name]), "share": NO_VALUE}
        for name, text in _OUTCOMES.items()
        if name in outcomes
    ]
    return rows


def line_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per line: ``time, level, service, message, trace``."""
    return [
        {
            "time": f"{row.time:%Y-%m-%d %H:%M:%S}.{row.time.microsecond // 1000:03d}",
            "level": str(row.severity),
            "service": str(row.service),
            "event type": str(row.event_type),
            "message": str(row.message),
            "trace": str(row.trace_id),
        }
        for row in result.frame.itertuples()
    ]


def logs_finding(study: Study) -> Sentence:
    """Say in one sentence how many lines there are, and which share are errors."""
    frame = study.results["errors"].frame
    row = next(iter(frame.itertuples()))
    if not row.kept:
        return Sentence("No log lines match in this period.")
    bound = "" if study.coverage == study.coverage else "At least "
    kept = f"{count_text(row.kept)} lines kept"
    if row.estimate == row.estimate and round(row.estimate) != row.kept:
        kept += f", which stand for about {count_text(round(row.estimate))}"
    return Sentence(f"{bound}{kept}; {share_text(row)} of them are errors (ERROR and above).")


def template_table(study: Study) -> Table:
    """Table of :func:`template_rows` that renders itself."""
    return Table(template_rows(study.results["templates"]), caption="Values are masked; estimates undo the sampling.")


def error_table(study: Study) -> Table:
    """Table of :func:`error_rows` that renders itself."""
    return Table(error_rows(study.results["errors"]), caption="Shares of lines of level ERROR and above.")
