"""What to do today, and all systems and their promises on one board, worst first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

import pandas as pd

from workbench import __version__
from workbench.analysis.operations.sources import SourceStates, source_table
from workbench.analysis.overview.board import promise_board
from workbench.analysis.overview.evidence import Clause, Looked, evidence
from workbench.analysis.overview.findings import (
    MonthSpend,
    OpenAlerts,
    alert_findings,
    budget_findings,
    health_findings,
    limit_findings,
    objective_findings,
    source_findings,
)
from workbench.analysis.overview.today import Finding, today
from workbench.analysis.slo.burn import BurnRates, burn_rates
from workbench.analysis.slo.compliance import ComplianceResult
from workbench.analysis.slo.exclusions import without_excluded
from workbench.core.errors import ArchiveError
from workbench.core.result import Provenance, Status, Study, worst
from workbench.core.timerange import TimeRange, from_ms
from workbench.studies.counting.definitions import note_definitions
from workbench.studies.counting.history import collected, freshness, history_key, remember, stored, top_up
from workbench.studies.counting.indicators import Measured, measure
from workbench.studies.counting.record_counts import record_sources
from workbench.studies.decisions.exclusions import Agreed, agreed_exclusions
from workbench.studies.operations.health import newest_health
from workbench.studies.operations.sources import source_states
from workbench.studies.overview.state import LOOK_BACK_MS, SystemState, duty_of, standing
from workbench.studies.slo.compliance import judged, promises_of
from workbench.studies.sources.context import Context
from workbench.studies.sources.periods import hull

#: Sources are judged by their state of now, so only where the board is not about the past.
_LIVE = timedelta(hours=1)

#: So fresh is nothing that was stored.
_NEVER = timedelta(milliseconds=-1)


@dataclass
class _Found:
    """What is known of one system."""

    compliance: ComplianceResult
    burns: BurnRates
    measured: Measured
    standing: SystemState
    health: pd.DataFrame


def overview(ctx: Context, *, system: str | None = None, range: TimeRange | None = None, as_of: datetime) -> Study:
    """Say what asks for action, and put systems and their promises on a board, the worst first.

    Parameters
    ----------
    ctx : Context
    system : str, optional
        One system only; by default all that a source answers for.
    range : TimeRange, optional
        Period judged; by default the own window of each objective at ``as_of``.
    as_of : datetime
        Aware instant up to which history is read.

    Returns
    -------
    Study
        ``results``: ``today`` (:class:`workbench.analysis.overview.today.TodayList`), ``board``
        (:class:`workbench.analysis.overview.board.PromiseBoard`), ``spend`` and ``alerts``
        (:class:`workbench.analysis.overview.findings.MonthSpend`,
        :class:`~workbench.analysis.overview.findings.OpenAlerts`), ``sources``
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
    systems = [system] if system is not None else list(ctx.systems)
    found = {name: _one_system(ctx, name, range, as_of) for name in systems}
    profiles = {name: ctx.catalog.profile(name) for name in systems}
    results = {name: one.compliance for name, one in found.items()}
    parts = [one.measured for one in found.values()]
    board = promise_board(results, titles={name: one.title for name, one in profiles.items()}, as_of=as_of)
    states = _states(ctx, systems, as_of)
    newest = [part.newest_ms for part in parts if part.newest_ms is not None]
    statuses: list[Status] = [worst(list(result.frame["status"])) for result in results.values()]
    coverage = [float(result.frame["coverage"].min()) for result in results.values() if len(result.frame)]
    windows = [
        TimeRange(start, end)
        for result in results.values()
        for start, end in zip(result.frame["window_start"], result.frame["window_end"], strict=True)
    ]
    return Study(
        name="overview",
        system=system or "",
        range=range or hull(windows, as_of=as_of),
        as_of=as_of,
        results={
            "today": today(_matters(ctx, found, states, as_of), as_of=as_of),
            "board": board,
            "spend": _spend(ctx, found, as_of),
            "alerts": _alerts(found, as_of),
            "sources": states,
            "evidence": evidence(_looked(ctx, found), as_of=as_of, newest=from_ms(max(newest)) if newest else None),
        },
        status=worst(statuses),
        freshness=from_ms(max(newest)) if newest else None,
        coverage=min(coverage, default=float("nan")),
        provenance=Provenance(
            source=", ".join(dict.fromkeys(ctx.source_for(name).name for name in systems)),
            engine=", ".join(sorted({engine for part in parts for engine in part.engines})),
            semantics=", ".join(dict.fromkeys(ctx.source_for(name).semantics for name in systems)),
            method=", ".join(sorted({method for part in parts for method in part.methods.values()})),
            queries=tuple(dict.fromkeys(query for part in parts for query in part.queries)),
            version=__version__,
        ),
        warnings=tuple(
            dict.fromkeys(text for one in found.values() for text in (*one.measured.warnings, *one.standing.warnings))
        ),
    )


def _looked(ctx: Context, found: dict[str, _Found]) -> Iterator[Looked]:
    """Count what each system has to look at, and of how much of it the state is known."""
    for name, one in found.items():
        title, statuses = ctx.catalog.profile(name).title, one.compliance.frame["status"]
        judged = int(statuses.isin(["ok", "at_risk", "spent", "no_traffic"]).sum())
        yield Looked(name, title, "objective", len(statuses), judged)
        clauses: tuple[Clause, ...] = ("alert", "limit", "budget")
        for clause in clauses:
            yield Looked(name, title, clause, one.standing.known.get(clause, 0), one.standing.read.get(clause, 0))


