"""Counters that change places: several processes that answer at one address, and leaps that no pace explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.core.counters.falls import (
    IMPLAUSIBLE,
    IMPOSSIBLE,
    Floats,
    Samples,
    Times,
    counted_samples,
    usual_pace,
)
from workbench.core.series import Labels, SeriesSet, target_of
from workbench.core.timerange import from_ms
from workbench.core.units import instant_text, series_text, significant_text

#: Falls to counts that no restart has, at least so many, show several processes. [count]
_FALLS = 3

#: Falls by less than so many of the least amount that is counted are dips. [x]
_LOST = 2.0

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


def several_processes(series: SeriesSet, starts: SeriesSet | None = None) -> list[int]:
    """Return the rows that show the counts of several processes in turn.

    Parameters
    ----------
    series : SeriesSet
        Counters with their raw samples.
    starts : SeriesSet, optional
        Samples of ``process_start_time_seconds`` of the same targets.

    Notes
    -----
    A load balancer, or a server with several worker processes, answers each scrape, or each connection of the scraper,
    from another process. The series then falls, again and again, to values that no restart has: together over ten
    times what it counts in as long, and the largest rises, as many as there are falls, bring back at least half of
    what was lost. They are left out of the pace. Where start times are known they tell: several processes when a fall
    of the counter comes with an earlier start or starts alternate, one process when each fall comes with a later one.

    Examples
    --------
    >>> times, heights = np.arange(100) * 60, np.arange(100) * 30.0
    >>> values = np.where(np.arange(100) % 2, 500_000 + heights, 3_000_000 + heights)
    >>> several_processes(SeriesSet.of([({"__name__": "a_total"}, times, values)]))
    [0]
    """
    known = {target_of(labels): (times, values) for labels, times, values in starts or ()}
    rows = []
    for row, places in series.falls.items():
        times, values = counted_samples(series, row)
        falls, began = places - 1, known.get(target_of(series.labels[row]))
        if began is not None:
            changes = _start_changes(began, times, falls)
            earlier = bool((np.diff(began[1]) < 0).any())
            if len(changes) and changes.min() > 0 and not earlier:
                continue
            if (changes < 0).any() or (earlier and _in_turn(times, values, falls)):
                rows.append(row)
                continue
        if len(falls) >= _FALLS and _in_turn(times, values, falls):
            rows.append(row)
    return rows


def _start_changes(began: Samples, times: Times, falls: Times) -> Floats:
    """Change of the start time of the process at each fall of a counter, where both are known. [s]"""
    at, seconds = began
    before, after = (np.searchsorted(at, times[falls + step], side="right") - 1 for step in (0, 1))
    known = (before >= 0) & (at[after] > times[falls])
    changes: Floats = seconds[after[known]] - seconds[before[known]]
    return changes


def _in_turn(times: Times, values: Floats, falls: Times) -> bool:
    steps, lengths = np.diff(values), np.diff(times).astype(np.float64)
    after, lost = values[falls + 1], -float(steps[falls].sum())
    # Without as many of the largest rise as there can be jumps, the pace is no larger than without the jumps.
    least = (float(values[-1] - values[0]) + lost - (len(falls) + 1) * float(steps.max())) / float(lengths.sum())
    if after.sum() < (1 - 1e-9) * IMPLAUSIBLE * least * float(lengths[falls].sum()):
        return False
    rises = np.sort(steps[steps > 0])
    jumps, usual = rises[-len(falls) - 1 :], rises[: -len(falls) - 1]
    pace = float(usual.sum() / lengths.sum())
    unit = _unit(values, steps)
    counted = pace * lengths[falls]
    implausible = IMPLAUSIBLE * (counted + unit)
    brought_back = float(jumps.sum()) - pace * float(lengths.mean()) * len(jumps)
    return bool(
        after.sum() > implausible.sum()
        and np.median(after) > unit
        and lost > _LOST * unit * len(falls) + float((IMPLAUSIBLE * counted).sum())
        and brought_back > lost / 2
    )


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
    A leap is a rise of more than a thousand times what 99 of 100 rises count in as long, and of more than ten times
    what all series of its metric and target count together: an outage that turns all requests into failures is none.
    It may be true or not (a changed unit, an import, another process behind the address), so it is named and not taken
    away.

    Examples
    --------
    >>> values = np.arange(100) * 60.0 + np.where(np.arange(100) < 70, 0, 5_000_000)
    >>> [leap.rise for leap in leaps_in(SeriesSet.of([({}, np.arange(100) * 60, values)]), since_ms=0)]
    [5000060.0]
    """
    leaps, paces = [], _Paces(series)
    for row, labels in enumerate(series.labels):
        times, values, rises, gaps = paces.rises(row)
        if _surely_even(rises, gaps):
            continue
        lengths = gaps.astype(np.float64)
        if _even(rises, lengths) or (usual := usual_pace(rises, lengths)) is None:
            continue
        steps, inside = np.diff(values), times[1:] > since_ms
        leapt = inside & (rises > IMPOSSIBLE * (usual * lengths + _unit(values, steps)))
        risen, counted = float(rises[leapt].sum()), float(rises[inside].sum())
        if not leapt.any() or risen <= _PART * counted:
            continue
        leapt &= rises > IMPLAUSIBLE * paces.of_target(labels) * lengths
        if leapt.any():
            risen, largest = float(rises[leapt].sum()), int(np.argmax(np.where(leapt, rises, 0.0)))
            leaps.append(Leap(labels, int(times[largest + 1]), float(rises[largest]), int(leapt.sum()), risen, counted))
    return tuple(leaps)


