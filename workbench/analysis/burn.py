"""How a budget was spent over time: the burn-down, and the burn rate over the usual look-back windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

import numpy as np
import pandas as pd

from workbench.analysis.events import by_objective, expected_slices, within
from workbench.analysis.promise import Promise, period_budget
from workbench.core.result import Result
from workbench.core.timerange import TimeRange, duration_ms

#: Look-back windows whose burn rates are shown, shortest first.
LOOKBACKS = ("1h", "6h", "24h", "3d")


@dataclass(frozen=True, eq=False, repr=False)
class BudgetHistory(Result):
    """Burn-down of each budget over its window; one row an objective and step, oldest first.

    Columns of ``frame``:

    ================== ====================================================================================
    time               start of the step [UTC]
    objective          identity (str)
    good, total        counts of the step [events, or slices for time-slice promises]
    sli                good / total of the step; NaN without events [ratio]
    budget_left_ratio  left of the whole window's budget after this step, negative when overspent [ratio]
    covered            observed share of the step; 0 draws a gap [ratio]
    ================== ====================================================================================
    """

    as_of: datetime
    step_ms: int


@dataclass(frozen=True, eq=False, repr=False)
class BurnRates(Result):
    """Burn rate of each promise over the look-back windows; one row an objective and look-back.

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


def budget_history(
    events: pd.DataFrame, promises: Sequence[Promise], *, as_of: datetime, step_ms: int = 3_600_000
) -> BudgetHistory:
    """Draw down each budget over the elapsed part of its window.

    Parameters
    ----------
    events : DataFrame
        Frame contract ``EVENTS`` with ``objective`` and ``covered``, any row order. [events/slice]
    promises : sequence of Promise
    as_of : datetime
        Aware instant up to which history is known.
    step_ms : int
        Length of a row; raised to whole slices where the slices of a promise do not fit into it. [ms]

    Returns
    -------
    BudgetHistory

    Notes
    -----
    budget_left_ratio = 1 - (bad events so far) / (bad events the whole window allows). The allowance is one number
    for the whole line, so the line never rises; where the window is not over it is a projection, see
    :func:`workbench.analysis.promise.period_budget`.
    """
    parts = by_objective(events)
    frames = []
    for promise in promises:
        elapsed = promise.elapsed(as_of)
        seen = within(parts.get(promise.objective, events.iloc[:0]), elapsed)
        if len(seen):
            row_ms = -(-step_ms // promise.slice_ms) * promise.slice_ms
            frames.append(_drawn_down(seen, promise, elapsed, row_ms))
    columns = ["time", "objective", "good", "total", "sli", "budget_left_ratio", "covered"]
    frame = pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)
    return BudgetHistory(frame, as_of=as_of, step_ms=step_ms)


def burn_rates(
    events: pd.DataFrame, promises: Sequence[Promise], *, as_of: datetime, lookbacks: Sequence[str] = LOOKBACKS
) -> BurnRates:
    """Burn rate over each look-back that ends at ``as_of``, or where the window ends if that is earlier.

    Parameters
    ----------
    events : DataFrame
        Frame contract ``EVENTS`` with ``objective`` and ``covered``, any row order. [events/slice]
    promises : sequence of Promise
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
    parts = by_objective(events)
    rows = []
    for promise in promises:
        history = parts.get(promise.objective, events.iloc[:0])
        elapsed = promise.elapsed(as_of)
        whole = within(history, elapsed)
        period = float(period_budget(promise, elapsed, Fraction(float(whole["total"].sum())))) if len(whole) else 0.0
        for lookback in lookbacks:
            span = TimeRange(elapsed.end - timedelta(milliseconds=duration_ms(lookback)), elapsed.end)
            seen = within(history, span)
            covered = float(seen["covered"].sum()) / expected_slices(span, promise.slice_ms)
            good, total = float(seen["good"].sum()), float(seen["total"].sum())
            bad = Fraction(total) - Fraction(good)
            rows.append(
                {
                    "objective": promise.objective,
                    "lookback": lookback,
                    "start": span.start,
                    "good": good if covered else np.nan,
                    "total": total if covered else np.nan,
                    "burn_rate": float(bad / (promise.budget * Fraction(total))) if total else np.nan,
                    "budget_spent": float(bad) / period if total and period else np.nan,
                    "covered": covered,
                }
            )
    frame = pd.DataFrame(
        rows, columns=["objective", "lookback", "start", "good", "total", "burn_rate", "budget_spent", "covered"]
    )
    return BurnRates(frame, as_of=as_of)


def _drawn_down(seen: pd.DataFrame, promise: Promise, elapsed: TimeRange, step_ms: int) -> pd.DataFrame:
    since_start = seen["time"] - pd.Timestamp(promise.window.start)
    steps = promise.window.start + since_start.dt.floor(pd.Timedelta(milliseconds=step_ms))
    grouped = seen.groupby(steps, sort=True)
    rows = grouped[["good", "total", "covered"]].sum().reset_index()
    rows["covered"] *= promise.slice_ms / step_ms
    rows.insert(1, "objective", promise.objective)
    bad = (rows["total"] - rows["good"]).cumsum()
    allowed = float(period_budget(promise, elapsed, Fraction(float(seen["total"].sum()))))
    rows["sli"] = (rows["good"] / rows["total"]).where(rows["total"] > 0)
    rows["budget_left_ratio"] = 1 - bad / allowed if allowed else np.nan
    return rows
