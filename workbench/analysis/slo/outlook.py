"""How long a budget lasts at the present pace, how sure that is, and what a single failure costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import scipy

from workbench.analysis.counting.history import Events, History, histories
from workbench.analysis.slo.burn_policy import fitting_policy
from workbench.analysis.slo.compliance import present_pace
from workbench.analysis.slo.objective import Goal, period_budget
from workbench.core.result import Result
from workbench.core.slo.burn_alerts import BurnPolicySteps
from workbench.core.timerange import HOUR_MS, TimeRange, duration_text

#: Probability that the interval of the end of a budget holds it. [ratio]
SURE = 0.9


@dataclass(frozen=True, eq=False, repr=False)
class BurnOutlook(Result):
    """What becomes of each budget; one row per objective.

    Columns of ``frame``:

    ================== ====================================================================================
    objective          identity (str)
    pace               look-back of the pace (str)
    burn_rate          over the pace [x]
    burn_low, _high    interval of 90 % of the true burn rate [x]
    left_ratio         left of the whole window's budget, negative when overspent [ratio]
    exhausted_at       when the rest is spent at the pace; NaT when not within one window from now [UTC]
    earliest, latest   interval of 90 % of it; ``latest`` is NaT when it may last longer than a window [UTC]
    events_per_hour    traffic of the pace [events/h]
    failures_left      whole bad ones that may still come [``unit``]
    unit               what is counted: ``events`` or ``slices``
    one_failure_burn   burn rate that one bad event makes of a usual hour [x]
    one_failure_budget share of the whole window's budget that one bad event costs [ratio of budget]
    low_traffic        whether one bad event alone is over the fastest page's factor (bool)
    firing             alerts of the Workbook's policy that would fire now (str)
    unreachable        alerts of it that can never fire at this target, with the arithmetic (str)
    ================== ====================================================================================
    """

    as_of: datetime


COLUMNS = ["objective", "pace", "burn_rate", "burn_low", "burn_high", "left_ratio", "exhausted_at", "earliest",
           "latest", "events_per_hour", "failures_left", "unit", "one_failure_burn", "one_failure_budget",
           "low_traffic", "firing", "unreachable"]  # fmt: skip


def burn_outlook(events: Events, goals: Sequence[Goal], *, as_of: datetime, policy: BurnPolicySteps) -> BurnOutlook:
    """Project each budget at its present pace.

    Parameters
    ----------
    events : DataFrame, or mapping of str to History
        Frame contract ``EVENTS`` with ``objective`` and ``covered``, any row order. [events/slice]
    goals : sequence of Goal
        Objectives bound to a period.
    as_of : datetime
        Aware instant up to which history is known.
    policy : BurnPolicySteps
        Alerts that are said to fire, or to be out of reach.

    Notes
    -----
    Time left = (budget left) / (bad events per time at the pace of
    :func:`workbench.analysis.slo.compliance.present_pace`). The interval is that of a Poisson count [1]_, its
    number of events divided by how much more than Poisson the hours of the pace scatter. One failure in an hour of n
    events burns 1 / (n (1 - target)).

    References
    ----------
    .. [1] F. Garwood, Fiducial limits for the Poisson distribution, Biometrika 28, 1936.
    """
    known = histories(events)
    rows = [_row(known.get(goal.objective, History.empty()), goal, as_of, policy) for goal in goals]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    for name in ("exhausted_at", "earliest", "latest"):
        frame[name] = pd.to_datetime(frame[name], unit="ms", utc=True).dt.as_unit("ms")
    return BurnOutlook(frame, as_of=as_of)


def count_interval(count: float, scatter: float = 1.0, *, sure: float = SURE) -> tuple[float, float]:
    """Interval of the expectation behind a count.

    Parameters
    ----------
    count : float
        Number of events.
    scatter : float
        Variance over mean of such counts, at least 1. [ratio]
    sure : float
        [ratio]

    Examples
    --------
    >>> [round(edge, 2) for edge in count_interval(10)]
    [5.43, 16.96]
    """
    k, tail = count / scatter, (1 - sure) / 2
    low = float(scipy.special.gammaincinv(k, tail)) if k > 0 else 0.0
    return low * scatter, float(scipy.special.gammaincinv(k + 1, 1 - tail)) * scatter


def _row(history: History, goal: Goal, as_of: datetime, steps: BurnPolicySteps) -> dict[str, Any]:
    elapsed = goal.elapsed(as_of)
    seen = history.within(elapsed)
    total = float(seen.total.sum())
    row: dict[str, Any] = {"objective": goal.objective, "low_traffic": False, "firing": "", "unreachable": ""}
    policy, never = fitting_policy(steps, goal.budget_period_ms, goal.target)
    row["unreachable"] = "; ".join(never)
    if not total:
        return row
    recent, pace_ms = present_pace(history, elapsed, goal.slice_ms)
    bad, events = float((recent.total - recent.good).sum()), float(recent.total.sum())
    budget = float(goal.budget)
    allowed = float(period_budget(goal, elapsed, Fraction(total)))
    left = allowed - float((seen.total - seen.good).sum())
    low, high = count_interval(bad, _scatter(recent, elapsed))
    ahead_ms = goal.window.end_ms - (goal.window.start_ms if goal.rolling else elapsed.end_ms)

    def ends(pace_bad: float) -> float:
        if left <= 0 or pace_bad <= 0:
            return np.nan
        ahead = left * pace_ms / pace_bad
        return elapsed.end_ms + ahead if ahead <= ahead_ms else np.nan

    hourly = events / (pace_ms / HOUR_MS)
    failure_cost = 1 / (hourly * budget) if hourly and not goal.counts_slices else np.nan
    fastest = max((float(alert.factor) for alert in policy.alerts if alert.severity == "page"), default=np.inf)
    row |= {
        "pace": duration_text(pace_ms),
        "burn_rate": bad / events / budget if events else np.nan,
        "burn_low": low / events / budget if events else np.nan,
        "burn_high": high / events / budget if events else np.nan,
        "left_ratio": left / allowed,
        "exhausted_at": ends(bad),
        "earliest": ends(high),
        "latest": ends(low),
        "events_per_hour": hourly,
        "failures_left": float(np.floor(max(left, 0.0))),
        "unit": "slices" if goal.counts_slices else "events",
        "one_failure_burn": failure_cost,
        "one_failure_budget": 1 / allowed,
        "low_traffic": bool(failure_cost > fastest),
        "firing": "; ".join(alert.text for alert in policy.alerts if _fires(history, goal, elapsed, alert)),
    }
    return row


def _fires(history: History, goal: Goal, elapsed: TimeRange, alert: Any) -> bool:
    if alert.long_ms > elapsed.end_ms - elapsed.start_ms:
        return False  # only a part of its window was read
    for window_ms in (alert.long_ms, alert.short_ms):
        size = max(window_ms, goal.slice_ms)
        seen = history.within(TimeRange.from_ms(elapsed.end_ms - size, elapsed.end_ms))
        total = float(seen.total.sum())
        if not total or Fraction(total - float(seen.good.sum())) <= alert.factor * goal.budget * Fraction(total):
            return False
    return True


def _scatter(recent: History, elapsed: TimeRange) -> float:
    hours = recent.stepped(elapsed.end_ms, HOUR_MS)
    bad, total = hours.total - hours.good, hours.total
    if not bad.sum() or len(bad) < 2:
        return 1.0
    expected = bad.sum() / total.sum() * total
    inside = expected > 0
    return max(1.0, float(np.mean((bad[inside] - expected[inside]) ** 2 / expected[inside])))
