"""What spent the budget? Episodes of burn of a system's objectives, by label, and what else happened at the time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from workbench.analysis.slo.attribution import LabelledCounts, contributions
from workbench.analysis.slo.companions import Companions, Kind, Moment, companions
from workbench.analysis.slo.exclusions import excluded_slices
from workbench.analysis.slo.objective import Goal
from workbench.analysis.slo.spending import Spending, spending
from workbench.catalog import Objective, Profile
from workbench.core.errors import ArchiveError, EmptyAnswer, WorkbenchError
from workbench.core.filters import LogFilter, SpanFilter
from workbench.core.result import Study
from workbench.core.source import MetricSource
from workbench.core.timerange import HOUR_MS, TimeRange, from_ms
from workbench.promql import parse, scoped, selectors
from workbench.studies.alerts.load import read_episodes
from workbench.studies.counting.composites import counts_by_member
from workbench.studies.counting.counters import CounterReader
from workbench.studies.counting.indicators import Reading
from workbench.studies.counting.plans import Plan
from workbench.studies.counting.verdicts import judge_objectives, objectives_of
from workbench.studies.decisions.table_events import table_events
from workbench.studies.sources.context import Context
from workbench.studies.sources.looks import one_look
from workbench.studies.sources.periods import hull

#: Logs and traces are read for so many episodes, those that spent most. [count]
MOST_EPISODES = 12

#: And for so long into an episode; what is new in it shows early. [ms]
RECORDS_MS = 2 * HOUR_MS

_STARTED = "process_start_time_seconds"


@one_look
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
        Sources, profiles and settings, and who reads.
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
    judged = judge_objectives(ctx, system, objectives_of(ctx, system, slo), range=range, as_of=as_of, labelled=True)
    verdict = judged.verdict
    spent = spending(verdict.history, verdict.goals, as_of=as_of)
    warnings = [*judged.warnings]
    counts: dict[str, LabelledCounts] = {}
    moments = Companions(companions(spent).frame, as_of=as_of)
    try:
        counts = labelled_counts(judged.reading) | counts_by_members(judged.objectives, judged.reading)
        for goal in verdict.bound:
            name = goal.objective
            if name in counts and name in verdict.exclusions:
                excluded = excluded_slices(goal, verdict.exclusions[name], as_of=as_of)
                counts[name] = counts[name].without(excluded)
        moments = _companions(
            ctx, judged.source, profile, spent, verdict.bound, as_of=as_of, records=records, warnings=warnings
        )
    except WorkbenchError as error:
        warnings.append(str(error))
    return judged.study(
        "slo_attribution",
        {
            "compliance": verdict.compliance,
            "spending": spent,
            "contributions": contributions(spent, counts, dimensions=_dimensions(profile, judged.objectives)),
            "companions": moments,
        },
        warnings=warnings,
    )


def labelled_counts(reading: Reading) -> dict[str, LabelledCounts]:
    """Events of what was counted per label set, from what was read for it; only plain counters have them.

    Raises
    ------
    SourceError
        As the source raises it.
    """
    counts, reader = reading.counts, reading.reader
    if reader is None:
        return {}
    return {
        plan.objective.id: _labelled(plan, reader)
        for plan in reading.plans
        if plan.selectors
        and plan.span.end > plan.span.start
        and plan.objective.id in counts  # members of composites are not
        and counts[plan.objective.id].failure is None
    }


def counts_by_members(objectives: Sequence[Objective], reading: Reading) -> dict[str, LabelledCounts]:
    """Bad ones of each composite by member, as far as they can be shared out."""
    shared = {}
    for objective in objectives:
        counts = reading.counts[objective.id]
        if len(counts.events) and counts.members:
            members = {member.objective: member.events for member in counts.members}
            shared[objective.id] = counts_by_member(objective, members, counts.span, counts.slice_ms)
    return {name: counts for name, counts in shared.items() if counts is not None}


def _labelled(plan: Plan, reader: CounterReader) -> LabelledCounts:
    part = "bad" if "bad" in plan.selectors else "good"
    total_labels, total = reader.labelled(plan.selectors["total"], plan.span, plan.slice_ms)
    part_labels, counts = reader.labelled(plan.selectors[part], plan.span, plan.slice_ms)
    selectors, all_of = (_matched(plan.selectors[name]) for name in (part, "total"))
    return LabelledCounts(
        plan.span.start_ms,
        plan.slice_ms,
        total_labels,
        total,
        part_labels,
        counts,
        part,
        outcomes=frozenset(selectors - all_of),
    )


def _matched(selector: str) -> set[str]:
    return {matcher.name for each in selectors(parse(selector)) for matcher in each.matchers}


def _dimensions(profile: Profile, objectives: Sequence[Objective]) -> dict[str, dict[str, str]]:
    """Names of the dimensions behind the labels of each objective, from the roles that take the same metric."""
    named = {}
    for objective in objectives:
        texts = " ".join(objective.queries().values())
        roles = [role for role in profile.roles.values() if role.metric and role.metric in texts]
        named[objective.id] = {str(label): str(name) for role in roles for name, label in role.labels.items()}
    return named


def _companions(
    ctx: Context,
    source: MetricSource,
    profile: Profile,
    spent: Spending,
    goals: Sequence[Goal],
    *,
    as_of: datetime,
    records: bool,
    warnings: list[str],
) -> Companions:
    episodes = spent.frame[spent.frame["kind"] == "episode"]
    if episodes.empty:
        return companions(spent)
    whole = hull([goal.elapsed(as_of) for goal in goals], as_of=as_of)
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
        series = source.raw(scoped(_STARTED, profile.scope), span.left_open())
    except EmptyAnswer:
        return []
    moments = []
    for labels, _, values in series:
        for started in np.unique(values[np.isfinite(values)])[1:]:
            name = labels.get("instance", "") or labels.get("job", "")
            moments.append(Moment("restart", "processes restarted", from_ms(int(started * 1000)), name))
    return [moment for moment in moments if span.start <= moment.time <= span.end]


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
        Moment(kinds[note.kind], note.text, note.starts_at, note.link or note.created_by, note.slo)
        for note in notes
        if note.kind in kinds
    ]


def _lines(ctx: Context, system: str, span: TimeRange) -> pd.DataFrame:
    source = ctx.logs_for(system)
    wanted = LogFilter(services=ctx.services_within(source, system), severity="ERROR")
    return _joined(source.logs(wanted, span))


def _failing(ctx: Context, system: str, span: TimeRange) -> pd.DataFrame:
    source = ctx.spans_for(system)
    wanted = SpanFilter(services=ctx.services_within(source, system), status="error")
    return _joined(source.spans(wanted, span))


def _parted(rows: pd.DataFrame, column: str, start_ms: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows from an instant on, and those before it: one read of the two neighbours."""
    if rows.empty:
        return rows, rows
    inside = rows[column].to_numpy() >= start_ms * 1_000_000
    return rows[inside], rows[~inside]


def _joined(pieces: Iterable[pd.DataFrame]) -> pd.DataFrame:
    parts = [piece for piece in pieces if len(piece)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
