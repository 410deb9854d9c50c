"""Are we keeping our promises? Compliance, burn-down and burn rates of a system's objectives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import pandas as pd

from workbench import __version__
from workbench.analysis.counting.events import joined_events
from workbench.analysis.counting.happened import DefinitionParts
from workbench.analysis.counting.history import histories
from workbench.analysis.slo.burn import budget_history, burn_rates
from workbench.analysis.slo.compliance import ComplianceResult, between, compliance
from workbench.analysis.slo.composite import judged_members
from workbench.analysis.slo.exclusions import exclusion_effect, exclusion_windows, without_excluded
from workbench.analysis.slo.objective import Promise
from workbench.analysis.slo.outlook import burn_outlook
from workbench.catalog import Objective
from workbench.core.result import Provenance, Status, Study, worst
from workbench.core.source import MetricSource
from workbench.core.timerange import TimeRange, duration_text, from_ms, to_ms
from workbench.studies.counting.composites import terms_of
from workbench.studies.counting.definitions import Changes, definition_changes
from workbench.studies.counting.indicators import Measured, measure, slice_of
from workbench.studies.counting.record_counts import RecordSources, record_sources
from workbench.studies.decisions.annotations import happened
from workbench.studies.decisions.exclusions import Agreed, agreed_exclusions
from workbench.studies.sources.context import Context
from workbench.studies.sources.periods import hull, month_text, objective_window
from workbench.studies.sources.read_tier import read_tier


def slo_compliance(
    ctx: Context, *, system: str, range: TimeRange | None = None, as_of: datetime, slo: str | None = None
) -> Study:
    """Compliance of a system with its objectives.

    Parameters
    ----------
    ctx : Context
    system : str
        System of the catalog.
    range : TimeRange, optional
        Period judged, e.g. a calendar month; by default each objective's own window that ends at, or holds, ``as_of``.
    as_of : datetime
        Aware instant up to which history is read; good and total are read at this one instant.
    slo : str, optional
        One objective only.

    Returns
    -------
    Study
        ``results``: ``compliance`` (:class:`workbench.analysis.slo.compliance.ComplianceResult`), ``budget``
        (:class:`workbench.analysis.slo.burn.BudgetHistory`, hourly) and ``burn``
        (:class:`workbench.analysis.slo.burn.BurnRates`), ``outlook``
        (:class:`workbench.analysis.slo.outlook.BurnOutlook`), all less what exclusions leave out; ``exclusions``
        (:class:`workbench.analysis.slo.exclusions.ExclusionEffect`, figures with and without) and
        ``exclusion_windows``
        (:class:`workbench.analysis.slo.exclusions.ExclusionWindows`); ``definitions``
        (:class:`workbench.analysis.counting.happened.DefinitionParts`, a period split where a definition changed) and
        ``happened`` (:class:`workbench.analysis.counting.happened.Happened`, annotations); ``members``
        (:class:`workbench.analysis.slo.composite.CompositeMembers`, what composites are made of).

    Raises
    ------
    ParameterError
        Unknown system or objective. A failing source is a status of the study, never an exception.

    Notes
    -----
    Counters are read raw, from a day before the period; the exact increases of their slices of five minutes are the
    EVENTS. Periods are moved down to whole slices. See :func:`workbench.analysis.counting.increase.exact_increases`.
    """
    profile = ctx.catalog.profile(system)
    asked = [ctx.catalog.objective(system, slo)] if slo is not None else ctx.catalog.objectives.get(system, ())
    source = ctx.source_for(system)
    promises = promises_of(asked, range=range, as_of=as_of, zone=ctx.zone)
    records = record_sources(ctx, system)
    spans = {one.objective: one.elapsed(as_of) for one in promises}
    measured = measure(source, profile.scope, asked, spans, records=records)
    promises = [replace(one, method=measured.methods.get(one.objective, "exact")) for one in promises]
    agreed = agreed_exclusions(ctx, system, asked)
    measured = measured.withheld(asked) if agreed.unread else measured
    events, counted = without_excluded(measured.events, promises, agreed.by_objective)
    result = judged(asked, counted, replace(measured, events=events), as_of=as_of)
    bare = judged(asked, promises, measured, as_of=as_of) if agreed.by_objective else result
    statuses: list[Status] = list(result.frame["status"])
    span = range or hull([one.window for one in promises], as_of=as_of)
    changes = definition_changes(ctx, asked, spans)
    known = histories(events)
    parts = definition_parts(source, profile.scope, records, changes, agreed, as_of=as_of, zone=ctx.zone)
    return Study(
        name="slo_compliance",
        system=system,
        range=span,
        as_of=as_of,
        results={
            "compliance": result,
            "budget": budget_history(known, counted, as_of=as_of),
            "burn": burn_rates(known, counted, as_of=as_of),
            "outlook": burn_outlook(known, counted, as_of=as_of),
            "exclusions": exclusion_effect(result, bare, promises, agreed.by_objective, as_of=as_of),
            "exclusion_windows": exclusion_windows(promises, agreed.by_objective, as_of=as_of),
            "definitions": parts,
            "members": judged_members(
                terms_of(asked), promises, measured.parts(), agreed.by_objective, measured.failed, as_of=as_of
            ),
            "happened": happened(ctx, system, span, changes, as_of=as_of),
        },
        status=worst(statuses),
        freshness=from_ms(measured.newest_ms) if measured.newest_ms is not None else None,
        coverage=float(result.frame["coverage"].min()),
        provenance=provenance(source, measured),
        warnings=(*measured.warnings, *agreed.warnings),
    )


_PART = ("status", "target", "sli", "bad", "total", "budget_total", "budget_left")


def definition_parts(
    source: MetricSource,
    scope: Mapping[str, str],
    records: RecordSources,
    changes: Changes,
    agreed: Agreed,
    *,
    as_of: datetime,
    zone: str,
) -> DefinitionParts:
    """Judge each part of a period by the definition that held in it.

    Parameters
    ----------
    source : MetricSource
    scope : mapping of str to str
        Matchers of the system.
    records : RecordSources
    changes : Changes
        Parts by objective.
    agreed : Agreed
    as_of : datetime
    zone : str
        IANA zone of calendar months.
    """
    rows = []
    for name, parts in changes.parts.items():
        for part in parts:
            (promise,) = promises_of([part.objective], range=part.span, as_of=as_of, zone=zone)
            measured = measure(source, scope, [part.objective], {name: promise.elapsed(as_of)}, records=records)
            measured = measured.withheld([part.objective]) if agreed.unread else measured
            events, counted = without_excluded(measured.events, [promise], agreed.by_objective)
            (row,) = compliance(events, counted, as_of=as_of, unanswered=measured.failed).frame.to_dict("records")
            rows.append((name, part.revision[:12], part.span.start, part.span.end, *(row[figure] for figure in _PART)))
    frame = pd.DataFrame(rows, columns=["objective", "revision", "start", "end", *_PART])
    for column in ("start", "end"):
        frame[column] = pd.to_datetime(frame[column], utc=True).dt.as_unit("ms")
    return DefinitionParts(frame, as_of=as_of)


def judged(
    objectives: Sequence[Objective], promises: Sequence[Promise], measured: Measured, *, as_of: datetime
) -> ComplianceResult:
    """Compliance of what was measured, with the assumptions of the objectives among its notes."""
    result = compliance(measured.events, promises, as_of=as_of, unanswered=measured.failed)
    if measured.ranges:
        widened = [one for one in promises if one.objective in measured.ranges]
        low, high = (
            compliance(joined_events([pair[side] for pair in measured.ranges.values()]), widened, as_of=as_of)
            for side in (0, 1)
        )
        result = between(result, low, high)
    assumed = tuple(f"{one.id}: {text}" for one in objectives for text in one.assumptions)
    return replace(result, notes=result.notes + assumed)


def provenance(source: MetricSource, measured: Measured) -> Provenance:
    """Say how the counts were made."""
    return Provenance(
        source=source.name,
        engine=", ".join(filter(None, measured.engines)) or "none: raw samples",
        semantics=source.semantics,
        method=", ".join(sorted(set(measured.methods.values()))) or "exact",
        queries=measured.queries,
        tier=read_tier(source, None if measured.events.empty else to_ms(measured.events["time"].min())),
        version=__version__,
    )


def promises_of(
    objectives: Sequence[Objective], *, range: TimeRange | None, as_of: datetime, zone: str
) -> list[Promise]:
    """Bind objectives to the period in force: ``range``, or each objective's own window at ``as_of``."""
    promises = []
    for objective in objectives:
        slice_ms = slice_of(objective)
        calendar = objective.calendar if range is None else None
        window = (range or objective_window(objective, as_of)).aligned(slice_ms)
        month = month_text(window, calendar.zone if calendar else zone)
        ends_now = window.end == TimeRange(as_of, as_of).aligned(slice_ms).end
        promises.append(
            Promise(
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
    return promises
