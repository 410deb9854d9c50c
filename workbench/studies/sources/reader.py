"""Asks one source the queries of one study, each once and in the system's scope, and remembers what was said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import numpy as np

from workbench.core.errors import EmptyAnswer
from workbench.core.series import Labels, Metrics
from workbench.core.source import MetricSource
from workbench.core.timerange import TimeRange
from workbench.promql import scoped


class QueryReader:
    """Evaluates queries; one without an answer gives an empty matrix, as nothing is measured then.

    Parameters
    ----------
    source : MetricSource
    scope : mapping of str to str
        Matchers of the system, put into every selector.
    """

    def __init__(self, source: MetricSource, scope: Mapping[str, str]) -> None:
        self._source, self._scope = source, scope
        self._asked: dict[str, None] = {}
        self._engines: dict[str, None] = {}
        self._warnings: dict[str, None] = {}
        self.newest_ms: int | None = None

    @property
    def queries(self) -> tuple[str, ...]:
        """Queries as they were asked, in order."""
        return tuple(self._asked)

    @property
    def engine(self) -> str:
        """Engines that answered."""
        return ", ".join(sorted(name for name in self._engines if name))

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings of the engines, each once."""
        return tuple(self._warnings)

    def matrix(self, query: str, span: TimeRange, step_ms: int) -> Metrics:
        """Evaluate at the end of each step of a range.

        Raises
        ------
        SourceError
            As the source raises it; no answer is no error.
        """
        text = scoped(query, self._scope)
        grid = range(span.start_ms + step_ms, span.end_ms + 1, step_ms)
        if not len(grid):
            return _nothing(np.zeros(0, np.int64))
        try:
            answer = self._source.range(text, TimeRange.from_ms(grid[0], grid[-1]), step_ms=step_ms)
        except EmptyAnswer:
            answer = _nothing(np.array(grid, np.int64))
        self._remember(text, answer)
        return answer

    def values(self, query: str, at: datetime) -> list[tuple[Labels, float]]:
        """Evaluate once: labels and value of each series.

        Raises
        ------
        SourceError
            As the source raises it; no answer is no error.
        """
        text = scoped(query, self._scope)
        try:
            answer = self._source.instant(text, at)
        except EmptyAnswer:
            self._asked[text] = None
            return []
        self._remember(text, answer)
        last = answer.values[:, -1].tolist() if len(answer.times) else []
        return list(zip(answer.labels, last, strict=True))

    def _remember(self, text: str, answer: Metrics) -> None:
        self._asked[text] = None
        self._engines[str(answer.meta.get("engine", ""))] = None
        self._warnings |= dict.fromkeys(answer.warnings)
        steps = np.flatnonzero(answer.present.any(axis=0))
        if len(steps):
            self.newest_ms = max(self.newest_ms or 0, int(answer.times[steps[-1]]))


def _nothing(times: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Metrics:
    return Metrics(times, (), np.zeros((0, len(times))), np.zeros((0, len(times)), np.bool_))
