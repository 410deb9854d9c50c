"""Samples to slices of equal length: what a coarser tier keeps of a series.

Slice k of length d holds the samples in ``((k - 1) d, k d]``. It keeps the first and the last value, the reset-aware
increase between them, and minimum, maximum, sum and count. The increase from one slice to the next follows from the
last value of one and the first of the other, so a slice needs nothing but its own samples, and the increases of
adjacent slices add up to that of the samples.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from workbench.archive.tiers.columns import Slices, empty
from workbench.core.series import SeriesSet, is_stale

#: Samples from which on loading the compiled form, which takes a second, is worth it.
_WORTH_COMPILED = 2_000_000


def rollup(series: SeriesSet, step_ms: int) -> Slices:
    """Cut every series into slices; stale marks are no samples here.

    Parameters
    ----------
    series : SeriesSet
        Series with their samples.
    step_ms : int
        Length of a slice. [ms]

    Examples
    --------
    >>> counter = SeriesSet.of([({"a": "b"}, [60_000, 120_000, 180_000], [5.0, 9.0, 2.0])])
    >>> slices = rollup(counter, 300_000)
    >>> slices.increase.tolist(), slices.last.tolist(), slices.end.tolist()
    ([6.0], [2.0], [300000])
    """
    compiled = _compiled() if series.samples >= _WORTH_COMPILED else None
    return (compiled or in_arrays)(series, step_ms)


@lru_cache(maxsize=1)
def _compiled() -> Callable[[SeriesSet, int], Slices] | None:
    try:
        from workbench.archive.tiers.rollup_fast import compiled
    except (ImportError, RuntimeError):
        return None
    return compiled


def in_arrays(series: SeriesSet, step_ms: int) -> Slices:
    """Cut every series into slices with whole arrays."""
    rows = np.repeat(np.arange(len(series), dtype=np.int32), np.diff(series.offsets))
    kept = ~is_stale(series.values)
    rows, times, values = rows[kept], series.times[kept], np.compress(kept, series.values)
    if not len(times):
        return empty()
    ends = -(-times // step_ms) * step_ms
    starts = np.flatnonzero(np.append(True, (ends[1:] != ends[:-1]) | (rows[1:] != rows[:-1])))
    last = np.append(starts[1:], len(times)) - 1
    with np.errstate(invalid="ignore"):
        steps = np.append(0.0, np.diff(values))
        steps = np.where(steps < 0, values, steps)
        steps[starts] = 0.0
        sums = [np.add.reduceat(each, starts) for each in (steps, values)]
    return Slices(
        rows[starts],
        ends[starts],
        times[starts],
        times[last],
        last - starts + 1,
        values[starts],
        values[last],
        sums[0],
        np.fmin.reduceat(values, starts),
        np.fmax.reduceat(values, starts),
        sums[1],
    )
