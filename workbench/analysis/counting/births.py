"""Series that begin with a value when nothing saw their target before: what they counted until then is not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.core.counters.falls import IMPLAUSIBLE, IMPOSSIBLE, counted_samples, usual_pace, usual_spacing
from workbench.core.series import Labels, SeriesSet, target_of
from workbench.core.units import significant_text

#: A series goes on under other labels when it begins so many scrapes after another ended, at most. [scrapes]
_GAP = 5


@dataclass(frozen=True)
class Birth:
    """A series that began with a value that no scrape saw counted.

    Attributes
    ----------
    labels : Labels
    time_ms : int
        Of its first sample. [ms since the epoch]
    value : float
        Of its first sample: what was counted before it, since an unknown instant, and is left out. [count]
    """

    labels: Labels
    time_ms: int
    value: float


def unseen_births(series: SeriesSet, born_at_zero: NDArray[np.bool_], *, since_ms: int) -> tuple[Birth, ...]:
    """Return the series that begin with a value after an instant, neither counted from zero nor from the beginning.

    Parameters
    ----------
    series : SeriesSet
        Samples of counters of one selector.
    born_at_zero : bool array, length n_series
        Series whose first sample counts in full, see :func:`workbench.analysis.counting.increase.born_while_up`.
    since_ms : int
        Earlier first samples change no count. [ms since the epoch]

    Returns
    -------
    tuple of Birth
        By series. Series that begin within a scrape of where the data begin are none: there the coverage says what is
        missing.

    Examples
    --------
    >>> pods = [({"pod": "a"}, [0, 60, 120], [5.0, 6.0, 7.0]), ({"pod": "b"}, [120, 180], [40.0, 41.0])]
    >>> unseen_births(SeriesSet.of(pods), np.array([False, False]), since_ms=60)
    (Birth(labels={'pod': 'b'}, time_ms=120, value=40.0),)
    """
    firsts = dict[int, Birth]()
    for row in range(len(series)):
        times, values = counted_samples(series, row)
        if len(times):
            firsts[row] = Birth(series.labels[row], int(times[0]), float(values[0]))
    beginning = min((first.time_ms for first in firsts.values()), default=since_ms)
    return tuple(
        first
        for row, first in firsts.items()
        if first.time_ms > max(since_ms, beginning)
        and first.value > 0
        and not born_at_zero[row]
        and first.time_ms > beginning + usual_spacing(counted_samples(series, row)[0])
    )


def begun_within(series: SeriesSet, starts: SeriesSet, *, since_ms: int) -> NDArray[np.bool_]:
    """Mask of the series whose process began after an instant, so that all of their first value was counted since.

    Parameters
    ----------
    series : SeriesSet
        Samples of counters of one selector.
    starts : SeriesSet
        Samples of ``process_start_time_seconds`` of the same targets. [s]
    since_ms : int
        [ms since the epoch]

    Notes
    -----
    An exporter that starts again shows counters that are older than its process: a first value of over ten times what
    the series counts at most in as long is not taken.

    Examples
    --------
    >>> pod = {"job": "web", "instance": "a"}
    >>> seen, starts = [(pod, [60_000, 120_000], [40.0, 100.0])], [(pod, [60_000, 120_000], [5.0, 5.0])]
    >>> [begun_within(SeriesSet.of(seen), SeriesSet.of(starts), since_ms=at).tolist() for at in (0, 30_000)]
    [[True], [False]]
    """
    known = {target_of(labels): (times, values) for labels, times, values in starts}
    begun = np.zeros(len(series), np.bool_)
    for row, labels in enumerate(series.labels):
        times, values = counted_samples(series, row)
        if (samples := known.get(target_of(labels))) is None or len(times) < 2:
            continue
        place = max(int(np.searchsorted(samples[0], times[0], side="right")) - 1, 0)
        start_ms, first_ms = float(samples[1][place]) * 1_000, int(times[0])
        most = float((np.maximum(np.diff(values), 0.0) / np.diff(times)).max())
        if since_ms <= start_ms <= first_ms:
            begun[row] = values[0] <= IMPLAUSIBLE * (most * (first_ms - start_ms) + 1.0)
    return begun


def going_on(series: SeriesSet, born_at_zero: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Find the series born while their target was up that cannot have counted their first value since.

    Parameters
    ----------
    series : SeriesSet
        Samples of counters of one selector.
    born_at_zero : bool array, length n_series
        Series whose first sample would count in full.

    Returns
    -------
    goes_on : bool array, length n_series
        Where another series of the target ended just before, and this one goes on from its value: a label was added or
        renamed. What it counted before was counted there.
    too_high : bool array, length n_series
        Where the first value is over a thousand times the usual pace.

    Examples
    --------
    >>> old, new = ({"job": "web", "version": version} for version in ("1", "2"))
    >>> seen = [(old, [0, 60, 120], [7_000.0, 7_001.0, 7_002.0]), (new, [180, 240], [7_003.0, 7_004.0])]
    >>> going_on(SeriesSet.of(seen), np.array([False, True]))[0].tolist()
    [False, True]
    """
    goes_on, too_high = np.zeros((2, len(series)), np.bool_)
    ends: dict[tuple[str, ...], list[tuple[int, int, float]]] = {}
    for row in range(len(series)) if born_at_zero.any() else ():
        times, values = counted_samples(series, row)
        if len(times) > 1:
            ends.setdefault(_place(series.labels[row]), []).append((row, int(times[-1]), float(values[-1])))
    ended = {place: [np.array(column) for column in zip(*own, strict=True)] for place, own in ends.items()}
    for row in np.flatnonzero(born_at_zero).tolist():
        times, values = counted_samples(series, row)
        if not len(times):
            continue
        first_ms, first = int(times[0]), float(values[0])
        if (own := ended.get(_place(series.labels[row]))) is not None:
            before = own[0][(own[1] < first_ms) & (own[2] <= first)]
            goes_on[row] = any(_goes_on(*counted_samples(series, other), first_ms, first) for other in before.tolist())
        if goes_on[row] or first <= IMPOSSIBLE:
            continue
        pace = usual_pace(np.diff(values), np.diff(times).astype(np.float64))
        too_high[row] = pace is not None and first > IMPOSSIBLE * (pace * usual_spacing(times) + 1.0)
    return goes_on, too_high


