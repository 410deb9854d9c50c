"""Range vectors: the samples of each series under a window that ends at every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.core.series import Labels, SeriesSet
from workbench.promql.engine.values import Bools, Floats, Ints, Vector

#: Windows handled at once: their temporaries stay in the processor's cache.
_BLOCK = 1 << 17


@dataclass(frozen=True)
class Windows:
    """Some windows in one block; window ``w`` holds the samples ``lo[w]`` to ``hi[w] - 1`` of the flat arrays.

    All arrays but ``times`` and ``values`` have the shape (series, steps) or broadcast to it: where all series of the
    block were scraped at the same times, ``count``, ``first_time`` and ``last_time`` have a single row.

    Attributes
    ----------
    times, values : arrays
        Samples of the whole range vector. [ms], [unit of the metric]
    lo, hi : int arrays, (n_series, n_steps)
    starts, ends, evaluated : int64 arrays, (n_steps,)
        Ends of the windows and the evaluation times. [ms]
    same_times : bool
        Whether all series of the block share their scrape times.
    memo : dict
        Results that serve all blocks of the range vector.
    """

    times: Ints
    values: Floats
    lo: NDArray[np.intp]
    hi: NDArray[np.intp]
    starts: Ints
    ends: Ints
    evaluated: Ints
    same_times: bool
    memo: dict[str, Any]

    @cached_property
    def count(self) -> NDArray[np.intp]:
        """Samples in each window. [count]"""
        rows = slice(0, 1) if self.same_times else slice(None)
        return self.hi[rows] - self.lo[rows]

    @cached_property
    def first(self) -> NDArray[np.intp]:
        """Index of the first sample; any valid index where the window is empty."""
        return np.minimum(self.lo, len(self.values) - 1)

    @cached_property
    def last(self) -> NDArray[np.intp]:
        """Index of the last sample; any valid index where the window is empty."""
        return self.hi - 1

    @property
    def first_time(self) -> Ints:
        """Time of the first sample. [ms]"""
        return self.times[self.first[:1] if self.same_times else self.first]

    @property
    def last_time(self) -> Ints:
        """Time of the last sample. [ms]"""
        return self.times[self.last[:1] if self.same_times else self.last]


Kernel = Callable[[Windows], tuple[Floats, Bools]]


@dataclass(frozen=True)
class Matrix:
    """A range vector over all steps.

    ``lo`` and ``hi`` count from the start of a series and belong to a grid: series with equal scrape times share one.
    """

    samples: SeriesSet
    range_ms: int
    ends: Ints
    evaluated: Ints
    grid: NDArray[np.intp]
    lo: NDArray[np.intp]
    hi: NDArray[np.intp]
    closed: bool

    @property
    def labels(self) -> tuple[Labels, ...]:
        """Label sets of the series."""
        return self.samples.labels

    def blocks(self) -> Iterator[tuple[NDArray[np.intp], Windows]]:
        """Yield rows and windows in blocks of whole series, series of one grid together when grids are few."""
        order = np.argsort(self.grid, kind="stable")
        few = len(self.lo) * 4 <= len(order)
        borders = np.flatnonzero(np.diff(self.grid[order])) + 1 if few else np.zeros(0, np.intp)
        height = max(1, _BLOCK // max(1, len(self.ends)))
        starts = self.ends - self.range_ms
        memo: dict[str, Any] = {}
        for group in np.split(order, borders):
            for top in range(0, len(group), height):
                rows = group[top : top + height]
                base = self.samples.offsets[rows][:, None]
                grid = self.grid[rows[:1]] if few else self.grid[rows]
                lo, hi = base + self.lo[grid], base + self.hi[grid]
                times, values = self.samples.times, self.samples.values
                yield rows, Windows(times, values, lo, hi, starts, self.ends, self.evaluated, few, memo)

    def apply(self, kernel: Kernel, check: Callable[[], None] = lambda: None) -> Vector:
        """Evaluate a function of windows for every series and step; series without any point are left out.

        ``check`` is called before each block and may stop the work.
        """
        if not self.samples.samples:
            return Vector.empty(len(self.ends))
        return Vector(self.labels, *self.points(kernel, check)).seen()

    def points(self, kernel: Kernel, check: Callable[[], None] = lambda: None) -> tuple[Floats, Bools]:
        """Evaluate a function of windows: values and presence, a row a series."""
        shape = (len(self.labels), len(self.ends))
        values, present = np.empty(shape), np.zeros(shape, np.bool_)
        if not self.samples.samples:
            return np.full(shape, np.nan), present
        with np.errstate(all="ignore"):
            for rows, windows in self.blocks():
                check()
                values[rows], present[rows] = kernel(windows)
        return values, present

    def counts(self) -> NDArray[np.intp]:
        """Count the samples in the window of each series and step. [count]"""
        return (self.hi - self.lo)[self.grid]

    def only(self, kept: Bools) -> Matrix:
        """Leave out some samples; the series stay."""
        samples = self.samples
        counts = np.concatenate([[0], np.cumsum(kept)])[samples.offsets].astype(np.int64)
        fewer = SeriesSet(samples.labels, counts, samples.times[kept], samples.values[kept])
        return sliding(fewer, range_ms=self.range_ms, ends=self.ends, evaluated=self.evaluated, closed=self.closed)

    def without(self, emptied: Bools) -> Matrix:
        """Empty the windows of some series and steps."""
        lo, hi = self.lo[self.grid], self.hi[self.grid]
        return replace(self, grid=np.arange(len(self.labels)), lo=lo, hi=np.where(emptied, lo, hi))


def sliding(samples: SeriesSet, *, range_ms: int, ends: Ints, evaluated: Ints, closed: bool) -> Matrix:
    """Lay windows over samples.

    Parameters
    ----------
    samples : SeriesSet
        Series with their raw samples.
    range_ms : int
        Length of a window. [ms]
    ends : int64 array, (n_steps,)
        End of the window at each step, not decreasing. [ms]
    evaluated : int64 array, (n_steps,)
        Evaluation time of each step; differs from ``ends`` under ``offset`` and ``@``. [ms]
    closed : bool
        Whether a window holds its start: Prometheus 2 closes it, Prometheus 3 leaves it open.
    """
    known: dict[tuple[int, int, int], list[int]] = {}
    grids: list[Ints] = []
    bounds: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = []
    grid = np.zeros(len(samples), np.intp)
    for row, (_, times, _) in enumerate(samples):
        key = (len(times), int(times[0]), int(times[-1])) if len(times) else (0, 0, 0)
        alike = known.setdefault(key, [])
        same = next((number for number in alike if np.array_equal(grids[number], times)), None)
        if same is None:
            same = len(grids)
            alike.append(same)
            grids.append(times)
            low = np.searchsorted(times, ends - range_ms, "left" if closed else "right")
            bounds.append((low, np.searchsorted(times, ends, "right")))
        grid[row] = same
    shape = (0, len(ends))
    lo = np.stack([low for low, _ in bounds]) if bounds else np.zeros(shape, np.intp)
    hi = np.stack([high for _, high in bounds]) if bounds else np.zeros(shape, np.intp)
    return Matrix(samples, range_ms, ends, evaluated, grid, lo, hi, closed)


def as_samples(vector: Vector, times: Ints) -> SeriesSet:
    """Points of an evaluated vector as samples: what a subquery's windows lie over."""
    counts = np.concatenate([[0], np.cumsum(vector.present.sum(axis=1))]).astype(np.int64)
    if vector.present.all():
        return SeriesSet(vector.labels, counts, np.tile(times, len(vector)), vector.values.ravel())
    step = np.nonzero(vector.present)[1]
    return SeriesSet(vector.labels, counts, times[step], vector.values[vector.present])
