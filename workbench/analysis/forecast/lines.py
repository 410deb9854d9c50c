"""Straight lines through a level with its season: robust slopes, the last change of trend, recent and usual levels."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.forecast.pool import median, median_known

Floats = NDArray[np.float64]

DAY_H = 24

#: Hours joined to one point of a line.
BLOCK_H = 6

#: Look-backs of the lines. [d]
LOOKBACKS = (3, 7, 14, 28)

#: Days of which the median is the usual level. [d]
USUAL_DAYS = 14


def theil_sen(values: Floats) -> float:
    """Median of the slopes between all pairs of points, a step apart each; NaN is left out; 0 with fewer than two.

    Examples
    --------
    >>> theil_sen(np.array([0.0, 1.0, 2.0, 30.0, 4.0, np.nan, 6.0]))
    1.0
    """
    place = np.flatnonzero(np.isfinite(values))
    if len(place) < 2:
        return 0.0
    rows, columns = _pairs(len(place))
    known = values[place]
    return median((known[columns] - known[rows]) / (place[columns] - place[rows]))


def line_names(days: float) -> list[str]:
    """Lines that a history of so many days can have, the longest look-back last. [d]

    Examples
    --------
    >>> line_names(8)
    ['line of 3 days', 'line of 7 days', 'line since the last change']
    >>> line_names(2)
    ['line of 2 days']
    """
    lines = [f"line of {back} days" for back in LOOKBACKS if days >= back]
    return [*(lines or [f"line of {max(int(days), 1)} days"]),
            *(["line since the last change"] if days >= LOOKBACKS[1] else [])]  # fmt: skip


class Lines:
    """A history taken apart once for all of its lines: season, blocks without it, last change of trend.

    Attributes
    ----------
    changed : int or None
        Hours before the end at which the trend last changed, where a change was found. [h]
    """

    def __init__(self, values: Floats) -> None:
        self._length = len(values)
        self._season = _season(values)
        plain = values - self._season[np.arange(len(values)) % len(self._season)]
        self._blocks = _blocks(plain[-LOOKBACKS[-1] * DAY_H :])
        self.changed = _changed(self._blocks)

    def ahead(self, name: str, hours: int) -> tuple[Floats, float]:
        """Forecast of one line, or of the recent or usual level, and its slope a day."""
        blocks, slope = self._blocks, 0.0
        known = np.flatnonzero(np.isfinite(blocks))
        if not len(known):
            return np.full(hours, np.nan), 0.0
        if name.endswith("days"):
            slope = theil_sen(blocks[-int(name.split()[2]) * DAY_H // BLOCK_H :])
        elif name.endswith("change"):
            slope = theil_sen(blocks[-(self.changed or len(blocks) * BLOCK_H) // BLOCK_H :])
        last = known[-USUAL_DAYS * DAY_H // BLOCK_H :] if name == "usual level" else known[-4:]
        level = median(blocks[last] + slope * (len(blocks) - 1 - last))
        ahead = np.arange(1, hours + 1)
        line = level + slope * (ahead + (BLOCK_H - 1) / 2) / BLOCK_H
        return line + self._season[(self._length + ahead - 1) % len(self._season)], slope * DAY_H / BLOCK_H


@cache
def _pairs(count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    rows, columns = np.triu_indices(count, 1)
    return rows, columns


def _blocks(plain: Floats) -> Floats:
    """Medians of blocks of hours, the last block full; NaN where a block is empty."""
    return median_known(plain[len(plain) % BLOCK_H :].reshape(-1, BLOCK_H).T)


def _season(values: Floats) -> Floats:
    """Usual deviation by hour of the day, with four weeks by hour of the week; counted from the first value.

    Deviations are those from centred moving means of a day and of a week, so that a slope is no season.
    """
    days = len(values) // DAY_H
    if days < LOOKBACKS[0]:
        return np.zeros(1)
    place = np.arange(len(values))
    filled = np.interp(place, place[np.isfinite(values)], values[np.isfinite(values)])
    daily = _shape(values - _moving_mean(filled, DAY_H), DAY_H, LOOKBACKS[2])
    if days < LOOKBACKS[-1]:
        return daily
    calm = filled - daily[place % DAY_H]
    levels = np.median(calm[: days * DAY_H].reshape(days, DAY_H), axis=1)
    weekly = _shape(levels - _moving_mean(levels, 7), 7, 4)
    return np.tile(daily, 7) + np.repeat(weekly, DAY_H)


def _shape(deviations: Floats, length: int, periods: int) -> Floats:
    """Median deviation at each place of the season over its last periods, with mean 0."""
    recent = deviations[-(periods + 1) * length :]
    first = (len(deviations) - len(recent)) % length
    filled = np.full(-(-(first + len(recent)) // length) * length, np.nan)
    filled[first : first + len(recent)] = recent
    shape = median_known(filled.reshape(-1, length))
    shape = np.where(np.isnan(shape), 0.0, shape)
    centred: Floats = shape - shape.mean()
    return centred


def _moving_mean(values: Floats, length: int) -> Floats:
    """Centred mean over one season, half weights at both ends where its length is even; NaN near the ends."""
    weights = np.ones(length) if length % 2 else np.concatenate([[0.5], np.ones(length - 1), [0.5]])
    mean = np.full(len(values), np.nan)
    reach = len(weights) // 2
    if len(values) >= len(weights):
        mean[reach : len(values) - reach] = np.convolve(values, weights / length, mode="valid")
    return mean


def _changed(blocks: Floats) -> int | None:
    """Hours before the end at which two lines part best, if they halve the squared error of one line."""
    known = np.flatnonzero(np.isfinite(blocks))
    least = LOOKBACKS[0] * DAY_H // BLOCK_H
    if len(known) < 2 * least:
        return None
    x = known - known.mean()
    y = blocks[known] - blocks[known].mean()
    cuts = np.arange(least, len(known) - least + 1)
    costs = _line_errors(x, y)[cuts] + _line_errors(x[::-1], y[::-1])[len(known) - cuts]
    whole = float(_line_errors(x, y)[len(known)])
    best = int(np.argmin(costs))
    if whole <= 1e-12 * max(float((blocks[known] ** 2).sum()), 1e-300) or costs[best] > whole / 2:
        return None
    return int((len(blocks) - known[cuts[best]]) * BLOCK_H)


def _line_errors(x: Floats, y: Floats) -> Floats:
    """Squared error of the line through the first n points, for n from 0 on."""
    count = np.arange(len(x) + 1)
    sums = [np.concatenate([[0.0], np.cumsum(part)]) for part in (x, y, x * x, x * y, y * y)]
    divisor = np.maximum(count, 1)
    across = sums[2] - sums[0] ** 2 / divisor
    both = sums[3] - sums[0] * sums[1] / divisor
    rest = sums[4] - sums[1] ** 2 / divisor
    explained = np.divide(both**2, across, out=np.zeros(len(across)), where=across > 1e-9)
    errors: Floats = np.maximum(rest - explained, 0.0)
    return errors