def _matters(ctx: Context, found: dict[str, _Found], states: SourceStates, as_of: datetime) -> Iterator[Finding]:
    duties = {name: duty_of(ctx.catalog.profile(name)) for name in found}
    for name, one in found.items():
        duty = duties[name]
        yield from objective_findings(one.compliance.frame, one.burns.frame, duty)
        yield from alert_findings(one.standing.firing_frame(), duty, as_of=as_of)
        yield from limit_findings(one.standing.limits_frame(), duty, looked_back_s=LOOK_BACK_MS / 1000)
        yield from budget_findings(one.standing.budgets_frame(), duty)
        yield from health_findings(one.health, duty)
    yield from source_findings(states, {ctx.source_for(name).name: duties[name] for name in reversed(list(found))})


def _states(ctx: Context, systems: list[str], as_of: datetime) -> SourceStates:
    """States of the sources of the systems at this moment; none for a board about the past."""
    asked = {ctx.source_for(name).name for name in systems}
    if as_of < ctx.clock() - _LIVE:
        return source_table([], serves=ctx.serves, as_of=as_of)
    result = source_states(ctx, as_of=as_of).results["sources"]
    assert isinstance(result, SourceStates)
    return replace(result, frame=result.frame[result.frame["name"].isin(asked)].reset_index(drop=True))


def _spend(ctx: Context, found: dict[str, _Found], as_of: datetime) -> MonthSpend:
    rows = []
    for name, one in found.items():
        title = ctx.catalog.profile(name).title
        status = "unavailable" if "spend" in one.standing.missing else "ok" if one.standing.spend else "no_data"
        money = one.standing.spend or [{"unit": "", "spent": None, "projected": None}]
        for row in money:
            amounts = {part: None if row[part] is None else Decimal(row[part]) for part in ("spent", "projected")}
            rows.append({**row, **amounts, "system": name, "system_title": title, "status": status})
    columns = ["system", "system_title", "status", "unit", "spent", "projected", "change_ratio", "coverage"]
    frame = pd.DataFrame(rows, columns=columns).astype({"change_ratio": float, "coverage": float})
    return MonthSpend(frame, as_of=as_of)


def _alerts(found: dict[str, _Found], as_of: datetime) -> OpenAlerts:
    parts = [one.standing.firing_frame().assign(system=name) for name, one in found.items()]
    columns = ["system", "alertname", "severity", "labels", "since"]
    frames = [part for part in parts if len(part)] or parts[:1]
    frame = pd.concat(frames, ignore_index=True) if frames else SystemState().firing_frame().assign(system="")
    return OpenAlerts(frame[columns].sort_values("since", kind="stable", ignore_index=True), as_of=as_of)


def refresh(ctx: Context, system: str, *, range: TimeRange | None = None, as_of: datetime) -> tuple[str, ...]:
    """Ask the source for what the store does not know for good of a system, and store it; returns what is missing."""
    note_definitions(ctx, system, at=ctx.clock())
    found = _one_system(ctx, system, range, as_of, anew=True)
    gone = tuple(found.measured.warnings) if set(found.measured.failed.values()) - {"no_data"} else ()
    return gone + tuple(found.standing.warnings if found.standing.missing else ())


def _one_system(
    ctx: Context,
    system: str,
    span: TimeRange | None,
    as_of: datetime,
    *,
    anew: bool = False,
    exclusions: Agreed | None = None,
) -> _Found:
    profile, objectives = ctx.catalog.profile(system), ctx.catalog.objectives.get(system, ())
    source = ctx.source_for(system)
    promises = promises_of(objectives, range=span, as_of=as_of, zone=ctx.zone)
    keys = {
        objective.id: history_key(objective, promise, scope=profile.scope, source=source)
        for objective, promise in zip(objectives, promises, strict=True)
    }
    try:
        health = newest_health(ctx, system, as_of=as_of)
        fresh, known, now = freshness(ctx.store), None, ctx.clock()
        if ctx.store is not None:
            if anew:
                top_up(
                    ctx.store, keys, promises, objectives, source=source, scope=profile.scope, as_of=as_of, now=now,
                    records=record_sources(ctx, system),
                )  # fmt: skip
            settled = anew or collected(ctx.store, now=now)
            known = stored(ctx.store, keys, promises, as_of=as_of, now=now, fresh=fresh, settled=settled)
        measured = known or measure(
            source, profile.scope, objectives, {p.objective: p.elapsed(as_of) for p in promises},
            records=record_sources(ctx, system),
        )  # fmt: skip
        if ctx.store is not None and known is None:
            remember(ctx.store, keys, measured, now=now)
        stands = standing(ctx, system, as_of=as_of, fresh=_NEVER if anew else fresh, spend_hourly=anew)
    except ArchiveError as error:
        if ctx.store is None:
            raise
        agreed = agreed_exclusions(ctx, system, objectives)
        found = _one_system(replace(ctx, store=None), system, span, as_of, exclusions=agreed)
        found.measured.warnings.append(f"The store is not used: {error}")
        return found
    promises = [replace(one, method=measured.methods.get(one.objective, "exact")) for one in promises]
    agreed = exclusions or agreed_exclusions(ctx, system, objectives)
    measured = measured.withheld(objectives) if agreed.unread else measured
    measured.warnings.extend(agreed.warnings)
    events, promises = without_excluded(measured.events, promises, agreed.by_objective)
    return _Found(
        compliance=judged(objectives, promises, replace(measured, events=events), as_of=as_of),
        burns=burn_rates(events, promises, as_of=as_of),
        measured=measured,
        standing=stands,
        health=health,
    )
