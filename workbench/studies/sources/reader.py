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
from workbench.studies.sources.newest import newest_sample


class QueryReader:
    """Evaluates queries; one without an answer gives an empty matrix, as nothing is measured then.

    Parameters
    ----------
    source : MetricSource
        Where metrics are read.
    scope : mapping of str to str
        Matchers of the system, put into every selector.
    """

    def __init__(self, source: MetricSource, scope: Mapping[str, str]) -> None:
        self._source, self._scope = source, scope
        self._asked: dict[str, None] = {}
        self._engines: dict[str, None] = {}
        self._warnings: dict[str, None] = {}
        self._answered: dict[str, None] = {}
        self._bounds_ms: tuple[int, int] | None = None
        self._newest: tuple[int, int | None] = (0, None)

    @property
    def newest_ms(self) -> int | None:
        """Time of the newest sample behind the answers; None without any. [ms since the epoch]"""
        if self._bounds_ms is not None and self._newest[0] != len(self._answered):
            start_ms, end_ms = self._bounds_ms
            newest = newest_sample(self._source, self._answered, start_ms=start_ms, end_ms=end_ms)
            self._newest = len(self._answered), newest
        return self._newest[1]

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
        if answer.present.any():
            self._answered[text] = None
            start_ms, end_ms = self._bounds_ms or (int(answer.times[0]), int(answer.times[-1]))
            self._bounds_ms = min(start_ms, int(answer.times[0])), max(end_ms, int(answer.times[-1]))


def _nothing(times: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Metrics:
    return Metrics(times, (), np.zeros((0, len(times))), np.zeros((0, len(times)), np.bool_))
