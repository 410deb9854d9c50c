"""Exact increases of counters: what was counted between two instants, never extrapolated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.core.counters.falls import usual_spacing
from workbench.core.errors import ParameterError
from workbench.core.series import SeriesSet, target_of

Floats = NDArray[np.float64]

#: How often a target is scraped is known from so many samples. [count]
_KNOWN = 10

#: Samples so many times further apart than usual are a gap. [x]
_LATE = 2.5

Edges = Sequence[int] | range | NDArray[np.int64]


def exact_increases(series: SeriesSet, edges_ms: Edges, born_at_zero: NDArray[np.bool_] | None = None) -> Floats:
    """Increase of each counter in each slice between two neighbouring edges.

    Parameters
    ----------
    series : SeriesSet
        Samples of counters, from before the first edge so that there is a value to start from.
    edges_ms : array-like of int, strictly increasing, length n_slices + 1
        Slice i holds the samples in ``(edges_ms[i], edges_ms[i + 1]]``. [ms since the epoch]
    born_at_zero : bool array, length n_series, optional
        Series whose first sample counts in full, see :func:`born_while_up`; by default none.

    Returns
    -------
    float64 array, (n_series, n_slices)
        Increases. [count]

    Raises
    ------
    ParameterError
        Fewer than two edges, or edges that do not increase.

    Notes
    -----
    With C(t) the reset-corrected value at the last sample at or before t, the increase is C(t2) - C(t1), so
    increases of adjacent slices add up to the increase of the whole, whatever the scrape times. Before its first
    sample a series has C = 0 when it was born at zero, else the value of that sample. A value below the one
    before it is a reset: the counter began again at 0. Stale marks, NaN and infinities are not counts and are
    passed over. Summing over series comes after this, never before: a sum of counters hides their resets.

    Examples
    --------
    >>> counter = SeriesSet.of([({"__name__": "requests_total"}, [0, 60, 120, 180], [10, 14, 3, 5])])
    >>> exact_increases(counter, [0, 60, 120, 180]).tolist()
    [[4.0, 3.0, 2.0]]
    """
    edges, series = _checked(edges_ms), numbers_of(series)
    increases = np.zeros((len(series), len(edges) - 1))
    for i, (places, (_, _, values)) in enumerate(zip(last_places(series, edges), series, strict=True)):
        if len(values):
            from_zero = born_at_zero is not None and bool(born_at_zero[i])
            increases[i] = np.diff(_corrected(values, series.falls.get(i), places, from_zero=from_zero))
    return increases


def numbers_of(series: SeriesSet) -> SeriesSet:
    """Return the same series without samples that are no numbers; itself where there is none.

    Examples
    --------
    >>> numbers_of(SeriesSet.of([({}, [0, 60], [1.0, float("nan")])])).times.tolist()
    [0]
    """
    if series.finite:
        return series
    parts = [(labels, np.isfinite(values), times, values) for labels, times, values in series]
    return SeriesSet.of((labels, times[kept], values[kept]) for labels, kept, times, values in parts)


def last_places(series: SeriesSet, edges: NDArray[np.int64]) -> Iterator[NDArray[np.intp]]:
    """Give the place of the last sample at or before each edge, series by series; -1 before the first sample.

    Examples
    --------
    >>> [places.tolist() for places in last_places(SeriesSet.of([({}, [10, 20], [1, 2])]), np.array([5, 15, 25]))]
    [[-1, 0, 1]]
    """
    known: tuple[NDArray[np.int64], NDArray[np.intp]] | None = None
    for _, times, _ in series:
        # One scrape gives all series of a target, so most have the times of the one before.
        if known is None or not np.array_equal(times, known[0]):
            known = times, np.searchsorted(times, edges, side="right") - 1
        yield known[1]


def born_while_up(series: SeriesSet, up: SeriesSet) -> NDArray[np.bool_]:
    """Mask of the series whose target was scraped well just before their first sample.

    Such a series did not exist at that scrape, so all it counts at its first sample was counted since.

    Parameters
    ----------
    series : SeriesSet
        Counters, with the labels ``job`` and ``instance`` of their target.
    up : SeriesSet
        Samples of ``up`` of the same targets, read over the same time.

    Returns
    -------
    bool array, length n_series

    Examples
    --------
    >>> up = SeriesSet.of([({"job": "web", "instance": "a"}, [0, 60], [1, 1])])
    >>> old, new = ({"job": "web", "instance": "a", "code": code} for code in ("200", "500"))
    >>> born_while_up(SeriesSet.of([(old, [0, 60], [8, 9]), (new, [60], [1])]), up).tolist()
    [False, True]
    """
    health = {target_of(labels): (times, values) for labels, times, values in up}
    born = np.zeros(len(series), np.bool_)
    for i, (labels, times, values) in enumerate(series):
        counted = np.flatnonzero(np.isfinite(values))
        samples = health.get(target_of(labels))
        if samples is None or not len(counted):
            continue
        before = int(np.searchsorted(samples[0], times[counted[0]], side="left")) - 1
        born[i] = before >= 0 and samples[1][before] == 1.0
    return born


class Sightings:
    """In which slices targets were seen, for one question after another: what is known of a scrape is kept.

    Parameters
    ----------
    edges_ms : array-like of int, strictly increasing, length n_slices + 1
        Slice edges. [ms since the epoch]

    Notes
    -----
    A target lives from its first sample to its last one, over all its series, and is seen in a slice that holds
    any of its samples. Rare series (a status code that seldom occurs) thus never make a target look unseen, and
    a target that is gone for good does not lower the share for ever. A target that is scraped less often than once a
    slice is seen between two samples that are no further apart than 2.5 times its usual interval.

    Examples
    --------
    >>> seen = SeriesSet.of([({"instance": "a"}, [10, 20, 40], [1, 1, 1]), ({"instance": "b"}, [10, 40], [1, 1])])
    >>> Sightings([0, 10, 20, 30, 40, 50]).share(seen).tolist()
    [1.0, 0.5, 0.0, 1.0, 0.0]
    """

    def __init__(self, edges_ms: Edges) -> None:
        self._edges = _checked(edges_ms)
        self._least = int(np.diff(self._edges).min())
        self._known: dict[tuple[str, str], tuple[NDArray[np.int64], NDArray[np.bool_]]] = {}

    def share(self, series: SeriesSet) -> Floats:
        """Return the share of the targets alive in each slice that were seen in it.

        Parameters
        ----------
        series : SeriesSet
            Any series of the targets; a target is a pair of ``job`` and ``instance``.

        Returns
        -------
        float64 array, length n_slices
            In [0, 1]; 0 where no target was alive. [ratio]
        """
        edges, places = self._edges, dict[tuple[str, str], int]()
        codes = [places.setdefault(target_of(labels), len(places)) for labels in series.labels]
        seen = np.zeros((len(places), len(edges) - 1), np.bool_)
        first = np.full(len(places), np.iinfo(np.int64).max)
        last = np.full(len(places), np.iinfo(np.int64).min)
        for code, (labels, times, values) in zip(codes, series, strict=True):
            times = times if series.finite else times[np.isfinite(values)]
            if len(times):
                seen[code] |= self._seen(target_of(labels), times)
                first[code], last[code] = min(first[code], times[0]), max(last[code], times[-1])
        alive = (first[:, None] <= edges[None, 1:]) & (last[:, None] > edges[None, :-1])
        share: Floats = seen.sum(axis=0) / np.maximum(alive.sum(axis=0), 1)
        return share

    def _seen(self, target: tuple[str, str], times: NDArray[np.int64]) -> NDArray[np.bool_]:
        known, seen = self._known.get(target, (None, None))
        # One scrape gives all series of a target, so most have the times of the one before.
        if known is None or seen is None or not np.array_equal(times, known):
            seen = np.diff(np.searchsorted(times, self._edges, side="right")) > 0
            if len(times) >= _KNOWN and (spacing := usual_spacing(times)) > self._least:
                seen |= _between(times, self._edges, longest=_LATE * spacing)
            self._known[target] = times, seen
        return seen


def _between(times: NDArray[np.int64], edges: NDArray[np.int64], *, longest: float) -> NDArray[np.bool_]:
    """Slices that lie between two samples that are not too far apart."""
    near = np.diff(times) <= longest
    slices = np.clip(np.searchsorted(edges, times, side="left") - 1, 0, len(edges) - 1)
    begins = np.zeros(len(edges) + 1, np.int64)
    np.add.at(begins, slices[:-1][near], 1)
    np.add.at(begins, slices[1:][near], -1)
    return np.asarray(np.cumsum(begins)[: len(edges) - 1] > 0)


def _checked(edges_ms: Edges) -> NDArray[np.int64]:
    edges = np.asarray(edges_ms, np.int64)
    if len(edges) < 2 or (np.diff(edges) <= 0).any():
        raise ParameterError(
            f"{len(edges)} slice edges that do not increase make no slice.",
            hint="Pass at least two edges in rising order, e.g. span.edges_ms(300_000).",
        )
    return edges


def _corrected(values: Floats, falls: NDArray[np.int64] | None, places: NDArray[np.intp], *, from_zero: bool) -> Floats:
    """Reset-corrected values of a counter at some places; -1 is before its first sample."""
    reached = values[places]
    if falls is not None:
        lost = np.append(0.0, np.cumsum(values[falls - 1]))
        reached = reached + lost[np.searchsorted(falls, places, side="right")]
    return np.where(places >= 0, reached, 0.0 if from_zero else values[0])
