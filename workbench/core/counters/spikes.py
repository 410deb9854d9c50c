"""Counters that leap up and fall back to where they were: misreads, told from restarts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.core.counters.falls import IMPLAUSIBLE, RETURN_SAMPLES, Floats, Times, counted_samples
from workbench.core.series import SeriesSet

#: A series that falls more often than this is not examined. [count]
_MOST_FALLS = 1_000


@dataclass(frozen=True)
class Spike:
    """Samples that are far too high: places ``[start, end)`` among the samples of a series that are counts."""

    row: int
    start: int
    end: int


def spikes_in(series: SeriesSet) -> list[Spike]:
    """Return the stretches in which counters read far more than they can have counted, and then fell back.

    Parameters
    ----------
    series : SeriesSet
        Counters with their raw samples.

    Notes
    -----
    A stretch is a spike when the leap into it is over ten times what the series counts at most in as long, the value
    after it is what the value before it allows, and is far too high for a count since a restart.

    Examples
    --------
    >>> spikes_in(SeriesSet.of([({}, range(0, 420, 60), [7_000, 7_060, 7_120, 90_000, 7_240, 7_300, 7_360])]))
    [Spike(row=0, start=3, end=4)]
    """
    return [
        Spike(row, *place)
        for row, falls in series.falls.items()
        if len(falls) <= _MOST_FALLS
        for place in _spikes_of(*counted_samples(series, row), falls.tolist())
    ]


def _spikes_of(times: Times, values: Floats, falls: list[int]) -> list[tuple[int, int]]:
    candidates = []
    for end in falls:
        before = np.flatnonzero(values[max(end - 1 - RETURN_SAMPLES, 0) : end - 1] <= values[end])
        if len(before):
            start = int(before[-1]) + max(end - 1 - RETURN_SAMPLES, 0) + 1
            candidates.append((start, end))
    if not candidates:
        return []
    steps, lengths = np.diff(values), np.diff(times).astype(np.float64)
    usual = steps >= 0
    for start, end in candidates:
        usual[start - 1 : end] = False
    if not usual.any():
        return []
    fastest = float((steps[usual] / lengths[usual]).max())
    whole = bool((values == np.floor(values)).all())
    unit = 1.0 if whole else float(steps[usual & (steps > 0)].min(initial=np.inf))

    def plausible(rise: float, first: int, last: int) -> bool:
        return rise <= IMPLAUSIBLE * (fastest * float(times[last] - times[first]) + unit)

    return [
        (start, end)
        for start, end in candidates
        if not plausible(float(values[start] - values[start - 1]), start - 1, start)
        and plausible(float(values[end] - values[start - 1]), start - 1, end)
        and not plausible(float(values[end]), end - 1, end)
    ]
