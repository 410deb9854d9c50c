"""Stretches of time in which more went wrong than usual: the usual share, and where the counts rise above it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.counting.edges import BRIDGED, Edges, Floats, Sums, own_parts, settled, sharpened

#: Steps of one block, over which the usual share is estimated.
BLOCK = 12

#: Rises looked for are this factor apart; a rise between two of them is found by either.
LEVEL_FACTOR = 3.0

#: Stretches beside or inside each other are told apart when one rises this many times as high.
ALIKE = 2.0

_HOURS = 24
_ROUNDS = 8
_TRIM = 3.0
_PRIOR = 40.0


@dataclass(frozen=True)
class Stretch:
    """Slices ``first`` up to and without ``last`` in which the share of bad events was ``rise`` above the usual."""

    first: int
    last: int
    rise: float


@dataclass(frozen=True)
class Usual:
    """The usual share of bad events: in each slice, over all, and how much more than Poisson counts it scatters."""

    share: Floats
    level: float
    scatter: float


def usual_share(bad: Floats, total: Floats, *, floor: float, cap: float, slices_a_day: int) -> Usual:
    """Estimate what share of events goes wrong when nothing special happens.

    Parameters
    ----------
    bad, total : float64 array, length n
        Counts of slices without holes; a slice that was not observed has 0 events. [events/slice]
    floor, cap : float
        Least and largest share that counts as usual. [ratio]
    slices_a_day : int
        For the course of the day, which is removed from two days of history on. [count]

    Returns
    -------
    Usual

    Notes
    -----
    Blocks of about an hour are trimmed: those that hold more than three standard deviations too many bad events are
    left out until none is. The scatter is Pearson's chi-square per block of what is left, at least 1.
    """
    hour = max(1, round(slices_a_day / _HOURS))
    size = min(BLOCK, hour) if hour > 1 else 1
    k, n = _blocks(bad, size), _blocks(total, size)
    place = (np.arange(len(k)) * size // hour) % _HOURS
    course = np.ones(_HOURS)
    share, scatter, kept = _trimmed(k, n, course[place], floor, cap)
    if len(bad) >= 2 * slices_a_day and slices_a_day >= _HOURS:
        counted = np.bincount(place[kept], k[kept], _HOURS)
        expected = np.bincount(place[kept], (share * n)[kept], _HOURS)
        course = (counted + _PRIOR * scatter) / (expected + _PRIOR * scatter)
        share, scatter, kept = _trimmed(k, n, course[place], floor, cap)
    usual = share * course[(np.arange(len(bad)) // hour) % _HOURS]
    return Usual(np.clip(usual, floor, cap), share, scatter)


def _trimmed(k: Floats, n: Floats, course: Floats, floor: float, cap: float) -> tuple[float, float, NDArray[np.bool_]]:
    exposed = n * course
    kept = n > 0
    share, scatter = floor, 1.0
    with np.errstate(invalid="ignore", divide="ignore"):
        start = np.median((k / exposed)[kept]) if kept.any() else 0.0
    share = max(float(start), floor)
    for _ in range(_ROUNDS):
        expected = share * exposed
        inside = (n > 0) & (k - expected <= _TRIM * np.sqrt(scatter * expected) + 1)
        if not inside.any():
            break
        share = max(float(k[inside].sum() / max(exposed[inside].sum(), 1e-300)), floor)
        expected = share * exposed[inside]
        heavy = expected > 0.5
        if heavy.sum() >= 10:
            scatter = max(1.0, float(np.mean((k[inside][heavy] - expected[heavy]) ** 2 / expected[heavy])))
        if (inside == kept).all():
            break
        kept = inside
    return min(share, cap), min(scatter, 25.0), kept


def _blocks(counts: Floats, size: int) -> Floats:
    sums: Floats = np.add.reduceat(counts, np.arange(0, len(counts), size)) if len(counts) else np.zeros(0)
    return sums


def elevated(bad: Floats, total: Floats, usual: Usual, *, least: float) -> list[Stretch]:
    """Find the stretches in which the share of bad events rises above the usual one.

    Parameters
    ----------
    bad, total : float64 array, length n
        Counts of slices without holes. [events/slice]
    usual : Usual
        The usual share of bad events.
    least : float
        Smallest rise that is looked for. [ratio]

    Returns
    -------
    list of Stretch
        By start. One may lie inside another: an outage during a slow burn. The slices of the inner one belong to it.

    Notes
    -----
    The score of a slice for a rise d over the usual share r is k log(1 + d / r) - d n, the log likelihood ratio of
    Poisson counts, divided by their scatter. A stretch is where its cumulative sum climbs by more than log(n) + 4
    [1]_: chance does so in about one history of fifty. Rises are looked for from the steepest to the least, each
    in what the steeper left, then within each stretch above its own share. The edges of each are those most likely
    under its own rise (:mod:`workbench.analysis.counting.edges`). A stretch that is not told apart from the one around
    it, or beside it, is one with it, and so is the slice of which it holds only part of the time.

    References
    ----------
    .. [1] E. S. Page, Continuous inspection schemes, Biometrika 41, 1954.
    """
    if not len(bad) or not bad.any():
        return []
    height = float(np.log(len(bad)) + 4) * usual.scatter
    rise, levels = 0.5, []
    while rise > least:
        levels.append(rise)
        rise /= LEVEL_FACTOR
    levels.append(least)
    intervals: list[Edges] = []
    sums = Sums(bad, total, usual.share)
    hits = _Hits(bad, total, usual.share, sums)
    for level in levels:
        known = len(intervals)
        for climb in hits.risen(level, height):
            first, last = sharpened(climb, sums, intervals, height)
            if last > first:
                intervals.append((first, last))
        if len(intervals) > known:
            hits.leave_out(intervals)
    for interval in sorted(intervals, key=lambda each: each[0] - each[1]):
        for climb in _within(interval, intervals, bad, total, sums, height):
            first, last = sharpened(climb, sums, intervals, height)
            if last > first:
                intervals.append((first, last))
    sharp = set(intervals)
    joined = _joined(intervals, sums, height)
    intervals = settled(joined, sums, height, sharp=sharp)
    if intervals != joined:
        intervals = _joined(intervals, sums, height)
    counts = [sums.of(own_parts(interval, intervals)) for interval in intervals]
    return [
        Stretch(*interval, (k - e) / n) for interval, (k, n, e) in zip(intervals, counts, strict=True) if n and k > e
    ]


def _within(
    edges: Edges, intervals: list[Edges], bad: Floats, total: Floats, sums: Sums, height: float
) -> list[Edges]:  # fmt: skip
    """Climbs above a stretch's own share: what is steeper but was found together with it."""
    first, last = edges
    own = own_parts(edges, sorted(intervals, key=lambda each: (each[0], -each[1])))
    _, events, usual = sums.of(own)
    rise = sums.rise(own)
    if last - first <= 2 * BRIDGED or not 0 < ALIKE * rise < 1:
        return []
    level, scores = ALIKE * rise, np.zeros(last - first)
    for a, b in own:
        scores[a - first : b - first] = bad[a:b] * np.log1p(level / (usual / events + rise)) - level * total[a:b]
    return [(first + a, first + b) for a, b in climbs(scores, height)]


