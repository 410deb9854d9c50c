"""Are we keeping our objectives? Compliance, burn-down and burn rates of a system's objectives."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from workbench.analysis.counting.happened import DefinitionParts
from workbench.analysis.slo.burn import budget_history, burn_rates
from workbench.analysis.slo.composite import judged_members
from workbench.analysis.slo.outlook import burn_outlook
from workbench.catalog.slo.burn_policies import read_burn_policies
from workbench.core.result import Study
from workbench.core.timerange import TimeRange
from workbench.studies.counting.composites import terms_of
from workbench.studies.counting.definitions import Changes, definition_changes
from workbench.studies.counting.verdicts import (
    bind,
    count,
    elapsed_spans,
    judge_counts,
    judge_objectives,
    objectives_of,
)
from workbench.studies.decisions.annotations import happened
from workbench.studies.decisions.exclusions import Agreed
from workbench.studies.sources.context import Context
from workbench.studies.sources.looks import one_look


@one_look
def slo_compliance(
    ctx: Context, *, system: str, range: TimeRange | None = None, as_of: datetime, slo: str | None = None
) -> Study:
    """Compliance of a system with its objectives.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
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
    judged = judge_objectives(ctx, system, objectives_of(ctx, system, slo), range=range, as_of=as_of)
    verdict = judged.verdict
    changes = definition_changes(ctx, judged.objectives, judged.spans)
    return judged.study(
        "slo_compliance",
        {
            "compliance": verdict.compliance,
            "budget": budget_history(verdict.history, verdict.goals, as_of=as_of),
            "burn": burn_rates(verdict.history, verdict.goals, as_of=as_of),
            "outlook": burn_outlook(
                verdict.history, verdict.goals, as_of=as_of, policy=read_burn_policies()["workbook"]
            ),
            "exclusions": verdict.exclusion_effect(),
            "exclusion_windows": verdict.exclusion_windows(),
            "definitions": definition_parts(ctx, system, changes, judged.agreed, as_of=as_of),
            "members": judged_members(terms_of(judged.objectives), verdict),
            "happened": happened(ctx, system, judged.period, changes, as_of=as_of),
        },
    )


_PART = ("status", "target", "sli", "bad", "total", "budget_total", "budget_left")


def definition_parts(
    ctx: Context, system: str, changes: Changes, agreed: Agreed, *, as_of: datetime
) -> DefinitionParts:  # fmt: skip
    """Judge each part of a period by the definition that held in it.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        Id of the system, as its profile names it.
    changes : Changes
        Parts by objective.
    agreed : Agreed
        Exclusions in force.
    as_of : datetime
        Instant up to which data is read.
    """
    rows = []
    for name, parts in changes.parts.items():
        for part in parts:
            goals = bind([part.objective], range=part.span, as_of=as_of, zone=ctx.zone)
            reading = count(ctx, system, [part.objective], elapsed_spans(goals, as_of))
            judged = judge_counts(
                ctx, system, [part.objective], goals, reading, range=part.span, as_of=as_of, agreed=agreed
            )
            (row,) = judged.verdict.compliance.frame.to_dict("records")
            rows.append((name, part.revision[:12], part.span.start, part.span.end, *(row[figure] for figure in _PART)))
    frame = pd.DataFrame(rows, columns=["objective", "revision", "start", "end", *_PART])
    for column in ("start", "end"):
        frame[column] = pd.to_datetime(frame[column], utc=True).dt.as_unit("ms")
    return DefinitionParts(frame, as_of=as_of)
