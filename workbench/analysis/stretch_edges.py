"""Edges of stretches in time: where they are most likely, given how much goes wrong inside and around."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: First slice, and the one after the last.
Edges = tuple[int, int]

#: An edge is looked for at least so many slices away. [slices]
LEAST_REACH = 12

#: So many slices in a row without failures are bridged, however many succeeded in them. [slices]
BRIDGED = 3

_ROUNDS = 8


class Sums:
    """Counts of any run of slices, from running sums."""

    def __init__(self, bad: Floats, total: Floats, share: Floats) -> None:
        self.bad, self.total, self.share = bad, total, share
        self._sums = np.zeros((len(bad) + 1, 3))
        for place, counts in enumerate((bad, total, share * total)):
            np.cumsum(counts, out=self._sums[1:, place])

    def of(self, parts: list[Edges]) -> tuple[float, float, float]:
        """Bad events, events, and the bad events that are usual."""
        bad, total, usual = sum((self._sums[b] - self._sums[a] for a, b in parts), np.zeros(3)).tolist()
        return bad, total, usual

    def rise(self, parts: list[Edges]) -> float:
        """Share of bad events above the usual one; 0 without events."""
        bad, total, usual = self.of(parts)
        return (bad - usual) / total if total else 0.0


def own_parts(one: Edges, found: list[Edges]) -> list[Edges]:
    """Return the slices of a stretch without those of the stretches inside it; ``found`` by start, longest first."""
    parts, begin = [], one[0]
    for first, last in found:
        if (first, last) != one and one[0] <= first and last <= one[1] and last > begin:
            parts.append((begin, max(begin, first)))
            begin = last
    return [part for part in (*parts, (begin, one[1])) if part[1] > part[0]]


def sharpened(one: Edges, counts: Sums, found: list[Edges], height: float) -> Edges:
    """Move the edges of a new stretch to where they are most likely beside and around those found before.

    Parameters
    ----------
    one : (int, int)
    counts : Sums
    found : list of (int, int)
        Steeper stretches; their slices are not its own.
    height : float
        How far the likelihood may fall on the way to a better edge, as for :func:`climbs`.

    Returns
    -------
    (int, int)
        Empty when none of its slices with events is its own.

    Notes
    -----
    A slice with k of n events bad speaks for the share p inside and against the share r around by k log(p / r) +
    (n - k) log((1 - p) / (1 - r)). An edge is where the sum of these, from the middle of the failures outward, is
    highest; of equal ones the nearest. A fall by ``height`` that lasts longer than three slices ends the search. p
    follows from the edges and the edges from p, in turns until neither moves.
    """
    for _ in range(_ROUNDS):
        known = sorted([*found, one], key=lambda each: (each[0], -each[1]))
        if not counts.of(own_parts(one, known))[1]:
            return one[0], one[0]
        moved = _moved(one, counts, known, height)
        if moved == one:
            break
        one = moved
    return one


def settled(found: list[Edges], counts: Sums, height: float, *, sharp: set[Edges]) -> list[Edges]:
    """Move the edges of stretches to where they are most likely against what is around each, until none moves.

    One inside another is told from the share of that one, not from the usual share. Of the ``sharp`` ones, whose edges
    were moved already, those that nothing touches stand.
    """
    for _ in range(_ROUNDS):
        before = list(found)
        for one in before:
            if one in sharp and not any(other != one and other[0] <= one[1] and one[0] <= other[1] for other in found):
                continue
            place = found.index(one)
            found[place] = _moved(one, counts, found, height)
            found.sort(key=lambda each: (each[0], -each[1]))
        if found == before:
            break
    return sorted(set(found), key=lambda each: (each[0], -each[1]))


def _moved(one: Edges, counts: Sums, found: list[Edges], height: float) -> Edges:
    first, last = one
    others = [other for other in found if other != one]
    around = [other for other in others if other[0] <= first and last <= other[1]]
    inside = [other for other in others if first <= other[0] and other[1] <= last and other not in around]
    outer = min(around, key=lambda other: other[1] - other[0], default=(0, len(counts.bad)))
    base = counts.rise(own_parts(outer, found)) if around else 0.0
    rise = counts.rise(own_parts(one, found))
    if rise <= max(base, 0.0):
        return one
    reach = max(LEAST_REACH, 2 * (last - first))
    left = max([outer[0], first - reach, *(b for a, b in others if b <= first)])
    right = min([outer[1], last + reach, *(a for a, b in others if a >= last)])
    scores, own = _scores(counts, slice(left, right), base, rise), counts.bad[left:right].copy()
    for begin, end in inside:
        scores[begin - left : end - left] = own[begin - left : end - left] = 0.0
    upto = np.cumsum(own[first - left : last - left])
    core = first - left + int(np.searchsorted(upto, upto[-1] / 2))
    begin = left + core - _extent(scores[:core][::-1], core - (first - left), height)
    end = left + core + _extent(scores[core:], last - left - core, height)
    return (begin, end) if end > begin else one


def _scores(counts: Sums, part: slice, base: float, rise: float) -> Floats:
    bad, total, share = counts.bad[part], counts.total[part], counts.share[part]
    most = 1.0 - 0.5 / (float(total.sum()) + 1.0)
    inside, outside = np.minimum(share + rise, most), np.minimum(share + base, most)
    scores: Floats = bad * np.log(inside / outside) + (total - bad) * np.log((1.0 - inside) / (1.0 - outside))
    return scores


def _extent(scores: Floats, known: int, height: float) -> int:
    """Slices over which scores sum highest; beyond the known ones not across a fall of ``height`` that lasts."""
    climbed = np.concatenate([[0.0], np.cumsum(scores)])
    highest = np.maximum.accumulate(climbed)
    fallen = highest - climbed >= height
    fallen[: known + 1] = False
    if fallen.any():
        places = np.arange(len(climbed))
        fallen &= places - np.maximum.accumulate(np.where(climbed >= highest, places, 0)) > BRIDGED
        if fallen.any():
            climbed = climbed[: int(np.argmax(fallen))]
    return int(np.argmax(climbed))
