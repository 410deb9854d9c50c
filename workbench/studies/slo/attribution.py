"""What spent the budget? Episodes of burn of a system's objectives, by label, and what else happened at the time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd

from workbench.analysis.slo.attribution import LabelledCounts, contributions
from workbench.analysis.slo.companions import Companions, Kind, Moment, companions
from workbench.analysis.slo.exclusions import excluded_slices, without_excluded
from workbench.analysis.slo.objective import Promise
from workbench.analysis.slo.spending import Spending, spending
from workbench.catalog import Objective, Profile
from workbench.core.errors import ArchiveError, EmptyAnswer, WorkbenchError
from workbench.core.filters import LogFilter, SpanFilter
from workbench.core.result import Study, worst
from workbench.core.source import MetricSource
from workbench.core.timerange import TimeRange, from_ms
from workbench.promql import parse, scoped, selectors
from workbench.studies.alerts.load import read_episodes
from workbench.studies.counting.composites import counts_by_member
from workbench.studies.counting.counters import CounterReader
from workbench.studies.counting.indicators import Measured, Plan, measure, slice_of
from workbench.studies.counting.record_counts import record_sources
from workbench.studies.decisions.exclusions import agreed_exclusions
from workbench.studies.decisions.table_events import table_events
from workbench.studies.slo.compliance import judged, promises_of, provenance
from workbench.studies.sources.context import Context
from workbench.studies.sources.periods import hull

#: Logs and traces are read for so many episodes, those that spent most. [count]
MOST_EPISODES = 12

#: And for so long into an episode; what is new in it shows early. [ms]
RECORDS_MS = 2 * 3_600_000

_STARTED = "process_start_time_seconds"


def slo_attribution(
    ctx: Context,
    *,
    system: str,
    range: TimeRange | None = None,
    as_of: datetime,
    slo: str | None = None,
    records: bool = True,
) -> Study:
    """Say what spent the budgets of a system, less what is excluded.

    Parameters
    ----------
    ctx : Context
    system : str
        System of the catalog.
    range : TimeRange, optional
        Period; by default each objective's own window at ``as_of``.
    as_of : datetime
        Aware instant up to which history is read.
    slo : str, optional
        One objective only.
    records : bool
        Look for new error messages and failing spans too, as far as logs and traces are kept.

    Returns
    -------
    Study
        ``results``: ``compliance``, ``spending`` (:class:`workbench.analysis.slo.spending.Spending`), ``contributions``
        (:class:`workbench.analysis.slo.attribution.Contributions`) and ``companions``
        (:class:`workbench.analysis.slo.companions.Companions`).

    Raises
    ------
    ParameterError
        Unknown system or objective. A failing source is a status of the study, never an exception.
    """
    profile = ctx.catalog.profile(system)
    asked = [ctx.catalog.objective(system, slo)] if slo is not None else ctx.catalog.objectives.get(system, ())
    source = ctx.source_for(system)
    promises = promises_of(asked, range=range, as_of=as_of, zone=ctx.zone)
    spans = {one.objective: one.elapsed(as_of) for one in promises}
    measured = measure(source, profile.scope, asked, spans, records=record_sources(ctx, system))
    agreed = agreed_exclusions(ctx, system, asked)
    measured = measured.withheld(asked) if agreed.unread else measured
    events, counted = without_excluded(measured.events, promises, agreed.by_objective)
    result = judged(asked, counted, replace(measured, events=events), as_of=as_of)
    spent = spending(events, counted, as_of=as_of)
    warnings = [*measured.warnings, *agreed.warnings]
    counts: dict[str, LabelledCounts] = {}
    found = Companions(companions(spent).frame, as_of=as_of)
    try:
        counts = labelled_counts(measured) | counts_by_members(asked, spans, measured)
        for promise in promises:
            name = promise.objective
            if name in counts and name in agreed.by_objective:
                excluded = excluded_slices(promise, agreed.by_objective[name], as_of=as_of)
                counts[name] = counts[name].without(excluded)
        found = _companions(ctx, source, profile, spent, promises, as_of=as_of, records=records, warnings=warnings)
    except WorkbenchError as error:
        warnings.append(str(error))
    return Study(
        name="slo_attribution",
        system=system,
        range=range or hull([one.window for one in promises], as_of=as_of),
        as_of=as_of,
        results={
            "compliance": result,
            "spending": spent,
            "contributions": contributions(spent, counts, dimensions=_dimensions(profile, asked)),
            "companions": found,
        },
        status=worst(list(result.frame["status"])),
        freshness=from_ms(measured.newest_ms) if measured.newest_ms is not None else None,
        coverage=float(result.frame["coverage"].min()),
        provenance=provenance(source, measured),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def labelled_counts(measured: Measured) -> dict[str, LabelledCounts]:
    """Events of what was measured per label set, from what was read for it; only plain counters have them.

    Raises
    ------
    SourceError
        As the source raises it.
    """
    if measured.reader is None:
        return {}
    members = {name for own in measured.members.values() for name in own}
    return {
        plan.objective.id: _labelled(plan, measured.reader)
        for plan in measured.plans
        if plan.selectors and plan.objective.id not in {*measured.failed, *members} and plan.span.end > plan.span.start
    }


def counts_by_members(
    objectives: Sequence[Objective], spans: Mapping[str, TimeRange], measured: Measured
) -> dict[str, LabelledCounts]:
    """Bad ones of each composite by member, as far as they can be shared out."""
    found = {
        one.id: counts_by_member(one, measured.members[one.id], spans[one.id], slice_of(one))
        for one in objectives
        if one.id in measured.members
    }
    return {name: counts for name, counts in found.items() if counts is not None}


def _labelled(plan: Plan, reader: CounterReader) -> LabelledCounts:
    part = "bad" if "bad" in plan.selectors else "good"
    total_labels, total = reader.labelled(plan.selectors["total"], plan.span, plan.slice_ms)
    part_labels, counts = reader.labelled(plan.selectors[part], plan.span, plan.slice_ms)
    asked, all_of = (_matched(plan.selectors[name]) for name in (part, "total"))
    return LabelledCounts(
        plan.span.start_ms,
        plan.slice_ms,
        total_labels,
        total,
        part_labels,
        counts,
        part,
        outcomes=frozenset(asked - all_of),
    )


def _matched(selector: str) -> set[str]:
    return {matcher.name for each in selectors(parse(selector)) for matcher in each.matchers}


def _dimensions(profile: Profile, objectives: Sequence[Objective]) -> dict[str, dict[str, str]]:
    """Names of the dimensions behind the labels of each objective, from the roles that take the same metric."""
    named = {}
    for one in objectives:
        texts = " ".join(one.queries().values())
        roles = [role for role in profile.roles.values() if role.metric and role.metric in texts]
        named[one.id] = {str(label): str(name) for role in roles for name, label in role.labels.items()}
    return named


def _companions(
    ctx: Context,
    source: MetricSource,
    profile: Profile,
    spent: Spending,
    promises: Sequence[Promise],
    *,
    as_of: datetime,
    records: bool,
    warnings: list[str],
) -> Companions:
    episodes = spent.frame[spent.frame["kind"] == "episode"]
    if episodes.empty:
        return companions(spent)
    whole = hull([one.elapsed(as_of) for one in promises], as_of=as_of)
    moments = [*restarts(source, profile, whole), *noted_moments(ctx, profile.system, warnings)]
    alerts = read_episodes(source, profile, whole)
    kept: dict[tuple[str, int], dict[Kind, tuple[pd.DataFrame, pd.DataFrame]]] = {}
    if records:
        for row in episodes.sort_values("budget_share", ascending=False).head(MOST_EPISODES).itertuples():
            length = min(int((row.end - row.start).total_seconds() * 1000), RECORDS_MS)
            start_ms = TimeRange(row.start, row.end).start_ms
            both = TimeRange.from_ms(start_ms - length, start_ms + length)
            try:
                kept[str(row.objective), int(row.episode)] = {
                    "log": _parted(_lines(ctx, profile.system, both), "time_ns", start_ms),
                    "span": _parted(_failing(ctx, profile.system, both), "start_ns", start_ms),
                }
            except WorkbenchError as error:
                warnings.append(str(error))
                break
    return companions(spent, moments=moments, alerts=alerts, records=kept)


def restarts(source: MetricSource, profile: Profile, span: TimeRange) -> list[Moment]:
    """Restarts of the system's processes, from when they say they started.

    Raises
    ------
    SourceError
        As the source raises it; a system that does not say has none.
    """
    try:
        series = source.raw(scoped(_STARTED, profile.scope), span)
    except EmptyAnswer:
        return []
    moments = []
    for labels, _, values in series:
        for started in np.unique(values[np.isfinite(values)])[1:]:
            name = labels.get("instance", "") or labels.get("job", "")
            moments.append(Moment("restart", "processes restarted", from_ms(int(started * 1000)), name))
    return [one for one in moments if span.start <= one.time <= span.end]


def noted_moments(ctx: Context, system: str, warnings: list[str]) -> list[Moment]:
    """Return deploys and incidents that people wrote down, or that a table holds; what is unreadable is a warning."""
    held, unread = table_events(ctx, system)
    warnings += unread
    try:
        notes = ctx.store.annotations(system) if ctx.store is not None else []
    except ArchiveError:
        notes = []  # said already where exclusions are read
    notes = [*notes, *held]
    kinds: dict[str, Kind] = {"deploy": "deploy", "incident": "incident"}
    return [
        Moment(kinds[one.kind], one.text, one.starts_at, one.link or one.created_by, one.slo)
        for one in notes
        if one.kind in kinds
    ]


def _lines(ctx: Context, system: str, span: TimeRange) -> pd.DataFrame:
    source = ctx.logs_for(system)
    wanted = LogFilter(services=ctx.services_within(source, system), severity="ERROR")
    return _joined(source.logs(wanted, span))


def _failing(ctx: Context, system: str, span: TimeRange) -> pd.DataFrame:
    wanted = SpanFilter(services=ctx.services_of(system), status="error")
    return _joined(ctx.spans_for(system).spans(wanted, span))


def _parted(rows: pd.DataFrame, column: str, start_ms: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows from an instant on, and those before it: one read of the two neighbours."""
    if rows.empty:
        return rows, rows
    inside = rows[column].to_numpy() >= start_ms * 1_000_000
    return rows[inside], rows[~inside]


def _joined(pieces: Iterable[pd.DataFrame]) -> pd.DataFrame:
    parts = [piece for piece in pieces if len(piece)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
