"""What to do today, and all systems and their objectives on one board, worst first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain

import pandas as pd

from workbench import __version__
from workbench.analysis.cost.budgets import BudgetUse
from workbench.analysis.operations.sources import SourceStates, source_table
from workbench.analysis.overview.board import goal_board
from workbench.analysis.overview.evidence import Clause, Looked, evidence
from workbench.analysis.overview.findings import (
    MonthSpend,
    OpenAlerts,
    OpenLimits,
    alert_findings,
    budget_findings,
    health_findings,
    limit_findings,
    objective_findings,
    source_findings,
)
from workbench.analysis.overview.today import Finding, today
from workbench.analysis.slo.burn import BurnRates, burn_rates
from workbench.analysis.slo.compliance import COVERAGE_FLOOR, ComplianceResult
from workbench.core.errors import ArchiveError
from workbench.core.result import Provenance, Study, worst
from workbench.core.timerange import TimeRange, from_ms
from workbench.studies.counting.definitions import note_definitions
from workbench.studies.counting.history import freshness, kept_counts, top_up
from workbench.studies.counting.verdicts import (
    bind,
    count_warnings,
    elapsed_spans,
    judge_counts,
    newest_ms,
    objectives_of,
    provenance,
)
from workbench.studies.decisions.exclusions import Agreed, agreed_exclusions
from workbench.studies.operations.health import newest_health
from workbench.studies.operations.sources import source_states
from workbench.studies.overview.state import LOOK_BACK_MS, Standing, SystemState, duty_of, standing
from workbench.studies.sources.context import Context
from workbench.studies.sources.looks import one_look
from workbench.studies.sources.periods import hull

#: Sources are judged by their state of now, so only where the board is not about the past.
_LIVE = timedelta(hours=1)

#: Counts are gathered over at least this time, whatever the window of an objective.
LEAST = timedelta(days=30)

#: So fresh is nothing that was stored.
_NEVER = timedelta(milliseconds=-1)


@one_look
def overview(
    ctx: Context,
    *,
    system: str | None = None,
    range: TimeRange | None = None,
    as_of: datetime,
    parts: Sequence[Study] | None = None,
) -> Study:
    """Say what asks for action, and put systems and their objectives on a board, the worst first.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str, optional
        One system only; by default all that a source answers for.
    range : TimeRange, optional
        Period judged; by default the own window of each objective at ``as_of``.
    as_of : datetime
        Aware instant up to which history is read.
    parts : sequence of Study, optional
        What :func:`system_overview` read of each system, where that was done before.

    Returns
    -------
    Study
        ``results``: ``today`` (:class:`workbench.analysis.overview.today.TodayList`), ``board``
        (:class:`workbench.analysis.overview.board.PromiseBoard`), ``spend`` and ``alerts``
        (:class:`workbench.analysis.overview.findings.MonthSpend`,
        :class:`~workbench.analysis.overview.findings.OpenAlerts`), ``limits``
        (:class:`~workbench.analysis.overview.findings.OpenLimits`), ``budgets`` (the columns of
        :class:`workbench.analysis.cost.budgets.BudgetUse` that are kept, with ``system``), ``sources``
        (:class:`workbench.analysis.operations.sources.SourceStates`; empty for a period that is over), ``evidence``
        (:class:`workbench.analysis.overview.evidence.Evidence`: what was looked at).

    Raises
    ------
    ParameterError
        Unknown system.

    Notes
    -----
    Counts come from the store where it holds those of the last five minutes (and of the collector's last turn), else
    from the source, and are then stored. The judgement is always made anew from the counts, so a changed target shows
    at once. What fires, breaches and spend are kept for as long.
    """
    if parts is None:
        systems = [system] if system is not None else list(ctx.systems)
        parts = [system_overview(ctx, system=name, range=range, as_of=as_of) for name in systems]
    answers = {part.system: part for part in parts}
    titles = {name: ctx.catalog.profile(name).title for name in answers}
    results = {name: _compliance(part) for name, part in answers.items()}
    states = _states(ctx, list(answers), as_of)
    freshest = max((part.freshness for part in parts if part.freshness is not None), default=None)
    judged = [part for part in parts if len(_compliance(part).frame)]
    made = [part.provenance for part in parts]
    return Study(
        name="overview",
        system=system or "",
        range=range or hull([part.range for part in parts], as_of=as_of),
        as_of=as_of,
        results={
            "today": today(_matters(ctx, answers, states, as_of), as_of=as_of),
            "board": goal_board(results, titles=titles, as_of=as_of),
            "spend": _spend(ctx, answers, as_of),
            "alerts": _alerts(ctx, answers, as_of),
            "limits": OpenLimits(_joined(answers, "limits", SystemState.limits_frame), as_of=as_of),
            "budgets": BudgetUse(_joined(answers, "budgets", SystemState.budgets_frame), as_of=as_of),
            "sources": states,
            "evidence": evidence(_looked(ctx, answers), as_of=as_of, newest=freshest),
        },
        status=worst([part.status for part in parts]),
        freshness=freshest,
        coverage=min((part.coverage for part in judged), default=float("nan")),
        provenance=Provenance(
            source=_listed(each.source for each in made),
            engine=_listed(each.engine for each in made),
            semantics=_listed(each.semantics for each in made),
            method=", ".join(sorted({method for part in judged for method in part.provenance.method.split(", ")})),
            queries=tuple(dict.fromkeys(query for each in made for query in each.queries)),
            version=__version__,
        ),
        warnings=tuple(dict.fromkeys(text for part in parts for text in part.warnings)),
    )


def _compliance(part: Study) -> ComplianceResult:
    result = part.results["compliance"]
    assert isinstance(result, ComplianceResult)
    return result


def _burns(part: Study) -> BurnRates:
    result = part.results["burns"]
    assert isinstance(result, BurnRates)
    return result


def _state(part: Study) -> SystemState:
    result = part.results["standing"]
    assert isinstance(result, Standing)
    return result.state


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(filter(None, names)))


def _looked(ctx: Context, answers: Mapping[str, Study]) -> Iterator[Looked]:
    """Count what each system has to look at, and of how much of it the state is known."""
    for name, part in answers.items():
        title, frame, state = ctx.catalog.profile(name).title, _compliance(part).frame, _state(part)
        statuses = frame["status"]
        judged = int(statuses.isin(["ok", "at_risk", "spent", "no_traffic"]).sum())
        partly = int(((statuses == "ok") & (frame["coverage"] < COVERAGE_FLOOR)).sum())
        yield Looked(name, title, "objective", len(statuses), judged, partly)
        clauses: tuple[Clause, ...] = ("alert", "limit", "budget")
        for clause in clauses:
            yield Looked(name, title, clause, state.known.get(clause, 0), state.read.get(clause, 0))


def _matters(ctx: Context, answers: Mapping[str, Study], states: SourceStates, as_of: datetime) -> Iterator[Finding]:
    duties = {name: duty_of(ctx.catalog.profile(name)) for name in answers}
    for name, part in answers.items():
        duty, state = duties[name], _state(part)
        yield from objective_findings(_compliance(part).frame, _burns(part).frame, duty)
        yield from alert_findings(state.firing_frame(), duty, as_of=as_of)
        yield from limit_findings(state.limits_frame(), duty, looked_back_s=LOOK_BACK_MS / 1000)
        yield from budget_findings(state.budgets_frame(), duty)
        yield from health_findings(part.results["standing"].frame, duty)
    yield from source_findings(states, {ctx.source_for(name).name: duties[name] for name in reversed(list(answers))})


def _states(ctx: Context, systems: list[str], as_of: datetime) -> SourceStates:
    """States of the sources of the systems at this moment; none for a board about the past."""
    names = {ctx.source_for(name).name for name in systems}
    if as_of < ctx.clock() - _LIVE:
        return source_table([], serves=ctx.serves, as_of=as_of)
    result = source_states(ctx, as_of=as_of).results["sources"]
    assert isinstance(result, SourceStates)
    return replace(result, frame=result.frame[result.frame["name"].isin(names)].reset_index(drop=True))


def _spend(ctx: Context, answers: Mapping[str, Study], as_of: datetime) -> MonthSpend:
    rows = []
    for name, state in ((name, _state(part)) for name, part in answers.items()):
        title = ctx.catalog.profile(name).title
        status = "unavailable" if "spend" in state.missing else "ok" if state.spend else "no_data"
        money = state.spend or [{"unit": "", "spent": None, "projected": None}]
        for row in money:
            amounts = {part: None if row[part] is None else Decimal(row[part]) for part in ("spent", "projected")}
            rows.append({**row, **amounts, "system": name, "system_title": title, "status": status})
    columns = ["system", "system_title", "status", "unit", "spent", "projected", "change_ratio", "coverage"]
    frame = pd.DataFrame(rows, columns=columns).astype({"change_ratio": float, "coverage": float})
    return MonthSpend(frame, as_of=as_of)


def _alerts(ctx: Context, answers: Mapping[str, Study], as_of: datetime) -> OpenAlerts:
    frame = _joined(answers, "firing", SystemState.firing_frame)
    frame.insert(1, "system_title", pd.Series([ctx.catalog.title(name) for name in frame["system"]], dtype="str"))
    return OpenAlerts(frame.sort_values("since", kind="stable", ignore_index=True), as_of=as_of)


def _joined(answers: Mapping[str, Study], name: str, frame: Callable[[SystemState], pd.DataFrame]) -> pd.DataFrame:
    """Rows of every system below each other, the system first."""
    rows = {system: getattr(_state(part), name) for system, part in answers.items()}
    every = SystemState()
    setattr(every, name, list(chain.from_iterable(rows.values())))
    whole = frame(every)
    systems = pd.Series([system for system, own in rows.items() for _ in own], dtype="str")
    whole.insert(0, "system", systems)
    return whole


@one_look
def refresh(ctx: Context, system: str, *, as_of: datetime) -> tuple[str, ...]:
    """Ask the source for what the store does not know for good of a system, and store it; returns what is missing.

    Notes
    -----
    Each objective is counted over its own window and over the last :data:`LEAST`, whichever is longer: those are the
    periods that an overview opens with.
    """
    note_definitions(ctx, system, at=ctx.clock())
    objectives, warnings = objectives_of(ctx, system), list[str]()
    if ctx.store is not None:
        own = elapsed_spans(bind(objectives, range=None, as_of=as_of, zone=ctx.zone), as_of)
        last = bind(objectives, range=TimeRange(as_of - LEAST, as_of), as_of=as_of, zone=ctx.zone)
        spans = {
            name: TimeRange(min(own[name].start, span.start), max(own[name].end, span.end))
            for name, span in elapsed_spans(last, as_of).items()
        }
        reading = top_up(ctx, system, objectives, spans, store=ctx.store)
        if {counts.failure for counts in reading.counts.values()} - {None, "no_data"}:
            warnings.extend(count_warnings(reading.counts.values()))
    stands = standing(ctx, system, as_of=as_of, fresh=_NEVER, spend_hourly=True)
    return (*warnings, *(stands.warnings if stands.missing else ()))


@one_look
def system_overview(ctx: Context, *, system: str, range: TimeRange | None = None, as_of: datetime) -> Study:
    """Read what the overview says of one system; :func:`overview` puts several on one board.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        Id of the system, as its profile names it.
    range : TimeRange, optional
        Period judged; by default the own window of each objective at ``as_of``.
    as_of : datetime
        Aware instant up to which history is read.

    Returns
    -------
    Study
        ``results``: ``compliance`` (:class:`workbench.analysis.slo.compliance.ComplianceResult`), ``burns``
        (:class:`workbench.analysis.slo.burn.BurnRates`), ``standing``
        (:class:`workbench.studies.overview.state.Standing`).

    Raises
    ------
    ParameterError
        Unknown system.
    """
    return _one_system(ctx, system, range, as_of)


def _one_system(
    ctx: Context, system: str, span: TimeRange | None, as_of: datetime, *, agreed: Agreed | None = None
) -> Study:
    objectives = objectives_of(ctx, system)
    goals = bind(objectives, range=span, as_of=as_of, zone=ctx.zone)
    try:
        health = newest_health(ctx, system, as_of=as_of)
        reading = kept_counts(ctx, system, objectives, elapsed_spans(goals, as_of), as_of=as_of)
        state = standing(ctx, system, as_of=as_of, fresh=freshness(ctx.store))
    except ArchiveError as error:
        if ctx.store is None:
            raise
        agreed = agreed_exclusions(ctx, system, objectives)
        without = _one_system(replace(ctx, store=None), system, span, as_of, agreed=agreed)
        return replace(without, warnings=(*without.warnings, f"The store is not used: {error}"))
    judged = judge_counts(ctx, system, objectives, goals, reading, range=span, as_of=as_of, agreed=agreed)
    verdict, counts = judged.verdict, judged.reading.counts.values()
    newest = newest_ms(list(counts))
    burns = burn_rates(verdict.history, verdict.goals, as_of=as_of)
    return Study(
        name="system_overview",
        system=system,
        range=judged.period,
        as_of=as_of,
        results={"compliance": verdict.compliance, "burns": burns, "standing": Standing(health, state)},
        status=verdict.status,
        freshness=from_ms(newest) if newest is not None else None,
        coverage=verdict.coverage,
        provenance=provenance(judged.source, counts),
        warnings=(*judged.warnings, *state.warnings),
    )
