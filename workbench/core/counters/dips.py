"""Counters that fall without starting again (misreads, late replicas, restored state), told from restarts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.core.counters.falls import Fall, Floats, Samples, Times, counted_samples, doubtful_falls, falls_in
from workbench.core.counters.spikes import spikes_in
from workbench.core.series import Labels, SeriesSet, target_of
from workbench.core.timerange import from_ms
from workbench.core.units import instant_text, series_text

#: A fall by at most this part is no restart although its process restarted: the count was kept. [ratio]
_KEPT = 0.1

#: A fall by more than this part, with no other evidence, is a restart. [ratio]
_RESTART = 0.5

#: Samples before a fall that tell how fast the series counts. [samples]
_BEFORE = 20


@dataclass(frozen=True)
class Dip:
    """A fall of a counter that was no restart, or a leap up that was no count (``after`` above ``before``).

    Attributes
    ----------
    labels : Labels
    time_ms : int
        Of the first sample that was misread. [ms since the epoch]
    before, after : float
        Values beside the fall or leap. The true count lies within ``before - after`` of the corrected one. [count]
    at_stake : float
        What a restart, or the leap, would have counted more. [count]
    back_ms : int, optional
        First sample that is as high again; None where the count went on from the lower value. [ms since the epoch]
    """

    labels: Labels
    time_ms: int
    before: float
    after: float
    at_stake: float
    back_ms: int | None = None


@dataclass(frozen=True)
class Evidence:
    """What tells a restart from a misread.

    Attributes
    ----------
    starts : SeriesSet
        Samples of ``process_start_time_seconds`` of the targets.
    created : SeriesSet
        Samples of the ``_created`` series of the counters.
    """

    starts: SeriesSet
    created: SeriesSet


NO_EVIDENCE = Evidence(SeriesSet.empty(), SeriesSet.empty())


def doubtful(series: SeriesSet) -> bool:
    """Whether some counter fell in a way that may be no restart, so that more evidence is worth reading.

    Examples
    --------
    >>> times = list(range(0, 360, 60))
    >>> [doubtful(SeriesSet.of([({}, times, values)])) for values in ([80, 81, 82, 1, 2, 3], [80, 81, 80, 83, 84, 85])]
    [False, True]
    """
    return bool(spikes_in(series)) or doubtful_falls(series)


def without_dips(series: SeriesSet, evidence: Evidence = NO_EVIDENCE) -> tuple[SeriesSet, tuple[Dip, ...]]:
    """Raise counters where they fell without starting again, so that only restarts are falls.

    Parameters
    ----------
    series : SeriesSet
        Samples of counters; those of one target (``job``, ``instance``) are evidence for each other.
    evidence : Evidence, optional
        Starts of processes and created samples; without it only falls of a counter tell a restart.

    Returns
    -------
    SeriesSet
        The same series; a dip that ends holds the value before it, one that goes on is lifted by the size of the fall.
    tuple of Dip
        By series and time.

    Notes
    -----
    After a restart a counter holds what it counted since. So a fall from a to b is a restart when b is plausible: at
    most ten times what the series counts in as long, with ten units to spare. It is none when the count soon leaps
    back to where it was. Otherwise evidence decides, in this order: the created sample of the counter; the start time
    of its process; other series of its target, of which one that started again, or one that went on counting, tells
    for all; else a fall by more than half, or by more than a tenth after missed scrapes, is a restart, unless b is a
    thousand times what the series can have counted. Where a process did restart and the counter lost at most a tenth,
    the count was kept over the restart.

    Examples
    --------
    >>> times = list(range(0, 300, 60))
    >>> fixed, dips = without_dips(SeriesSet.of([({}, times, [7_000, 7_060, 7_059, 7_180, 7_240])]))
    >>> fixed.values.tolist(), dips[0].before - dips[0].after, dips[0].at_stake
    ([7000.0, 7060.0, 7060.0, 7180.0, 7240.0], 1.0, 7060.0)
    >>> without_dips(SeriesSet.of([({}, times, [7_000, 7_060, 12, 70, 130])]))[1]
    ()
    """
    series, leaps = _without_spikes(series)
    if not doubtful_falls(series):
        return series, leaps
    falls = falls_in(series)
    starts = {target_of(labels): (times, values) for labels, times, values in evidence.starts}
    created = {_identity(labels): (times, values) for labels, times, values in evidence.created}
    others = _Others(series, falls)
    values, dips = series.values.copy(), list(leaps)
    for row, own in falls.items():
        labels = series.labels[row]
        times, samples = counted_samples(series, row)
        judged = [
            fall
            for fall in own
            if _is_dip(
                fall,
                _restarted(created.get(_identity(labels)), times[fall.at - 1], times[fall.at]),
                _restarted(starts.get(target_of(labels)), times[fall.at - 1], times[fall.at]),
                others,
                int(times[fall.at]),
            )
        ]
        if judged:
            lifted, ending = _lifted(times, samples, own, judged)
            first, last = series.offsets[row : row + 2]
            inside = np.flatnonzero(np.isfinite(series.values[first:last])) + first
            values[inside] = lifted
            dips += [_dip(labels, times, fall, ends=fall.at in ending) for fall in judged]
    return SeriesSet(series.labels, series.offsets, series.times, values), tuple(dips)


def _without_spikes(series: SeriesSet) -> tuple[SeriesSet, tuple[Dip, ...]]:
    """Hold the value from before each leap that fell back."""
    spikes = spikes_in(series)
    if not spikes:
        return series, ()
    values, dips = series.values.copy(), []
    for spike in spikes:
        times, samples = counted_samples(series, spike.row)
        before, top = float(samples[spike.start - 1]), float(samples[spike.start : spike.end].max())
        first, last = series.offsets[spike.row : spike.row + 2]
        inside = np.flatnonzero(np.isfinite(series.values[first:last])) + first
        values[inside[spike.start : spike.end]] = before
        more = top - before + float(samples[spike.end])
        begin_ms, end_ms = int(times[spike.start]), int(times[spike.end])
        dips.append(Dip(series.labels[spike.row], begin_ms, before, top, more, end_ms))
    return SeriesSet(series.labels, series.offsets, series.times, values), tuple(dips)


def dip_notes(dips: Sequence[Dip], *, since_ms: int) -> tuple[str, ...]:
    """Say which counters were corrected, when, and what is at stake; one sentence a metric.

    Parameters
    ----------
    dips : sequence of Dip
        Falls from which the counter returned.
    since_ms : int
        Earlier ones change nothing and are left out. [ms since the epoch]

    Examples
    --------
    >>> dip = Dip({"__name__": "a_total", "code": "200"}, 60_000, 7_300.0, 7_299.0, 7_300.0)
    >>> dip_notes([dip], since_ms=0)[0].partition(" and was")[0]
    'Corrected: a_total{code="200"} fell by 1 (7,300 to 7,299) at 1 Jan 1970 00:01 UTC'
    """
    named: dict[str, list[Dip]] = {}
    for dip in dips:
        if dip.time_ms > since_ms:
            named.setdefault(dip.labels.get("__name__", ""), []).append(dip)
    sides = [[dip for dip in own if (dip.after > dip.before) == up] for own in named.values() for up in (False, True)]
    return tuple(_note(own) for own in sides if own)


def _dip(labels: Labels, times: Times, fall: Fall, *, ends: bool) -> Dip:
    back_ms = int(times[fall.back]) if ends and fall.back is not None else None
    return Dip(labels, int(times[fall.at]), fall.high, fall.low, fall.high if ends else fall.low, back_ms)


def _note(dips: Sequence[Dip]) -> str:
    worst = max(dips, key=lambda dip: dip.at_stake)
    up = worst.after > worst.before
    falls = (
        f"{series_text(worst.labels)} {'rose' if up else 'fell'} by {_figure(abs(worst.before - worst.after))} "
        f"({_figure(worst.before)} to {_figure(worst.after)}) at {instant_text(from_ms(worst.time_ms))}"
    )
    rest = f", the largest of {len(dips)} such {'leaps' if up else 'falls'}," if len(dips) > 1 else ""
    more = _figure(sum(dip.at_stake for dip in dips))
    if up:
        return f"Corrected: {falls}{rest} and fell back, so it was misread; {more} more would be counted."
    stake = f"a restart would count {more} more"
    bound = _figure(sum(dip.before - dip.after for dip in dips))
    return f"Corrected: {falls}{rest} and was no restart; {stake}. The count is right to within {bound}."


def _figure(value: float) -> str:
    return f"{value:,.6f}".rstrip("0").rstrip(".")


def _is_dip(fall: Fall, created: bool | None, started: bool | None, others: _Others, time_ms: int) -> bool:
    if created is not None:
        return not created
    if fall.leapt or not (fall.strange or fall.doubtful):
        return fall.leapt
    lost = (fall.high - fall.low) / fall.high
    restarted = started if started is not None else others.restarted(fall, time_ms)
    if restarted is None:
        most_lost = _KEPT if fall.late else 1.0 if fall.impossible else _RESTART
        return fall.strange and lost <= most_lost
    return fall.strange and lost <= _KEPT if restarted else fall.doubtful


def _restarted(samples: Samples | None, before_ms: int, after_ms: int) -> bool | None:
    """Whether a start time changed between two instants; None where it is not known at both."""
    if samples is None:
        return None
    times, values = samples
    places = np.searchsorted(times, [before_ms, after_ms], side="right") - 1
    if places[0] < 0 or times[places[1]] <= before_ms:
        return None
    return bool(values[places[1]] > values[places[0]])


class _Others:
    """The other series of a target at an instant: the most alike that counted tell whether the process went on."""

    def __init__(self, series: SeriesSet, falls: Mapping[int, Sequence[Fall]]) -> None:
        self._series, self._falls = series, falls
        self._targets: dict[tuple[str, str], list[int]] = {}
        for row, labels in enumerate(series.labels):
            self._targets.setdefault(target_of(labels), []).append(row)

    def restarted(self, fall: Fall, time_ms: int) -> bool | None:
        """Whether another series started again at this instant; False when one went on, None when none tells."""
        labels = self._series.labels[fall.row]
        own = set(labels.items())
        alike: dict[int, list[int]] = {}
        for row in self._targets[target_of(labels)]:
            if row != fall.row:
                alike.setdefault(len(own & set(self._series.labels[row].items())), []).append(row)
        went_on = False
        for _, rows in sorted(alike.items(), reverse=True)[:1]:
            for row in rows:
                times, values = counted_samples(self._series, row)
                at = int(np.searchsorted(times, time_ms))
                if not 0 < at < len(times) or times[at] != time_ms or not values[at - 1] > 0:
                    continue
                if values[at] >= values[at - 1]:
                    went_on = True
                elif any(fall.at == at and not fall.strange and not fall.leapt for fall in self._falls.get(row, ())):
                    return True
        return False if went_on else None


def _lifted(times: Times, values: Floats, falls: Sequence[Fall], dips: Sequence[Fall]) -> tuple[Floats, set[int]]:
    """Values with dips held where they end, and lifted where they go on; a restart ends every lift.

    Returned beside are the places of the dips that end.
    """
    lifted, lift, segment, until, since = values.astype(np.float64).copy(), 0.0, 0, 0, 0
    taken, holds = {dip.at for dip in dips}, list[tuple[int, int, float]]()
    for fall in falls:
        if fall.at < until:
            continue
        if fall.at in taken and _ends(times, values, fall, since):
            assert fall.back is not None
            holds.append((fall.at, fall.back, fall.high + lift))
            until = fall.back
            continue
        lifted[segment : fall.at] += lift
        segment = fall.at
        if fall.at in taken:
            lift += fall.high - fall.low
        else:
            lift, since = 0.0, fall.at
    lifted[segment:] += lift
    for first, last, value in holds:
        lifted[first:last] = value
    return lifted, {first for first, _, _ in holds}


def _ends(times: Times, values: Floats, fall: Fall, since: int) -> bool:
    """Whether the count came back to where it was, rather than going on from where it fell: by how fast it counts."""
    back, at = fall.back, fall.at
    if back is None:
        return False
    start = max(since, at - 1 - _BEFORE)
    top = np.maximum.accumulate(values[start:at])
    length = float(times[at - 1] - times[start])
    pace = float(top[-1] - top[0]) / length if length > 0 else 0.0
    held = abs(float(values[back] - values[at - 1]) - pace * float(times[back] - times[at - 1]))
    gone_on = abs(float(values[back] - values[at]) - pace * float(times[back] - times[at]))
    return held <= gone_on


def _identity(labels: Labels) -> tuple[tuple[str, str], ...]:
    """Labels of a counter without its name and bucket: its created sample has the same."""
    return tuple(sorted((name, value) for name, value in labels.items() if name not in ("__name__", "le")))
