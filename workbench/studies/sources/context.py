"""What every study is given: the sources, the catalog, the store, who asks, the clock and the limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from workbench.catalog import Catalog, Profile, sound_catalog
from workbench.core.access.identity import Identity, local_admin, not_seen
from workbench.core.settings import (
    Limits,
    Privacy,
    Settings,
    SourceSettings,
    SystemSettings,
    load_settings,
)
from workbench.core.settings.cost import CostSettings
from workbench.core.shipped import shipped
from workbench.core.source import EpisodeSource, LogSource, MetricSource, SpanSource
from workbench.studies.alerts.history import AlertHistory
from workbench.studies.sources import backends
from workbench.studies.sources.fenced import FencedLogs, FencedSpans
from workbench.studies.sources.unavailable import UnavailableSource

if TYPE_CHECKING:  # what the store needs is loaded where a store is opened
    from workbench.store import Store
    from workbench.store.tables import TableSource

S = TypeVar("S")

#: Parts of a context that are kept by the name of a source.
_BY_SOURCE = (
    "sources", "log_sources", "span_sources", "episode_sources", "tables", "given", "alertmanagers",
)  # fmt: skip


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Context:
    """Everything a study may use; part of every cache key by the scope of ``identity``.

    A context holds nothing but what its identity may see: profiles, objectives and sources of other systems are left
    out, the store gives no row of them, and a question about one is refused. An identity is never widened.

    Attributes
    ----------
    sources : mapping of str to MetricSource
        By name; one that could not be opened stands there as a :class:`UnavailableSource`.
    catalog : Catalog
        Profiles and objectives by system.
    store : Store or None
        Slice history and report runs; None where nothing may be written.
    identity : Identity
        Who asks; by default whoever is on the machine itself, who may see and do everything.
    clock : callable
        Gives the aware instant "now".
    limits : Limits
        What one question may cost.
    zone : str
        IANA zone of calendar periods.
    week_start : str
        First day of ``this-week`` and ``last-week``.
    serves : mapping of str to tuple of str
        Systems each source answers for; empty means all.
    reached : mapping of str to SystemSettings
        Where systems are reached, for their health endpoints.
    alertmanagers : mapping of str to str
        Address of the Alertmanager beside a source.
    log_sources, span_sources, episode_sources : mapping of str to source
        Servers and files beside the sources of metrics, by name; archives stand among ``sources``.
    tables : mapping of str to TableSource
        Files and tables of a database: invoices, deployments, incidents, labels.
    given : mapping of str to SourceSettings
        The sources as the settings name them.
    privacy : Privacy
        Which fields enter an archive under a pseudonym.
    cost : CostSettings
        Tolerance of invoices and files of prices.
    home : Path or None
        Folder below which issued reports are kept; None where there is none.
    settings : Settings or None
        What the context was opened with, so that a task in another process can open the same.
    """

    sources: Mapping[str, MetricSource]
    catalog: Catalog
    store: Store | None = None
    identity: Identity = field(default_factory=local_admin)
    clock: Callable[[], datetime] = _now
    limits: Limits = field(default_factory=Limits)
    zone: str = "UTC"
    week_start: str = "monday"
    serves: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reached: Mapping[str, SystemSettings] = field(default_factory=dict)
    alertmanagers: Mapping[str, str] = field(default_factory=dict)
    log_sources: Mapping[str, LogSource] = field(default_factory=dict)
    span_sources: Mapping[str, SpanSource] = field(default_factory=dict)
    episode_sources: Mapping[str, EpisodeSource] = field(default_factory=dict)
    tables: Mapping[str, TableSource] = field(default_factory=dict)
    given: Mapping[str, SourceSettings] = field(default_factory=dict)
    privacy: Privacy = field(default_factory=Privacy)
    cost: CostSettings = field(default_factory=CostSettings)
    home: Path | None = None
    settings: Settings | None = None

    def __post_init__(self) -> None:
        scope = self.identity.scope
        if scope is None:
            return
        narrow = partial(object.__setattr__, self)
        narrow("catalog", self.catalog.within(scope))
        narrow("reached", {name: entry for name, entry in self.reached.items() if name in scope})
        if self.store is not None:
            narrow("store", self.store.within(scope))
        for kind in _BY_SOURCE:
            several = getattr(self, kind)
            narrow(kind, {name: entry for name, entry in several.items() if self._seen_of(name, scope)})

    def _seen_of(self, source: str, scope: tuple[str, ...]) -> bool:
        serves = self.serves.get(source)
        return not serves or not set(serves).isdisjoint(scope)

    def for_identity(self, identity: Identity) -> Context:
        """Return the context of somebody else, with what they may see of this one."""
        return replace(self, identity=identity)

    def systems_of(self, source: str) -> tuple[str, ...]:
        """Systems that a source answers for by name and that may be seen; empty where it answers for all."""
        return tuple(name for name in self.serves.get(source, ()) if self.identity.sees(name))

    @property
    def systems(self) -> tuple[str, ...]:
        """Systems of the catalog that a source answers for, so that shipped ones nobody runs stay out of the way.

        A source that answers for all answers for the shipped systems too, unless it is a server beside which profiles
        of one's own are set. All systems where no source answers for any: every question then says what is missing.
        """
        general = [name for name in self.sources if not self.serves.get(name)]
        named = {system for names in self.serves.values() for system in names}
        own = {name for name, profile in self.catalog.profiles.items() if not _is_shipped(profile)}
        archive = any(source.kind == "archive" for name, source in self.given.items() if name in general)
        wide = set(self.catalog.profiles) if archive or not own or not self.given else own
        known = named | (wide if general else set())
        return tuple(name for name in self.catalog.profiles if name in known) or tuple(self.catalog.profiles)

    def source_for(self, system: str) -> MetricSource:
        """Return the source that answers for a system: one that names it, else one that answers for all.

        Without any, a :class:`UnavailableSource` is returned, so that a study ends with a status and not an exception.

        Raises
        ------
        AccessRefused
            The identity may not see the system.
        """
        return self._answering(self.sources, system) or UnavailableSource(
            "none", "", f"No source answers for the system {system!r}.", hint="Add one under [sources] in the settings."
        )

    def measured(self, system: str) -> bool:
        """Whether the settings name a source of metrics for a system."""
        return self._answering(self.sources, system) is not None

    def logs_for(self, system: str) -> LogSource:
        """Return the source of a system's log lines: a server or files that name it, those for all, else an archive."""
        return self.fenced_logs(self.by_profile(self._records(self.log_sources, system, "logs"), system), system)

    def spans_for(self, system: str) -> SpanSource:
        """Return the source of a system's spans, chosen as for :meth:`logs_for`."""
        source = self.by_profile(self._records(self.span_sources, system, "spans"), system)
        return (
            FencedSpans(source, self.catalog.title(system), self.services_of(system))
            if self._shared(source)
            else source
        )

    def fenced_logs(self, source: LogSource, system: str) -> LogSource:
        """Return a source of log lines that gives no line of a system that the identity may not see."""
        return (
            FencedLogs(source, self.catalog.title(system), self.services_of(system)) if self._shared(source) else source
        )

    def _shared(self, source: LogSource | SpanSource) -> bool:
        """Whether a source may hold records of systems that the identity may not see."""
        if self.identity.scope is None or isinstance(source, UnavailableSource):
            return False
        serves = self.serves.get(source.name, ())
        return not (serves and all(map(self.identity.sees, serves)))

    def episodes_for(self, system: str) -> EpisodeSource:
        """Return the source of a system's alert episodes: one that records alerts, else the samples of ALERTS.

        Of a server of Alertmanager, which keeps no history, the looks of the collector stand beside its alerts of now.
        """
        recorder = self._answering(self.episode_sources, system)
        if isinstance(recorder, backends.Snapshots):
            from workbench.studies.alerts.polled import PolledAlerts

            return PolledAlerts(recorder, self.store, self.clock)
        return recorder or AlertHistory(self.source_for(system), self.catalog.profiles.get(system))

    def services_of(self, system: str) -> tuple[str, ...]:
        """Services whose log lines and spans belong to a system, where several share an archive or a server."""
        profile = self.catalog.profile(system)
        traced = [profile.tracing.service] if profile.tracing else []
        named = [*(log.service for log in profile.logs), *(span.service for span in profile.spans), *traced]
        return tuple(dict.fromkeys(filter(None, named)))

    def services_within(self, source: LogSource | SpanSource, system: str) -> tuple[str, ...]:
        """Services that tell a system's records from others in a source; none where all of them are the system's."""
        alone = self.serves.get(source.name) == (system,) or getattr(source, "bounded", False)
        return () if alone else self.services_of(system)

    def by_profile(self, source: S, system: str) -> S:
        """Let a source that can, read its records as the profile of a system says."""
        profile = self.catalog.profiles.get(system)
        return cast(S, source.reading(profile)) if profile and isinstance(source, backends.ByProfile) else source

    def _answering(self, sources: Mapping[str, S], system: str) -> S | None:
        """Return the first source that names a system, else the first that answers for all."""
        if not self.identity.sees(system):
            raise not_seen(system)
        named = [source for name, source in sources.items() if system in self.serves.get(name, ())]
        general = [source for name, source in sources.items() if not self.serves.get(name)]
        return next(iter([*named, *general]), None)

    def _records(self, sources: Mapping[str, S], system: str, what: str) -> S:
        archives = {name: source for name, source in self.sources.items() if getattr(source, "kind", "") == "archive"}
        answering = self._answering(sources, system) or cast(S | None, self._answering(archives, system))
        if answering is None:
            reason = f"No source of the settings keeps {what} of the system {system!r}."
            return cast(
                S, UnavailableSource("none", "", reason, hint="Add one under [sources]; docs/sources.md lists them.")
            )
        return answering


