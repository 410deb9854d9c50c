"""The seam between questions and backends: what every source of metrics offers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

import pandas as pd

from workbench.core.filters import LogFilter, SpanFilter
from workbench.core.series import Labels, Metrics, SeriesSet
from workbench.core.timerange import TimeRange


@dataclass(frozen=True)
class QueryCost:
    """What a range query will ask for, said before it runs."""

    series: int | None
    steps: int
    points: int | None
    requests: int
    text: str


@dataclass(frozen=True)
class SourceState:
    """What a source is and whether it answers; shown on the sources page and by ``sources check``.

    ``exit_code`` is that of the error that was met (:mod:`workbench.core.errors`), 0 when the source answers.
    """

    name: str
    kind: str
    location: str
    status: str
    engine: str
    semantics: str
    newest: datetime | None
    detail: str = ""
    exit_code: int = 0


@dataclass(frozen=True)
class SourceFact:
    """One thing that a check of a source found: ``status`` is ``ok``, ``warning`` or ``unknown``."""

    source: str
    check: str
    status: str
    text: str


@runtime_checkable
class MetricSource(Protocol):
    """A backend that evaluates PromQL: a Prometheus-compatible server, or the archive with the engine in process.

    Every method may raise one of the errors of :class:`workbench.core.errors.SourceError`.
    """

    @property
    def name(self) -> str:
        """Short name from the settings."""
        ...

    @property
    def semantics(self) -> str:
        """``v2`` (closed ranges) or ``v3`` (left-open), recorded with every result."""
        ...

    def range(self, query: str, span: TimeRange, *, step_ms: int) -> Metrics:
        """Evaluate at ``start, start + step, ...`` up to and including the end."""
        ...

    def instant(self, query: str, at: datetime) -> Metrics:
        """Evaluate once; the matrix has one step."""
        ...

    def raw(self, selector: str, span: TimeRange) -> SeriesSet:
        """Return the samples of a plain selector in the range, ``[start, end)``, as they were scraped."""
        ...

    def series(self, matchers: Sequence[str], span: TimeRange) -> tuple[Labels, ...]:
        """Label sets that have samples in the range."""
        ...

    def label_values(self, label: str, span: TimeRange) -> tuple[str, ...]:
        """Values of one label in the range, sorted."""
        ...

    def metadata(self) -> Mapping[str, Mapping[str, str]]:
        """``metric family -> {type, help, unit}`` as far as the backend knows."""
        ...

    def cost(self, query: str, span: TimeRange, *, step_ms: int) -> QueryCost:
        """Say what :meth:`range` would cost."""
        ...

    def state(self) -> SourceState:
        """Say whether the source answers; never raises."""
        ...


@runtime_checkable
class LogSource(Protocol):
    """A backend that finds log lines: Loki, Elasticsearch, OpenSearch, files, or the archive.

    Every method but :meth:`state` may raise one of the errors of :class:`workbench.core.errors.SourceError`.
    """

    @property
    def name(self) -> str:
        """Short name from the settings."""
        ...

    def logs(self, wanted: LogFilter, span: TimeRange) -> Iterator[pd.DataFrame]:
        """Give the lines of ``[start, end)`` as pieces of LOGS, oldest first, each line exactly once.

        A piece fits into memory whatever the range; warnings stand in ``.attrs["warnings"]`` of a piece.
        """
        ...

    def log_counts(self, wanted: LogFilter, span: TimeRange, *, step_ms: int, by: Sequence[str] = ()) -> pd.DataFrame:
        """Count lines a step, aggregated by the backend: ``time`` (start of step), the columns of ``by``, ``count``.

        Steps begin at whole multiples of ``step_ms`` since the epoch; warnings stand in ``.attrs["warnings"]``.
        """
        ...

    def state(self) -> SourceState:
        """Say whether the source answers; never raises."""
        ...


@runtime_checkable
class SpanSource(Protocol):
    """A backend that finds spans: Tempo, Jaeger, files, or the archive. Errors as for :class:`LogSource`."""

    @property
    def name(self) -> str:
        """Short name from the settings."""
        ...

    def spans(self, wanted: SpanFilter, span: TimeRange) -> Iterator[pd.DataFrame]:
        """Give the spans that start in ``[start, end)`` as pieces of SPANS, each span exactly once."""
        ...

    def state(self) -> SourceState:
        """Say whether the source answers; never raises."""
        ...


@runtime_checkable
class EpisodeSource(Protocol):
    """What knows when alerts fired: Alertmanager's records, raw ``ALERTS`` history, or the archive."""

    @property
    def name(self) -> str:
        """Short name from the settings."""
        ...

    def episodes(self, span: TimeRange) -> pd.DataFrame:
        """Give the episodes that overlap ``[start, end)``: EPISODES, by start."""
        ...

    def state(self) -> SourceState:
        """Say whether the source answers; never raises."""
        ...
