"""Every source of the settings looked at closely: does it answer, is its clock right, what does it hold and lack?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from workbench import __version__
from workbench.analysis.operations.sources import check_table, source_table
from workbench.catalog import Profile
from workbench.core.errors import WorkbenchError
from workbench.core.result import Provenance, Status, Study, worst
from workbench.core.source import MetricSource, SourceFact, SourceState
from workbench.core.timerange import TimeRange
from workbench.core.units import instant_text
from workbench.promql import Selector, parse
from workbench.promql.parser.nodes import Node, children
from workbench.query import PrometheusSource
from workbench.query.checks.metric_servers import clock_fact, encryption_fact, prometheus_facts
from workbench.query.checks.record_servers import record_facts
from workbench.query.http.shapes import expected
from workbench.store.tables import MAX_ROWS, TableSource
from workbench.studies.sources.context import Context
from workbench.studies.sources.table_records import field_text, only_system, record_pieces
from workbench.studies.sources.wanted_records import records_wanted

#: How far back a metric or service counts as being there.
_RECENT = timedelta(days=1)

#: Missing names told one by one; more are counted. [count]
_NAMED = 5


class Stated(Protocol):
    """A source of any kind."""

    @property
    def name(self) -> str:
        """Name in the settings."""
        ...

    def state(self) -> SourceState:
        """Say whether it answers; never raises."""
        ...


def all_sources(ctx: Context) -> Mapping[str, Stated]:
    """Every source of the settings by name, in their order."""
    kinds: tuple[Mapping[str, Stated], ...] = (ctx.sources, ctx.log_sources, ctx.span_sources, ctx.episode_sources)
    sources: dict[str, Stated] = {name: source for kind in kinds for name, source in kind.items()}
    sources |= {name: source for name, source in ctx.tables.items() if name not in sources}
    return {name: sources[name] for name in [*ctx.given, *sources] if name in sources}


def source_checks(ctx: Context, *, name: str | None = None, as_of: datetime) -> Study:
    """Check every source of the settings, or one.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    name : str, optional
        Only this source.
    as_of : datetime
        Aware instant "now".

    Returns
    -------
    Study
        ``results``: ``sources`` (:class:`workbench.analysis.operations.sources.SourceStates`) and ``checks``
        (:class:`workbench.analysis.operations.sources.SourceChecks`). What a source refuses is a row, never an
        exception.
    """
    chosen = {each: source for each, source in all_sources(ctx).items() if name in (None, each)}
    with ThreadPoolExecutor(max_workers=max(1, min(8, len(chosen)))) as pool:
        results = list(pool.map(lambda each: _checked(ctx, each, chosen[each], as_of), chosen))
    states = source_table(
        [state for state, _ in results], serves={name: ctx.systems_of(name) for name in chosen}, as_of=as_of
    )
    checks = check_table([fact for _, facts in results for fact in facts])
    statuses: list[Status] = list(states.frame["status"])
    newest = [state.newest for state, _ in results if state.newest is not None]
    return Study(
        name="source_checks",
        system="",
        range=TimeRange(as_of, as_of),
        as_of=as_of,
        results={"sources": states, "checks": checks},
        status=worst(statuses),
        freshness=max(newest, default=None),
        coverage=float("nan"),
        provenance=Provenance(", ".join(chosen), "", "", "state and checks", version=__version__),
        warnings=tuple(
            f"{state.name}: {state.detail}" for state, _ in results if state.status != "ok" and state.detail
        ),
    )


def _checked(ctx: Context, name: str, source: Stated, now: datetime) -> tuple[SourceState, list[SourceFact]]:
    state = source.state()
    facts = [fact for fact in _of_settings(ctx, name, now) if fact is not None]
    if state.status not in ("ok", "no_data"):
        return state, facts
    for look in (_of_source, _of_profiles):
        try:
            with expected(name):
                facts += look(ctx, name, source, now)
        except WorkbenchError as error:
            facts.append(SourceFact(name, "check", "unknown", " ".join(str(error.message).split())))
    return state, facts


def _of_settings(ctx: Context, name: str, now: datetime) -> Iterator[SourceFact | None]:
    if name in ctx.given:
        yield clock_fact(name, ctx.given[name], ctx.clock())
        yield encryption_fact(name, ctx.given[name])


def _of_source(ctx: Context, name: str, source: Stated, now: datetime) -> Iterator[SourceFact]:
    if isinstance(source, PrometheusSource):
        yield from prometheus_facts(source, now)
    yield from record_facts(source, now)
    if isinstance(source, TableSource):
        yield from _of_records(ctx, source, now) if source.records else _of_table(source)
    archive = getattr(source, "archive", None)
    if archive is not None and archive.oldest_ms() is not None:
        held = TimeRange.from_ms(archive.oldest_ms(), archive.newest_ms())
        yield SourceFact(name, "oldest", "ok", f"It holds samples from {instant_text(held.start)} on.")
        yield SourceFact(
            name, "limits", "ok", f"{archive.series_count():,} series; retention by tier, docs/archive.md."
        )


def _of_profiles(ctx: Context, name: str, source: Stated, now: datetime) -> Iterator[SourceFact]:
    """Say what the profiles of the systems that a source answers for want and it does not have."""
    newest = source.state().newest
    recent = TimeRange((newest or now) - _RECENT, (newest or now) + timedelta(seconds=1))
    for system in ctx.systems_of(name) or ctx.systems:
        profile = ctx.catalog.profiles.get(system)
        if profile is None:
            yield SourceFact(name, "profile", "warning", f"There is no profile of the system {system!r}.")
        elif isinstance(source, MetricSource) and ctx.source_for(system).name == name:
            known = set(source.label_values("__name__", recent))
            yield _lacking(name, profile.title, "metrics", _metrics(profile), known)
            if isinstance(source, PrometheusSource) and profile.alert_rules:
                yield _lacking(
                    name, profile.title, "alert rules", {r.name for r in profile.alert_rules}, _rules(source)
                )
        else:
            for records in records_wanted(ctx, name, source, system, recent):
                fact = _lacking(name, profile.title, records.what, records.wanted, records.known)
                yield fact if records.sure or fact.status == "ok" else replace(fact, status="unknown")


def _of_table(source: TableSource) -> Iterator[SourceFact]:
    first = source.oldest()
    if first is not None:
        yield SourceFact(source.name, "oldest", "ok", f"Its first row is of {instant_text(first)}.")
    yield SourceFact(source.name, "limits", "ok", f"At most {MAX_ROWS:,} rows are read.")


def _of_records(ctx: Context, table: TableSource, now: datetime) -> Iterator[SourceFact]:
    """Look for the rows of the last day where the system keeps its lines or spans, and for the fields they need."""
    empty, rows = set(table.fields) - {"time"}, 0
    for piece in record_pieces(ctx, only_system(ctx, table), table, TimeRange(now - _RECENT, now)):
        empty -= {field for field in empty if (field_text(piece, table.fields[field]) != "").any()}
        rows += len(piece)
        if (rows and not empty) or rows > MAX_ROWS:
            break
    event = f" {table.event!r}" if table.event else ""
    if not rows:
        yield SourceFact(table.name, "rows", "warning", f"No {table.records}{event} of the last day: it gives no row.")
    elif empty:
        names = ", ".join(f"{field} ({table.fields[field]})" for field in sorted(empty))
        text = f"No {table.records}{event} of the last day has the field {names}; {rows:,} were read."
        yield SourceFact(table.name, "rows", "warning", text)
    else:
        text = f"The {table.records}{event} of the last day have every field; {rows:,} were read."
        yield SourceFact(table.name, "rows", "ok", text)


def _lacking(name: str, title: str, what: str, wanted: set[str], known: set[str]) -> SourceFact:
    absent = sorted(wanted - known)
    if not absent:
        return SourceFact(name, "profile", "ok", f"All {what} of {title} are there ({len(wanted)}).")
    names = ", ".join(absent[:_NAMED]) + (f" and {len(absent) - _NAMED} more" if len(absent) > _NAMED else "")
    return SourceFact(name, "profile", "warning", f"{len(absent)} of {len(wanted)} {what} of {title} are not: {names}.")


def _metrics(profile: Profile) -> set[str]:
    """Names of metrics that the roles of a profile read; one by one of its spellings where it has several."""
    names: set[str] = set()
    for role in profile.roles.values():
        if role.kind == "expr":
            names |= {node.name for node in _nodes(parse(role.select)) if isinstance(node, Selector) and node.name}
        elif not role.aliases:
            names.add(role.part("_count").partition("{")[0] if role.kind == "histogram" else role.metric)
    return {each for each in names if each}


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in children(node):
        yield from _nodes(child)


def _rules(source: PrometheusSource) -> set[str]:
    groups = source.document("/api/v1/rules").get("groups") or []
    return {str(rule.get("name")) for group in groups for rule in group.get("rules") or []}
