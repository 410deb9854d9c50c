"""What if the target were another, or the threshold? History judged anew, nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pandas as pd

from workbench.analysis.slo.exclusions import without_excluded
from workbench.analysis.slo.what_if import TARGETS, what_if
from workbench.catalog import Objective, ThresholdIndicator
from workbench.core.errors import ParameterError
from workbench.core.result import Study, worst
from workbench.core.timerange import TimeRange, from_ms
from workbench.studies.counting.indicators import measure
from workbench.studies.counting.record_counts import record_sources
from workbench.studies.decisions.exclusions import agreed_exclusions
from workbench.studies.slo.compliance import judged, promises_of, provenance
from workbench.studies.sources.context import Context


def slo_what_if(
    ctx: Context,
    *,
    system: str,
    slo: str,
    range: TimeRange | None = None,
    as_of: datetime,
    targets: Sequence[Decimal] = TARGETS,
    thresholds: Sequence[Decimal] = (),
) -> Study:
    """Judge the history of one objective under other targets and other thresholds, less what is excluded.

    Parameters
    ----------
    ctx : Context
    system, slo : str
        System and objective of the catalog.
    range : TimeRange, optional
        Period; by default the objective's own window at ``as_of``.
    as_of : datetime
        Aware instant up to which history is read.
    targets : sequence of Decimal
        Tried beside the promised one. [ratio]
    thresholds : sequence of Decimal
        Tried beside the promised one, in the unit of the indicator; only of promises with a threshold.

    Returns
    -------
    Study
        ``results``: ``what_if`` (:class:`workbench.analysis.slo.what_if.WhatIf`) and ``compliance``.

    Raises
    ------
    ParameterError
        Unknown system or objective, a target outside (0, 1), thresholds of a promise without one.
    """
    profile, objective = ctx.catalog.profile(system), ctx.catalog.objective(system, slo)
    source = ctx.source_for(system)
    variants = {"": objective, **{str(value): _with_threshold(objective, value) for value in thresholds}}
    promise = promises_of([objective], range=range, as_of=as_of, zone=ctx.zone)[0]
    asked = [replace(one, id=name or one.id) for name, one in variants.items()]
    spans = {one.id: promise.elapsed(as_of) for one in asked}
    measured = measure(source, profile.scope, asked, spans, records=record_sources(ctx, system))
    agreed = agreed_exclusions(ctx, system, [objective])
    measured = measured.withheld(asked) if agreed.unread else measured
    own: dict[str, pd.DataFrame] = {}
    shorter = promise
    for name in variants:
        counted = measured.events[measured.events["objective"] == (name or objective.id)].assign(objective=objective.id)
        own[name], (shorter,) = without_excluded(counted, [promise], agreed.by_objective)
    failed = {
        name: measured.failed[name or objective.id] for name in variants if (name or objective.id) in measured.failed
    }
    result = judged([objective], [shorter], replace(measured, events=own[""]), as_of=as_of)
    return Study(
        name="slo_what_if",
        system=system,
        range=promise.window,
        as_of=as_of,
        results={
            "what_if": what_if(own, shorter, as_of=as_of, targets=targets, unanswered=failed),
            "compliance": result,
        },
        status=worst(list(result.frame["status"])),
        freshness=from_ms(measured.newest_ms) if measured.newest_ms is not None else None,
        coverage=float(result.frame["coverage"].min()),
        provenance=provenance(source, measured),
        warnings=(*measured.warnings, *agreed.warnings),
    )


def _with_threshold(objective: Objective, value: Decimal) -> Objective:
    if not isinstance(objective.indicator, ThresholdIndicator):
        raise ParameterError(
            f"{objective.id} has no threshold to move.", hint="Its events are good or bad by themselves; try --target."
        )
    return replace(objective, indicator=replace(objective.indicator, value=value))
