"""Answers of several slices become one matrix: rows by label set, columns by step."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.core.errors import AnswerUnreadable, QueryTooExpensive
from workbench.core.series import LabelKey, Labels, Metrics, SeriesSet, label_key


class Grid:
    """A matrix that grows by rows; several threads may fill different slices of it.

    Rows are keyed by the whole label set, never by the metric name, and by the occurrence of that label set within
    one answer: a server may send the same labels twice. They end in the order of the first slice that has them.
    """

    def __init__(self, start_ms: int, step_ms: int, steps: int, *, rows: int, max_rows: int) -> None:
        self._start, self._step, self._steps = start_ms, step_ms, steps
        self._max_rows = max_rows
        self._values = np.full((max(rows, 1), steps), np.nan)
        self._present = np.zeros((max(rows, 1), steps), bool)
        self._rows: dict[tuple[LabelKey, int], int] = {}
        self._labels: list[Labels] = []
        self._order: list[tuple[int, int]] = []
        self._lock = threading.Lock()

    def slice(self, number: int) -> SliceSink:
        """Return what takes the series of slice ``number``."""
        return SliceSink(self, number)

    def place(self, keys: Sequence[tuple[LabelKey, int]], orders: Sequence[tuple[int, int]], series: SeriesSet) -> None:
        """Write samples into the rows of their series.

        Raises
        ------
        AnswerUnreadable
            A sample is at a time that was not asked for.
        QueryTooExpensive
            More label sets than allowed.
        """
        counts = np.diff(series.offsets)
        held = np.flatnonzero(counts).tolist()
        if not held:
            return
        parts = [slice(int(series.offsets[i]), int(series.offsets[i + 1])) for i in held]
        times = series.times.reshape(len(counts), -1) if (counts == counts[0]).all() else None
        if times is not None and (times == times[0]).all():
            runs = [_run(self._steps_of(times[0], ()))] * len(held)
        else:
            steps = self._steps_of(series.times, series.offsets[held[1:]])
            runs = [_run(steps[part]) for part in parts]
        with self._lock:
            for i, part, run in zip(held, parts, runs, strict=True):
                row = self._row(keys[i], orders[i], series.labels[i])
                self._values[row, run] = series.values[part]
                self._present[row, run] = True

    def _steps_of(self, times: NDArray[np.int64], borders: ArrayLike) -> NDArray[np.int64]:
        """Return the steps of times that rise, but for ``borders`` at which another series begins."""
        steps, remainder = np.divmod(times - self._start, self._step)
        rising = np.diff(steps) > 0
        rising[np.asarray(borders, np.int64) - 1] = True
        if remainder.any() or steps.min() < 0 or steps.max() >= self._steps or not rising.all():
            raise AnswerUnreadable(
                "The server answered for moments that were not asked for.",
                hint="Does a cache in front of it align ranges? Ask for a start that is a multiple of the step.",
            )
        return steps

    def _row(self, key: tuple[LabelKey, int], order: tuple[int, int], labels: Labels) -> int:
        row = self._rows.get(key)
        if row is not None:
            self._order[row] = min(self._order[row], order)
            return row
        row = len(self._labels)
        if row >= self._max_rows:
            raise QueryTooExpensive(
                f"The answer has more than {self._max_rows:,} series.",
                hint="Aggregate, or match fewer series, or raise limits.series in the settings.",
            )
        if row == len(self._values):
            more = max(row, 8)
            self._values = np.concatenate([self._values, np.full((more, self._steps), np.nan)])
            self._present = np.concatenate([self._present, np.zeros((more, self._steps), bool)])
        self._rows[key] = row
        self._labels.append(labels)
        self._order.append(order)
        return row

    def metrics(self, meta: Mapping[str, Any]) -> Metrics:
        """Return everything placed so far; the grid is not used after it."""
        count = len(self._labels)
        values, present = self._values[:count], self._present[:count]
        rank = sorted(range(count), key=self._order.__getitem__)
        if rank != list(range(count)):
            values, present = values[rank], present[rank]
        times = self._start + self._step * np.arange(self._steps, dtype=np.int64)
        return Metrics(times, tuple(self._labels[row] for row in rank), values, present, meta)


class SliceSink:
    """Takes the series of one answer in order."""

    def __init__(self, grid: Grid, number: int) -> None:
        self._grid, self._number = grid, number
        self._seen: Counter[LabelKey] = Counter()
        self._count = 0

    def __call__(self, series: SeriesSet) -> None:
        """Take the next series."""
        keys = []
        for labels in series.labels:
            key = label_key(labels)
            keys.append((key, self._seen[key]))
            self._seen[key] += 1
        orders = [(self._number, self._count + i) for i in range(len(keys))]
        self._count += len(keys)
        self._grid.place(keys, orders, series)


def _run(steps: NDArray[np.int64]) -> slice | NDArray[np.int64]:
    """Return steps as a slice where none is left out: it is written several times as fast."""
    first, last = int(steps[0]), int(steps[-1])
    return slice(first, last + 1) if last - first + 1 == len(steps) else steps
