"""Levels that changed for good, with date and size; and climbs that a restart resets."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.forecast.lines import theil_sen
from workbench.analysis.forecast.pool import filled

Floats = NDArray[np.float64]

#: Penalty of one more level, in variances of a day times the logarithm of the days.
PENALTY = 4.0

#: Days that a level lasts at least. [d]
LEAST_DAYS = 3

#: A level changed where it did by this share of the older one. [ratio]
LEAST_CHANGE = 0.15

#: Share of the hours between two restarts in which a leak climbs or stands. [ratio]
CLIMBING = 0.8

#: A climb of a leak lasts at least so long: what restarts every day is a season. [h]
LEAST_CLIMB_H = 36

#: Restarts of a leak: one alone may be a clean-up. [count]
LEAST_RESTARTS = 2

#: A restart takes at least this share of the level away within an hour. [ratio]
RESTART = 0.3


@dataclass(frozen=True)
class LevelChange:
    """A level before and after; ``age_days`` is how long before the end it changed. [d]"""

    age_days: int
    before: float
    after: float


@dataclass(frozen=True)
class Leak:
    """A climb that restarts reset.

    Attributes
    ----------
    rate : float
        Median slope of the climbs. [per day]
    restarts : tuple of int
        Hours before the end at which it restarted. [h]
    base : float
        Median level after a restart. [as given]
    peak : float
        Median level before a restart. [as given]
    """

    rate: float
    restarts: tuple[int, ...]
    base: float
    peak: float


def level_changes(daily: Floats) -> list[LevelChange]:
    """Find the days at which a daily level changed, by exact segmentation of what is left without the week.

    Parameters
    ----------
    daily : float64 array
        A value a day, the last one the newest; NaN is missing. [any]

    Notes
    -----
    Least squares over all segmentations with the penalty 4 σ² ln n (1 + ρ)/(1 - ρ) a segment [1]_: σ from the median
    absolute difference of neighbours, ρ the autocorrelation of the neighbours' residuals, so that slow movement is no
    change. Changes by less than 15 % of the older level are left out.

    References
    ----------
    .. [1] R. Killick et al., Optimal detection of changepoints with a linear computational cost, J. Am. Stat. Assoc.
       107, 2012; for autocorrelated noise: G. Romano et al., ibid. 117, 2022.

    Examples
    --------
    >>> level = np.concatenate([np.full(20, 10.0), np.full(10, 15.0)]) + np.tile([0.1, -0.1], 15)
    >>> level_changes(level)
    [LevelChange(age_days=10, before=10.0, after=15.0)]
    """
    if np.isfinite(daily).sum() < 2 * LEAST_DAYS:
        return []
    values = filled(daily)
    count = len(values)
    calm = values - _weekly(values)
    apart = np.abs(np.diff(calm))
    scale = 1.4826 * float(np.median(apart)) / np.sqrt(2) or 0.8862 * float(apart.mean())
    if not scale:
        return []
    cuts = _segments(calm, PENALTY * scale**2 * np.log(count))
    rest = calm - np.concatenate([np.full(b - a, calm[a:b].mean()) for a, b in itertools.pairwise(cuts)])
    power = float(rest @ rest)
    along = float(np.clip(rest[1:] @ rest[:-1] / power, 0, 0.9)) if power else 0.0
    if along:
        cuts = _segments(calm, PENALTY * scale**2 * np.log(count) * (1 + along) / (1 - along))
    changes = []
    for first, cut, last in zip(cuts[:-2], cuts[1:-1], cuts[2:], strict=True):
        before, after = float(np.median(values[first:cut])), float(np.median(values[cut:last]))
        if abs(after - before) >= LEAST_CHANGE * abs(before):
            changes.append(LevelChange(count - cut, before, after))
    return changes


def leak(values: Floats) -> Leak | None:
    """Find a monotone climb that restarts reset, such as a process that leaks memory.

    Parameters
    ----------
    values : float64 array
        Hourly values; NaN is missing. [any]

    Notes
    -----
    A restart is a fall by 30 % or more of the level from one hour to the next, or over a gap. It is a leak where it
    restarted twice, at least two climbs of twelve hours or more, the running one included, have positive Theil-Sen
    slopes, the level climbs or stands in 80 % of their hours, the usual climb lasts more than a day, and what the
    climbs gain is most of what the level moves.

    Examples
    --------
    >>> climb = np.linspace(0.2, 0.9, 60)
    >>> found = leak(np.concatenate([climb, climb, climb[:20]]))
    >>> found.restarts, round(found.rate, 3)
    ((80, 20), 0.285)
    """
    known = np.flatnonzero(np.isfinite(values))
    if len(known) < 24:
        return None
    level = values[known]
    fell = level[1:] <= (1 - RESTART) * level[:-1]
    places = np.flatnonzero(fell) + 1
    if len(places) < LEAST_RESTARTS:
        return None
    edges = [0, *places.tolist(), len(level)]
    climbs = [level[a:b] for a, b in itertools.pairwise(edges) if b - a >= 12]
    if len(climbs) < 2 or len(places) > 2 * len(climbs) or np.median([len(climb) for climb in climbs]) < LEAST_CLIMB_H:
        return None
    steps = np.concatenate([np.diff(climb) for climb in climbs])
    span = float(level.max() - level.min())
    rising = float((steps >= -0.02 * span).mean())
    gained = sum(max(float(climb[-1] - climb[0]), 0.0) for climb in climbs)
    slopes = [theil_sen(climb[:: max(1, len(climb) // 100)]) / max(1, len(climb) // 100) for climb in climbs]
    moved = float(np.abs(steps).sum())
    if rising < CLIMBING or min(slopes) <= 0 or not moved or gained < 0.6 * moved:
        return None
    return Leak(
        rate=float(np.median(slopes)) * 24,
        restarts=tuple(int(len(values) - known[place]) for place in places),
        base=float(np.median(level[places])),
        peak=float(np.median(level[places - 1])),
    )


def _weekly(values: Floats) -> Floats:
    """Median deviation of each day of the week from the moving median of a week; zeros with under four weeks."""
    if len(values) < 28:
        return np.zeros(len(values))
    padded = np.pad(values, 3, mode="edge")
    middle = np.median(np.lib.stride_tricks.sliding_window_view(padded, 7), axis=1)
    apart = values - middle
    shape = np.array([float(np.median(apart[place::7])) for place in range(7)])
    return np.asarray(np.resize(shape - shape.mean(), len(values)), np.float64)


def _segments(values: Floats, penalty: float) -> list[int]:
    """Edges of the segmentation with the least squared error plus a penalty for each segment."""
    count = len(values)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    squares = np.concatenate([[0.0], np.cumsum(values**2)])
    best, back = np.full(count + 1, np.inf), np.zeros(count + 1, np.int64)
    best[0] = -penalty
    for end in range(LEAST_DAYS, count + 1):
        starts = np.arange(0, end - LEAST_DAYS + 1)
        size = end - starts
        costs = squares[end] - squares[starts] - (sums[end] - sums[starts]) ** 2 / size
        total = best[starts] + costs + penalty
        place = int(total.argmin())
        best[end], back[end] = total[place], starts[place]
    edges = [count]
    while edges[-1]:
        edges.append(int(back[edges[-1]]))
    return edges[::-1]
