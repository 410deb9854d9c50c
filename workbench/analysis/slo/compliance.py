"""Compliance with objectives: SLI, error budget, burn rate and status, from counts and never from ratios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.counting.history import Events, History, histories
from workbench.analysis.slo.objective import Goal, budget_minutes, goal_status, period_budget
from workbench.core.result import Result, Status
from workbench.core.timerange import DAY_MS, MINUTE_MS, TimeRange, from_ms
from workbench.core.units import ratio_text, target_text

#: The pace of spending, for the projected end of the budget, is that of the slower of these last parts of the window:
#: what an incident took that has been over for a day does not go on.
PACES_MS = (3 * DAY_MS, DAY_MS)

#: Below this share of observed slices the result carries a note.
COVERAGE_FLOOR = 0.9


@dataclass(frozen=True, eq=False, repr=False)
class ComplianceResult(Result):
    """How well each objective was kept; one row per objective, in the order asked.

    Columns of ``frame``:

    ================== ====================================================================================
    objective, title   identity and title (str)
    status             ok, at_risk, spent, no_data, no_traffic, unavailable, refused; judged by the budget of the
                       whole period, which for a period that is not over is a projection
    target             share promised [ratio]
    sli                good / total so far; NaN without events, above 1 when counts contradict [ratio]
    sli_low, sli_high  least and largest SLI, where the threshold lies between two buckets; else the SLI [ratio]
    good, bad, total   counts so far; NaN where nothing was observed [``unit``]
    unit               what is counted: ``events`` or ``slices``
    budget_total       bad ones that the total so far allows: (1 - target) * total [``unit``]
    budget_spent       bad ones so far [``unit``]
    budget_left        allowed minus spent, negative when overspent [``unit``]
    budget_left_ratio  budget_left / budget_total, negative when overspent, NaN without events [ratio]
    burn_rate          share of bad ones / (1 - target); 1 spends the budget exactly [x]
    coverage           observed share of the elapsed slices that are not excluded [ratio]
    elapsed            passed share of the window; 1 for a rolling window [ratio]
    period_budget      bad ones allowed by the whole window: known for slices, for events a projection at the
                       traffic so far; equal to budget_total when the window is over [``unit``]
    period_left_ratio  1 - budget_spent / period_budget, negative when overspent [ratio]
    budget_minutes     (1 - target) * length of the window, less what exclusions take out of it [min]
    spent_minutes      share of bad ones * elapsed time; for slices the bad slices themselves [min]
    left_minutes       budget_minutes - spent_minutes [min]
    exhausted_at       when the budget of the whole window ran out, or will at the pace of :func:`present_pace`; NaT
                       when it will not before the window ends (rolling: within the length of the window) [UTC]
    budgeting          occurrences, timeslices or ratio_timeslices
    method             exact, corrected or extrapolated counts
    period             the window in words (``30d``, ``2026-10``)
    window_start       start of the window [UTC]
    window_end         end of the window, not part of it [UTC]
    ================== ====================================================================================
    """

    as_of: datetime


_COUNTS = (
    "sli",
    "sli_low",
    "sli_high",
    "good",
    "bad",
    "total",
    "budget_total",
    "budget_spent",
    "budget_left",
    "budget_left_ratio",
)
_SHARES = ("burn_rate", "coverage", "elapsed", "period_budget", "period_left_ratio")
_MINUTES = ("budget_minutes", "spent_minutes", "left_minutes")


def compliance(
    events: Events,
    goals: Sequence[Goal],
    *,
    as_of: datetime,
    unanswered: Mapping[str, Status] | None = None,
) -> ComplianceResult:
    """Judge each objective over the elapsed part of its window.

    Parameters
    ----------
    events : DataFrame, or mapping of str to History
        Frame contract ``EVENTS`` with ``objective`` and ``covered``, any row order; with ``good_low`` and ``good_high``
        where the good events are known within bounds only. [events/slice]
    goals : sequence of Goal
        What was promised; an objective without rows in ``events`` has no data.
    as_of : datetime
        Aware instant up to which history is known; later slices are left out.
    unanswered : mapping, optional
        Objectives whose source failed, with their status (``unavailable``, ``refused``).

    Returns
    -------
    ComplianceResult

    Raises
    ------
    FrameError
        A column of the contract is absent, or a count is negative, NaN or infinite.

    Notes
    -----
    SLI = good / total over the elapsed window, counts summed before dividing [1]_. The allowance is
    (1 - target) * total in exact rational arithmetic, so 99.9 % of a million allows 1000, not 999.99. More good
    events than events are never clamped: the SLI is shown above 1, the status is ``refused`` and a note says where.

    The budget of a period that is not over is judged as a whole: on the eighth day of a month the bad events so far are
    held against what the month allows, not against what eight days would. Where the threshold lies between two buckets
    and the fewest good events spend the budget while the most do not, nobody knows: the status is ``refused``.

    Where nothing was observed for the last tenth of the window and more, "met" is not known: the counts are shown and
    the status is ``no_data``. A budget that is spent already stays spent. Where nothing happened in what was observed,
    and that is less than nine tenths of the window, the status is ``no_data`` too: the rest may have had traffic.

    References
    ----------
    .. [1] B. Beyer et al., The Site Reliability Workbook, O'Reilly, 2018, ch. 2 and 5.

    Examples
    --------
    >>> from datetime import UTC, timedelta
    >>> from decimal import Decimal
    >>> start = datetime(2026, 10, 1, tzinfo=UTC)
    >>> day = TimeRange(start, start + timedelta(days=1))
    >>> events = pd.DataFrame({"objective": ["api"], "time": pd.to_datetime([start]), "good": [9_995.0],
    ...                        "total": [10_000.0], "covered": [1.0]})
    >>> goal = Goal("api", "API", Decimal("0.999"), day, slice_ms=86_400_000)
    >>> row = compliance(events, [goal], as_of=day.end).frame.iloc[0]
    >>> float(row.budget_left), float(row.burn_rate), row.status
    (5.0, 0.5, 'ok')
    """
    known = histories(events)
    failed = unanswered or {}
    rows, notes = [], []
    for goal in goals:
        history = known.get(goal.objective, History.empty())
        row, remarks = _judged(history, goal, as_of, failed.get(goal.objective))
        rows.append(row)
        notes.extend(remarks)
    return ComplianceResult(_frame(rows), as_of=as_of, notes=tuple(notes))


def _judged(history: History, goal: Goal, as_of: datetime, failed: Status | None) -> tuple[dict[str, Any], list[str]]:
    elapsed = goal.elapsed(as_of)
    seen = history.within(elapsed)
    good, total = float(seen.good.sum()), float(seen.total.sum())
    coverage = seen.coverage(goal.counted_ms(elapsed), goal.slice_ms)
    period = period_budget(goal, elapsed, Fraction(total)) if total > 0 else None

    def status(good: float) -> Status:
        return goal_status(good, total, goal.target, covered=coverage > 0 or total > 0, allowed=period)

    row: dict[str, Any] = {
        "objective": goal.objective,
        "title": goal.title,
        "status": failed or status(good),
        "target": float(goal.target),
        "unit": "slices" if goal.counts_slices else "events",
        "budget_minutes": budget_minutes(goal.target, goal.length(goal.window)),
        "elapsed": elapsed.seconds / goal.window.seconds,
        "budgeting": goal.budgeting,
        "method": goal.method,
        "period": goal.period,
        "window_start": goal.window.start,
        "window_end": goal.window.end,
    }
    if failed is not None:
        return row, []
    row["coverage"] = coverage
    if row["status"] != "no_data":
        row |= {"good": good, "bad": total - good, "total": total, "budget_spent": total - good}
        if period is not None:
            row |= _spending(seen, goal, elapsed, good, total, period)
    remarks = _remarks(seen, goal, row)
    if row["status"] == "no_traffic" and coverage < COVERAGE_FLOOR:
        row["status"] = "no_data"
        remarks.append(
            f"{goal.objective}: no {row['unit']} in what was observed; whether there were others is unknown."
        )
    if row["status"] == "ok" and (last := _unseen_since(seen, goal, elapsed)) is not None:
        row["status"] = "no_data"
        remarks.append(
            f"{goal.objective}: nothing was observed since {last:%Y-%m-%d %H:%M} UTC; whether it is met is unknown."
        )
    if period is not None and seen.low is not None and row["status"] != "refused":
        low, high = (float(bound.good.sum()) for bound in seen.bounds())
        row |= {"sli_low": low / total, "sli_high": high / total}
        if (status(low) == "spent") != (status(high) == "spent"):
            row["status"] = "refused"
            remarks.append(
                f"{goal.objective}: between {ratio_text(low / total)} and {ratio_text(high / total)} were good and "
                f"{target_text(goal.target)} is the target, so whether it was met is unknown."
            )
    return row, remarks


def _unseen_since(seen: History, goal: Goal, elapsed: TimeRange) -> datetime | None:
    """Return the end of the last observed slice where more than a tenth of the window has passed since, else None."""
    watched = np.flatnonzero(seen.covered > 0)
    if not len(watched):
        return None
    last = from_ms(int(seen.start_ms[watched[-1]]) + goal.slice_ms)
    if last >= elapsed.end:
        return None
    unseen = goal.counted_ms(TimeRange(last, elapsed.end))
    return last if unseen > (1 - COVERAGE_FLOOR) * goal.counted_ms(elapsed) else None


def _spending(
    seen: History, goal: Goal, elapsed: TimeRange, good: float, total: float, period: Fraction
) -> dict[str, Any]:
    bad, events = Fraction(total) - Fraction(good), Fraction(total)
    allowed = goal.budget * events
    minutes = goal.budget * goal.length(goal.window) / 60
    spent_minutes = bad * goal.slice_ms / MINUTE_MS if goal.counts_slices else bad / events * goal.length(elapsed) / 60
    return {
        "sli": good / total,
        "sli_low": good / total,
        "sli_high": good / total,
        "budget_total": float(allowed),
        "budget_left": float(allowed - bad),
        "budget_left_ratio": float(1 - bad / allowed),
        "burn_rate": float(bad / allowed),
        "period_budget": float(period),
        "period_left_ratio": float(1 - bad / period),
        "spent_minutes": float(spent_minutes),
        "left_minutes": float(minutes - spent_minutes),
        "exhausted_at": _exhausted_at(seen, goal, elapsed, float(period)),
    }


def _exhausted_at(seen: History, goal: Goal, elapsed: TimeRange, allowed: float) -> pd.Timestamp | None:
    bad = seen.total - seen.good
    spent = float(bad.sum())
    if spent > allowed:
        over = int(np.argmax(np.cumsum(bad) > allowed))
        return pd.Timestamp(int(seen.start_ms[over]) + goal.slice_ms, unit="ms", tz="UTC")
    ahead_ms = goal.window.end_ms - (goal.window.start_ms if goal.rolling else elapsed.end_ms)
    part, pace_ms = present_pace(seen, elapsed, goal.slice_ms)
    recent = float((part.total - part.good).sum())
    if recent <= 0 or ahead_ms == 0:
        return None
    left_ms = (allowed - spent) * pace_ms / recent
    return (
        pd.Timestamp(int(elapsed.end_ms + left_ms), unit="ms", tz="UTC").floor("min") if left_ms <= ahead_ms else None
    )


def present_pace(history: History, elapsed: TimeRange, slice_ms: int) -> tuple[History, int]:
    """Return the slices whose losses are the present pace of spending, and how long they last. [ms]

    Those of the last 3 days; of the last day where it lost less a time and was observed.

    Parameters
    ----------
    history : History
        Counts per slice. [events/slice]
    elapsed : TimeRange
        Elapsed part of the window.
    slice_ms : int
        Length of a slice. [ms]
    """
    paces: list[tuple[History, int]] = []
    for length_ms in dict.fromkeys(min(length_ms, elapsed.end_ms - elapsed.start_ms) for length_ms in PACES_MS):
        recent = history.within(TimeRange.from_ms(elapsed.end_ms - length_ms, elapsed.end_ms))
        if not paces or recent.coverage(length_ms, slice_ms) >= COVERAGE_FLOOR:
            paces.append((recent, length_ms))
    return min(paces, key=lambda pace: float((pace[0].total - pace[0].good).sum()) / max(pace[1], 1))


def _remarks(seen: History, goal: Goal, row: dict[str, Any]) -> list[str]:
    remarks = []
    contradicting = np.flatnonzero(seen.good > seen.total)
    if len(contradicting):
        first = contradicting[0]
        slices = f"{len(contradicting)} slice{'s' if len(contradicting) > 1 else ''}"
        remarks.append(
            f"{goal.objective}: more good events than events in {slices}, first at "
            f"{from_ms(seen.start_ms[first]):%Y-%m-%d %H:%M} UTC ({seen.good[first]:g} of {seen.total[first]:g}). "
            "Do the good and the total selector count the same requests?"
        )
    if 0 < row["coverage"] < COVERAGE_FLOOR:
        share = ratio_text(row["coverage"], digits=1)
        remarks.append(f"{goal.objective}: only {share} of the window was observed; the rest is unknown.")
    if goal.method == "extrapolated":
        remarks.append(
            f"{goal.objective}: its query holds rate or increase, so its counts are extrapolated, not exact."
        )
    return remarks


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    text = ["objective", "title", "status"]
    tail = ["budgeting", "method", "period", "window_start", "window_end"]
    columns = [*text, "target", *_COUNTS, "unit", *_SHARES, *_MINUTES, "exhausted_at", *tail]
    frame = pd.DataFrame(rows, columns=columns)
    numbers = ["target", *_COUNTS, *_SHARES, *_MINUTES]
    frame[numbers] = frame[numbers].astype("float64")
    for name in ("exhausted_at", "window_start", "window_end"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("ms")
    return frame
