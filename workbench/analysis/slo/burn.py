"""How a budget was spent over time: the burn-down, and the burn rate over the usual look-back windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

import numpy as np
import pandas as pd

from workbench.analysis.counting.history import Events, History, histories
from workbench.analysis.slo.objective import Goal, period_budget
from workbench.core.result import Result
from workbench.core.timerange import HOUR_MS, TimeRange, duration_ms

#: Look-back windows whose burn rates are shown, shortest first.
LOOKBACKS = ("1h", "6h", "24h", "3d")


@dataclass(frozen=True, eq=False, repr=False)
class BudgetHistory(Result):
    """Burn-down of each budget over its window; one row per objective and step, oldest first.

    Columns of ``frame``:

    ================== ====================================================================================
    time               start of the step [UTC]
    objective          identity (str)
    good, total        counts of the step [events, or slices for time-slice objectives]
    sli                good / total of the step; NaN without events [ratio]
    budget_left_ratio  left of the whole window's budget after this step, negative when overspent [ratio]
    covered            observed share of the step; 0 draws a gap [ratio]
    ================== ====================================================================================
    """

    as_of: datetime
    step_ms: int


@dataclass(frozen=True, eq=False, repr=False)
class BurnRates(Result):
    """Burn rate of each objective over the look-back windows; one row per objective and look-back.

    Columns of ``frame``:

    ============= ===========================================================================================
    objective     identity (str)
    lookback      length of the look-back, e.g. ``1h`` (str)
    start         start of the look-back [UTC]
    good, total   counts of the look-back; NaN where nothing was observed [events or slices]
    burn_rate     share of bad ones / (1 - target); NaN without events [x]
    budget_spent  share of the whole window's budget spent in the look-back; NaN without events [ratio]
    covered       observed share of the look-back [ratio]
    ============= ===========================================================================================
    """

    as_of: datetime


def budget_history(events: Events, goals: Sequence[Goal], *, as_of: datetime, step_ms: int = HOUR_MS) -> BudgetHistory:
    """Draw down each budget over the elapsed part of its window.

    Parameters
    ----------
    events : DataFrame, or mapping of str to History
        Frame contract ``EVENTS`` with ``objective`` and ``covered``, any row order. [events/slice]
    goals : sequence of Goal
        Objectives bound to a period.
    as_of : datetime
        Aware instant up to which history is known.
    step_ms : int
        Length of a row; raised to whole slices where the slices of an objective do not fit into it. [ms]

    Returns
    -------
    BudgetHistory

    Notes
    -----
    budget_left_ratio = 1 - (bad events so far) / (bad events the whole window allows). The allowance is one number
    for the whole line, so the line never rises; where the window is not over it is a projection, see
    :func:`workbench.analysis.slo.objective.period_budget`.
    """
    known = histories(events)
    frames = []
    for goal in goals:
        elapsed = goal.elapsed(as_of)
        seen = known.get(goal.objective, History.empty()).within(elapsed)
        row_ms = -(-step_ms // goal.slice_ms) * goal.slice_ms
        frames.append(_drawn_down(seen, goal, elapsed, row_ms))
    columns = ["time", "objective", "good", "total", "sli", "budget_left_ratio", "covered"]
    frame = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)
    return BudgetHistory(frame[columns], as_of=as_of, step_ms=step_ms)


def burn_rates(
    events: Events, goals: Sequence[Goal], *, as_of: datetime, lookbacks: Sequence[str] = LOOKBACKS
) -> BurnRates:
    """Burn rate over each look-back that ends at ``as_of``, or where the window ends if that is earlier.

    Parameters
    ----------
    events : DataFrame, or mapping of str to History
        Frame contract ``EVENTS`` with ``objective`` and ``covered``, any row order. [events/slice]
    goals : sequence of Goal
        Objectives bound to a period.
    as_of : datetime
        Aware instant up to which history is known.
    lookbacks : sequence of str
        Durations. [time]

    Notes
    -----
    burn_rate = (1 - sli) / (1 - target) [1]_. A burn rate of b spends the budget of a window P in P / b.

    References
    ----------
    .. [1] B. Beyer et al., The Site Reliability Workbook, O'Reilly, 2018, ch. 5.
    """
    known = histories(events)
    rows = []
    for goal in goals:
        history = known.get(goal.objective, History.empty())
        elapsed = goal.elapsed(as_of)
        events_so_far = float(history.within(elapsed).total.sum())
        period = float(period_budget(goal, elapsed, Fraction(events_so_far))) if events_so_far else 0.0
        for lookback in lookbacks:
            span = TimeRange(elapsed.end - timedelta(milliseconds=duration_ms(lookback)), elapsed.end)
            seen = history.within(span)
            covered = seen.coverage(goal.counted_ms(span), goal.slice_ms)
            good, total = float(seen.good.sum()), float(seen.total.sum())
            bad = Fraction(total) - Fraction(good)
            rows.append(
                {
                    "objective": goal.objective,
                    "lookback": lookback,
                    "start": span.start,
                    "good": good if covered else np.nan,
                    "total": total if covered else np.nan,
                    "burn_rate": float(bad / (goal.budget * Fraction(total))) if total else np.nan,
                    "budget_spent": float(bad) / period if total and period else np.nan,
                    "covered": covered,
                }
            )
    frame = pd.DataFrame(
        rows, columns=["objective", "lookback", "start", "good", "total", "burn_rate", "budget_spent", "covered"]
    )
    return BurnRates(frame, as_of=as_of)


def _drawn_down(seen: History, goal: Goal, elapsed: TimeRange, step_ms: int) -> pd.DataFrame:
    steps = seen.stepped(elapsed.start_ms, step_ms)
    total = float(seen.total.sum())
    allowed = float(period_budget(goal, elapsed, Fraction(total))) if total else np.nan
    active = steps.total > 0
    return pd.DataFrame(
        {
            "time": pd.DatetimeIndex(steps.start_ms.view("datetime64[ms]")).tz_localize("UTC"),
            "objective": pd.Series([goal.objective] * len(steps), dtype="str"),
            "good": steps.good,
            "total": steps.total,
            "sli": np.divide(steps.good, steps.total, out=np.full(len(steps), np.nan), where=active),
            "budget_left_ratio": 1 - np.cumsum(steps.total - steps.good) / allowed,
            "covered": steps.covered * (goal.slice_ms / step_ms),
        }
    )
