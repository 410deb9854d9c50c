"""Burn, back-tests and what-if as rows of text: the same on the command line, in the report and in a notebook."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.charts.tables import Sentence, Table
from workbench.charts.theme import STATUS_WORDS
from workbench.core.result import Result
from workbench.core.units import (
    NO_VALUE,
    count_text,
    day_text,
    factor_text,
    instant_text,
    nouns_text,
    ratio_text,
    significant_text,
    span_text,
)


def outlook_rows(outlook: Result) -> list[dict[str, str]]:
    """One row of text per objective of a :class:`BurnOutlook`."""
    return [
        {
            "objective": str(row.objective),
            "burn rate": factor_text(row.burn_rate),
            "90 % between": _between(row) or NO_VALUE,
            "budget left": ratio_text(row.left_ratio, digits=1),
            "gone at this pace": instant_text(row.exhausted_at),
            "earliest": instant_text(row.earliest),
            "latest": "not in this window" if _open_ended(row) else instant_text(row.latest),
            "failures left": count_text(row.failures_left),
            "one failure": _of_one(row.one_failure_burn),
            "firing": str(row.firing) or ("none" if _known(row.burn_rate) else "unknown"),
        }
        for row in outlook.frame.itertuples()
    ]


def outlook_sentence(outlook: Result) -> str:
    """Say in a sentence an objective how long the budget lasts, and which alerts would fire now."""
    return " ".join(_outlook(row) for row in outlook.frame.itertuples())


def _outlook(row: Any) -> str:
    if not _known(row.burn_rate):
        return f"The pace is not known: nothing was measured in the last {row.pace}."
    failure = "bad slice" if row.unit == "slices" else "failure"
    left = f"{nouns_text(row.failures_left, failure)} left" if row.failures_left > 0 else f"no {failure} is left"
    if row.left_ratio < 0:
        text = f"The budget is overspent by {ratio_text(-row.left_ratio, digits=1)}"
    elif pd.notna(row.exhausted_at):
        end = "" if pd.isna(row.latest) else f" and {day_text(row.latest)}"
        span = (
            f" (90 %: {'between' if end else 'from'} {day_text(row.earliest)}{end})" if pd.notna(row.earliest) else ""
        )
        ends = "ends" if row.firing else "would end"
        text = f"At this pace the budget {ends} on {instant_text(row.exhausted_at)}{span}; {left}"
    else:
        text = f"At this pace the budget lasts to the end of the window; {left}"
    pace = f" Pace: {factor_text(row.burn_rate)} in the last {row.pace}"
    pace += f" (90 % between {_between(row)})" if _known(row.burn_low) else ""
    return f"{text}.{pace}. {f'Firing: {row.firing}' if row.firing else 'No burn-rate alert would fire now'}."


def outlook_notes(outlook: Result) -> list[str]:
    """Sentences on alerts that can never fire, and on traffic so low that one failure pages."""
    notes = []
    for row in outlook.frame.itertuples():
        if row.low_traffic:
            notes.append(
                f"{row.objective}: at {significant_text(row.events_per_hour)} events an hour one failure burns "
                f"{_of_one(row.one_failure_burn)} and costs {ratio_text(row.one_failure_budget, digits=1)} "
                "of the budget; it would page alone. Add synthetic traffic, pool services, or lengthen the window."
            )
        if row.unreachable:
            notes.append(f"{row.objective}: {row.unreachable}.")
    return notes


def backtest_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per objective, policy and severity, the suggested policy first."""
    return [
        {
            "objective": str(row.objective),
            "policy": str(row.policy) + (" (suggested)" if row.suggested else ""),
            "severity": str(row.severity),
            "alerts": count_text(row.alerts),
            "a week": f"{row.per_week:.2f}" if _known(row.per_week) else NO_VALUE,
            "per event": f"{row.per_event:.1f}" if _known(row.per_event) else NO_VALUE,
            "precision": ratio_text(row.precision, digits=0),
            "recall": f"{ratio_text(row.recall, digits=0)} of {row.events}" if row.events else NO_VALUE,
            "detection": span_text(row.detection_s) if _known(row.detection_s) else NO_VALUE,
            "slowest": span_text(row.detection_worst_s) if _known(row.detection_worst_s) else NO_VALUE,
            "reset": span_text(row.reset_s) if _known(row.reset_s) and row.reset_s >= 0 else NO_VALUE,
            "spent before": ratio_text(row.spent_before, digits=1),
            "missed": ratio_text(row.budget_missed, digits=1),
        }
        for row in result.frame.itertuples()
    ]


def backtest_finding(result: Result) -> Sentence:
    """Name the suggested policy of each objective and what it would have done."""
    frame = result.frame[(result.frame["severity"] == "any") & result.frame["suggested"].astype(bool)]
    parts = [
        f"{row.objective}: {row.policy} caught {row.caught} of {nouns_text(row.events, 'budget event')} with "
        f"{nouns_text(row.alerts, 'alert')}"
        + (f", typically after {span_text(row.detection_s)}" if _known(row.detection_s) else "")
        for row in frame.itertuples()
        if row.events
    ]
    if result.frame.empty:
        return Sentence("Nothing was replayed, so no policy is judged.")
    return Sentence("; ".join(parts) + "." if parts else "No budget event was large enough to judge policies by.")


def what_if_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per threshold and target."""
    return [
        {
            "threshold": str(row.threshold) or "as defined",
            "target": ratio_text(row.target, digits=3) + (" (as defined)" if row.as_defined else ""),
            "status": STATUS_WORDS[row.status],
            "SLI": ratio_text(row.sli),
            "bad": f"{count_text(row.bad)} of {count_text(row.total)}" if _known(row.total) else NO_VALUE,
            "budget left": ratio_text(row.budget_left_ratio, digits=1),
            "burn rate": factor_text(row.burn_rate),
            "budget ends": instant_text(row.exhausted_at),
        }
        for row in result.frame.itertuples()
    ]


def backtest_table(result: Result) -> Table:
    """Table of :func:`backtest_rows` that renders itself."""
    return Table(
        backtest_rows(result),
        caption="Per event: alerts per budget event. Precision: share of alerts that matched a real burn. Recall: "
        "share of burns that were alerted. Spent before: budget used before the first alert.",
        left=("policy", "severity"),
    )


def outlook_table(outlook: Result) -> Table:
    """Table of :func:`outlook_rows` that renders itself."""
    return Table(
        outlook_rows(outlook),
        caption="Extrapolated from the last 3 days, or the last day where it lost less; not a forecast.",
    )


def what_if_table(result: Result) -> Table:
    """Table of :func:`what_if_rows` that renders itself."""
    return Table(what_if_rows(result), caption="The same counts, judged by other targets.", left=("threshold",))


def _between(row: Any) -> str:
    return f"{factor_text(row.burn_low)} and {factor_text(row.burn_high)}" if _known(row.burn_low) else ""


def _known(value: float) -> bool:
    return bool(value == value)


def _open_ended(row: Any) -> bool:
    return bool(pd.isna(row.latest) and pd.notna(row.earliest))


def _of_one(rate: float) -> str:
    """Burn rate of an hour in which one more request fails."""
    return f"{factor_text(rate)} for an hour" if _known(rate) else NO_VALUE
