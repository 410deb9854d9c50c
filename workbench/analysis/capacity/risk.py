"""Will a level reach its limit, and when: probabilities and dates from simulated paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.capacity.level import CapacityLimit, Level
from workbench.analysis.forecast.changes import leak
from workbench.analysis.forecast.cycles import Cycle
from workbench.analysis.forecast.growth import accumulates, growth_paths
from workbench.analysis.forecast.peaks import daily_peaks, leak_paths, peak_paths
from workbench.analysis.forecast.pool import HOURLY
from workbench.analysis.forecast.steps import levelled, recent_step

Floats = NDArray[np.float64]

DAY_H = 24

#: Lead times for which the probability is given. [d]
LEADS = (1, 7, 14, 30, 90)

#: Shares of the paths by which the limit is reached: earliest, middle, latest date.
SHARES = (0.1, 0.5, 0.9)

#: A level that moves so many times more within a day than from day to day is a load, whatever it is called.
DAILY_SWING = 10.0

#: Use at or above this share of the limit is pinned to it; days over which that is counted. [ratio], [d]
PINNED, PINNED_DAYS = 0.98, 14


@dataclass(frozen=True)
class Paths:
    """Simulated levels: a row a path, a column a step of ``step_h`` hours ahead. [as given]"""

    values: Floats
    step_h: int

    @property
    def hours(self) -> int:
        """How far ahead. [h]"""
        return int(self.values.shape[1]) * self.step_h


@dataclass(frozen=True)
class Risk:
    """When and how likely a limit is reached.

    Attributes
    ----------
    within : tuple of float
        Probability for each of :data:`LEADS`; NaN where the paths do not reach so far. [ratio]
    lead : float
        Probability within the lead time of the level. [ratio]
    horizon : float
        Probability as far as the paths reach. [ratio]
    dates : tuple of datetime or None
        By which 10 %, 50 % and 90 % of the paths have reached it; None beyond the horizon.
    needed : float
        The limit that 90 % of the paths stay below over the horizon. [as given]
    """

    within: tuple[float, ...]
    lead: float
    horizon: float
    dates: tuple[datetime | None, ...]
    needed: float


def paths_of(level: Level, cycle: Cycle | None, hours: int, markers: Sequence[int] = ()) -> Paths:
    """Simulate how a level goes on: hourly growth of what accumulates, daily peaks of what does not.

    Parameters
    ----------
    level : Level
        The level to continue, with its readings.
    cycle : Cycle or None
        Of a budget: it is simulated up to the end of its window.
    hours : int
        How far ahead. [h]
    markers : sequence of int
        Places, from the first value on, at which a jump is expected, such as deploys. [h]
    """
    if cycle is not None:
        return Paths(np.maximum(growth_paths(cycle.unrolled, min(hours, max(cycle.hours, 1))) - cycle.base, 0), 1)
    values = level.hourly[int(np.flatnonzero(np.isfinite(level.hourly))[0]) :]
    if _grows(level, values):
        return Paths(np.maximum(growth_paths(values, hours), 0), 1)
    climb = leak(values)
    if climb is not None:
        return Paths(np.maximum(leak_paths(values, climb, hours), 0), 1)
    values = levelled(values, recent_step(values, HOURLY, markers))
    return Paths(np.maximum(peak_paths(values, max(1, hours // DAY_H), hold=level.hold), 0), DAY_H)


def risk(
    paths: Paths, limit: CapacityLimit, *, as_of: datetime, lead_days: float, above: bool = False, ends: bool = False
) -> Risk:
    """Read the probability and the dates of one limit off the paths.

    Parameters
    ----------
    paths : Paths
        Simulated continuations of the level.
    limit : CapacityLimit
        The limit that the level may reach.
    as_of : datetime
        Aware instant.
    lead_days : float
        Time that people need to act. [d]
    above : bool
        Whether the limit is reached now.
    ends : bool
        Whether the level ends with the paths, as a budget does with its window: then longer leads are known too.

    Notes
    -----
    The share of paths whose highest value up to a lead is at or above the limit: the first passage, not the share of
    single values above it. A level at or above the limit now has reached it.
    """
    line = limit_ahead(limit, as_of, paths.hours // paths.step_h, paths.step_h)
    hits = paths.values >= line
    first = np.where(hits.any(axis=1), (hits.argmax(axis=1) + 1) * float(paths.step_h), np.inf)
    if above:
        first = np.zeros(len(first))

    def within(days: float) -> float:
        known = days * DAY_H <= paths.hours or ends or above
        return float((first <= days * DAY_H).mean()) if known else float("nan")

    ordered = np.sort(first)
    places = [ordered[min(int(np.ceil(share * len(ordered))) - 1, len(ordered) - 1)] for share in SHARES]
    reach = min(lead_days, paths.hours / DAY_H)
    return Risk(
        within=tuple(within(days) for days in LEADS),
        lead=float((first <= reach * DAY_H).mean()),
        horizon=float(np.isfinite(first).mean()),
        dates=tuple(None if not np.isfinite(hours) else as_of + timedelta(hours=float(hours)) for hours in places),
        needed=float(np.quantile(paths.values.max(axis=1), 0.9)),
    )


def reached_now(level: Level, limit: CapacityLimit, cycle: Cycle | None = None) -> bool:
    """Whether the level is at or above a limit: the last value, held as long as the level asks for."""
    if cycle is not None:
        begun = cycle.unrolled[np.isfinite(cycle.unrolled)]
        return bool(len(begun) and begun[-1] - cycle.base >= limit.value)
    last = level.hourly[-level.hold - 2 :]
    known = last[np.isfinite(last)][-level.hold :]
    return bool(len(known) and known.min() >= limit.value)


def limit_ahead(limit: CapacityLimit, as_of: datetime, steps: int, step_h: int) -> Floats:
    """Return the limit at each step ahead, with the changes of it that are planned."""
    line = np.full(steps, limit.value)
    for at, value in sorted(limit.changes):
        place = int(np.ceil((at - as_of) / timedelta(hours=step_h)))
        line[max(place, 0) :] = value
    return line


def pinned(values: Floats, limit: float) -> float:
    """Share of the last fortnight in which use was pinned at the limit. [ratio]

    Examples
    --------
    >>> pinned(np.array([0.5, 1.0, 0.99, 0.5]), 1.0)
    0.5
    """
    recent = values[-PINNED_DAYS * DAY_H :]
    known = recent[np.isfinite(recent)]
    return float((known >= PINNED * limit).mean()) if len(known) and limit > 0 else float("nan")


def headroom(values: Floats, limit: float) -> tuple[float, float]:
    """Limit less the 95th and the 99th percentile of the daily peaks of the last four weeks. [as given]

    Examples
    --------
    >>> headroom(np.full(72, 0.25), 1.0)
    (0.75, 0.75)
    """
    peaks = daily_peaks(values[-28 * DAY_H :]) if len(values) >= DAY_H else values
    known = peaks[np.isfinite(peaks)]
    if not len(known):
        return float("nan"), float("nan")
    return float(limit - np.quantile(known, 0.95)), float(limit - np.quantile(known, 0.99))


def _grows(level: Level, values: Floats) -> bool:
    """Whether a level is simulated by its growth: said so, or seen, and not a load that begins anew within a day."""
    if level.accumulates is False or (level.accumulates is None and not accumulates(values)):
        return False
    days = values[len(values) % DAY_H :].reshape(-1, DAY_H)[-14:]
    days = days[np.isfinite(days).all(axis=1)]
    if len(days) < 2:
        return True
    swing = float(np.mean(days.max(axis=1) - days.min(axis=1)))
    daily = float(np.mean(np.abs(days[1:, -1] - days[:-1, -1])))
    return swing <= DAILY_SWING * max(daily, 1e-12)
