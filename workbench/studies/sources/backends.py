"""Which module opens which kind of source; one that cannot be opened becomes a :class:`UnavailableSource`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar, runtime_checkable

from workbench.catalog.profile.model import Profile
from workbench.core.errors import WorkbenchError
from workbench.core.settings import Limits, SourceSettings
from workbench.core.source import EpisodeSource, LogSource, MetricSource, SpanSource
from workbench.studies.sources.unavailable import UnavailableSource

METRIC_KINDS = ("archive", "prometheus")
LOG_KINDS = ("loki", "elasticsearch", "opensearch", "logfiles")
SPAN_KINDS = ("tempo", "jaeger", "otlp", "zipkin")
EPISODE_KINDS = ("alertmanager",)

S = TypeVar("S")


@runtime_checkable
class ByProfile(Protocol):
    """A source of logs or spans that reads them as a profile says."""

    def reading(self, profile: Profile) -> object:
        """Return the source for one system."""
        ...


@runtime_checkable
class Snapshots(EpisodeSource, Protocol):
    """A source of alerts that knows only those of now."""

    @property
    def kind(self) -> str:
        """Kind in the settings."""
        ...

    @property
    def location(self) -> str:
        """Base address, without credentials."""
        ...

    def snapshot(self) -> dict[str, Any]:
        """Give alerts and silences of now."""
        ...


def open_source(name: str, settings: SourceSettings, limits: Limits) -> MetricSource:
    """Open a source of metrics."""

    def opened() -> MetricSource:
        if settings.kind == "archive":
            from workbench.archive import Archive
            from workbench.archive.source import ArchiveSource

            semantics = "v3" if settings.semantics == "auto" else settings.semantics
            return ArchiveSource(name, Archive.open(settings.place), semantics=semantics, limits=limits)
        from workbench.query import PrometheusSource

        return PrometheusSource.from_settings(name, settings, limits=limits)

    return _or_closed(opened, name, settings)


def open_logs(name: str, settings: SourceSettings) -> LogSource:
    """Open a source of log lines."""

    def opened() -> LogSource:
        match settings.kind:
            case "loki":
                from workbench.query.logs.loki.source import LokiSource

                return LokiSource.from_settings(name, settings)
            case "elasticsearch" | "opensearch":
                from workbench.query.logs.elastic.source import ElasticSource

                return ElasticSource.from_settings(name, settings)
        from workbench.query.logs.files.source import LogFileSource

        return LogFileSource.from_settings(name, settings)

    return _or_closed(opened, name, settings)


def open_spans(name: str, settings: SourceSettings) -> SpanSource:
    """Open a source of spans."""

    def opened() -> SpanSource:
        match settings.kind:
            case "tempo":
                from workbench.query.traces.tempo import TempoSource

                return TempoSource.from_settings(name, settings)
            case "jaeger":
                from workbench.query.traces.jaeger import JaegerSource

                return JaegerSource.from_settings(name, settings)
        from workbench.query.traces.files import TraceFiles

        return TraceFiles.from_settings(name, settings)

    return _or_closed(opened, name, settings)


def open_episodes(name: str, settings: SourceSettings) -> EpisodeSource:
    """Open a source of alert episodes."""
    from workbench.query.alerts import alertmanager

    return _or_closed(lambda: alertmanager.opened(name, settings), name, settings)


def _or_closed(opened: Callable[[], S], name: str, settings: SourceSettings) -> S | UnavailableSource:
    try:
        return opened()
    except (WorkbenchError, OSError) as error:
        location = str(settings.path or settings.url)
        if isinstance(error, WorkbenchError):
            return UnavailableSource(
                name, location, error.message, kind=settings.kind, hint=error.hint, exit_code=error.exit_code
            )
        return UnavailableSource(name, location, str(error), kind=settings.kind)
