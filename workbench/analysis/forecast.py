"""Where a level goes: robust lines with season, the best of a small pool by backtest, bands from past errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DAY_H = 24

#: Hours joined to one point of a line.
BLOCK_H = 6

#: Look-backs of the lines. [d]
LOOKBACKS = (3, 7, 14, 28)

#: Backtest: hours ahead, hours between origins, most origins.
AHEAD_H, STEP_H, ORIGINS = 72, 24, 14

#: Share of true values that the band should hold.
BAND = 0.8

#: Days below which nothing is forecast, and below which a forecast is limited. [d]
LEAST_DAYS, NORMAL_DAYS = 2, 14

#: Most of the last fortnight that may be missing. [ratio]
MOST_MISSING = 0.3


@dataclass(frozen=True)
class Forecast:
    """Hourly forecast of one level, with how good such forecasts were.

    Attributes
    ----------
    middle, low, high : float64 array, length n_hours ahead
        Point forecast and 80 % band. [as given]
    method : str
        Member of the pool that was taken.
    slope : float
        Its trend. [per day]
    error, naive_error : float
        Mean absolute error up to three days ahead over the backtest, and that of the last level. [as given]
    covered : float
        Share of backtest values inside the band. [ratio]
    origins : int
        Backtests made. [count]
    verdict : str
        ``normal``, or ``limited`` with little history.
    changed : int or None
        Hours before the end at which the trend last changed, where a change was found. [h]
    """

    middle: Floats
    low: Floats
    high: Floats
    method: str
    slope: float
    error: float
    naive_error: float
    covered: float
    origins: int
    verdict: str
    changed: int | None


def refusal(values: Floats) -> str:
    """Say why a level cannot be forecast; empty when it can.

    Parameters
    ----------
    values : float64 array
        Hourly values up to now; NaN is missing. [any]

    Examples
    --------
    >>> refusal(np.ones(20)), refusal(np.ones(48))
    ('less than 2 days of history', '')
    """
    known = np.flatnonzero(np.isfinite(values))
    if not len(known) or len(values) - known[0] < LEAST_DAYS * DAY_H:
        return f"less than {LEAST_DAYS} days of history"
    if len(values) - 1 - known[-1] > 2:
        return "the newest value is older than two hours"
    recent = values[max(known[0], len(values) - NORMAL_DAYS * DAY_H) :]
    missing = float(np.isnan(recent).mean())
    return f"{missing:.0%} of the last days are missing" if missing > MOST_MISSING else ""


def forecast(values: Floats, hours: int) -> Forecast:
    """Forecast a level that :func:`refusal` does not refuse.

    Parameters
    ----------
    values : float64 array
        Hourly values up to now; NaN is missing. [any]
    hours : int
        How far ahead. [h]

    Notes
    -----
    Pool: the last level; Theil-Sen lines [1]_ through the last 3, 7, 14 and 28 days, and through the days since the
    last change of trend (the split into two lines with the least squared error, where it halves that of one line);
    each starts at the last level and carries the median season of the day, and with four weeks that of the week.
    Rolling origins a day apart are forecast three days ahead: those of odd number choose the member with the least
    mean absolute error, those of even number calibrate. The band is split-conformal [2]_: the ceil((n + 1) 0.8) / n
    quantile of |error| / (1 + days ahead), times (1 + days ahead). Beyond three days its growth is an assumption.

    References
    ----------
    .. [1] P. K. Sen, Estimates of the regression coefficient based on Kendall's tau, J. Am. Stat. Assoc. 63, 1968.
    .. [2] J. Lei et al., Distribution-free predictive inference for regression, J. Am. Stat. Assoc. 113, 2018.

    Examples
    --------
    >>> line = forecast(np.arange(24 * 20) / 24, 48)
    >>> round(line.slope, 6), round(float(line.middle[-1]), 3)
    (1.0, 21.958)
    """
    first = int(np.flatnonzero(np.isfinite(values))[0])
    values = values[first:]
    days = len(values) / DAY_H
    names = _members(days)
    ahead = min(AHEAD_H, max(len(values) // 3, 1))
    origins = [
        len(values) - ahead - number * STEP_H
        for number in range(ORIGINS)
        if len(values) - ahead - number * STEP_H >= LEAST_DAYS * DAY_H
    ]
    pasts = [(origin, _Past(values[:origin])) for origin in origins]
    errors = {
        name: np.array(
            [values[origin : origin + ahead] - past.ahead(name, ahead)[0] for origin, past in pasts]
        ).reshape(-1, ahead)
        for name in names
    }
    choosing, calibrating = slice(0, None, 2), slice(1, None, 2)
    if len(origins) < 2:
        calibrating = choosing
    scores = {name: _mean(np.abs(found[choosing])) for name, found in errors.items()}
    best = min(names, key=lambda name: (scores[name], names.index(name)))
    growth = 1 + np.arange(1, ahead + 1) / DAY_H
    scaled = (np.abs(errors[best][calibrating]) / growth).ravel() if len(origins) else np.zeros(0)
    scaled = np.sort(scaled[np.isfinite(scaled)])
    place = min(int(np.ceil((len(scaled) + 1) * BAND)), len(scaled)) - 1
    reach = float(scaled[place]) if len(scaled) else float(np.nanstd(values))
    now = _Past(values)
    middle, slope = now.ahead(best, hours)
    wide = reach * (1 + np.arange(1, hours + 1) / DAY_H)
    inside = np.abs(errors[best]) <= reach * growth
    seen = np.isfinite(errors[best])
    return Forecast(
        middle=middle,
        low=middle - wide,
        high=middle + wide,
        method=best,
        slope=slope,
        error=_mean(np.abs(errors[best])),
        naive_error=_mean(np.abs(errors["last level"])),
        covered=float(inside[seen].mean()) if seen.any() else np.nan,
        origins=len(origins),
        verdict="normal" if days >= NORMAL_DAYS else "limited",
        changed=now.changed,
    )


def first_reached(path: Floats, limit: float) -> int | None:
    """Place of the first value at or above a limit; None when there is none.

    Examples
    --------
    >>> first_reached(np.array([0.1, 0.5, 0.9]), 0.5), first_reached(np.array([0.1]), 0.5)
    (1, None)
    """
    places = np.flatnonzero(path >= limit)
    return int(places[0]) if len(places) else None


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
    rows, columns = np.triu_indices(len(place), 1)
    known = values[place]
    return float(np.median((known[columns] - known[rows]) / (place[columns] - place[rows])))


def _members(days: float) -> list[str]:
    lines = [f"line of {back} days" for back in LOOKBACKS if days >= back]
    return ["last level", *lines, *(["line since the last change"] if days >= LOOKBACKS[1] else [])]


class _Past:
    """A history taken apart once for all members of the pool: season, blocks without it, last change of trend."""

    def __init__(self, values: Floats) -> None:
        self._length = len(values)
        self._season = _season(values)
        plain = values - self._season[np.arange(len(values)) % len(self._season)]
        self._blocks = _blocks(plain[-LOOKBACKS[-1] * DAY_H :])
        self.changed = _changed(self._blocks)

    def ahead(self, name: str, hours: int) -> tuple[Floats, float]:
        """Forecast of one member, and its slope a day."""
        blocks, slope = self._blocks, 0.0
        known = np.flatnonzero(np.isfinite(blocks))
        if not len(known):
            return np.full(hours, np.nan), 0.0
        if name.endswith("days"):
            slope = theil_sen(blocks[-int(name.split()[2]) * DAY_H // BLOCK_H :])
        elif name.endswith("change"):
            slope = theil_sen(blocks[-(self.changed or len(blocks) * BLOCK_H) // BLOCK_H :])
        last = known[-4:]
        level = float(np.median(blocks[last] + slope * (len(blocks) - 1 - last)))
        ahead = np.arange(1, hours + 1)
        line = level + slope * (ahead + (BLOCK_H - 1) / 2) / BLOCK_H
        return line + self._season[(self._length + ahead - 1) % len(self._season)], slope * DAY_H / BLOCK_H


def _blocks(plain: Floats) -> Floats:
    """Medians of blocks of hours, the last block full; NaN where a block is empty."""
    cut = plain[len(plain) % BLOCK_H :].reshape(-1, BLOCK_H)
    empty = np.asarray(np.isnan(cut).all(axis=1), np.bool_)
    filled = np.where(empty[:, None], 0.0, cut)
    blocks: Floats = np.where(empty, np.nan, np.nanmedian(filled, axis=1))
    return blocks


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
    places = np.arange(len(deviations)) % length
    recent = np.arange(len(deviations)) >= len(deviations) - (periods + 1) * length
    known = recent & np.isfinite(deviations)
    shape = np.zeros(length)
    for place in range(length):
        own = deviations[known & (places == place)]
        shape[place] = np.median(own) if len(own) else 0.0
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


def _mean(errors: Floats) -> float:
    known = errors[np.isfinite(errors)]
    return float(known.mean()) if len(known) else float("inf")