class _Hits:
    """Slices with bad events that are not taken yet; those without only fall, so they are looked at in runs."""

    def __init__(self, bad: Floats, total: Floats, share: Floats, sums: Sums) -> None:
        self._sums, self._all = sums, np.flatnonzero(bad)
        self._counts = bad[self._all], total[self._all], share[self._all]
        self.leave_out([])

    def leave_out(self, intervals: list[Edges]) -> None:
        """Leave out the slices of these stretches; their events count no more."""
        kept, gone, until = np.ones(len(self._all), np.bool_), np.zeros(len(self._all)), 0
        for first, last in sorted(intervals):
            if last > until:
                begin, until = max(first, until), last
                a, b = np.searchsorted(self._all, (begin, last))
                kept[a:b] = False
                gone[b:] += self._sums.of([(begin, last)])[1]
        self._places, gone = self._all[kept], gone[kept]
        self._bad, self._total, self._share = (counts[kept] for counts in self._counts)
        self._between = self._sums.events(self._places) - gone
        self._between[1:] -= self._sums.events(self._places[:-1] + 1) - gone[:-1]

    def risen(self, level: float, height: float) -> list[Edges]:
        """Climbs of the scores of one level."""
        scores = np.empty(2 * len(self._places))
        scores[1::2] = self._bad * np.log1p(level / self._share) - level * self._total
        scores[0::2] = -level * self._between
        places = self._places
        return [(int(places[first // 2]), int(places[(last - 1) // 2]) + 1) for first, last in climbs(scores, height)]


def climbs(scores: Floats, height: float) -> list[Edges]:
    """Return the slices over which the cumulative sum of scores climbs by ``height`` before it falls by as much.

    Examples
    --------
    >>> climbs(np.array([-1.0, 2.0, 2.0, -1.0, 2.0, -1.0, -9.0, 1.0]), 3.0)
    [(1, 5)]
    """
    total = np.concatenate([[0.0], np.cumsum(scores)])
    intervals, begin = [], 0
    while begin < len(scores):
        rest = total[begin:]
        climbed = rest - np.minimum.accumulate(rest) >= height
        over = int(np.argmax(climbed))
        if not climbed[over]:
            break
        # The last of equal minima, so that slices without events do not lengthen a stretch.
        first = begin + over - int(np.argmin(rest[over::-1]))
        later = total[begin + over :]
        fallen = np.maximum.accumulate(later) - later >= height
        until = int(np.argmax(fallen)) if fallen.any() else len(later) - 1
        last = begin + over + int(np.argmax(later[: until + 1]))
        intervals.append((first, last))
        begin = last
    return intervals


def _joined(intervals: list[Edges], sums: Sums, height: float) -> list[Edges]:
    """Take stretches as one that lie in each other, or beside each other, and whose shares are not told apart."""
    intervals = sorted(intervals, key=lambda interval: (interval[0], -interval[1]))
    place = 0
    while place < len(intervals):
        interval = intervals[place]
        around = [other for other in intervals[:place] if other[1] >= interval[1]]
        before = sorted((other for other in intervals[:place] if other[1] <= interval[0]), key=lambda other: other[1])
        for other in (*around[-1:], *before[-3:]):
            if _beside(interval, other, intervals) and _alike(interval, other, intervals, sums, height):
                joined = min(interval[0], other[0]), max(interval[1], other[1])
                intervals = sorted(
                    {joined, *(set(intervals) - {interval, other})}, key=lambda each: (each[0], -each[1])
                )
                place = max(0, intervals.index(joined) - 1)
                break
        else:
            place += 1
    return _uncrossed(intervals)


def _uncrossed(intervals: list[Edges]) -> list[Edges]:
    """Let the later of two stretches that cross begin where the earlier ends."""
    kept: list[Edges] = []
    for first, last in intervals:
        crossed = [end for begin, end in kept if begin < first < end < last]
        first = max([first, *crossed])
        if first < last:
            kept.append((first, last))
    return sorted(kept, key=lambda interval: (interval[0], -interval[1]))


def _beside(edges: Edges, other: Edges, intervals: list[Edges]) -> bool:
    """Whether no third stretch holds one of the two only."""
    return not any(
        (third[0] <= edges[0] and edges[1] <= third[1]) != (third[0] <= other[0] and other[1] <= third[1])
        for third in intervals
        if third not in (edges, other)
    )


def _alike(edges: Edges, other: Edges, intervals: list[Edges], sums: Sums, height: float) -> bool:
    mine, theirs = sums.of(own_parts(edges, intervals)), sums.of(own_parts(other, intervals))
    if not (mine[1] and theirs[1]):
        return True
    rises = [(bad - usual) / total for bad, total, usual in (mine, theirs)]
    weak, strong = (edges, other) if rises[0] < rises[1] else (other, edges)
    if _is_fringe(own_parts(weak, intervals), strong):
        return True
    bad, total, usual = (a + b for a, b in zip(mine, theirs, strict=True))
    if max(rises) >= ALIKE * min(rises) and _apart(mine, theirs) >= height:
        return False
    between = (min(edges[1], other[1]), max(edges[0], other[0]))
    if between[1] - between[0] <= BRIDGED:
        return True
    quiet, events, expected = sums.of(own_parts(between, [*intervals, between]))
    rise = (bad - usual) / total
    usual_there = max(expected / events, 1e-12) if events else 1.0
    return rise * events - quiet * float(np.log1p(rise / usual_there)) < height


def _is_fringe(parts: list[Edges], strong: Edges) -> bool:
    """Whether these are the slices in which a stretch begins and ends: it holds only part of their time."""
    return all(last - first == 1 and (last == strong[0] or first == strong[1]) for first, last in parts)


def _apart(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    """Log likelihood ratio of two shares against a common one."""
    common = (one[0] + other[0]) / (one[1] + other[1])
    return sum(bad * float(np.log(bad / total / common)) for bad, total, _ in (one, other) if bad)


def own_slices(stretches: list[Stretch]) -> list[list[Edges]]:
    """Slices of each stretch without those of the stretches inside it, as ``(first, last)``; no two share one.

    Examples
    --------
    >>> own_slices([Stretch(0, 9, 0.1), Stretch(3, 4, 0.9)])
    [[(0, 3), (4, 9)], [(3, 4)]]
    """
    edges = [(stretch.first, stretch.last) for stretch in stretches]
    return [own_parts(edge, edges) for edge in edges]
