"""Counters that change places: several processes that answer at one address, and leaps that no pace explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.core.counters.falls import IMPLAUSIBLE, IMPOSSIBLE, Floats, counted_samples, usual_pace
from workbench.core.series import Labels, SeriesSet
from workbench.core.timerange import from_ms
from workbench.core.units import instant_text, series_text, significant_text

#: Falls to another count, at least so many and in so many of the scrapes, show several processes. [count], [ratio]
_FALLS, _FALLING = 20, 0.05

#: A leap is named when leaps make up more than this part of what the series counted. [ratio]
_PART = 0.5


@dataclass(frozen=True)
class Leap:
    """Rises of a counter within one scrape that are a thousand times what it counts otherwise.

    Attributes
    ----------
    labels : Labels
    time_ms : int
        Of the sample after the largest rise. [ms since the epoch]
    rise : float
        The largest rise. [count]
    leaps : int
        How many such rises there are.
    risen : float
        What they count together. [count]
    counted : float
        What the series counts in all, with them. [count]
    """

    labels: Labels
    time_ms: int
    rise: float
    leaps: int
    risen: float
    counted: float


def several_processes(series: SeriesSet) -> list[int]:
    """Return the rows that show the counts of several processes in turn.

    Parameters
    ----------
    series : SeriesSet
        Counters with their raw samples.

    Notes
    -----
    A load balancer, or a server with several worker processes, answers each scrape from another process. The series
    then falls and rises again and again, by more than ten times what it counts from scrape to scrape, and to values
    that no restart has, and comes back in one step. How fast it counts is read off its new heights.

    Examples
    --------
    >>> times, heights = np.arange(100) * 60, np.arange(100) * 30.0
    >>> values = np.where(np.arange(100) % 2, 500_000 + heights, 3_000_000 + heights)
    >>> several_processes(SeriesSet.of([({"__name__": "a_total"}, times, values)]))
    [0]
    """
    rows = []
    for row in range(len(series)):
        _, values = counted_samples(series, row)
        steps = np.diff(values)
        if (steps < 0).sum() < _FALLS:
            continue
        heights = np.maximum.accumulate(values)
        half = len(values) // 2
        pace = float(heights[-1] - heights[half]) / max(len(values) - 1 - half, 1)
        far = IMPLAUSIBLE * (pace + _unit(values, steps))
        falls = -steps[(steps < -far) & (values[1:] > far)]
        if len(falls) < max(_FALLS, _FALLING * len(steps)):
            continue
        back = (steps > max(float(np.median(falls)) / 2, far)).sum()
        if back >= len(falls) / 2:
            rows.append(row)
    return rows


def leaps_in(series: SeriesSet, *, since_ms: int) -> tuple[Leap, ...]:
    """Return the counters of which most was counted in leaps that their pace does not explain.

    Parameters
    ----------
    series : SeriesSet
        Counters; falls that are no restart are corrected before.
    since_ms : int
        Earlier samples only tell the pace. [ms since the epoch]

    Notes
    -----
    A leap is a rise of more than a thousand times what 99 of 100 rises count in as long. It may be true (all failures
    of a month in one minute) or not (a changed unit, an import, another process behind the address), so it is named
    and not taken away.

    Examples
    --------
    >>> values = np.arange(100) * 60.0 + np.where(np.arange(100) < 70, 0, 5_000_000)
    >>> [leap.rise for leap in leaps_in(SeriesSet.of([({}, np.arange(100) * 60, values)]), since_ms=0)]
    [5000060.0]
    """
    leaps = []
    for row, labels in enumerate(series.labels):
        times, values = counted_samples(series, row)
        steps, lengths = np.diff(values), np.diff(times).astype(np.float64)
        rises = np.where(steps < 0, values[1:], steps)
        usual = usual_pace(rises, lengths)
        if usual is None:
            continue
        inside = times[1:] > since_ms
        leapt = inside & (rises > IMPOSSIBLE * (usual * lengths + _unit(values, steps)))
        risen, counted = float(rises[leapt].sum()), float(rises[inside].sum())
        if leapt.any() and risen > _PART * counted:
            largest = int(np.argmax(np.where(leapt, rises, 0.0)))
            leaps.append(Leap(labels, int(times[largest + 1]), float(rises[largest]), int(leapt.sum()), risen, counted))
    return tuple(leaps)


def leap_notes(leaps: Sequence[Leap]) -> tuple[str, ...]:
    """Say which counters leapt, when, and how much of the count is in doubt; one sentence a metric.

    Examples
    --------
    >>> leap_notes([Leap({"__name__": "a_total"}, 60_000, 5e6, 1, 5e6, 5.006e6)])[0].partition(" at ")[0]
    'Doubtful: a_total rose by 5,000,000 in one scrape'
    """
    named: dict[str, list[Leap]] = {}
    for leap in leaps:
        named.setdefault(leap.labels.get("__name__", ""), []).append(leap)
    return tuple(_note(own) for own in named.values())


def _note(leaps: Sequence[Leap]) -> str:
    worst = max(leaps, key=lambda leap: leap.rise)
    several = sum(leap.leaps for leap in leaps)
    rest = f"the largest of {several} such rises, " if several > 1 else ""
    return (
        f"Doubtful: {series_text(worst.labels)} rose by {significant_text(worst.rise)} in one scrape at "
        f"{instant_text(from_ms(worst.time_ms))}, {rest}over 1,000 times its usual pace. "
        f"{significant_text(sum(leap.risen for leap in leaps))} of "
        f"{significant_text(sum(leap.counted for leap in leaps))} are such rises. Check for a changed unit, an import, "
        "or several processes behind one address."
    )


def _unit(values: Floats, steps: Floats) -> float:
    """Least amount that the counter counts. [count]"""
    if (values == np.floor(values)).all():
        return 1.0
    return float(steps[steps > 0].min(initial=0.0))
