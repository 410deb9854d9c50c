"""Running totals to twice the precision of a float, for windows that share most of their samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.promql.engine.sums import two_sum, window_totals
from workbench.promql.engine.values import Floats

_CHUNK = 256
#: A window this much smaller than the running total has lost digits and is summed anew. [ratio]
_LOST = 2.0**-40


@dataclass(frozen=True)
class RunningTotals:
    """Running totals of an array, cut into chunks of equal length so that all chunks advance together.

    Attributes
    ----------
    head, tail : float arrays, (chunk length, n_chunks)
        Total of the chunk before each place: value, and what rounding took from it.
    outer : RunningTotals or None
        Running totals of the chunks; None when there is one chunk.
    """

    head: Floats
    tail: Floats
    outer: RunningTotals | None

    @classmethod
    def of(cls, values: Floats, rests: Floats | None = None) -> RunningTotals:
        """Sum finite values; ``rests`` hold further digits of each."""
        chunks = len(values) // _CHUNK + 1
        digits = np.zeros((2, chunks * _CHUNK))
        digits[0, : len(values)] = values
        if rests is not None:
            digits[1, : len(values)] = rests
        terms = np.ascontiguousarray(digits.reshape(2, chunks, _CHUNK).transpose(2, 0, 1))
        head, tail = np.zeros((_CHUNK, chunks)), np.zeros((_CHUNK, chunks))
        total, rest = np.zeros(chunks), np.zeros(chunks)
        for row in range(_CHUNK):
            head[row], tail[row] = total, rest
            total, lost = two_sum(total, terms[row, 0])
            total, rest = two_sum(total, rest + lost + terms[row, 1])
        return cls(head, tail, cls.of(total, rest) if chunks > 1 else None)

    def before(self, place: NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Total of all values before each place, as value and rest."""
        chunk, row = np.divmod(place, _CHUNK)
        head, tail = self.head[row, chunk], self.tail[row, chunk]
        if self.outer is None:
            return head, tail
        outer_head, outer_tail = self.outer.before(chunk)
        total, lost = two_sum(outer_head, head)
        return total, lost + outer_tail + tail


class Overlapping:
    """Sums of any windows over one array of samples.

    Notes
    -----
    A window is the difference of two running totals, whose error is below 2**-100 of the largest of them. Values that
    are not finite stand as zero in the totals and are counted beside them.

    Examples
    --------
    >>> Overlapping(np.array([1.0, 2.0, np.inf, 4.0])).totals_of(np.array([0, 1, 3]), np.array([2, 4, 4]))[0].tolist()
    [3.0, inf, 4.0]
    """

    def __init__(self, values: Floats) -> None:
        self.values = values
        finite = np.isfinite(values)
        plain = values if finite.all() else np.where(finite, values, 0.0)
        self.running = RunningTotals.of(plain)
        self.size = np.concatenate([[0.0], np.cumsum(np.abs(plain))])
        self.nonzero = np.concatenate([[0], np.cumsum(plain != 0)])
        self.odd: tuple[NDArray[np.int64], ...] = ()
        if not finite.all():
            kinds = (np.isnan(values), np.isposinf(values), np.isneginf(values))
            self.odd = tuple(np.concatenate([[0], np.cumsum(kind)]) for kind in kinds)

    def totals_of(self, lo: NDArray[np.intp], hi: NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Sum of the values from ``lo`` up to before ``hi``, as total and rounding error."""
        hi = np.maximum(lo, hi)
        opening, opening_rest = self.running.before(lo)
        closing, closing_rest = self.running.before(hi)
        total, lost = two_sum(closing, -opening)
        total, error = two_sum(total, lost + (closing_rest - opening_rest))
        size = self.size[hi] - self.size[lo]
        small = np.flatnonzero((self.nonzero[hi] > self.nonzero[lo]) & ~(size > _LOST * self.size[-1]))
        if len(small):
            total[small], error[small] = window_totals(self.values, lo[small], hi[small])
        if self.odd:
            nans, above, below = (counts[hi] - counts[lo] > 0 for counts in self.odd)
            total = np.where(above, np.inf, np.where(below, -np.inf, total))
            total = np.where(nans | (above & below), np.nan, total)
        return total, error
