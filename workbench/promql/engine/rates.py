"""Functions of counters and slopes over windows: rate, increase, delta, irate, idelta, resets, changes, deriv."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.promql.engine.sums import added, lockstep, runs, settled
from workbench.promql.engine.values import Bools, Floats
from workbench.promql.engine.windows import Windows


def extrapolated(windows: Windows, *, counter: bool, per_second: bool, v2: bool) -> tuple[Floats, Bools]:
    """``rate`` (counter, per second), ``increase`` (counter) or ``delta`` of every window.

    Notes
    -----
    The change between first and last sample, resets added back, is stretched to the ends of the window: fully when a
    sample lies within 1.1 average gaps of the end, else by half a gap; a counter is never stretched below zero.
    Prometheus 3 applies the cut-off at zero after the 1.1-gap rule, Prometheus 2 before it.
    """
    first, last = windows.first, windows.last
    start_value = windows.values[first]
    change = windows.values[last] - start_value
    if counter:
        _add_resets(change, windows)
    change *= stretch(windows, change, start_value, counter=counter, per_second=per_second, v2=v2)
    return change, windows.count >= 2


def stretch(
    windows: Windows, change: Floats, start_value: Floats, *, counter: bool, per_second: bool, v2: bool
) -> Floats:
    """Factor that stretches the change between first and last sample to the whole window, see :func:`extrapolated`."""
    count = windows.count
    start_time, end_time = windows.first_time, windows.last_time
    to_start = (start_time - windows.starts) / 1000.0
    to_end = (windows.ends - end_time) / 1000.0
    sampled = (end_time - start_time) / 1000.0
    gap = sampled / (count - 1)
    threshold = gap * 1.1
    half = gap / 2
    if counter:
        to_zero = sampled * (start_value / change)
        cut = (change > 0) & (start_value >= 0) & (to_zero < to_start)
        if v2:
            to_start = np.where(cut, to_zero, to_start)
            to_start = np.where(to_start >= threshold, half, to_start)
        else:
            to_start = np.where(to_start >= threshold, half, to_start)
            to_start = np.where(cut & (to_zero < to_start), to_zero, to_start)
    else:
        to_start = np.where(to_start >= threshold, half, to_start)
    to_end = np.where(to_end >= threshold, half, to_end)
    factor: Floats = (sampled + to_start + to_end) / sampled
    if per_second:
        factor /= (windows.ends - windows.starts) / 1000.0
    return factor


def _add_resets(change: Floats, windows: Windows) -> None:
    """Add the value right before each reset inside a window, one after the other as Prometheus does.

    Exact in the last bit: a nested ``increase`` would take a rounding error for a reset of its own.
    """
    for row, (first, last) in enumerate(zip(windows.first, windows.last, strict=True)):
        low, high = int(first.min()), int(last.max()) + 1
        fell = low + np.flatnonzero(windows.values[low + 1 : high] < windows.values[low : high - 1])
        if len(fell):
            for active, index in lockstep(np.searchsorted(fell, first), np.searchsorted(fell, last)):
                change[row, active] += windows.values[fell[index]]


def instant_change(windows: Windows, *, counter: bool, per_second: bool) -> tuple[Floats, Bools]:
    """``irate`` or ``idelta``: the last two samples of every window."""
    last = windows.last
    before = np.maximum(last - 1, 0)
    change = windows.values[last] - windows.values[before]
    if counter:
        change = np.where(windows.values[last] < windows.values[before], windows.values[last], change)
    if per_second:
        change = change / ((windows.last_time - windows.times[before]) / 1000.0)
    return change, windows.count >= 2


def events(windows: Windows, *, resets: bool) -> tuple[Floats, Bools]:
    """Count neighbours that fall (``resets``) or differ (``changes``; NaN equals NaN)."""
    values = windows.values
    before, after = values[:-1], values[1:]
    changed = after < before if resets else (after != before) & ~(np.isnan(after) & np.isnan(before))
    return counted(windows, changed)


def counted(windows: Windows, changed: Bools) -> tuple[Floats, Bools]:
    """Count what happened inside each window; entry ``i`` says it of samples ``i`` and ``i + 1``."""
    upto = np.concatenate([[0], np.cumsum(changed)])
    # An event sits between samples i and i + 1; both must be inside.
    counts = upto[np.maximum(windows.last, 0)] - upto[windows.first]
    return np.maximum(counts, 0).astype(np.float64), windows.count >= 1


def regression(windows: Windows, intercept_ms: NDArray[np.int64] | None) -> tuple[Floats, Floats, Bools]:
    """Least squares over every window, with compensated sums as Prometheus uses them.

    Parameters
    ----------
    windows : Windows
        The window to explain and the windows to compare it with.
    intercept_ms : int64 array or None
        Time at which the intercept is taken; None takes the first sample of the window. [ms]

    Returns
    -------
    slope : float array
        [per s]
    intercept : float array
    enough : bool array
        Windows of at least two samples.
    """
    shape = windows.lo.shape
    origin = windows.times[windows.first] if intercept_ms is None else np.broadcast_to(intercept_ms, shape)
    lo, hi, origin = windows.lo.ravel(), windows.hi.ravel(), origin.ravel()
    slope, intercept = np.empty(len(lo)), np.empty(len(lo))
    for part in runs(lo, hi):
        slope[part], intercept[part] = _fitted(windows, lo[part], hi[part], origin[part])
    return slope.reshape(shape), intercept.reshape(shape), windows.count >= 2


def _fitted(
    windows: Windows, lo: NDArray[np.intp], hi: NDArray[np.intp], origin: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    initial = windows.values[np.minimum(lo, len(windows.values) - 1)]
    totals, errors = np.zeros((4, len(lo))), np.zeros((4, len(lo)))
    constant = np.ones(len(lo), np.bool_)
    for active, index in lockstep(lo, hi):
        y = windows.values[index]
        x = (windows.times[index] - origin[active]) / 1000.0
        constant[active] &= y == initial[active]
        for term, part in enumerate((x, y, x * y, x * x)):
            totals[term, active], errors[term, active] = added(totals[term, active], errors[term, active], part)
    n = (hi - lo).astype(np.float64)
    sum_x, sum_y, sum_xy, sum_xx = settled(totals, errors)
    covariance = sum_xy - sum_x * sum_y / n
    variance = sum_xx - sum_x * sum_x / n
    slope = covariance / variance
    intercept = sum_y / n - slope * sum_x / n
    infinite = np.isinf(initial)
    slope = np.where(constant, np.where(infinite, np.nan, 0.0), slope)
    return slope, np.where(constant, np.where(infinite, np.nan, initial), intercept)


def deriv(windows: Windows) -> tuple[Floats, Bools]:
    """Slope per second."""
    slope, _, enough = regression(windows, None)
    return slope, enough


def predicted(windows: Windows, *, ahead: Floats) -> tuple[Floats, Bools]:
    """``predict_linear``: the fitted line ``ahead`` seconds after the evaluation time."""
    slope, intercept, enough = regression(windows, windows.evaluated)
    return slope * ahead + intercept, enough
