"""What follows from the error budgets: steps of a policy that are reached, and objectives to review."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

from workbench.analysis.slo.budget_policy import Step, policy_state
from workbench.analysis.slo.burn import BudgetHistory, burn_rates
from workbench.analysis.slo.compliance import ComplianceResult
from workbench.analysis.slo.review import kept_share, review_queue
from workbench.analysis.slo.spending import spending
from workbench.catalog.slo.policy import PolicyStep, read_policy
from workbench.core.result import Study
from workbench.studies.counting.verdicts import judge_objectives, objectives_of
from workbench.studies.slo.compliance import slo_compliance
from workbench.studies.sources.context import Context
from workbench.studies.sources.periods import objective_window

#: Periods that a review looks back on.
PERIODS = 3


def slo_policy(ctx: Context, *, system: str, as_of: datetime, policy: Path | None = None) -> Study:
    """Hold a system's objectives against an error-budget policy, each over its own window at ``as_of``.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        Id of the system, as its profile names it.
    as_of : datetime
        Aware instant up to which history is read.
    policy : Path, optional
        File of the policy; the shipped one by default.

    Returns
    -------
    Study
        ``results``: ``policy`` (:class:`workbench.analysis.slo.budget_policy.PolicyState`), ``compliance`` and
        ``spending``.

    Raises
    ------
    ParameterError, CatalogError
        Unknown system; the policy is wrong. A failing source is a status of the study.
    """
    steps = [step_of(step) for step in read_policy(policy).steps]
    judged = judge_objectives(ctx, system, objectives_of(ctx, system), as_of=as_of)
    verdict = judged.verdict
    burns = burn_rates(verdict.history, verdict.goals, as_of=as_of)
    spent = spending(verdict.history, verdict.goals, as_of=as_of)
    return judged.study(
        "slo_policy",
        {
            "policy": policy_state(verdict.compliance, burns, spent, steps, as_of=as_of),
            "compliance": verdict.compliance,
            "spending": spent,
        },
    )


def slo_review(ctx: Context, *, system: str, as_of: datetime) -> Study:
    """Say which objectives of a system are to be looked at again, from their last three periods.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        Id of the system, as its profile names it.
    as_of : datetime
        Aware instant; each objective's own window at it is the newest period.

    Returns
    -------
    Study
        ``results``: ``review`` (:class:`workbench.analysis.slo.review.ReviewQueue`), ``compliance`` of the newest
        period.

    Raises
    ------
    ParameterError
        Unknown system. A failing source is a status of the study.

    Notes
    -----
    A review is an annotation of the kind ``review``; one without an objective holds for all of the system.
    """
    ends, studies = as_of, list[Study]()
    objectives = ctx.catalog.objectives.get(system, ())
    for _ in range(PERIODS):
        studies.append(slo_compliance(ctx, system=system, as_of=ends))
        starts = [objective_window(objective, ends).start for objective in objectives]
        ends = max(starts, default=ends) - timedelta(milliseconds=1)
    newest = studies[0]
    periods = [cast(ComplianceResult, study.results["compliance"]) for study in studies]
    scores = kept_share(cast(BudgetHistory, newest.results["budget"]), periods[0])
    reviewed: dict[str, datetime] = {}
    for note in ctx.store.annotations(system) if ctx.store is not None else ():
        if note.kind == "review" and note.starts_at <= as_of:
            for name in [note.slo] if note.slo else [objective.id for objective in objectives]:
                reviewed[name] = max(note.starts_at, reviewed.get(name, note.starts_at))
    return replace(
        newest,
        name="slo_review",
        results={
            "review": review_queue(periods, reviewed, as_of=as_of, scores=scores),
            "compliance": newest.results["compliance"],
        },
    )


def step_of(step: PolicyStep) -> Step:
    """Return a step as the analysis takes it."""
    if step.budget_left_below is not None:
        return Step(step.name, step.consequence, "budget_left", step.budget_left_below)
    if step.incident_above is not None:
        return Step(step.name, step.consequence, "incident", step.incident_above)
    assert step.burn_rate_above is not None
    return Step(step.name, step.consequence, "burn_rate", step.burn_rate_above, step.lookback or "")
