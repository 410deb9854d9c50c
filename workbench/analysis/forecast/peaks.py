"""How high a level will be: its daily peaks simulated, from their forecast with its errors and from their tail."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.forecast.changes import Leak, level_changes
from workbench.analysis.forecast.growth import SEED
from workbench.analysis.forecast.lines import theil_sen
from workbench.analysis.forecast.pool import DAILY, combined, filled, members

Floats = NDArray[np.float64]

DAY_H = 24

#: Days ahead over which the daily peaks are backtested; origins of that. [d], [count]
TESTED_DAYS, ORIGINS = 7, 20

#: Spread of the random scale of an error vector, in logarithms.
SCALE_SPREAD = 0.25

#: The pool, and the look-backs of the lines beside it; a line is taken below this share of its error. [d], [ratio]
POOL, LINES, LINE_GAIN = 0, (3, 7, 14, 28), 0.7

#: Days of a level that is new. [d]
LEAST_DAYS = 3

#: Share of the highest days that make the tail.
TAIL = 0.25

#: Days of history below which there is no tail, and share of the paths that follow the forecast where there is. [d]
LEAST_TAIL_DAYS, ORDERED = 14, 0.3


def peak_paths(values: Floats, days: int, *, hold: int = 1, count: int = 400, seed: int = SEED) -> Floats:
    """Simulate the daily peaks of a level.

    Parameters
    ----------
    values : float64 array
        Hourly values up to now; NaN is missing. [any]
    days : int
        How far ahead. [d]
    hold : int
        Hours in a row for which a level must be reached: the peak of a day is the highest that was held so long. [h]
    count : int
        Paths. [count]
    seed : int
        Of the draws.

    Returns
    -------
    float64 array (count, days)
        [as given]

    Notes
    -----
    A date needs the highest value of the time ahead, so daily peaks are simulated, not hourly levels. Three tenths of
    the paths are the forecast of the daily peaks, by the pool or by a Theil-Sen line where its backtest is clearly
    better, plus whole error vectors of that backtest, a week each with a lognormal scale, which keeps their
    autocorrelation. The others know no order but that within a week, as high days come together: a day falls between
    any two neighbours of the sorted peaks of the history, below them all or above them all with the same probability
    [1]_; above them by an exponential share, the usual one of the highest quarter, with an uncertain mean for each
    path, as the tail is known from few days. A level that follows a line has the first kind only. Days before a new
    level (:func:`~workbench.analysis.forecast.changes.level_changes`) are left out where no peak since is like those
    before.

    References
    ----------
    .. [1] H. A. David, H. N. Nagaraja, Order Statistics, 2003, ch. 2.

    Examples
    --------
    >>> level = np.tile(np.linspace(0.2, 0.6, 24), 40)
    >>> bool((peak_paths(level, 14).max(axis=1) < 0.7).all())
    True
    """
    peaks = filled(daily_peaks(values, hold))
    rng = np.random.default_rng(seed)
    method, ahead, errors = _best(peaks, days)
    if method == POOL:
        age = _new_level(peaks)
        if age:
            peaks = peaks[-age:]
            method, ahead, errors = _best(peaks, days)
    stationary = count - round(ORDERED * count) if method == POOL and len(peaks) >= LEAST_TAIL_DAYS else 0
    ordered = count - stationary
    weeks = -(-days // errors.shape[1])
    picked = errors[rng.integers(0, len(errors), (ordered, weeks))].reshape(ordered, -1)[:, :days]
    scale = np.exp(SCALE_SPREAD * rng.standard_normal((ordered, 1)))
    paths = ahead + picked * scale
    if not stationary:
        return paths
    return np.concatenate([paths, _tail_paths(peaks, stationary, days, rng)])


def daily_peaks(values: Floats, hold: int = 1) -> Floats:
    """Highest value of each day, counted back from now, that was held for some hours; NaN where nothing is known.

    Examples
    --------
    >>> daily_peaks(np.array([1.0, 9.0, 2.0, 3.0] + [0.0] * 20), hold=2).tolist()
    [2.0]
    """
    held = values
    for back in range(1, hold):
        held = np.minimum(held, np.concatenate([np.full(back, np.nan), values[:-back]]))
    whole = held[len(held) % DAY_H :].reshape(-1, DAY_H)
    empty = np.asarray(np.isnan(whole).all(axis=1), np.bool_)
    return np.where(empty, np.nan, np.nanmax(np.where(empty[:, None], 0.0, whole), axis=1))


def _new_level(peaks: Floats) -> int:
    """Days since the level changed so that no peak since is like any of four weeks before; 0 where it did not."""
    for change in level_changes(peaks)[::-1]:
        since, before = peaks[-change.age_days :], peaks[: -change.age_days][-28:]
        if since.min() > before.max() or since.max() < before.min():
            return change.age_days
    return 0


def _best(peaks: Floats, days: int) -> tuple[int, Floats, Floats]:
    """Look-back of the best line, or the pool, its forecast and, a row an origin, the errors that it made."""
    reach = min(TESTED_DAYS, max(1, len(peaks) // 3))
    first = max(2, min(2 * DAILY[0], len(peaks) - 2 * reach))
    origins = range(first, len(peaks) - reach + 1)
    origins = origins[:: max(1, -(-len(origins) // ORIGINS))]
    nothing = np.zeros((1, reach))

    def errors(method: int) -> Floats:
        rows = [peaks[origin : origin + reach] - _ahead(peaks[:origin], reach, method) for origin in origins]
        return np.array(rows) if rows else nothing

    tested = {method: errors(method) for method in (POOL, *LINES) if method <= max(first, LEAST_DAYS)}
    sizes = {method: float(np.abs(sizes_of).mean()) for method, sizes_of in tested.items()}
    best = min(sizes, key=lambda method: sizes[method])
    best = best if sizes[best] < LINE_GAIN * sizes[POOL] else POOL
    return best, _ahead(peaks, days, best), tested[best]


def _ahead(peaks: Floats, days: int, method: int) -> Floats:
    if method != POOL:
        recent = peaks[-method:]
        slope = theil_sen(recent)
        level = float(np.median(recent[-3:] + slope * np.arange(min(3, len(recent)))[::-1]))
        return np.asarray(level + slope * np.arange(1, days + 1), np.float64)
    if len(peaks) < DAILY[0]:
        return np.full(days, float(np.median(peaks[-3:])))
    return combined(members(peaks, days, DAILY), {})


def _tail_paths(peaks: Floats, count: int, days: int, rng: np.random.Generator) -> Floats:
    offset = 0.01 * float(np.median(np.abs(peaks))) + 1e-12
    logs = np.sort(np.log(np.maximum(peaks, 0) + offset))
    high = max(5, int(len(logs) * TAIL))
    mean = float((logs[-high:] - logs[-high - 1]).mean())
    starts = rng.integers(0, len(logs), (count, -(-days // TESTED_DAYS), 1))
    drawn = (starts + np.arange(TESTED_DAYS)).reshape(count, -1)[:, :days] % len(logs)
    place = (peaks.argsort().argsort()[drawn] + rng.random((count, days))) * (1 + 1 / len(logs))
    above = mean * high / rng.gamma(high, 1.0, (count, 1)) * rng.exponential(1.0, (count, days))
    found = np.interp(place, np.arange(1, len(logs) + 1), logs) + np.where(place > len(logs), above, 0.0)
    return np.asarray(np.exp(found) - offset, np.float64)


def leak_paths(values: Floats, climb: Leak, hours: int, *, count: int = 400, seed: int = SEED) -> Floats:
    """Simulate a climb that restarts reset: on at its rate, back at a level drawn from those of past restarts.

    Parameters
    ----------
    values : float64 array
        Hourly values up to now; NaN is missing. [any]
    climb : Leak
        Of them.
    hours : int
        How far ahead. [h]
    count, seed : int
        See :func:`peak_paths`.

    Returns
    -------
    float64 array (count, hours)
        [as given]
    """
    rng = np.random.default_rng(seed)
    whole = filled(values[int(np.flatnonzero(np.isfinite(values))[0]) :])
    tops = np.array([whole[len(whole) - age - 1] for age in climb.restarts if age < len(whole)])
    spread = float(tops.std()) / 2
    level = np.full(count, whole[-1])

    def drawn() -> Floats:
        return np.asarray(rng.choice(tops, count) + spread * rng.standard_normal(count), np.float64)

    top = np.maximum(drawn(), level)
    paths = np.empty((count, hours))
    for hour in range(hours):
        restarts = level >= top
        level = np.where(restarts, climb.base, level + climb.rate / DAY_H)
        top = np.where(restarts, drawn(), top)
        paths[:, hour] = np.minimum(level, np.maximum(top, level - climb.rate / DAY_H))
    return paths
