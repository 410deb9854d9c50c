"""Edges of stretches in time: where they are most likely, given how much goes wrong inside and around."""

from __future__ import annotations

import math

import numpy as np
import scipy
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: First slice, and the one after the last.
Edges = tuple[int, int]

#: An edge is looked for at least so many slices away. [slices]
LEAST_REACH = 12

#: So many slices in a row without failures are bridged, however many succeeded in them. [slices]
BRIDGED = 3

_ROUNDS = 8
_NOTHING = np.zeros(3)


class Sums:
    """Counts of any run of slices, from running sums."""

    def __init__(self, bad: Floats, total: Floats, share: Floats) -> None:
        self._sums = np.zeros((3, len(bad) + 1))
        for place, counts in enumerate((bad, total, share * total)):
            np.cumsum(counts, out=self._sums[place, 1:])

    def __len__(self) -> int:
        return self._sums.shape[1] - 1

    def events(self, places: NDArray[np.int64]) -> Floats:
        """Events before each of some slices."""
        before: Floats = self._sums[1, places]
        return before

    def of(self, parts: list[Edges]) -> tuple[float, float, float]:
        """Bad events, events, and the bad events that are usual."""
        bad, total, usual = sum((self._sums[:, b] - self._sums[:, a] for a, b in parts), _NOTHING).tolist()
        return bad, total, usual

    def running(self, left: int, right: int, base: float, inside: list[Edges]) -> Floats:
        """Return running sums of some slices, ``(3, n + 1)``, without those inside; ``base`` more is usual."""
        sums = self._sums[:, left : right + 1].copy()
        for begin, end in inside:
            sums[:, end - left :] -= sums[:, end - left : end - left + 1] - sums[:, begin - left : begin - left + 1]
            sums[:, begin - left : end - left] = sums[:, begin - left : begin - left + 1]
        if base:
            sums[2] += base * sums[1]
        return sums

    def rise(self, parts: list[Edges]) -> float:
        """Share of bad events above the usual one; 0 without events."""
        bad, total, usual = self.of(parts)
        return (bad - usual) / total if total else 0.0


def own_parts(edges: Edges, intervals: list[Edges]) -> list[Edges]:
    """Return the slices of a stretch without those of the stretches inside it; ``found`` by start, longest first."""
    parts, begin = [], edges[0]
    for first, last in intervals:
        if (first, last) != edges and edges[0] <= first and last <= edges[1] and last > begin:
            parts.append((begin, max(begin, first)))
            begin = last
    return [part for part in (*parts, (begin, edges[1])) if part[1] > part[0]]


def sharpened(edges: Edges, counts: Sums, intervals: list[Edges], height: float) -> Edges:
    """Move the edges of a new stretch to where they are most likely beside and around those found before.

    Parameters
    ----------
    edges : (int, int)
        First slice and end of the stretch, the end not included.
    counts : Sums
        Running sums of bad and of all events.
    intervals : list of (int, int)
        Steeper stretches; their slices are not its own.
    height : float
        How far the likelihood may fall on the way to a better edge, as for :func:`climbs`.

    Returns
    -------
    (int, int)
        Empty when none of its slices with events is its own.

    Notes
    -----
    A stretch with k of n events bad, e of which are usual, is likelier than none by k log(k / e) + (n - k)
    log((n - k) / (n - e)) (log likelihood ratio of binomial counts). Each edge in turn goes to where that is highest,
    of equal places to the nearest, and no further than where the slices, at the stretch's own share, lose ``height``
    again for longer than three. A slice beyond an edge whose failures alone are worth ``height`` is the edge: only part
    of its time belongs to the stretch.
    """
    for _ in range(_ROUNDS):
        known = sorted([*intervals, edges], key=lambda each: (each[0], -each[1]))
        if not counts.of(own_parts(edges, known))[1]:
            return edges[0], edges[0]
        moved = _moved(edges, counts, known, height)
        if moved == edges:
            break
        edges = moved
    return edges


