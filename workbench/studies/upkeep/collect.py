"""Gathers what has no history of its own, and counts ahead, so that the overview of the morning is quick."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

from workbench import __version__
from workbench.analysis.counting.kept import continued
from workbench.analysis.operations.collection import collection_table
from workbench.catalog import Profile
from workbench.core.errors import SettingsError, SourceUnavailable, WorkbenchError
from workbench.core.result import Provenance, Study
from workbench.core.timerange import TimeRange
from workbench.query import PrometheusSource
from workbench.query.http.health import HealthAnswer, ask_health
from workbench.query.metrics.live_state import alerts, rules, silences, targets
from workbench.store import HealthResult, Store
from workbench.studies.alerts.load import read_episodes, recorded_episodes
from workbench.studies.alerts.polled import KIND, look
from workbench.studies.answers.ahead import PERIODS, from_archives, opening_questions
from workbench.studies.answers.asking import answer_ahead
from workbench.studies.counting.history import COUNTS
from workbench.studies.overview.board import refresh
from workbench.studies.sources.backends import Snapshots
from workbench.studies.sources.context import Context

#: How far back episodes are read at each turn, so that a turn that was missed is made good.
EPISODES_BACK = timedelta(days=2)

#: Looks at an Alertmanager are kept this long, as raw samples are; after that its episodes are.
LOOKS_KEPT, _TIDIED = timedelta(days=100), timedelta(days=1)

#: Part of the collection that answers what pages open with.
ANSWERS = "answers"

#: Deadline of a health endpoint whose profile names none. [s]
HEALTH_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Part:
    """One thing to collect of one system or source."""

    subject: str
    kind: str
    run: Callable[[], None]


def _never() -> bool:
    return False


def parts_of(ctx: Context, *, as_of: datetime, ahead: bool = False, stop: Callable[[], bool] = _never) -> list[Part]:
    """Return what there is to collect, the quickest first; with ``ahead`` also the answers that pages open with.

    Parameters
    ----------
    ctx : Context
        With a store.
    as_of : datetime
        Aware instant of the turn.
    ahead : bool
        Whether answers are computed ahead, for the usual periods.
    stop : callable
        Asked before each answer; True leaves the others out.

    Raises
    ------
    SettingsError
        There is no store, or the address of a health endpoint that the profile does not name.
    """
    store = _store(ctx)
    parts: list[Part] = []
    for name in ctx.systems:
        endpoints = health_urls(ctx, ctx.catalog.profile(name))
        if endpoints:
            parts.append(Part(name, "health", partial(_health, store, name, endpoints, as_of)))
    for name, source in ctx.sources.items():
        if isinstance(source, PrometheusSource):
            for kind, ask in (("targets", targets), ("rules", rules), ("alerts", alerts)):
                parts.append(Part(name, kind, partial(_observe, store, name, kind, partial(ask, source), as_of)))
            if name in ctx.alertmanagers:
                ask_silences = partial(silences, source, ctx.alertmanagers[name])
                parts.append(Part(name, "silences", partial(_observe, store, name, "silences", ask_silences, as_of)))
    for name, recorder in ctx.episode_sources.items():
        if isinstance(recorder, Snapshots):
            parts.append(Part(name, "alertmanager", partial(_look, ctx, name, recorder, as_of)))
    recent = TimeRange(as_of - EPISODES_BACK, as_of)
    for name in ctx.systems:
        parts.append(Part(name, "episodes", partial(keep_episodes, ctx, name, recent)))
        parts.append(Part(name, COUNTS, partial(_count, ctx, name, as_of)))
    if ahead:
        for name in ("", *ctx.systems):
            parts.append(Part(name or "overview", ANSWERS, partial(_answer_ahead, ctx, name, stop)))
    return parts


def collect(
    ctx: Context, *, as_of: datetime, every: timedelta = timedelta(0), stop: Callable[[], bool] = _never
) -> Iterator[tuple[Part, str]]:
    """Collect every part once; gives each with what went wrong, empty when nothing did.

    Parameters
    ----------
    ctx : Context
        With a store.
    as_of : datetime
        Aware instant of the turn.
    every : timedelta
        Time between two turns; zero when collected by hand. A collector that goes on also answers what pages open with.
    stop : callable
        Asked before each part; True ends the turn.
    """
    store = _store(ctx)
    for part in parts_of(ctx, as_of=as_of, ahead=bool(every), stop=stop):
        if stop():
            return
        error = ""
        try:
            part.run()
        except WorkbenchError as failure:
            error = " ".join(str(failure).split())
        store.note_collection(part.subject, part.kind, at=ctx.clock(), every=every, error=error)
        yield part, error


def collection_states(ctx: Context, *, as_of: datetime) -> Study:
    """Say when each part was last collected, and which are late.

    Returns
    -------
    Study
        ``results``: ``collection`` (:class:`workbench.analysis.operations.collection.CollectionStates`).
    """
    parts = ctx.store.collections() if ctx.store is not None else []
    seen = {*ctx.systems, *ctx.sources, "overview"}
    visible = [part for part in parts if ctx.identity.scope is None or part.subject in seen]
    table = collection_table([vars(state) for state in visible], as_of=as_of)
    late = table.frame[table.frame["stale"]]
    succeeded = table.frame["succeeded"].dropna()
    return Study(
        name="collection_states",
        system="",
        range=TimeRange(as_of, as_of),
        as_of=as_of,
        results={"collection": table},
        status="no_data" if table.frame.empty else "unavailable" if len(late) else "ok",
        freshness=succeeded.max() if len(succeeded) else None,
        coverage=float("nan"),
        provenance=Provenance("store", "", "", "state", version=__version__),
        warnings=tuple(f"{row.subject}, {row.kind} is not collected: {row.reason}" for row in late.itertuples()),
    )


def keep_episodes(ctx: Context, system: str, span: TimeRange) -> None:
    """Read the episodes of a range and write them down; one whose start is not known belongs to an earlier range."""
    episodes = read_episodes(ctx.source_for(system), ctx.catalog.profile(system), span)
    known = ~episodes["left_censored"] | (episodes["starts_at"] >= span.start)
    older = continued(episodes[~known], _store(ctx).episodes(system, span))
    _store(ctx).put_episodes(system, episodes[known])
    _store(ctx).put_episodes(system, older)


def health_urls(ctx: Context, profile: Profile) -> dict[str, tuple[str, float]]:
    """Return address and deadline of the endpoints that the settings give an address. [s]

    One address for all is that of the endpoints at the place of the profile's first one; the others need their own.

    Raises
    ------
    SettingsError
        An endpoint the profile does not have.
    """
    given = ctx.reached[profile.system].health if profile.system in ctx.reached else ""
    if not given or not (profile.health or isinstance(given, dict)):
        return {}
    known = {endpoint.name: endpoint for endpoint in profile.health}
    if isinstance(given, str):
        first = urlsplit(profile.health[0].url).netloc
        bases = {name: given for name, source in known.items() if urlsplit(source.url).netloc == first}
    else:
        bases = dict(given)
    for name in bases:
        if name not in known:
            raise SettingsError(
                f"{profile.system} has no health endpoint {name!r}.",
                hint=f"Its endpoints: {', '.join(known) or 'none'}.",
            )
    urls = {}
    for name, base in bases.items():
        own, addresses = urlsplit(base), urlsplit(known[name].url)
        path = f"{addresses.path}?{addresses.query}" if addresses.query else addresses.path
        url = base if own.path not in ("", "/") else base.rstrip("/") + path
        urls[name] = (url, (known[name].timeout_ms or HEALTH_TIMEOUT_S * 1000) / 1000)
    return urls


def _health(store: Store, system: str, endpoints: dict[str, tuple[str, float]], at: datetime) -> None:
    answers: list[HealthAnswer] = ask_health(list(endpoints.values()))
    store.put_health(
        [HealthResult(system, name, at, **vars(answer)) for name, answer in zip(endpoints, answers, strict=True)]
    )
    silent = [name for name, answer in zip(endpoints, answers, strict=True) if answer.status == "unreachable"]
    if len(silent) == len(answers):
        raise SourceUnavailable(f"No health endpoint of {system} answers: {', '.join(silent)}.")


def _observe(store: Store, subject: str, kind: str, ask: Callable[[], object], at: datetime) -> None:
    store.observe(subject, kind, ask(), at=at)


def _look(ctx: Context, name: str, server: Snapshots, at: datetime) -> None:
    """Look at an Alertmanager; once a day, put the episodes of looks that are too old away and delete the looks."""
    store = _store(ctx)
    look(server, store, at=at)
    before = at - LOOKS_KEPT
    epoch = TimeRange(before - 10 * LOOKS_KEPT, before - _TIDIED)
    old = store.observed(name, KIND, limit=None, span=epoch)
    if not old or old[-1].last_seen >= before - _TIDIED:
        return
    span = TimeRange(old[-1].first_seen, before)
    for system in ctx.serves.get(name) or ctx.systems:
        for _, episodes in recorded_episodes(ctx, system, span):
            over = episodes[~episodes["right_censored"] & (episodes["ends_at"] < before)]
            store.put_episodes(system, over)
    store.forget_observations(name, KIND, before=before)


def _count(ctx: Context, system: str, as_of: datetime) -> None:
    missing = refresh(ctx, system, as_of=as_of)
    if missing:
        raise SourceUnavailable(missing[0])


def _answer_ahead(ctx: Context, system: str, stop: Callable[[], bool]) -> None:
    for period in PERIODS if from_archives(ctx, system) else PERIODS[:1]:  # a server is spared
        for question in opening_questions(ctx, system, as_of=ctx.clock(), period=period):
            if stop():
                return
            answer_ahead(ctx, question)


def _store(ctx: Context) -> Store:
    if ctx.store is None:
        raise SettingsError("Nothing can be collected without a store.", hint="Set store_url or home.")
    return ctx.store
