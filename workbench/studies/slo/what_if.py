"""What if the target were another, or the threshold? History judged anew, nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from workbench.analysis.slo.what_if import TARGETS, what_if
from workbench.catalog import Objective, ThresholdIndicator
from workbench.core.errors import ParameterError
from workbench.core.result import Study
from workbench.core.timerange import TimeRange
from workbench.studies.counting.verdicts import bind, count, count_warnings, judge_counts, objectives_of
from workbench.studies.sources.context import Context
from workbench.studies.sources.looks import one_look


@one_look
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
        Sources, profiles and settings, and who reads.
    system, slo : str
        System and objective of the catalog.
    range : TimeRange, optional
        Period; by default the objective's own window at ``as_of``.
    as_of : datetime
        Aware instant up to which history is read.
    targets : sequence of Decimal
        Tried beside the promised one. [ratio]
    thresholds : sequence of Decimal
        Tried beside the promised one, in the unit of the indicator; only of objectives with a threshold.

    Returns
    -------
    Study
        ``results``: ``what_if`` (:class:`workbench.analysis.slo.what_if.WhatIf`) and ``compliance``.

    Raises
    ------
    ParameterError
        Unknown system or objective, a target outside (0, 1), thresholds of an objective without one.
    """
    (objective,) = objectives_of(ctx, system, slo)
    (goal,) = bind([objective], range=range, as_of=as_of, zone=ctx.zone)
    variants = {str(value): _with_threshold(objective, value) for value in thresholds}
    tried = [objective, *(replace(variant, id=name) for name, variant in variants.items())]
    reading = count(ctx, system, tried, {variant.id: goal.elapsed(as_of) for variant in tried})
    counts = {name: part.renamed(objective.id) for name, part in reading.counts.items()}
    own = replace(reading, counts={objective.id: counts.pop(objective.id)})
    judged = judge_counts(ctx, system, [objective], [goal], own, range=range, as_of=as_of)
    if judged.agreed.unread:
        counts = {name: part.withheld() for name, part in counts.items()}
    tries = {"": judged.reading.counts[objective.id], **counts}
    return judged.study(
        "slo_what_if",
        {
            "what_if": what_if(tries, goal, judged.verdict.exclusions, as_of=as_of, targets=targets),
            "compliance": judged.verdict.compliance,
        },
        warnings=[*count_warnings(reading.counts.values()), *judged.agreed.warnings],
    )


def _with_threshold(objective: Objective, value: Decimal) -> Objective:
    if not isinstance(objective.indicator, ThresholdIndicator):
        raise ParameterError(
            f"{objective.id} has no threshold to move.", hint="Its events are good or bad by themselves; try --target."
        )
    return replace(objective, indicator=replace(objective.indicator, value=value))
