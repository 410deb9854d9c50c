"""What every study is given: the sources, the catalog, the store, who asks, the clock and the limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from workbench.catalog import Catalog, load_catalog
from workbench.core.errors import WorkbenchError
from workbench.core.settings import Limits, Settings, SourceSettings, SystemSettings, load_settings
from workbench.core.source import MetricSource
from workbench.store import Store
from workbench.studies.closed import ClosedSource


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Context:
    """Everything a study may use; part of every cache key by ``identity``.

    Attributes
    ----------
    sources : mapping of str to MetricSource
        By name; one that could not be opened stands there as a :class:`ClosedSource`.
    catalog : Catalog
        Profiles and objectives by system.
    store : Store or None
        Slice history and report runs; None where nothing may be written.
    identity : str
        Who asks.
    clock : callable
        Gives the aware instant "now".
    limits : Limits
        What one question may cost.
    zone : str
        IANA zone of calendar periods.
    serves : mapping of str to tuple of str
        Systems each source answers for; empty means all.
    reached : mapping of str to SystemSettings
        Where systems are reached, for their health endpoints.
    alertmanagers : mapping of str to str
        Address of the Alertmanager beside a source.
    """

    sources: Mapping[str, MetricSource]
    catalog: Catalog
    store: Store | None = None
    identity: str = "local"
    clock: Callable[[], datetime] = _now
    limits: Limits = field(default_factory=Limits)
    zone: str = "UTC"
    serves: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reached: Mapping[str, SystemSettings] = field(default_factory=dict)
    alertmanagers: Mapping[str, str] = field(default_factory=dict)

    @property
    def systems(self) -> tuple[str, ...]:
        """Systems of the catalog that a source answers for, so that shipped ones nobody runs stay out of the way.

        All of them where no source answers for any, as every question then says what is missing.
        """
        for_all = any(not self.serves.get(name) for name in self.sources)
        named = {system for names in self.serves.values() for system in names}
        return tuple(name for name in self.catalog.profiles if for_all or name in named) or tuple(self.catalog.profiles)

    def source_for(self, system: str) -> MetricSource:
        """Return the source that answers for a system: one that names it, else one that answers for all.

        Without any, a :class:`ClosedSource` is returned, so that a study ends with a status and not an exception.
        """
        general = None
        for name, source in self.sources.items():
            systems = self.serves.get(name, ())
            if system in systems:
                return source
            if not systems and general is None:
                general = source
        return general or ClosedSource(
            "none", "", f"No source answers for the system {system!r}.", hint="Add one under [sources] in the settings."
        )


def open_context(settings: Settings | None = None) -> Context:
    """Open the catalog, the sources and the store that the settings name.

    Parameters
    ----------
    settings : Settings, optional
        Read from the usual places when left out.

    Raises
    ------
    SettingsError, CatalogError
        A file is wrong. A source that cannot be opened is no error but a state.
    """
    chosen = settings or load_settings()
    return Context(
        sources={name: open_source(name, one, chosen.limits) for name, one in chosen.sources.items()},
        catalog=load_catalog(chosen.profiles, chosen.slos),
        store=Store(chosen.database),
        identity=chosen.identity,
        limits=chosen.limits,
        zone=chosen.zone,
        serves={name: one.systems for name, one in chosen.sources.items()},
        reached=chosen.systems,
        alertmanagers={name: one.alertmanager for name, one in chosen.sources.items() if one.alertmanager},
    )


def open_source(name: str, settings: SourceSettings, limits: Limits) -> MetricSource:
    """Open one source, or return a :class:`ClosedSource` that says why it could not be."""
    try:
        if settings.path is not None:
            from workbench.archive import Archive
            from workbench.archive.source import ArchiveSource

            semantics = "v3" if settings.semantics == "auto" else settings.semantics
            return ArchiveSource(name, Archive.open(settings.path), semantics=semantics, limits=limits)
        from workbench.query import PrometheusSource

        return PrometheusSource.from_settings(name, settings, limits=limits)
    except (WorkbenchError, OSError) as error:
        location = str(settings.path or settings.url)
        if isinstance(error, WorkbenchError):
            return ClosedSource(
                name, location, error.message, kind=settings.kind, hint=error.hint, exit_code=error.exit_code
            )
        return ClosedSource(name, location, str(error), kind=settings.kind)
