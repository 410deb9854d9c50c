"""Functions that summarise the samples of a window: ``sum_over_time``, ``quantile_over_time`` and their kind."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.promql.engine.sums import added, incremental_mean, lockstep, mean_of, runs, settled, window_totals
from workbench.promql.engine.values import Bools, Floats
from workbench.promql.engine.windows import Windows
from workbench.promql.parser.prefix import Overlapping

#: Windows of a block that visit samples more often than this are summed from running totals. [ratio], [count]
_OVERLAP = 4.0
_VISITS = 1_000_000
#: Samples of a block of windows laid out side by side for sorting. [count]
_SORT_BLOCK = 1 << 22


def count_over_time(windows: Windows) -> tuple[Floats, Bools]:
    """Count the samples in the window. [count]"""
    return windows.count.astype(np.float64), windows.count >= 1


def present_over_time(windows: Windows) -> tuple[Floats, Bools]:
    """1 where the window has a sample."""
    return np.ones(windows.lo.shape), windows.count >= 1


def last_over_time(windows: Windows) -> tuple[Floats, Bools]:
    """Newest sample."""
    return windows.values[windows.last], windows.count >= 1


def sum_over_time(windows: Windows) -> tuple[Floats, Bools]:
    """Compensated sum."""
    total, error = _totals(windows)
    return settled(total, error).reshape(windows.lo.shape), windows.count >= 1


def _totals(windows: Windows) -> tuple[Floats, Floats]:
    lo, hi = windows.lo.ravel(), windows.hi.ravel()
    if not _overlapping(windows):
        return window_totals(windows.values, lo, hi)
    if "totals" not in windows.memo:
        windows.memo["totals"] = Overlapping(windows.values)
    total, error = windows.memo["totals"].totals_of(lo, hi)
    return total, error


def _overlapping(windows: Windows) -> bool:
    """Whether the windows share so many samples that running totals are cheaper than adding each window up."""
    if "overlapping" not in windows.memo:
        visits = int((windows.hi - windows.lo).sum())
        spanned = int(windows.hi.max()) - int(windows.lo.min())
        windows.memo["overlapping"] = visits > max(_VISITS, _OVERLAP * spanned)
    return bool(windows.memo["overlapping"])


def running_avg_over_time(windows: Windows) -> tuple[Floats, Bools]:
    """Mean as Prometheus 2 computes it, by a running mean; it differs in the last digits, which ``ceil`` can show."""
    if "finite" not in windows.memo:
        windows.memo["finite"] = bool(np.isfinite(windows.values).all())
    if _overlapping(windows) or not windows.memo["finite"]:
        return avg_over_time(windows)
    lo, hi = windows.lo.ravel(), windows.hi.ravel()
    means = np.empty(len(lo))
    for part in runs(lo, hi):
        mean, error = np.zeros(len(lo[part])), np.zeros(len(lo[part]))
        for count, (active, index) in enumerate(lockstep(lo[part], hi[part]), start=1):
            term = windows.values[index] / count - mean[active] / count
            mean[active], error[active] = added(mean[active], error[active], term)
        means[part] = settled(mean, error)
    return means.reshape(windows.lo.shape), windows.count >= 1


def avg_over_time(windows: Windows) -> tuple[Floats, Bools]:
    """Arithmetic mean; where the plain sum overflows, the running mean Prometheus uses."""
    total, error = _totals(windows)
    means = mean_of(total, error, (windows.hi - windows.lo).ravel()).reshape(windows.lo.shape)
    present = windows.count >= 1
    for row, step in np.argwhere(np.isinf(means) & present):
        part = windows.values[windows.lo[row, step] : windows.hi[row, step]]
        if np.isfinite(part).all():
            means[row, step] = incremental_mean(part)
    return means, present


def extreme_over_time(windows: Windows, *, largest: bool) -> tuple[Floats, Bools]:
    """``max_over_time`` or ``min_over_time``; NaN only when there is nothing else.

    Notes
    -----
    Window ``[lo, hi)`` is covered by two runs of the largest power of two that fits; the extremes of all runs of one
    length come from those of half the length, so the cost does not grow with the overlap of the windows.
    """
    pick = np.fmax if largest else np.fmin
    lo, hi = windows.lo.ravel(), windows.hi.ravel()
    count = hi - lo
    result = np.full(len(lo), np.nan)
    base = int(lo.min())
    runs = windows.values[base : int(hi.max())]
    length = 1
    while True:
        fits = np.flatnonzero((count >= length) & (count < 2 * length))
        if len(fits):
            result[fits] = pick(runs[lo[fits] - base], runs[hi[fits] - base - length])
        length *= 2
        if length > count.max(initial=0):
            break
        runs = pick(runs[: len(runs) - length // 2], runs[length // 2 :])
    return result.reshape(windows.lo.shape), windows.count >= 1


def spread_over_time(windows: Windows, *, root: bool) -> tuple[Floats, Bools]:
    """``stdvar_over_time``, or with ``root`` ``stddev_over_time``: Welford's method with compensated sums."""
    lo, hi = windows.lo.ravel(), windows.hi.ravel()
    variance = np.empty(len(lo))
    for part in runs(lo, hi):
        variance[part] = _variance(windows.values, lo[part], hi[part])
    result = np.sqrt(variance) if root else variance
    return result.reshape(windows.lo.shape), windows.count >= 1


