"""Compliance with objectives: SLI, error budget, burn rate and status, from counts and never from ratios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import pandas as pd

from workbench.core.errors import FrameError, ParameterError
from workbench.core.frames import EVENTS
from workbench.core.result import Result, Status
from workbench.core.timerange import TimeRange, to_ms

#: A promise is at risk when less than this share of its error budget is left.
AT_RISK_BELOW = Fraction(1, 4)

#: The pace of spending, for the projected end of the budget, is that of this last part of the window.
PACE_MS = 3 * 86_400_000

#: Below this share of observed slices the result carries a note.
COVERAGE_FLOOR = 0.9


@dataclass(frozen=True)
class Promise:
    """An objective over one window: what compliance needs to know of it.

    Attributes
    ----------
    objective : str
        Identity, as in the catalog (``availability``).
    title : str
    target : Decimal
        Share of good events promised, in (0, 1). [ratio]
    window : TimeRange
        The whole period, also the part that has not come yet.
    period : str
        The period in words: ``30d``, ``2026-10``.
    budgeting : {"occurrences", "timeslices", "ratio_timeslices"}
        Whether an event of the frame is a request, a slice of time that is good or bad, or one good by a share.
    method : {"exact", "extrapolated"}
        How the counts were made: exact increases, or PromQL's ``rate`` and ``increase``.
    slice_ms : int
        Length of the slices of the frame. [ms]
    """

    objective: str
    title: str
    target: Decimal
    window: TimeRange
    period: str = ""
    budgeting: Literal["occurrences", "timeslices", "ratio_timeslices"] = "occurrences"
    method: Literal["exact", "extrapolated"] = "exact"
    slice_ms: int = 300_000

    def __post_init__(self) -> None:
        if not 0 < self.target < 1:
            raise ParameterError(
                f"The target of {self.objective!r} is {self.target}, not inside (0, 1).",
                hint="A promise of 100 % has no error budget; write 99.9 % as 0.999.",
            )
        if self.window.end == self.window.start:
            raise ParameterError(f"The window of {self.objective!r} is empty: {self.window}.")

    @property
    def budget(self) -> Fraction:
        """Share of events that may be bad, exact. [ratio]"""
        return 1 - Fraction(self.target)

    def elapsed(self, as_of: datetime) -> TimeRange:
        """Return the part of the window that has passed, in whole slices."""
        passed_ms = max(0, min(self.window.end_ms, to_ms(as_of)) - self.window.start_ms)
        return TimeRange.from_ms(self.window.start_ms, self.window.start_ms + passed_ms - passed_ms % self.slice_ms)

    @property
    def counts_slices(self) -> bool:
        """Whether what is counted is slices of time."""
        return self.budgeting != "occurrences"


@dataclass(frozen=True, eq=False, repr=False)
class ComplianceResult(Result):
    """How well each promise was kept; one row an objective, in the order asked.

    Columns of ``frame``:

    ================== ====================================================================================
    objective, title   identity and title (str)
    status             ok, at_risk, spent, no_data, no_traffic, unavailable, refused
    target             share promised [ratio]
    sli                good / total so far; NaN without events, above 1 when counts contradict [ratio]
    good, bad, total   counts so far; NaN where nothing was observed [``unit``]
    unit               what is counted: ``events`` or ``slices``
    budget_total       bad ones allowed by the total so far: (1 - target) * total [``unit``]
    budget_spent       bad ones so far [``unit``]
    budget_left        allowed minus spent, negative when overspent [``unit``]
    budget_left_ratio  budget_left / budget_total, negative when overspent, NaN without events [ratio]
    burn_rate          share of bad ones / (1 - target); 1 spends the budget exactly [x]
    coverage           observed share of the elapsed slices [ratio]
    elapsed            passed share of the window; 1 for a rolling window [ratio]
    period_budget      bad ones allowed by the whole window: known for slices, for events a projection at the
                       traffic so far; equal to budget_total when the window is over [``unit``]
    period_left_ratio  1 - budget_spent / period_budget, negative when overspent [ratio]
    budget_minutes     (1 - target) * length of the window [min]
    spent_minutes      share of bad ones * elapsed time; for slices the bad slices themselves [min]
    left_minutes       budget_minutes - spent_minutes [min]
    exhausted_at       when the budget of the whole window ran out, or will at the pace of the last 3 d;
                       NaT when it will not before the window (rolling: one window from now) ends [UTC]
    budgeting          occurrences, timeslices or ratio_timeslices
    method             exact or extrapolated counts
    period             the window in words (``30d``, ``2026-10``)
    window_start       start of the window [UTC]
    window_end         end of the window, not part of it [UTC]
    ================== ====================================================================================
    """

    as_of: datetime


_COUNTS = ("sli", "good", "bad", "total", "budget_total", "budget_spent", "budget_left", "budget_left_ratio")
_SHARES = ("burn_rate", "coverage", "elapsed", "period_budget", "period_left_ratio")
_MINUTES = ("budget_minutes", "spent_minutes", "left_minutes")


def budget_minutes(target: Decimal, seconds: float) -> float:
    """Error budget of a time span, as time. [min]

    Examples
    --------
    >>> budget_minutes(Decimal("0.999"), 30 * 86_400)
    43.2
    """
    return float((1 - Fraction(target)) * Fraction(seconds) / 60)


def promise_status(good: float, total: float, target: Decimal, *, covered: bool) -> Status:
    """Status of a promise from its counts, compared exactly.

    Parameters
    ----------
    good, total : float
        Counts of the window. [events]
    target : Decimal
        Share promised; an SLI of exactly the target keeps the promise. [ratio]
    covered : bool
        Whether anything was observed at all.

    Returns
    -------
    Status
        ``no_data`` when nothing was observed, ``no_traffic`` when there were no events, ``refused`` when more
        events were good than there were, ``spent`` when more were bad than allowed, ``at_risk`` when less than a
        quarter of the budget is left, else ``ok``.

    Examples
    --------
    >>> [promise_status(good, 1000, Decimal("0.999"), covered=True) for good in (1000, 999, 998)]
    ['ok', 'at_risk', 'spent']
    """
    if not covered:
        return "no_data"
    if total == 0:
        return "no_traffic"
    if good > total:
        return "refused"
    allowed = (1 - Fraction(target)) * Fraction(total)
    left = allowed - (Fraction(total) - Fraction(good))
    if left < 0:
        return "spent"
    return "at_risk" if left < AT_RISK_BELOW * allowed else "ok"


def compliance(
    events: pd.DataFrame,
    promises: Sequence[Promise],
    *,
    as_of: datetime,
    unanswered: Mapping[str, Status] | None = None,
) -> ComplianceResult:
    """Judge each promise over the elapsed part of its window.

    Parameters
    ----------
    events : DataFrame
        Frame contract ``EVENTS`` with ``objective`` and ``covered``, any row order. [events/slice]
    promises : sequence of Promise
        What was promised; a promise without rows in ``events`` has no data.
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

    References
    ----------
    .. [1] B. Beyer et al., The Site Reliability Workbook, O'Reilly, 2018, ch. 2 and 5.

    Examples
    --------
    >>> from datetime import UTC, timedelta
    >>> start = datetime(2026, 10, 1, tzinfo=UTC)
    >>> day = TimeRange(start, start + timedelta(days=1))
    >>> events = pd.DataFrame({"objective": ["api"], "time": pd.to_datetime([start]), "good": [9_995.0],
    ...                        "total": [10_000.0], "covered": [1.0]})
    >>> promise = Promise("api", "API", Decimal("0.999"), day, slice_ms=86_400_000)
    >>> row = compliance(events, [promise], as_of=day.end).frame.iloc[0]
    >>> float(row.budget_left), float(row.burn_rate), row.status
    (5.0, 0.5, 'ok')
    """
    parts = by_objective(events)
    empty = events.iloc[:0]
    failed = unanswered or {}
    rows, notes = [], []
    for promise in promises:
        history = parts.get(promise.objective, empty)
        row, remarks = _judged(history, promise, as_of, failed.get(promise.objective))
        rows.append(row)
        notes.extend(remarks)
    return ComplianceResult(_frame(rows), as_of=as_of, notes=tuple(notes))


def by_objective(events: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Split checked EVENTS by objective, oldest slice first.

    Raises
    ------
    FrameError
        A column is absent, or a count is negative, NaN or infinite.
    """
    needed = ("objective", *EVENTS.columns, "covered")
    for name in needed:
        if name not in events.columns:
            raise FrameError(
                f"No column {name!r} in the EVENTS of an objective (got: {', '.join(map(str, events.columns))}).",
                hint=f"They need: {', '.join(needed)}.",
            )
    wrong = ~(
        np.isfinite(events["good"]) & np.isfinite(events["total"]) & (events["total"] >= 0) & (events["good"] >= 0)
    )
    if wrong.any():
        row = events.loc[wrong].iloc[0]
        raise FrameError(
            f"{row['good']} good of {row['total']} events of {row['objective']} at {row['time']} are not counts.",
            hint="Counts are finite and not negative; leave a slice without counts out.",
        )
    parts = {str(name): part for name, part in events.groupby("objective", observed=True, sort=False)}
    return {
        name: part if part["time"].is_monotonic_increasing else part.sort_values("time", kind="stable")
        for name, part in parts.items()
    }


