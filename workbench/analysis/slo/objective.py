"""An objective over one window, and the exact arithmetic of its budget."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Literal

from workbench.core.errors import ParameterError
from workbench.core.result import Status
from workbench.core.timerange import SLICE_MS, TimeRange, to_ms

#: An objective is at risk when less than this share of its error budget is left.
AT_RISK_BELOW = Fraction(1, 4)


@dataclass(frozen=True)
class Goal:
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
    method : {"exact", "corrected", "extrapolated"}
        How the counts were made: exact increases, or PromQL's ``rate`` and ``increase``.
    slice_ms : int
        Length of the slices of the frame. [ms]
    budget_ms : int
        Length of the period of the error budget, which alerts are made for whatever window is looked at; 0 is that of
        ``window``. [ms]
    rolling : bool
        Whether the window moves on with time, so that its end is not the end of the budget.
    left_out : tuple of TimeRange
        Slices that exclusions leave out: they count nothing and are not expected to be seen.
    taken_out : tuple of TimeRange
        Those of them whose time is no part of the period, so that the budget in minutes is smaller.
    """

    objective: str
    title: str
    target: Decimal
    window: TimeRange
    period: str = ""
    budgeting: Literal["occurrences", "timeslices", "ratio_timeslices"] = "occurrences"
    method: Literal["exact", "corrected", "extrapolated"] = "exact"
    slice_ms: int = SLICE_MS
    budget_ms: int = 0
    rolling: bool = False
    left_out: tuple[TimeRange, ...] = ()
    taken_out: tuple[TimeRange, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.target < 1:
            raise ParameterError(
                f"The target of {self.objective!r} is {self.target}, not inside (0, 1).",
                hint="A target of 100 % has no error budget; write 99.9 % as 0.999.",
            )
        if self.window.end == self.window.start:
            raise ParameterError(f"The window of {self.objective!r} is empty: {self.window}.")

    @cached_property
    def budget(self) -> Fraction:
        """Share of events that may be bad, exact. [ratio]"""
        return budget_of(self.target)

    @property
    def budget_period_ms(self) -> int:
        """Length of the period of the error budget. [ms]"""
        return self.budget_ms or self.window.end_ms - self.window.start_ms

    def elapsed(self, as_of: datetime) -> TimeRange:
        """Return the part of the window that has passed, in whole slices."""
        passed_ms = max(0, min(self.window.end_ms, to_ms(as_of)) - self.window.start_ms)
        return TimeRange.from_ms(self.window.start_ms, self.window.start_ms + passed_ms - passed_ms % self.slice_ms)

    def counted_ms(self, span: TimeRange) -> int:
        """Length of a range less the slices that are left out. [ms]"""
        return _less(span, self.left_out)

    def length(self, span: TimeRange) -> Fraction:
        """Length of a range less the time that is no part of the period. [s]"""
        return Fraction(_less(span, self.taken_out), 1000)

    @property
    def counts_slices(self) -> bool:
        """Whether what is counted is slices of time."""
        return self.budgeting != "occurrences"


@lru_cache(maxsize=4096)
def budget_of(target: Decimal) -> Fraction:
    """Share of events that may be bad at a target, exact. [ratio]

    Examples
    --------
    >>> budget_of(Decimal("0.999"))
    Fraction(1, 1000)
    """
    return 1 - Fraction(target)


def _less(span: TimeRange, parts: tuple[TimeRange, ...]) -> int:
    overlaps = (min(span.end_ms, part.end_ms) - max(span.start_ms, part.start_ms) for part in parts)
    return span.end_ms - span.start_ms - sum(max(0, overlap) for overlap in overlaps)


def budget_minutes(target: Decimal, seconds: float | Fraction) -> float:
    """Error budget of a time span, as time. [min]

    Examples
    --------
    >>> budget_minutes(Decimal("0.999"), 30 * 86_400)
    43.2
    """
    return float(budget_of(target) * Fraction(seconds) / 60)


def goal_status(
    good: float, total: float, target: Decimal, *, covered: bool, allowed: Fraction | None = None
) -> Status:
    """Status of an objective from its counts, compared exactly.

    Parameters
    ----------
    good, total : float
        Counts of the window. [events]
    target : Decimal
        Share promised; an SLI of exactly the target keeps the objective. [ratio]
    covered : bool
        Whether anything was observed at all.
    allowed : Fraction, optional
        Bad events that the whole period allows, where it is not over; by default what ``total`` allows. [events]

    Returns
    -------
    Status
        ``no_data`` when nothing was observed, ``no_traffic`` when there were no events, ``refused`` when more
        events were good than there were, ``spent`` when more were bad than allowed, ``at_risk`` when less than a
        quarter of the budget is left, else ``ok``.

    Examples
    --------
    >>> [goal_status(good, 1000, Decimal("0.999"), covered=True) for good in (1000, 999, 998)]
    ['ok', 'at_risk', 'spent']
    """
    if not covered:
        return "no_data"
    if total == 0:
        return "no_traffic"
    if good > total:
        return "refused"
    allowed = budget_of(target) * Fraction(total) if allowed is None else allowed
    left = allowed - (Fraction(total) - Fraction(good))
    if left < 0:
        return "spent"
    return "at_risk" if left < AT_RISK_BELOW * allowed else "ok"


def period_budget(goal: Goal, elapsed: TimeRange, total: Fraction) -> Fraction:
    """Bad events the whole window allows. [events or slices]

    For time slices the number of slices is known beforehand, less those of the past that counted nothing. For
    events it is a projection: the traffic so far, continued.
    """
    if goal.counts_slices:
        still_to_come = goal.counted_ms(TimeRange(elapsed.end, goal.window.end)) // goal.slice_ms
        return goal.budget * (total + still_to_come)
    counted = Fraction(goal.counted_ms(goal.window), goal.counted_ms(elapsed))
    return goal.budget * total * counted
