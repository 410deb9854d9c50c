"""Objectives that never burn, always overspend, have no data or are overdue for review."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from workbench.analysis.slo.burn import BudgetHistory
from workbench.analysis.slo.compliance import COVERAGE_FLOOR, ComplianceResult
from workbench.core.result import Result

#: A budget of which less than this is spent was hardly touched. [ratio]
TOUCHED = 0.05

#: Share by which an allowance may be off for being a float. [ratio]
_ROUNDING = 1e-12

#: How long a review holds.
EVERY = timedelta(days=90)

#: What a finding asks the owner, most urgent first.
QUESTIONS = {
    "contradiction": "More good events than events: do the two selectors count the same requests?",
    "not_measured": "Nothing was counted in the newest period: is the metric still there, under this name?",
    "always_spent": "Spent in every period: is the target out of reach, or the work on it not done?",
    "never_burnt": "Hardly burnt in any period: is it measured where users feel it, or is the target too loose?",
    "low_coverage": "Much of the newest period was not observed: can the figure be trusted?",
    "due": "Not reviewed for 90 days: is the target still right?",
    "fine": "",
}


@dataclass(frozen=True, eq=False, repr=False)
class ReviewQueue(Result):
    """One row per objective, the most urgent first.

    Columns of ``frame``:

    ================ ====================================================================================
    objective, title identity and title (str)
    finding          ``contradiction``, ``not_measured``, ``always_spent``, ``never_burnt``,
                     ``low_coverage``, ``due`` or ``fine`` (str)
    question         what the finding asks (str)
    periods          periods with counts (int)
    spent            share of the budget spent in each, newest first (str) [%]
    score            share of the observed part of the newest period in which the objective stood at or above its
                     target, counted from its beginning; NaN when nothing was observed [ratio]
    reviewed         last review; NaT when never [UTC]
    ================ ====================================================================================
    """

    as_of: datetime


def kept_share(history: BudgetHistory, compliance: ComplianceResult) -> dict[str, float]:
    """Share of the observed time in which each objective stood at or above its target, counted from the beginning.

    Parameters
    ----------
    history : BudgetHistory
        Budget left of each objective over time.
    compliance : ComplianceResult
        Of the same objectives, for their targets.

    Returns
    -------
    dict
        By objective; the score of Nobl9's reliability roll-up. [ratio]

    Notes
    -----
    A step without events keeps the standing of the one before it; steps that were not observed, and those before the
    first event, are left out.
    """
    scores: dict[str, float] = {}
    for row in compliance.frame.itertuples():
        steps = history.frame[history.frame["objective"] == row.objective]
        bad, total = ((steps["total"] - steps["good"]).cumsum(), steps["total"].cumsum())
        seen = ((steps["covered"] > 0) & (total > 0)).to_numpy()
        kept = (bad <= total * (1 - row.target) * (1 + _ROUNDING)).to_numpy()
        if seen.any():
            scores[str(row.objective)] = float(kept[seen].mean())
    return scores


def review_queue(
    periods: Sequence[ComplianceResult],
    reviewed: Mapping[str, datetime],
    *,
    as_of: datetime,
    scores: Mapping[str, float] | None = None,
) -> ReviewQueue:
    """Sort objectives by what is to be asked about them.

    Parameters
    ----------
    periods : sequence of ComplianceResult
        Adjacent periods, the newest first.
    reviewed : mapping of str to datetime
        Last review of an objective.
    as_of : datetime
        Instant up to which data is read.
    scores : mapping of str to float, optional
        Of :func:`kept_share`.

    Notes
    -----
    ``always_spent`` and ``never_burnt`` need counts of two periods at least: one bad month is news, no pattern.
    """
    rows = []
    newest = periods[0].frame
    for row in newest.itertuples():
        name = str(row.objective)
        lines = [period.frame[period.frame["objective"] == name].iloc[0] for period in periods]
        counted = [line for line in lines if line["status"] in ("ok", "at_risk", "spent")]
        spent = [1 - float(line["period_left_ratio"]) for line in counted]
        last = reviewed.get(name)
        if row.status == "refused":
            finding = "contradiction"
        elif row.status in ("no_data", "no_traffic", "unavailable"):
            finding = "not_measured"
        elif len(counted) > 1 and all(line["status"] == "spent" for line in counted):
            finding = "always_spent"
        elif len(counted) > 1 and max(spent) < TOUCHED:
            finding = "never_burnt"
        elif row.coverage < COVERAGE_FLOOR:
            finding = "low_coverage"
        else:
            finding = "fine" if last is not None and as_of - last < EVERY else "due"
        rows.append(
            {
                "objective": name,
                "title": str(row.title),
                "finding": finding,
                "question": QUESTIONS[finding],
                "periods": len(counted),
                "spent": ", ".join(f"{100 * share:.1f}" for share in spent),
                "score": (scores or {}).get(name, float("nan")),
                "reviewed": last,
            }
        )
    columns = ["objective", "title", "finding", "question", "periods", "spent", "score", "reviewed"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["reviewed"] = pd.to_datetime(frame["reviewed"], utc=True).dt.as_unit("ms")
    order = frame["finding"].map({name: place for place, name in enumerate(QUESTIONS)})
    return ReviewQueue(frame.iloc[order.argsort(kind="stable")].reset_index(drop=True), as_of=as_of)
