"""A pool of cheap forecasts of one series, and how they are combined: repeats, shapes, theta, smoothed seasons."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Seasons of hourly values (day, week) and of daily values (week), in steps.
HOURLY, DAILY = (24, 168), (7,)

#: Longest gap that is interpolated. [steps]
SHORT_GAP = 3

#: Smoothing constants tried by simple exponential smoothing.
_ALPHAS = np.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 0.98])
_CHUNK = 64

#: A value of the last season that is so many times the usual distance from the median of seasons is not repeated. [x]
LONE = 8.0

#: Members of which the weighted mean is half of the combination.
BEST = 5

#: Short seasons from whose median deviations are taken; weeks of a recent theta, and of the level that is returned to.
_USUAL, _RECENT, _LONG = 14, 13, 28

#: Newest values of which the deviation is taken. [steps]
_NEWEST = 3


def members(values: Floats, ahead: int, seasons: Sequence[int]) -> dict[str, Floats]:
    """Forecast a series with every member of the pool that its length allows.

    Parameters
    ----------
    values : float64 array
        Values up to now; NaN is missing, the first is known. [any]
    ahead : int
        Steps to forecast. [count]
    seasons : sequence of int
        Length of one or two seasons, the shorter first. [steps]

    Returns
    -------
    dict of str to float64 array of length ``ahead``

    Notes
    -----
    Members: the last value; for each season its last cycle, the median of the last 7 (4) cycles at the same place, and
    the mean shape of the last 7 (3) cycles put on the level of the last short season; theta [1]_ on the series without
    its additive season, where the autocorrelation at the season passes a 90 % test; theta with a damped drift on the
    series without exponentially weighted seasons, each shrunk by its own noise; the usual cycle with the last deviation
    from it, which fades as deviations did. Of daily values also theta of the last 13 weeks with a season in proportion
    to the level, and the smoothed level on its way back to that of 28 weeks, as fast as levels of weeks forget.

    References
    ----------
    .. [1] V. Assimakopoulos, K. Nikolopoulos, The theta model, Int. J. Forecasting 16, 2000; as simple exponential
       smoothing with half the drift: R. J. Hyndman, B. Billah, Int. J. Forecasting 19, 2003.

    Examples
    --------
    >>> week = np.array([1.0, 2, 3, 4, 5, 6, 0])
    >>> members(np.tile(week, 4), 7, DAILY)["last season"].tolist()
    [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.0]
    """
    short = seasons[0]
    whole = filled(values)
    near = bridged(values, whole)
    pool = {"last value": np.full(ahead, whole[-1])}
    level = float(whole[-short:].mean())
    for length, cycles, shaped, kind in zip(seasons, (7, 4), (7, 3), ("season", "long season"), strict=False):
        if len(near) < length:
            continue
        table = _table(near, length, cycles)
        pool[f"last {kind}"] = _again(_newest(table), ahead)
        if len(table) < 2:
            continue
        pool[f"{kind} median"] = _again(_known(median_known(table), table), ahead)
        recent = table[-shaped:]
        shape = _known(_mean(recent - _mean(recent.T)[:, None]), np.zeros(1))
        offset = level - float(shape[-short:].mean())
        pool[f"{kind} shape"] = _again(shape, ahead) + offset
    season = _additive(whole, short)
    pool["theta"] = theta(whole - _backwards(season, len(whole)), ahead) + _again(season, ahead)
    smooth = _smoothed(whole, short, 0.9)
    rest, added = whole - _backwards(smooth, len(whole)), _again(smooth, ahead)
    if len(whole) >= 4 * short:
        pool["fading deviation"] = _fading(whole, short, ahead)
    if len(seasons) == 1 and len(whole) >= 5 * short:
        pool["returning level"] = _returning(whole - _backwards(season, len(whole)), short, ahead)
        pool["returning level"] += _again(season, ahead)
        recent = whole[-_RECENT * short :]
        share = 1 + _additive(recent, short) / max(float(recent.mean()), 1e-300)
        if recent.min() > 0 and share.min() > 0:
            pool["recent theta"] = theta(recent / _backwards(share, len(recent)), ahead) * _again(share, ahead)
    if len(seasons) > 1 and len(whole) >= 2 * seasons[1]:
        longer = _smoothed(rest, seasons[1], 0.8)
        rest, added = rest - _backwards(longer, len(rest)), added + _again(longer, ahead)
    pool["smoothed season"] = theta(rest, ahead, damping=0.98 if short > DAILY[0] else 0.95) + added
    return pool


def weights(errors: Mapping[str, float]) -> dict[str, float]:
    """Weights of the members, inverse to the square of their mean absolute error in the backtest.

    Parameters
    ----------
    errors : mapping
        Member to mean absolute error; not finite where it was not measured, which leaves a member out. [as given]

    Examples
    --------
    >>> weights({"a": 1.0, "b": 2.0, "c": np.inf, "d": 2.0})
    {'a': 0.6666666666666666, 'b': 0.16666666666666666, 'd': 0.16666666666666666}
    """
    known = {name: error for name, error in errors.items() if np.isfinite(error)}
    least = 1e-12 + 1e-9 * max(known.values(), default=0.0)
    shares = {name: 1 / max(error, least) ** 2 for name, error in known.items()}
    total = sum(shares.values())
    return {name: share / total for name, share in shares.items()}


def combined(paths: Mapping[str, Floats], shares: Mapping[str, float]) -> Floats:
    """Half the weighted mean of the best members, half the weighted median of all; without weights the median.

    Examples
    --------
    >>> paths = {"a": np.array([1.0]), "b": np.array([2.0]), "c": np.array([9.0])}
    >>> combined(paths, {}).tolist(), combined(paths, {"a": 0.2, "b": 0.6, "c": 0.2}).tolist()
    ([2.0], [2.6])
    """
    names = [name for name in paths if name in shares]
    table = np.array([paths[name] for name in names or paths])
    if not names:
        return np.asarray(np.median(table, axis=0), np.float64)
    held = np.array([shares[name] for name in names])
    order, steps = table.argsort(axis=0), np.arange(table.shape[1])
    levels, mass = table[order, steps], held[order] / held.sum()
    middle = mass.cumsum(axis=0) - mass / 2
    above = np.minimum((middle < 0.5).sum(axis=0), len(names) - 1)
    below = np.maximum(above - 1, 0)
    (low, high), (first, last) = ([part[place, steps] for place in (below, above)] for part in (levels, middle))
    share = np.clip((0.5 - first) / np.maximum(last - first, 1e-300), 0, 1)
    best = np.argsort(-held, kind="stable")[:BEST]
    mean = held[best] @ table[best] / held[best].sum()
    return np.asarray(0.5 * mean + 0.5 * (low + share * (high - low)), np.float64)


def naive_name(paths: Mapping[str, Floats]) -> str:
    """Return which member is seasonal naive: the last cycle of the longest season."""
    return next(name for name in ("last long season", "last season", "last value") if name in paths)


def without_lone(paths: Mapping[str, Floats]) -> Floats:
    """Return seasonal naive, but not what happened once in its season: there the median of the seasons.

    Examples
    --------
    >>> week = np.array([1.0, 2, 3, 4, 5, 6, 0])
    >>> days = np.concatenate([np.tile(week, 3), week + [0.1, 0.1, 0.1, 90, 0.1, 0.1, 0.1]])
    >>> float(without_lone(members(days, 7, DAILY))[3])
    4.0
    """
    last, usual = paths[naive_name(paths)], paths.get("long season median", paths.get("season median"))
    if usual is None:
        return last
    off = np.abs(last - usual)
    return np.where(off > LONE * np.median(off), usual, last)


def theta(values: Floats, ahead: int, *, damping: float = 1.0) -> Floats:
    """Theta forecast: simple exponential smoothing with half the drift of a straight line.

    Examples
    --------
    >>> theta(np.full(20, 3.0), 2).tolist()
    [3.0, 3.0]
    """
    count = len(values)
    level, alpha = smoothed_level(values)
    place = np.arange(count) - (count - 1) / 2
    slope = float(place @ values / (place @ place)) if count > 1 else 0.0
    steps = np.arange(1, ahead + 1)
    run = np.cumsum(damping**steps) if damping < 1 else steps - 1 + (1 - (1 - alpha) ** count) / alpha
    return np.asarray(level + slope / 2 * run, np.float64)


def smoothed_level(values: Floats) -> tuple[float, float]:
    """Last level of simple exponential smoothing, and the smoothing constant with the least squared one-step error."""
    start = values[0]
    levels = np.empty((len(_ALPHAS), len(values)))
    carried = np.zeros(len(_ALPHAS))
    inside, decay = _kernels()
    for first in range(0, len(values), _CHUNK):
        part = values[first : first + _CHUNK] - start
        size = len(part)
        block = inside[:, :size, :size] @ part + carried[:, None] * decay[:, :size]
        levels[:, first : first + size] = block
        carried = block[:, -1]
    errors = ((values[1:] - start - levels[:, :-1]) ** 2).mean(axis=1) if len(values) > 1 else np.zeros(len(_ALPHAS))
    best = int(errors.argmin())
    return float(levels[best, -1] + start), float(_ALPHAS[best])


def filled(values: Floats) -> Floats:
    """Interpolate every gap; the ends repeat the nearest value."""
    known = np.flatnonzero(np.isfinite(values))
    return values if len(known) == len(values) else np.interp(np.arange(len(values)), known, values[known])


def median_known(table: Floats) -> Floats:
    """Median of each column without NaN, NaN where all of it is: np.nanmedian, several times as fast.

    Examples
    --------
    >>> median_known(np.array([[1.0, np.nan, np.nan], [5.0, 2.0, np.nan], [9.0, 4.0, np.nan]])).tolist()
    [5.0, 3.0, nan]
    """
    count = (~np.isnan(table)).sum(axis=0)
    ordered, columns = np.sort(table, axis=0), np.arange(table.shape[1])
    places = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, len(table) - 1)
    low, high = (ordered[place, columns] for place in places)
    return np.asarray((low + high) / 2, np.float64)


def median(values: Floats) -> float:
    """Median of some numbers without NaN: np.median, several times as fast for short arrays.

    Examples
    --------
    >>> median(np.array([5.0, 1.0, 9.0])), median(np.array([5.0, 1.0, 9.0, 6.0]))
    (5.0, 5.5)
    """
    half = len(values) // 2
    if len(values) % 2:
        return float(np.partition(values, half)[half])
    low, high = np.partition(values, (half - 1, half))[half - 1 : half + 1]
    return float((low + high) / 2)


def bridged(values: Floats, whole: Floats) -> Floats:
    """Interpolate gaps of up to :data:`SHORT_GAP` steps; longer ones stay missing."""
    missing = np.isnan(values)
    if not missing.any():
        return values
    edges = np.flatnonzero(np.diff(np.concatenate([[False], missing, [False]]).astype(np.int8)))
    near = whole.copy()
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        if last - first > SHORT_GAP:
            near[first:last] = np.nan
    return near


@cache
def _kernels() -> tuple[Floats, Floats]:
    """Weights of exponential smoothing inside one chunk, and the decay of what is carried into it."""
    lag = np.arange(_CHUNK)[:, None] - np.arange(_CHUNK)[None, :]
    kept = (1 - _ALPHAS)[:, None, None] ** np.maximum(lag, 0)
    inside = np.where(lag >= 0, _ALPHAS[:, None, None] * kept, 0.0)
    return inside, (1 - _ALPHAS)[:, None] ** np.arange(1, _CHUNK + 1)


def _table(values: Floats, length: int, cycles: int) -> Floats:
    """Last cycles of a season, a row each, the newest last."""
    cycles = min(cycles, len(values) // length)
    return values[len(values) - cycles * length :].reshape(cycles, length)


def _newest(table: Floats) -> Floats:
    newest = table[-1]
    for row in table[-2::-1]:
        if not np.isnan(newest).any():
            break
        newest = np.where(np.isnan(newest), row, newest)
    return _known(newest, table)


def _known(values: Floats, table: Floats) -> Floats:
    """Put the mean of a table where nothing is known at a place."""
    missing = np.isnan(values)
    return np.where(missing, _mean(table.ravel()), values) if missing.any() else values


def _mean(table: Floats) -> Floats:
    if not np.isnan(table).any():
        return np.asarray(table.mean(axis=0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmean(table, axis=0), np.float64)


def _again(season: Floats, count: int) -> Floats:
    """Repeat a season on from its start: np.resize, several times as fast for short arrays."""
    return season[np.arange(count) % len(season)]


def _backwards(season: Floats, count: int) -> Floats:
    """Repeat a season back from the end of a series."""
    return season[np.arange(-count, 0) % len(season)]


def _additive(values: Floats, length: int) -> Floats:
    """Mean deviation from the centred moving mean at each place, ending now; zeros where no season is seen."""
    nothing = np.zeros(length)
    count = len(values)
    if count < 2 * length + 1:
        return nothing
    centred = values - values.mean()
    power = float(centred @ centred)
    if power <= 0:
        return nothing
    lags = np.array([centred[lag:] @ centred[:-lag] for lag in range(1, length + 1)]) / power
    if abs(lags[-1]) <= 1.645 * np.sqrt((1 + 2 * (lags[:-1] ** 2).sum()) / count):
        return nothing
    ends = np.array([0.5]) if length % 2 == 0 else np.array([])
    kernel = np.concatenate([ends, np.ones(length - len(ends)), ends]) / length
    reach = len(kernel) // 2
    deviations = np.full(count, np.nan)
    deviations[reach : count - reach] = values[reach : count - reach] - np.convolve(values, kernel, "valid")
    shape = _known(_mean(_table(deviations, length, count // length)), np.zeros(1))
    return np.asarray(shape - shape.mean(), np.float64)


def _fading(values: Floats, length: int, ahead: int) -> Floats:
    """Median season and the newest deviation from it, times how much of such deviations was left as far ahead."""
    table = _table(values, length, min(_USUAL, len(values) // length - 1))
    usual = median_known(table)
    off = (table - usual).ravel()
    newest = np.convolve(off, np.full(_NEWEST, 1 / _NEWEST), "valid")
    later = np.lib.stride_tricks.sliding_window_view(off[_NEWEST:], length)
    past = newest[: len(later)]
    power = float(past @ past)
    left = np.clip(past @ later / power, 0, 1) if power > 0 else np.zeros(length)
    path = _again(usual, ahead)
    path[: min(length, ahead)] += newest[-1] * left[:ahead]
    return np.asarray(path, np.float64)


def _returning(values: Floats, length: int, ahead: int) -> Floats:
    """Smoothed level on its way back to the median of some cycles, by the autocorrelation of their means."""
    recent = values[-_LONG * length :]
    usual = median(recent)
    means = _table(recent, length, len(recent) // length).mean(axis=1) - usual
    power = float(means @ means)
    kept = float(np.clip(means[1:] @ means[:-1] / power, 0, 1)) if power > 0 else 0.0
    left = kept ** (np.arange(1, ahead + 1) / length)
    return np.asarray(usual + (smoothed_level(values)[0] - usual) * left, np.float64)


def _smoothed(values: Floats, length: int, kept: float) -> Floats:
    """Exponentially weighted season, shrunk by the share of it that is noise."""
    cycles = len(values) // length
    if cycles < 2:
        return np.zeros(length)
    table = _table(values, length, cycles)
    table = table - table.mean(axis=1)[:, None]
    shares = kept ** np.arange(cycles)[::-1]
    shares /= shares.sum()
    season = shares @ table
    noise = float((shares @ (table - season) ** 2).mean()) * float((shares**2).sum())
    power = float((season**2).mean())
    return np.asarray(season * max(0.0, 1 - noise / power) if power > 0 else season, np.float64)
