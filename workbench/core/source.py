"""The seam between questions and backends: what every source of metrics offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

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
        """Return the samples of a plain selector in ``(start, end]``, as they were scraped."""
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
