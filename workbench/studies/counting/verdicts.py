"""The spine of every statement about objectives: period, counts, exclusions, verdict; written once.

:func:`bind` says which period each objective is judged over, :func:`count` reads what was counted in it,
:func:`judge_counts` takes away what is excluded and judges, and :class:`Judged` is all of it as one value, from which
each study takes its results. Counts that were stored or frozen enter at the third step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from workbench import __version__
from workbench.analysis.counting.counts import Counts
from workbench.analysis.slo.objective import Goal
from workbench.analysis.slo.verdict import Verdict, judge
from workbench.catalog import Objective
from workbench.core.result import Provenance, Result, Study
from workbench.core.source import MetricSource
from workbench.core.timerange import TimeRange, duration_text, from_ms, to_ms
from workbench.studies.counting.counts_in_memory import counted_once
from workbench.studies.counting.indicators import Reading, read_counts
from workbench.studies.counting.plans import slice_of
from workbench.studies.counting.record_counts import record_sources
from workbench.studies.decisions.exclusions import Agreed, agreed_exclusions
from workbench.studies.sources.context import Context
from workbench.studies.sources.periods import hull, month_text, objective_window
from workbench.studies.sources.read_tier import read_tier


@dataclass(frozen=True, eq=False)
class Judged:
    """Objectives of a system, counted and judged over their periods.

    Attributes
    ----------
    system : str
    source : MetricSource
    objectives : tuple of Objective
    period : TimeRange
        The period that was given, or the smallest range that holds the own window of each objective.
    reading : Reading
    agreed : Agreed
    verdict : Verdict
    """

    system: str
    source: MetricSource
    objectives: tuple[Objective, ...]
    period: TimeRange
    reading: Reading
    agreed: Agreed
    verdict: Verdict

    @property
    def as_of(self) -> datetime:
        """Aware instant up to which history was read."""
        return self.verdict.as_of

    @property
    def spans(self) -> dict[str, TimeRange]:
        """Elapsed part of the period of each objective."""
        return elapsed_spans(self.verdict.bound, self.as_of)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to know about the counts, and about exclusions that could not be read."""
        return (*count_warnings(self.reading.counts.values()), *self.agreed.warnings)

    def study(self, name: str, results: Mapping[str, Result], *, warnings: Sequence[str] | None = None) -> Study:
        """Return a study of these objectives with its results.

        Parameters
        ----------
        name : str
            Name of the study.
        results : mapping of str to Result
            Results by name.
        warnings : sequence of str, optional
            In place of :attr:`warnings`, where the study has more to say.
        """
        newest = newest_ms(self.reading.counts.values())
        return Study(
            name=name,
            system=self.system,
            range=self.period,
            as_of=self.as_of,
            results=results,
            status=self.verdict.status,
            freshness=from_ms(newest) if newest is not None else None,
            coverage=self.verdict.coverage,
            provenance=provenance(self.source, self.reading.counts.values()),
            warnings=tuple(dict.fromkeys(self.warnings if warnings is None else warnings)),
        )


def objectives_of(ctx: Context, system: str, slo: str | None = None) -> tuple[Objective, ...]:
    """Return the objectives of a system, or the one that is named.

    Raises
    ------
    ParameterError
        Unknown system or objective.
    """
    ctx.catalog.profile(system)
    return (ctx.catalog.objective(system, slo),) if slo is not None else tuple(ctx.catalog.objectives.get(system, ()))


def judge_objectives(
    ctx: Context,
    system: str,
    objectives: Sequence[Objective],
    *,
    range: TimeRange | None = None,
    as_of: datetime,
    labelled: bool = False,
) -> Judged:
    """Count and judge objectives of a system, each over ``range`` or over its own window.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        System of the catalog.
    objectives : sequence of Objective
        From :func:`objectives_of`.
    range : TimeRange, optional
        Period judged; by default the own window of each objective that ends at, or holds, ``as_of``.
    as_of : datetime
        Aware instant up to which history is read.
    labelled : bool
        Whether the counters are asked by label too.
    """
    goals = bind(objectives, range=range, as_of=as_of, zone=ctx.zone)
    reading = count(ctx, system, objectives, elapsed_spans(goals, as_of), labelled=labelled)
    return judge_counts(ctx, system, objectives, goals, reading, range=range, as_of=as_of)