def within(history: pd.DataFrame, span: TimeRange) -> pd.DataFrame:
    """Rows whose slice starts in the range."""
    return history[((history["time"] >= span.start) & (history["time"] < span.end)).to_numpy()]


def expected_slices(span: TimeRange, slice_ms: int) -> int:
    """Whole slices in a range, at least one. [count]"""
    return max(1, (span.end_ms - span.start_ms) // slice_ms)


def _judged(
    history: pd.DataFrame, promise: Promise, as_of: datetime, failed: Status | None
) -> tuple[dict[str, Any], list[str]]:
    elapsed = promise.elapsed(as_of)
    seen = within(history, elapsed)
    good, total = float(seen["good"].sum()), float(seen["total"].sum())
    coverage = float(seen["covered"].sum()) / expected_slices(elapsed, promise.slice_ms)
    row: dict[str, Any] = {
        "objective": promise.objective,
        "title": promise.title,
        "status": failed or promise_status(good, total, promise.target, covered=coverage > 0 or total > 0),
        "target": float(promise.target),
        "unit": "slices" if promise.counts_slices else "events",
        "budget_minutes": budget_minutes(promise.target, promise.window.seconds),
        "elapsed": elapsed.seconds / promise.window.seconds,
        "budgeting": promise.budgeting,
        "method": promise.method,
        "period": promise.period,
        "window_start": promise.window.start,
        "window_end": promise.window.end,
    }
    if failed is None:
        row["coverage"] = coverage
    if failed is None and row["status"] != "no_data":
        row |= {"good": good, "bad": total - good, "total": total, "budget_spent": total - good}
        if total > 0:
            row |= _spending(seen, promise, elapsed, good, total)
    return row, _remarks(seen, promise, row) if failed is None else []


def _spending(seen: pd.DataFrame, promise: Promise, elapsed: TimeRange, good: float, total: float) -> dict[str, Any]:
    bad, events = Fraction(total) - Fraction(good), Fraction(total)
    allowed = promise.budget * events
    period = period_budget(promise, elapsed, events)
    minutes = promise.budget * Fraction(promise.window.seconds) / 60
    if promise.counts_slices:
        spent_minutes = bad * promise.slice_ms / 60_000
    else:
        spent_minutes = bad / events * Fraction(elapsed.seconds) / 60
    return {
        "sli": good / total,
        "budget_total": float(allowed),
        "budget_left": float(allowed - bad),
        "budget_left_ratio": float(1 - bad / allowed),
        "burn_rate": float(bad / allowed),
        "period_budget": float(period),
        "period_left_ratio": float(1 - bad / period),
        "spent_minutes": float(spent_minutes),
        "left_minutes": float(minutes - spent_minutes),
        "exhausted_at": _exhausted_at(seen, promise, elapsed, float(period)),
    }


def period_budget(promise: Promise, elapsed: TimeRange, total: Fraction) -> Fraction:
    """Bad events the whole window allows. [events or slices]

    For time slices the number of slices is known beforehand, less those of the past that counted nothing. For
    events it is a projection: the traffic so far, continued.
    """
    if promise.counts_slices:
        still_to_come = (promise.window.end_ms - elapsed.end_ms) // promise.slice_ms
        return promise.budget * (total + still_to_come)
    return promise.budget * total * Fraction(promise.window.seconds) / Fraction(elapsed.seconds)


def _exhausted_at(seen: pd.DataFrame, promise: Promise, elapsed: TimeRange, allowed: float) -> pd.Timestamp | None:
    bad = (seen["total"] - seen["good"]).to_numpy()
    spent = np.cumsum(bad)
    over = np.flatnonzero(spent > allowed)
    ends_ms = seen["time"].dt.as_unit("ms").astype("int64").to_numpy() + promise.slice_ms
    if spent[-1] > allowed:
        return pd.Timestamp(int(ends_ms[over[0]]), unit="ms", tz="UTC")
    pace_ms = min(PACE_MS, elapsed.end_ms - elapsed.start_ms)
    recent = float(bad[ends_ms > elapsed.end_ms - pace_ms].sum())
    if recent <= 0:
        return None
    reached = elapsed.end_ms + (allowed - spent[-1]) * pace_ms / recent
    length_ms = promise.window.end_ms - promise.window.start_ms
    horizon = promise.window.end_ms if elapsed.end_ms < promise.window.end_ms else elapsed.end_ms + length_ms
    return pd.Timestamp(int(reached), unit="ms", tz="UTC").floor("min") if reached <= horizon else None


def _remarks(seen: pd.DataFrame, promise: Promise, row: dict[str, Any]) -> list[str]:
    remarks = []
    contradicting = seen[seen["good"] > seen["total"]]
    if len(contradicting):
        first = contradicting.iloc[0]
        remarks.append(
            f"{promise.objective}: more good events than events in {len(contradicting)} slices, first at "
            f"{first['time']:%Y-%m-%d %H:%M} UTC ({first['good']:g} of {first['total']:g}). "
            "Do the good and the total selector count the same requests?"
        )
    if 0 < row["coverage"] < COVERAGE_FLOOR:
        remarks.append(
            f"{promise.objective}: only {row['coverage']:.1%} of the window was observed; the rest is unknown."
        )
    if promise.method == "extrapolated":
        remarks.append(
            f"{promise.objective}: its query holds rate or increase, so its counts are extrapolated, not exact."
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
