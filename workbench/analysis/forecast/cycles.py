"""Budgets that begin anew: their windows, stated or read off their falls, and the level unrolled across them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from workbench.core.errors import ParameterError

Floats = NDArray[np.float64]

#: A level began anew where it fell by at least this share of itself from one hour to the next.
FALL = 0.5

#: Windows of fixed length, by name. [h]
LENGTHS = {"24h": 24, "7d": 168, "30d": 720}

#: A fall belongs to a boundary that it is no farther from. [h]
REACH_H = 1

#: Farthest that a calendar lies from UTC. [h]
FARTHEST_ZONE_H = 14

#: Share of the hours between two falls in which a budget does not fall, where nothing says that it is one. [ratio]
CLIMBING = 0.98


@dataclass(frozen=True)
class BudgetWindow:
    """How long a budget lasts before it restarts.

    Attributes
    ----------
    length : str
        ``month`` (of the calendar), ``24h``, ``7d`` or ``30d``.
    zone : str
        IANA name of the zone whose midnights begin a month.
    """

    length: str
    zone: str = "UTC"

    def __post_init__(self) -> None:
        if self.length != "month" and self.length not in LENGTHS:
            raise ParameterError(
                f"{self.length!r} is not a window of a budget.", hint=f"Use one of: month, {', '.join(LENGTHS)}."
            )
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ParameterError(
                f"{self.zone!r} is no time zone.", hint="Use an IANA name, e.g. Europe/Berlin."
            ) from error


@dataclass(frozen=True)
class Cycle:
    """A level as if it had never begun anew.

    Attributes
    ----------
    unrolled : float64 array
        The values, every level before a fall added back to what follows. [as given]
    base : float
        What is to be taken off ``unrolled`` for the level of the window that runs now. [as given]
    hours : int
        Up to its end. [h]
    """

    unrolled: Floats
    base: float
    hours: int


def budget_cycle(
    values: Floats, *, as_of: datetime, window: BudgetWindow | None = None, budget: bool = True
) -> Cycle | None:
    """Unroll a level that restarts; None for any other.

    Parameters
    ----------
    values : float64 array
        Hourly values, the last one at ``as_of``; NaN is missing. [any]
    as_of : datetime
        Aware instant on a full hour.
    window : BudgetWindow, optional
        As stated by who set the budget.
    budget : bool
        Whether the level is known to be a budget. If not, it is taken for one only where it never falls but at
        midnights (UTC) that begin a month, so that no ordinary season is.

    Notes
    -----
    Without a stated window that of a budget is read off its falls by half or more: the calendar month, where every fall
    lies at one distance of at most 14 h from the start of a month in UTC, or 24 h, 7 d or 30 d, where all falls lie so
    far apart; one fall elsewhere is taken for a window of 30 d. A window that begins at ``as_of`` counts as begun.

    Examples
    --------
    >>> month = np.arange(1.0, 241.0)
    >>> cycle = budget_cycle(np.concatenate([month, month[:48]]), as_of=datetime(2026, 11, 3, tzinfo=UTC))
    >>> float(cycle.unrolled[-1] - cycle.base), cycle.hours
    (48.0, 672)
    >>> budget_cycle(month, as_of=datetime(2026, 11, 3, tzinfo=UTC)) is None
    True
    """
    now = as_of.astimezone(UTC)
    falls, tops = _falls(values)
    ages = [len(values) - fall for fall in falls]
    instants = [now - timedelta(hours=age) for age in ages]
    if window is None:
        if not falls or not _climbs(values, falls):
            return None
        bounds = _read(instants, ages, now, budget=budget)
    elif window.length == "month":
        local = now.astimezone(ZoneInfo(window.zone))
        bounds = _month(local).astimezone(UTC), _next_month(local).astimezone(UTC)
    else:
        bounds = _around(LENGTHS[window.length], ages[-1] if ages else LENGTHS[window.length], now)
    if bounds is None:
        return None
    begun, following = bounds
    unrolled, base = values.copy(), 0.0
    for fall, top in zip(falls, tops, strict=True):
        unrolled[fall:] += top
        base += top
    if begun == now and (window is None or ages) and (not ages or ages[-1] > REACH_H):
        base = float(unrolled[np.flatnonzero(np.isfinite(unrolled))[-1]]) if np.isfinite(unrolled).any() else base
    return Cycle(unrolled, base, round((following - now).total_seconds() / 3600))


def _falls(values: Floats) -> tuple[list[int], list[float]]:
    """Places of the first values after each fall by half or more, and the levels before; gaps up to 3 h are crossed."""
    known = np.flatnonzero(np.isfinite(values))
    before, after = known[:-1], known[1:]
    fell = (values[before] > 0) & (values[after] <= (1 - FALL) * values[before]) & (after - before <= 3)
    return [int(place) for place in after[fell]], [float(level) for level in values[before[fell]]]


def _climbs(values: Floats, falls: list[int]) -> bool:
    steps = np.diff(values)
    inside = np.ones(len(steps), np.bool_)
    inside[[fall - 1 for fall in falls]] = False
    known = steps[inside & np.isfinite(steps)]
    return bool(len(known) and (known >= -1e-12).mean() >= CLIMBING and (known > 0).mean() > 1 - CLIMBING)


def _read(
    instants: list[datetime], ages: list[int], now: datetime, *, budget: bool
) -> tuple[datetime, datetime] | None:
    """Bounds of the window that runs, read off the falls."""
    offsets = [_from_month_h(instant) for instant in instants]
    farthest = FARTHEST_ZONE_H if budget else REACH_H
    if max(map(abs, offsets)) <= farthest and max(offsets) - min(offsets) <= 2 * REACH_H:
        offset = timedelta(hours=min(offsets, key=abs))
        return _month(now - offset) + offset, _next_month(now - offset) + offset
    if not budget:
        return None
    apart = [older - newer for older, newer in itertools.pairwise(ages)]
    if not apart:
        return _around(LENGTHS["30d"], ages[-1], now) if ages[-1] <= LENGTHS["30d"] else None
    for length in LENGTHS.values():
        regular = all(abs(gap - round(gap / length) * length) <= REACH_H for gap in apart)
        if abs(min(apart) - length) <= REACH_H and regular:
            return _around(length, ages[-1], now)
    return None


def _around(length: int, age: int, now: datetime) -> tuple[datetime, datetime]:
    """Bounds of the window of fixed length that runs, from the age of a fall. [h]"""
    begun = now - timedelta(hours=age % length)
    return begun, begun + timedelta(hours=length)


def _month(instant: datetime) -> datetime:
    return instant.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _next_month(instant: datetime) -> datetime:
    month = _month(instant)
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)


def _from_month_h(instant: datetime) -> float:
    """Hours from the nearest start of a month in UTC; positive after it."""
    before, after = _month(instant), _next_month(instant)
    return min((instant - before, instant - after), key=abs) / timedelta(hours=1)