def _variance(values: Floats, lo: NDArray[np.intp], hi: NDArray[np.intp]) -> Floats:
    mean, mean_error = np.zeros(len(lo)), np.zeros(len(lo))
    square, square_error = np.zeros(len(lo)), np.zeros(len(lo))
    for count, (active, index) in enumerate(lockstep(lo, hi), start=1):
        value = values[index]
        delta = value - (mean[active] + mean_error[active])
        mean[active], mean_error[active] = added(mean[active], mean_error[active], delta / count)
        term = delta * (value - (mean[active] + mean_error[active]))
        square[active], square_error[active] = added(square[active], square_error[active], term)
    return settled(square, square_error) / (hi - lo)


def quantile_over_time(windows: Windows, q: Floats) -> tuple[Floats, Bools]:
    """Quantile by linear interpolation between the two nearest samples."""
    shape = windows.lo.shape
    result = _by_length(windows, np.broadcast_to(q, shape).ravel())
    return result.reshape(shape), windows.count >= 1


def _by_length(windows: Windows, q: Floats) -> Floats:
    """Sort windows of equal length together, so that each sort works on a rectangle."""
    lo, count = windows.lo.ravel(), (windows.hi - windows.lo).ravel()
    result = np.full(len(lo), np.nan)
    for length in np.unique(count[count > 0]).tolist():
        same = np.flatnonzero(count == length)
        rows = max(1, _SORT_BLOCK // length)
        for top in range(0, len(same), rows):
            chosen = same[top : top + rows]
            block = windows.values[lo[chosen][:, None] + np.arange(length)]
            result[chosen] = quantile(block, q[chosen])
    return result


def quantile(block: Floats, q: Floats, count: NDArray[np.intp] | None = None) -> Floats:
    """Quantile of each row.

    Parameters
    ----------
    block : float array, (n, m)
        Values; NaN sorts below every number.
    q : float array, (n,)
        Below 0 gives -Inf, above 1 gives +Inf.
    count : int array, (n,), optional
        Values in each row when some entries are absent; absent entries hold NaN.

    Examples
    --------
    >>> quantile(np.array([[1.0, 4.0, 0.0]]), np.array([0.8])).round(9).tolist()
    [2.8]
    """
    width = block.shape[1]
    ordered = np.sort(block, axis=1)
    numbers = width - np.isnan(block).sum(axis=1)
    total = np.full(len(block), width) if count is None else count
    nans = total - numbers
    rank = np.where(np.isnan(q), 0.0, np.clip(q, 0.0, 1.0)) * (total - 1)
    lower = np.clip(np.floor(rank), 0, None).astype(np.intp)
    upper = np.minimum(lower + 1, np.maximum(total - 1, 0))
    weight = rank - np.floor(rank)

    def at(place: NDArray[np.intp]) -> Floats:
        inside = place >= nans
        column = np.clip(place - nans, 0, width - 1)
        picked: Floats = np.where(inside, ordered[np.arange(len(block)), column], np.nan)
        return picked

    result = at(lower) * (1 - weight) + at(upper) * weight
    result = np.where(q < 0, -np.inf, np.where(q > 1, np.inf, result))
    return np.where(np.isnan(q) | (total == 0), np.nan, result)


def mad_over_time(windows: Windows) -> tuple[Floats, Bools]:
    """Median absolute deviation."""
    lo, count = windows.lo.ravel(), (windows.hi - windows.lo).ravel()
    result = np.full(len(lo), np.nan)
    for length in np.unique(count[count > 0]).tolist():
        chosen = np.flatnonzero(count == length)
        block = windows.values[lo[chosen][:, None] + np.arange(length)]
        half = np.full(len(chosen), 0.5)
        result[chosen] = quantile(np.abs(block - quantile(block, half)[:, None]), half)
    return result.reshape(windows.lo.shape), windows.count >= 1


def smoothed(windows: Windows, smoothing: Floats, trend_factor: Floats) -> tuple[Floats, Bools]:
    """``double_exponential_smoothing``: Holt's linear trend, advanced in lockstep over all windows."""
    shape = windows.lo.shape
    sf = np.broadcast_to(smoothing, shape).ravel()
    tf = np.broadcast_to(trend_factor, shape).ravel()
    lo, hi = windows.lo.ravel(), windows.hi.ravel()
    before, level, trend = np.zeros(len(lo)), np.zeros(len(lo)), np.zeros(len(lo))
    for place, (active, index) in enumerate(lockstep(lo, hi)):
        value = windows.values[index]
        if place == 0:
            level[active] = value
            continue
        if place == 1:
            trend[active] = value - level[active]
        else:
            share = tf[active]
            trend[active] = share * (level[active] - before[active]) + (1 - share) * trend[active]
        before[active] = level[active]
        level[active] = sf[active] * value + (1 - sf[active]) * (before[active] + trend[active])
    return level.reshape(shape), windows.count >= 2


def first_over_time(windows: Windows) -> tuple[Floats, Bools]:
    """Oldest sample."""
    return windows.values[windows.first], windows.count >= 1


def last_time(windows: Windows) -> tuple[Floats, Bools]:
    """Time of the newest sample. [s]"""
    return windows.times[windows.last] / 1000.0, windows.count >= 1


def extreme_time(windows: Windows, *, largest: bool) -> tuple[Floats, Bools]:
    """Time of the last sample that holds the extreme of the window. [s]"""
    lo, hi = windows.lo.ravel(), windows.hi.ravel()
    best, when = np.full(len(lo), np.nan), np.zeros(len(lo))
    for active, index in lockstep(lo, hi):
        value = windows.values[index]
        beats = (value >= best[active]) if largest else (value <= best[active])
        beats |= np.isnan(best[active])
        best[active] = np.where(beats, value, best[active])
        when[active] = np.where(beats, windows.times[index] / 1000.0, when[active])
    return when.reshape(windows.lo.shape), windows.count >= 1
