"""Proposed settings of rules as tables of text."""

from __future__ import annotations

from typing import Any

from workbench.charts.alerts.tables import of_period
from workbench.charts.tables import Sentence, Table
from workbench.charts.theme import STATUS_WORDS
from workbench.core.result import Result, Study
from workbench.core.timerange import duration_text
from workbench.core.units import NO_VALUE, count_text, ratio_text, span_text

#: Columns of the rows below that hold text.
TEXT = ("rule", "outcome", "for", "keep firing for", "threshold", "one alert for all")


def tuning_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per rule: what is proposed, and what it did on held-back time."""
    return [
        {
            "rule": str(row.alertname),
            "outcome": str(row.outcome),
            "for": _change(_duration(row.for_ms), _duration(row.proposed_for_ms)),
            "keep firing for": _change(_duration(row.keep_ms), _duration(row.proposed_keep_ms)),
            "threshold": _change(_number(row.threshold), _number(row.proposed_threshold)),
            "one alert for all": str(row.proposed_without) or NO_VALUE,
            "pages": f"{count_text(row.pages)} to {count_text(row.proposed_pages)}",
            "avoided": ratio_text(row.avoided, digits=0),
            "events": count_text(row.events),
            "lost": count_text(row.lost),
            "later": span_text(row.delay_s),
        }
        for row in result.frame.itertuples()
    ]


def tuning_table(result: Result) -> Table:
    """Table of :func:`tuning_rows` that renders itself."""
    caption = "Chosen on the first two thirds of the period; pages, events and lost events are those of the last third."
    return Table(tuning_rows(result), caption=caption, left=TEXT)


def tuning_finding(study: Study) -> Sentence:
    """Say how many pages the proposals avoid on held-back time, and what they cost."""
    frame: Any = study.results["tuning"].frame
    if study.status in ("no_data", "unavailable", "refused"):
        return Sentence(f"Rules are not judged: {STATUS_WORDS[study.status].lower()}.")
    if frame.empty:
        return Sentence(f"No rule paged without use in {of_period(study.coverage)}, so nothing is to be tuned.")
    own = frame[frame["outcome"] == "proposed"]
    if own.empty:
        return Sentence(f"{len(frame)} rules were replayed; no other setting is better on held-back time.")
    pages, then = int(own["pages"].sum()), int(own["proposed_pages"].sum())
    return Sentence(
        f"New settings for {len(own)} of {len(frame)} rules would page {count_text(then)} times instead of "
        f"{count_text(pages)} in the last third of the period, lose {int(own['lost'].sum())} events, and tell of one "
        f"at most {span_text(float(own['delay_s'].max()))} later."
    )


def _duration(ms: float) -> str:
    return duration_text(int(ms)) if ms else "0s"


def _number(value: float) -> str:
    return f"{value:g}" if value == value else NO_VALUE


def _change(now: str, proposed: str) -> str:
    return now if now == proposed else f"{now} to {proposed}"