def _even(rises: Floats, lengths: Floats) -> bool:
    """Whether the largest rise is below a thousand times the usual pace, or the pace is not known.

    Of the rates of rises, so many are near the largest that the one which 99 of 100 do not exceed is among them.
    """
    rising = rises > 0
    rates = rises[rising] / lengths[rising]
    return not len(rates) or bool((rates >= rates.max() / (IMPOSSIBLE - 1)).sum() >= len(rates) / 100 + 2)


def _surely_even(rises: Floats, gaps: Times) -> bool:
    """As :func:`_even`, from the least rate that each rise can have and the largest that any has; False tells nothing.

    Most counters are even, and this takes a third of the time.
    """
    if not len(rises):
        return True
    near = float(rises.max()) * (float(gaps.max()) / float(gaps.min())) / (IMPOSSIBLE - 1) * (1 + 1e-9)
    return near > 0 and bool(np.count_nonzero(rises >= near) >= np.count_nonzero(rises > 0) / 100 + 2)


class _Paces:
    """Usual pace of each series, and of the series of a metric and target together. [count per ms]"""

    def __init__(self, series: SeriesSet) -> None:
        self._series = series
        self._targets: dict[tuple[str, ...], float] | None = None

    def rises(self, row: int) -> tuple[Times, Floats, Floats, Times]:
        """Return times and values of a series, its rises and how long each took. [ms]"""
        times, values = counted_samples(self._series, row)
        rises = np.diff(values)
        if (places := self._series.falls.get(row)) is not None:
            rises[places - 1] = values[places]
        return times, values, rises, np.diff(times)

    def of(self, row: int) -> float | None:
        _, _, rises, gaps = self.rises(row)
        return usual_pace(rises, gaps.astype(np.float64))

    def of_target(self, labels: Labels) -> float:
        if self._targets is None:
            self._targets = {}
            for row, own in enumerate(self._series.labels):
                place = _place(own)
                self._targets[place] = self._targets.get(place, 0.0) + (self.of(row) or 0.0)
        return self._targets[_place(labels)]


def _place(labels: Labels) -> tuple[str, ...]:
    return labels.get("__name__", ""), *target_of(labels)


def leap_bounds(good: Floats, total: Floats, *, bad_leapt: float, leapt: float) -> tuple[Floats, Floats] | None:
    """Return the fewest and the most good events: with the leaps of the counters, and as if they had not been.

    Parameters
    ----------
    good, total : float64 array, length n_slices
        With the leaps. [events/slice]
    bad_leapt, leapt : float
        What leaps add to the bad events, and to all events. [events]

    Returns
    -------
    pair of float64 arrays, length n_slices, or None
        [events/slice]; None where leaps change nothing.

    Examples
    --------
    >>> good, total = np.array([90.0, 1_000_090.0]), np.array([100.0, 1_000_100.0])
    >>> [round(float(bound.sum())) for bound in leap_bounds(good, total, bad_leapt=0, leapt=1e6)]
    [900180, 1000180]
    """
    events, bad = float(total.sum()), float(total.sum() - good.sum())
    if not leapt or not events:
        return None
    rest, bad_rest = events - leapt, max(bad - bad_leapt, 0.0)
    share = min(bad_rest / rest, 1.0) if rest > 0 else 0.0
    fewer = total - (total - good) * min(1.0, share * events / bad) if bad else good
    if share * events <= bad:
        return good, fewer
    return good * ((1 - share) * events / max(float(good.sum()), 1e-9)), good


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
