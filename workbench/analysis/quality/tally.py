"""Columns of answers as counts: by unit (a day, or a side of a split), segment and cell.

Rows of any number and the buckets of a histogram become the same counts, so that one test judges both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

#: ``share``: two values, such as 0 and 1; ``number``: ordered; ``category``: names without an order.
ColumnKind = Literal["number", "share", "category"]

#: Most cells of a column of numbers; beyond, cells are quantiles of a sample. [count]
MOST_CELLS = 1_000

#: Equal parts of a range in which cells are looked up, and the most cells of a part. [count]
PARTS, MOST_STEPS = 1 << 16, 8


@dataclass(frozen=True, eq=False)
class Tally:
    """Counts of one column.

    Attributes
    ----------
    name : str
    kind : {"number", "share", "category"}
    places : float array, (cells,)
        Largest value of each cell of numbers, in order; 0, 1, ... of categories. [unit of the column]
    labels : tuple of str
        Names of categories; empty for numbers.
    counts : float array, (units, segments, cells)
        Answers with a value. [count]
    missing : float array, (units, segments)
        Answers without one. [count]
    sums, squares : float array, (units, segments)
        Sum of the values and of their squares; NaN for categories. [unit of the column]
    exact : bool
        Whether a cell holds one value only.
    """

    name: str
    kind: ColumnKind
    places: Floats
    labels: tuple[str, ...]
    counts: Floats
    missing: Floats
    sums: Floats
    squares: Floats
    exact: bool


@dataclass(eq=False)
class NumberTally:
    """Counts numbers that arrive in parts, in cells that are known beforehand."""

    name: str
    units: int
    segments: int
    places: Floats
    exact: bool
    _counts: Floats = field(init=False)
    _missing: Floats = field(init=False)
    _sums: Floats = field(init=False)
    _squares: Floats = field(init=False)
    _first: NDArray[np.int32] = field(init=False)
    _steps: int = field(init=False)
    _scale: float = field(init=False)

    def __post_init__(self) -> None:
        cells, groups = max(1, len(self.places)), self.units * self.segments
        self._first, self._steps, self._scale = np.zeros(0, np.int32), MOST_STEPS + 1, 0.0
        top = self.places[int(0.99 * (cells - 1))] if cells > MOST_STEPS else np.nan
        if cells > MOST_STEPS and top > self.places[0]:
            self._scale = PARTS / (top - self.places[0])
            borders = self.places[0] + (np.arange(PARTS + 2) - 1) / self._scale
            self._first = np.searchsorted(self.places, borders).astype(np.int32)
            self._steps = int((self._first[2:] - self._first[:-2]).max())
        self._counts = np.zeros(groups * cells)
        self._missing, self._sums, self._squares = np.zeros(groups), np.zeros(groups), np.zeros(groups)

    def add(self, values: Floats, groups: Places) -> None:
        """Add values; ``groups`` is unit x segments + segment, -1 for rows that belong to none. NaN is missing."""
        number, cells = self.units * self.segments, max(1, len(self.places))
        known = np.isfinite(values)
        if groups.min(initial=0) < 0:
            inside = groups >= 0
            self._missing += np.bincount(groups[inside & ~known], minlength=number)
            known &= inside
        elif not known.all():
            self._missing += np.bincount(groups[~known], minlength=number)
        if not known.all():
            values, groups = values[known], groups[known]
        cell = self._cells(values)
        self._counts += np.bincount(groups * cells + cell, minlength=number * cells)
        self._sums += np.bincount(groups, values, minlength=number)
        with np.errstate(over="ignore"):
            self._squares += np.bincount(groups, values * values, minlength=number)

    def _cells(self, values: Floats) -> Places:
        """Cell of each value: looked up by equal parts of the range, then moved up by the few cells of a part."""
        last = max(1, len(self.places)) - 1
        if self._steps > MOST_STEPS:
            whole: Places = np.minimum(np.searchsorted(self.places, values), last)
            return whole
        with np.errstate(over="ignore"):
            part = np.clip((values - self.places[0]) * self._scale, 0, PARTS - 1).astype(np.int32)
        cell = self._first[part]
        for _ in range(self._steps):
            cell += values > self.places[np.minimum(cell, last)]
        far = np.flatnonzero(part == PARTS - 1)
        cell[far] = np.searchsorted(self.places, values[far])
        looked_up: Places = np.minimum(cell, last).astype(np.int64)
        return looked_up

    def done(self) -> Tally:
        """Return the counts so far."""
        shape = (self.units, self.segments)
        kind: ColumnKind = "share" if self.exact and len(self.places) == 2 else "number"
        return Tally(
            self.name, kind, self.places, (), self._counts.reshape(*shape, -1), self._missing.reshape(shape),
            self._sums.reshape(shape), self._squares.reshape(shape), self.exact,
        )  # fmt: skip


def cells_of(sample: Floats) -> tuple[Floats, bool]:
    """Largest values of the cells of a column of numbers, from a sample, and whether each holds one value only.

    Examples
    --------
    >>> places, exact = cells_of(np.array([3.0, 1.0, 3.0, np.nan]))
    >>> places.tolist(), exact
    ([1.0, 3.0], True)
    """
    values = np.unique(sample[np.isfinite(sample)])
    if len(values) <= MOST_CELLS:
        return values, True
    known = sample[np.isfinite(sample)]
    return np.unique(np.quantile(known, np.linspace(0, 1, MOST_CELLS + 1)[1:], method="inverted_cdf")), False


def numbers_tally(name: str, values: Floats, groups: Places, *, units: int = 2, segments: int = 1) -> Tally:
    """Count numbers that are all at hand.

    Parameters
    ----------
    name : str
        Name of the column.
    values : float array, (rows,)
        NaN is missing. [unit of the column]
    groups : int array, (rows,)
        Unit x segments + segment.
    units, segments : int
        [count]

    Examples
    --------
    >>> tally = numbers_tally("score", np.array([1.0, 5.0, 5.0, np.nan]), np.array([0, 0, 1, 1]))
    >>> tally.kind, tally.counts[:, 0].tolist(), tally.missing[:, 0].tolist()
    ('share', [[1.0, 1.0], [0.0, 1.0]], [0.0, 1.0])
    """
    places, exact = cells_of(values)
    tally = NumberTally(name, units, segments, places, exact)
    tally.add(np.asarray(values, np.float64), np.asarray(groups, np.int64))
    return tally.done()


def names_tally(
    name: str, codes: Places, labels: Sequence[str], groups: Places, *, units: int = 2, segments: int = 1
) -> Tally:
    """Count categories; a code of -1 is missing.

    Examples
    --------
    >>> tally = names_tally("route", np.array([0, 1, 1, -1]), ["chat", "image"], np.array([0, 0, 1, 1]))
    >>> tally.counts[:, 0].tolist(), tally.missing[:, 0].tolist()
    ([[1.0, 1.0], [0.0, 1.0]], [0.0, 1.0])
    """
    inside, cells = groups >= 0, max(1, len(labels))
    known = inside & (codes >= 0)
    counts = np.bincount(groups[known] * cells + codes[known], minlength=units * segments * cells).astype(float)
    missing = np.bincount(groups[inside & (codes < 0)], minlength=units * segments).astype(float)
    nothing = np.full((units, segments), np.nan)
    return Tally(
        name, "category", np.arange(cells, dtype=float), tuple(labels), counts.reshape(units, segments, cells),
        missing.reshape(units, segments), nothing, nothing, True,
    )  # fmt: skip


def buckets_tally(name: str, bounds: Floats, counts: Floats, sums: Floats | None = None) -> Tally:
    """Take the buckets of histograms as counts.

    Parameters
    ----------
    name : str
        Name of the score.
    bounds : float array, (buckets,)
        Upper bounds in order; the last may be infinite. [unit of the histogram]
    counts : float array, (units, segments, buckets)
        Answers in each bucket, not cumulative. [count]
    sums : float array, (units, segments), optional
        Sum of the values. [unit of the histogram]

    Examples
    --------
    >>> tally = buckets_tally("score", np.array([1.0, 5.0, np.inf]), np.array([[[1.0, 3.0, 0.0]], [[2.0, 2.0, 0.0]]]))
    >>> tally.places.tolist(), tally.kind
    ([1.0, 5.0, 5.0], 'number')
    """
    finite = bounds[np.isfinite(bounds)]
    places = np.where(np.isfinite(bounds), bounds, finite[-1] if len(finite) else 0.0)
    nothing = np.full(counts.shape[:2], np.nan)
    return Tally(
        name, "number", places, (), np.maximum(counts, 0.0), np.zeros(counts.shape[:2]),
        nothing if sums is None else sums, nothing, False,
    )  # fmt: skip
