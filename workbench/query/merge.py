"""Answers of several slices become one matrix: rows by label set, columns by step."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.core.errors import AnswerUnreadable, QueryTooExpensive
from workbench.core.series import LabelKey, Labels, Metrics, label_key


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
        self._known = np.empty(0, np.int64), np.empty(0, np.int64)
        self._lock = threading.Lock()

    def slice(self, number: int) -> SliceSink:
        """Return what takes the series of slice ``number``."""
        return SliceSink(self, number)

    def place(
        self,
        key: tuple[LabelKey, int],
        order: tuple[int, int],
        labels: Labels,
        times: NDArray[np.int64],
        values: NDArray[np.float64],
    ) -> None:
        """Write samples of one series into its row.

        Raises
        ------
        AnswerUnreadable
            A sample is at a time that was not asked for.
        QueryTooExpensive
            More label sets than allowed.
        """
        if not len(times):
            return
        ahead = self._steps_of(times)
        first, last = int(ahead[0]), int(ahead[-1])
        with self._lock:
            row = self._row(key, order, labels)
            if last - first + 1 == len(ahead):
                self._values[row, first : last + 1] = values
                self._present[row, first : last + 1] = True
            else:
                self._values[row, ahead] = values
                self._present[row, ahead] = True

    def _steps_of(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the steps of times; most series have those of the series before, which are known to be right."""
        known, steps = self._known
        if len(known) == len(times) and (known == times).all():
            return steps
        ahead, remainder = np.divmod(times - self._start, self._step)
        if remainder.any() or ahead[0] < 0 or ahead[-1] >= self._steps or (np.diff(ahead) <= 0).any():
            raise AnswerUnreadable(
                "The server answered for moments that were not asked for.",
                hint="Does a cache in front of it align ranges? Ask for a start that is a multiple of the step.",
            )
        self._known = times.copy(), ahead
        return ahead

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

    def __call__(self, labels: Labels, times: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Take the next series."""
        key = label_key(labels)
        self._grid.place((key, self._seen[key]), (self._number, self._count), labels, times, values)
        self._seen[key] += 1
        self._count += 1
