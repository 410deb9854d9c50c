"""A level that jumped within the last hours, or at a deployment: how far, when, and history put on the new level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Values after a jump before it is taken for one. [steps]
LEAST_KNOWN = 3

#: A jump lasts where every value since lies so many times the usual deviation away. [count]
TIMES = 4.0


#: Values on either side of a jump that show at least half of it. [steps]
EDGE = 3


@dataclass(frozen=True)
class Step:
    """A jump of a level.

    Attributes
    ----------
    age : int
        Steps since it. [steps]
    size : float
        New level minus old. [as given]
    """

    age: int
    size: float


def recent_step(values: Floats, seasons: Sequence[int], markers: Sequence[int] = ()) -> Step | None:
    """Find a jump of the level within the last two days (short seasons), or at the newest marker.

    Parameters
    ----------
    values : float64 array
        Up to now; NaN is missing. [any]
    seasons : sequence of int
        The shorter first. [steps]
    markers : sequence of int
        Places at which a jump is expected, such as deployments. [steps]

    Notes
    -----
    Deviations are taken from the median at the same place of up to seven earlier seasons. A jump is one where every
    value since, at least three, deviates to the same side by four times the 95th percentile of the earlier absolute
    deviations or more, and half of that comes within a few hours. At a marker twice their median is enough. With
    fewer than two earlier seasons nothing is found.

    Examples
    --------
    >>> level = np.full(24 * 10, 0.4)
    >>> level[-6:] = 0.8
    >>> step = recent_step(level, (24, 168))
    >>> step.age, round(step.size, 3)
    (6, 0.4)
    """
    season = seasons[0]
    length = len(values)
    if length < 3 * season:
        return None
    recent = min(2 * season, length - 2 * season)
    usual = _usual(values[: length - recent], season, recent)
    ahead = values[length - recent :] - usual
    before = values[: length - recent]
    cycles = len(before) // season
    table = before[len(before) - cycles * season :].reshape(cycles, season)[-14:]
    scatter = np.abs(table[1:] - table[:-1]).ravel()
    scatter = scatter[np.isfinite(scatter)]
    if not len(scatter):
        return None
    scale = float(np.nanmedian(np.abs(values))) * 1e-6
    strict = max(TIMES / 2 * float(np.quantile(scatter, 0.95)), float(np.quantile(scatter, 0.99)) * 1.25, scale)
    for age in sorted(length - marker for marker in markers if 0 < length - marker <= recent):
        step = _lasting(ahead, age, max(2 * float(np.median(scatter)), scale), 1)
        if step is not None:
            return step
    known = np.isfinite(ahead)
    beyond = np.where(known, np.abs(ahead) >= strict, True)
    sides = np.where(known, np.sign(ahead), 0)
    age = 0
    for place in range(len(ahead) - 1, -1, -1):
        same = not known[place] or sides[place] == np.sign(np.nansum(ahead[-LEAST_KNOWN:]))
        if not (beyond[place] and same):
            break
        age += 1
    return _lasting(ahead, age, strict, LEAST_KNOWN) if 0 < age < len(ahead) else None


def levelled(values: Floats, step: Step | None) -> Floats:
    """Put the history before a jump on the level after it."""
    if step is None:
        return values
    level = values.copy()
    level[: len(values) - step.age] += step.size
    return level


def _lasting(ahead: Floats, age: int, least: float, known: int) -> Step | None:
    """Return a jump of that age, unless the deviations since lack a side, or grew to it as a slope would."""
    since = ahead[-age:]
    part = since[np.isfinite(since)]
    if len(part) < known:
        return None
    size = float(np.median(part))
    if abs(size) < least or (np.sign(part) != np.sign(size)).mean() > 0.1:
        return None
    before = ahead[:-age][-EDGE:]
    before = before[np.isfinite(before)]
    if len(before) and abs(float(np.median(part[:EDGE])) - float(np.median(before))) < abs(size) / 2:
        return None
    return Step(age, size)


def _usual(before: Floats, season: int, count: int) -> Floats:
    """Median at each place of the season over up to seven earlier cycles, repeated ahead."""
    cycles = min(7, len(before) // season)
    table = before[len(before) - cycles * season :].reshape(cycles, season)
    empty = np.isnan(table).all(axis=0)
    shape = np.nanmedian(np.where(empty, np.nanmedian(before), table), axis=0)
    return np.resize(shape, count)