def _goes_on(times: NDArray[np.int64], values: NDArray[np.float64], first_ms: int, first: float) -> bool:
    """Whether a series that ended before another began did so just before, at a value from which that may go on."""
    gap, last = first_ms - int(times[-1]), float(values[-1])
    if gap > _GAP * usual_spacing(times):
        return False
    counted = IMPLAUSIBLE * (float((np.maximum(np.diff(values), 0.0) / np.diff(times)).max()) * gap + 1.0)
    return 2 * counted < last and first <= last + counted


def _place(labels: Labels) -> tuple[str, ...]:
    return tuple(labels.get(name, "") for name in ("__name__", "job", "instance"))


def birth_notes(births: Sequence[Birth]) -> tuple[str, ...]:
    """Say how much may be missing from the counts, one sentence per metric.

    Examples
    --------
    >>> birth_notes([Birth({"__name__": "requests_total", "pod": "b"}, 120_000, 40.0)])[0].partition(":")[0]
    'Not counted'
    """
    named: dict[str, list[Birth]] = {}
    for birth in births:
        named.setdefault(birth.labels.get("__name__", ""), []).append(birth)
    return tuple(_note(name, own) for name, own in named.items())


def _note(name: str, births: Sequence[Birth]) -> str:
    largest = max(births, key=lambda birth: birth.value)
    target = [f"{label} {largest.labels[label]}" for label in ("job", "pod", "instance") if label in largest.labels]
    where = f", the largest of {', '.join(target)}" if target else ""
    amount = significant_text(sum(birth.value for birth in births))
    return (
        f"Not counted: up to {amount} of {name}. {len(births):,} series began with a value that no scrape saw "
        f"counted{where}; when that was counted is not known."
    )
