"""What each alert rule is worth as tables of text, for the page, the command line, reports and notebooks."""

from __future__ import annotations

from typing import Any

from workbench.charts.alerts.tables import none_began
from workbench.charts.tables import Sentence, Table
from workbench.charts.theme import STATUS_WORDS
from workbench.core.result import Result, Study
from workbench.core.units import NO_VALUE, count_text, ratio_text, span_text

#: Columns of the rows below that hold text.
TEXT = ("rule", "severity", "judged by", "verdict")

#: What the columns mean.
WORTH = (
    "Without use: alerts that began in no burn of a budget and no incident. Precision: share of alerts that "
    "matched one, with its 95 % interval. Recall: events of the guarded objectives that were alerted. Only: events "
    "that no other rule alerted on. Missed: budget spent by events without an alert."
)

_WORDS = {
    "useful": "earns its pages",
    "useless": "pages for nothing",
    "mixed": "some use",
    "flapping": "flaps without use",
    "standing": "stands without action",
    "too few": "too few alerts to say",
    "not judged": "not judged",
    "quiet": "did not fire",
    "not observed": "not observed",
}


def worth_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per rule, the one with most alerts without use first."""
    return [
        {
            "rule": str(row.alertname),
            "severity": str(row.severity),
            "verdict": _WORDS[str(row.verdict)],
            "judged by": str(row.judged_by) or "not judged",
            "alerts": count_text(row.alerts),
            "without use": count_text(row.without_use),
            "precision": _share(row.precision, row.precision_low, row.precision_high),
            "recall": f"{count_text(row.caught)} of {count_text(row.events)}"
            if row.events and row.caught == row.caught
            else NO_VALUE,
            "detection": span_text(row.detection_s),
            "reset": span_text(row.reset_s) if row.reset_s >= 0 else NO_VALUE,
            "per event": f"{row.per_event:.1f}" if row.per_event == row.per_event else NO_VALUE,
            "only": count_text(row.only) if row.judged_by else NO_VALUE,
            "missed": ratio_text(row.budget_missed, digits=1),
        }
        for row in result.frame.itertuples()
    ]


def worth_table(result: Result) -> Table:
    """Table of :func:`worth_rows` that renders itself."""
    return Table(worth_rows(result), caption=WORTH, left=TEXT)


def worth_finding(study: Study) -> Sentence:
    """Say which rules page for nothing, and which alone told of an event."""
    frame: Any = study.results["worth"].frame
    if study.status in ("no_data", "unavailable", "refused"):
        return Sentence(f"Rules are not judged: {STATUS_WORDS[study.status].lower()}.")
    if not int(frame["alerts"].sum()):
        return Sentence(f"{none_began(study.coverage)}; {_rules(len(frame))} stayed quiet.")
    parts = []
    idle = frame[(frame["without_use"] > 0) & frame["verdict"].isin(["useless", "flapping", "standing", "mixed"])]
    if len(idle):
        first = idle.iloc[0]
        parts.append(
            f"{first['alertname']} fired {_times(int(first['alerts']))}, {count_text(first['without_use'])} of them in "
            f"no burn and no incident ({_WORDS[first['verdict']]})."
        )
    useful = frame[frame["verdict"] == "useful"]
    if len(useful):
        parts.append(f"{_rules(len(useful))} earned {'its' if len(useful) == 1 else 'their'} pages.")
    alone = frame[frame["only"] > 0]
    if len(alone):
        parts.append(f"{', '.join(alone['alertname'])} alerted on events that no other rule caught.")
    unjudged = int((frame["judged_by"] == "").sum())
    if unjudged:
        parts.append(f"{_rules(unjudged)} guard no objective and were not judged.")
    return Sentence(" ".join(parts))


def _share(value: float, low: float, high: float) -> str:
    if value != value:
        return NO_VALUE
    return f"{ratio_text(value, digits=0)} ({ratio_text(low, digits=0)} to {ratio_text(high, digits=0)})"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count_text(count)} times"


def _rules(count: int) -> str:
    return "1 rule" if count == 1 else f"{count_text(count)} rules"