def settled(intervals: list[Edges], counts: Sums, height: float, *, sharp: set[Edges]) -> list[Edges]:
    """Return stretches with their edges where they are most likely against what is around each, until none moves.

    One inside another is told from the share of that one, not from the usual share. Of the ``sharp`` ones, whose edges
    were moved already, those that nothing touches stand.
    """
    intervals = list(intervals)
    for _ in range(_ROUNDS):
        before = list(intervals)
        for earlier in before:
            if earlier in sharp and not any(
                other != earlier and other[0] <= earlier[1] and earlier[0] <= other[1] for other in intervals
            ):
                continue
            place = intervals.index(earlier)
            intervals[place] = _moved(earlier, counts, intervals, height)
            intervals.sort(key=lambda each: (each[0], -each[1]))
        if intervals == before:
            break
    return sorted(set(intervals), key=lambda each: (each[0], -each[1]))


def _moved(edges: Edges, counts: Sums, intervals: list[Edges], height: float) -> Edges:
    first, last = edges
    others = [other for other in intervals if other != edges]
    around = [other for other in others if other[0] <= first and last <= other[1]]
    inside = [other for other in others if first <= other[0] and other[1] <= last and other not in around]
    outer = min(around, key=lambda other: other[1] - other[0], default=(0, len(counts)))
    base = counts.rise(own_parts(outer, intervals)) if around else 0.0
    rise = counts.rise(own_parts(edges, intervals))
    if rise <= max(base, 0.0):
        return edges
    reach = max(LEAST_REACH, 2 * (last - first))
    left = max([outer[0], first - reach, *(b for a, b in others if b <= first)])
    right = min([outer[1], last + reach, *(a for a, b in others if a >= last)])
    own = counts.running(left, right, base, inside)
    begin, end = first - left, last - left
    half = (own[0, begin] + own[0, end]) / 2
    core = begin + int(np.searchsorted(own[0, begin:end], half, side="right")) - 1
    gained = _weights(*(own[:, end] - own[:, begin]).tolist()) @ own
    furthest = core + _reach(gained[core:] - gained[core], end - core, height)
    nearest = core - _reach(gained[core] - gained[core::-1], core - begin, height)
    later, earlier = own[:, core + 1 : furthest + 1], own[:, nearest : core + 1][:, ::-1]
    end = core + 1 + int(np.argmax(_ratios(later - own[:, begin : begin + 1])))
    begin = core - int(np.argmax(_ratios(own[:, end : end + 1] - earlier)))
    if begin > 0 and _ratio(own[:, begin] - own[:, begin - 1]) >= height:
        begin -= 1
    if end < len(gained) - 1 and _ratio(own[:, end + 1] - own[:, end]) >= height:
        end += 1
    return left + begin, left + end


def _weights(bad: float, total: float, usual: float) -> Floats:
    """Return what a bad event, any event and a usual bad one speak for a stretch of these counts, in log likelihood."""
    inside, outside = min(bad / total, 1 - 0.5 / (total + 1)), usual / total
    each = math.log((1 - inside) / (1 - outside))
    return np.array([math.log(inside / outside) - each, each, 0.0])


def _ratios(counts: Floats) -> Floats:
    """Log likelihood ratio of each share of bad events against the usual one; 0 where it is lower."""
    bad, total, usual = counts
    ratios: Floats = scipy.special.rel_entr(bad, usual) + scipy.special.rel_entr(total - bad, total - usual)
    ratios[bad <= usual] = 0.0
    return ratios


def _ratio(counts: Floats) -> float:
    bad, total, usual = map(float, counts)
    if bad <= usual or not usual:
        return 0.0
    good = total - bad
    return bad * math.log(bad / usual) + (good * math.log(good / (total - usual)) if good > 0 else 0.0)


def _reach(gained: Floats, known: int, height: float) -> int:
    """Slices up to a fall of what was gained by ``height`` that lasts, beyond the known ones."""
    highest = np.maximum.accumulate(gained)
    fallen = highest - gained >= height
    fallen[: known + 1] = False
    if fallen.any():
        places = np.arange(len(gained))
        fallen &= places - np.maximum.accumulate(np.where(gained >= highest, places, 0)) > BRIDGED
    return int(np.argmax(fallen)) - 1 if fallen.any() else len(gained) - 1