def bind(objectives: Sequence[Objective], *, range: TimeRange | None, as_of: datetime, zone: str) -> list[Goal]:
    """Bind objectives to the period in force: ``range``, or each objective's own window at ``as_of``.

    Parameters
    ----------
    objectives : sequence of Objective
        The objectives to count.
    range : TimeRange or None
        Period of all objectives; without it each has its own window.
    as_of : datetime
        Instant up to which data is read.
    zone : str
        IANA zone in which calendar months are named.
    """
    goals = []
    for objective in objectives:
        slice_ms = slice_of(objective)
        calendar = objective.calendar if range is None else None
        window = (range or objective_window(objective, as_of)).aligned(slice_ms)
        month = month_text(window, calendar.zone if calendar else zone)
        ends_now = window.end == TimeRange(as_of, as_of).aligned(slice_ms).end
        goals.append(
            Goal(
                objective=objective.id,
                title=objective.title,
                target=objective.target,
                window=window,
                period=month or duration_text(window.end_ms - window.start_ms),
                budgeting=objective.method,
                slice_ms=slice_ms,
                budget_ms=objective.period_ms,
                rolling=ends_now and not month and calendar is None,
            )
        )
    return goals


def elapsed_spans(goals: Sequence[Goal], as_of: datetime) -> dict[str, TimeRange]:
    """Return the elapsed part of the period of each objective, in whole slices."""
    return {goal.objective: goal.elapsed(as_of) for goal in goals}


def count(
    ctx: Context,
    system: str,
    objectives: Sequence[Objective],
    spans: Mapping[str, TimeRange],
    *,
    labelled: bool = False,
) -> Reading:
    """Count objectives of a system from its sources; a failing source becomes a status of the counts.

    What was counted in this process from an archive that has not changed since is not read again.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        Id of the system, as its profile names it.
    objectives : sequence of Objective
        The objectives to count.
    spans : mapping of str to TimeRange
        Range counted of each, on edges of its slices.
    labelled : bool
        Whether the counters are asked by label too; then they are read.
    """
    source, scope = ctx.source_for(system), ctx.catalog.profile(system).scope

    def read() -> Reading:
        return read_counts(source, scope, objectives, spans, records=record_sources(ctx, system))

    return read() if labelled else counted_once(source, scope, objectives, spans, read)


def judge_counts(
    ctx: Context,
    system: str,
    objectives: Sequence[Objective],
    goals: Sequence[Goal],
    reading: Reading,
    *,
    range: TimeRange | None,
    as_of: datetime,
    agreed: Agreed | None = None,
) -> Judged:
    """Judge counts of a system, less what was agreed to exclude, wherever the counts come from.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        Id of the system, as its profile names it.
    objectives : sequence of Objective
        The objectives to count.
    goals : sequence of Goal
        The objectives bound to their periods.
    reading : Reading
        Their counts, read from a source or from the store.
    range : TimeRange or None
        The period that was asked for.
    as_of : datetime
        Instant up to which data is read.
    agreed : Agreed, optional
        Exclusions in force; read from the store by default. Where they cannot be read all is unavailable.
    """
    agreed = agreed_exclusions(ctx, system, objectives) if agreed is None else agreed
    reading = reading.withheld() if agreed.unread else reading
    verdict = judge(
        list(reading.counts.values()),
        goals,
        agreed.by_objective,
        as_of=as_of,
        assumptions=[f"{objective.id}: {text}" for objective in objectives for text in objective.assumptions],
    )
    period = range or hull([goal.window for goal in goals], as_of=as_of)
    return Judged(system, ctx.source_for(system), tuple(objectives), period, reading, agreed, verdict)


def with_members(counts: Iterable[Counts]) -> list[Counts]:
    """Return counts with those of the members of composites, members first."""
    return [part for own in counts for part in (*own.members, own)]


def count_warnings(counts: Iterable[Counts]) -> tuple[str, ...]:
    """Return what is to be known about counts, each once."""
    return tuple(dict.fromkeys(text for part in with_members(counts) for text in part.warnings))


def newest_ms(counts: Iterable[Counts]) -> int | None:
    """Return the newest sample of counts. [ms since the epoch]"""
    return max((part.newest_ms for part in counts if part.newest_ms is not None), default=None)


def provenance(source: MetricSource, counts: Iterable[Counts]) -> Provenance:
    """Say how counts were made."""
    parts = list(counts)
    engines = sorted({engine for part in parts for engine in part.engines})
    starts = [to_ms(part.events["time"].min()) for part in parts if not part.events.empty]
    return Provenance(
        source=source.name,
        engine=", ".join(filter(None, engines)) or "none: raw samples",
        semantics=source.semantics,
        method=", ".join(sorted({part.method for part in parts})) or "exact",
        queries=tuple(dict.fromkeys(query for part in parts for query in part.queries)),
        tier=read_tier(source, min(starts, default=None)),
        version=__version__,
    )