def _is_shipped(profile: Profile) -> bool:
    return bool(profile.file) and Path(profile.file).resolve().is_relative_to(shipped("data", "systems").resolve())


def catalog_version(settings: Settings) -> str:
    """Return a text that changes when a profile or SLO document of the settings is edited."""
    files = [
        path
        for folder in (*settings.profiles, *settings.slos)
        for path in ([folder] if folder.is_file() else sorted(folder.rglob("*.y*ml")))
    ]
    return repr([(str(path), *_edited(path)) for path in files])


def _edited(path: Path) -> tuple[int, int]:
    try:
        state = path.stat()
    except OSError:
        return 0, 0
    return state.st_mtime_ns, state.st_size


def open_context(settings: Settings | None = None) -> Context:
    """Open the catalog, the sources and the store that the settings name.

    Parameters
    ----------
    settings : Settings, optional
        Read from the usual places when left out.

    Raises
    ------
    SettingsError
        The settings are wrong. A source that cannot be opened is no error but a state; a profile or document that is
        wrong is left out, and its mistakes are ``catalog.faults``.
    """
    from workbench.store import open_store
    from workbench.store.tables import TableSource

    chosen = settings or load_settings()
    given = chosen.sources.items()
    return Context(
        sources={
            name: backends.open_source(name, source, chosen.limits)
            for name, source in given
            if source.kind in backends.METRIC_KINDS
        },
        catalog=sound_catalog(chosen.profiles, chosen.slos),
        store=open_store(chosen),
        identity=local_admin(chosen.identity),
        limits=chosen.limits,
        zone=chosen.zone,
        week_start=chosen.week_start,
        serves={name: source.systems for name, source in given},
        reached=chosen.systems,
        alertmanagers={name: source.alertmanager for name, source in given if source.alertmanager},
        log_sources={
            name: backends.open_logs(name, source) for name, source in given if source.kind in backends.LOG_KINDS
        },
        span_sources={
            name: backends.open_spans(name, source) for name, source in given if source.kind in backends.SPAN_KINDS
        },
        episode_sources={
            name: backends.open_episodes(name, source)
            for name, source in given
            if source.kind in backends.EPISODE_KINDS
        },
        tables={name: TableSource.from_settings(name, source) for name, source in given if source.kind == "table"},
        given=chosen.sources,
        privacy=chosen.privacy,
        cost=chosen.cost,
        home=chosen.home,
        settings=chosen,
    )
