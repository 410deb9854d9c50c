"""Which alerting policy would have served us? Policies of burn rates and rule files replayed on history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd

from workbench.analysis.slo.backtest import COLUMNS, Backtest, BudgetEvent, Firing, backtest, replay, rule_firing
from workbench.analysis.slo.burn_policy import named_policies
from workbench.analysis.slo.exclusions import ExclusionWindows, excluded_times, exclusion_windows
from workbench.analysis.slo.objective import Goal
from workbench.analysis.slo.spending import Spending, spending
from workbench.catalog import Objective, Profile
from workbench.catalog.rules.rule_file import Alerting, RuleFile
from workbench.catalog.slo.burn_policies import read_burn_policies
from workbench.core.errors import EmptyAnswer, ParameterError, WorkbenchError
from workbench.core.result import Study
from workbench.core.source import MetricSource
from workbench.core.timerange import MINUTE_MS, SLICE_MS, TimeRange, duration_text, to_ms
from workbench.promql import scoped
from workbench.promql.engine.memory import memory_ms
from workbench.promql.parser.inline import inlined
from workbench.studies.counting.verdicts import judge_objectives, objectives_of
from workbench.studies.sources.context import Context
from workbench.studies.sources.looks import one_look
from workbench.studies.sources.periods import objective_window

#: Rules are evaluated as often, as Prometheus does by default. [ms]
RULE_STEP_MS = MINUTE_MS

#: Steps of the replay that may be asked for. [ms]
STEPS_MS = (MINUTE_MS, SLICE_MS)

#: A budget event is worth an alert from this share of its period's budget on. [ratio]
LEAST_SHARE = 0.02


@one_look
def slo_backtest(
    ctx: Context,
    *,
    system: str,
    range: TimeRange | None = None,
    as_of: datetime,
    slo: str | None = None,
    rules: RuleFile | None = None,
    step_ms: int = SLICE_MS,
    least_share: float = LEAST_SHARE,
) -> Study:
    """Replay alerting policies on the history of a system's objectives.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        System of the catalog.
    range : TimeRange, optional
        Time replayed, by default the own window of each objective; the longer, the more events to judge by.
    as_of : datetime
        Aware instant up to which history is read.
    slo : str, optional
        One objective only; needed with ``rules``.
    rules : RuleFile, optional
        A rule file whose alerts are replayed too, as policy ``rules``.
    step_ms : int
        Resolution of the replay, 1 min or 5 min; detection is told up to one step late. [ms]
    least_share : float
        What spent at least this share of its period's budget should have been told. [ratio]

    Returns
    -------
    Study
        ``results``: ``backtest`` (:class:`workbench.analysis.slo.backtest.Backtest`), ``spending``
        (:class:`workbench.analysis.slo.spending.Spending`, the true events) and ``compliance``.

    Raises
    ------
    ParameterError
        Unknown system or objective, rules without an objective, another step.

    Notes
    -----
    Compared are the policies of :func:`workbench.analysis.slo.burn_policy.named_policies` for each objective's own
    period
    and target, the alerts of the system's profile that name the objective (policy ``document``), and the rule file.
    What is excluded counts as no event, and no policy pages for it: burn rates are of what is left, and rules are mute
    in the window, and after it while their answers may rest on its samples alone
    (:func:`workbench.promql.engine.memory.memory_ms`). Where the window takes its time with it (``remove_time``) an
    alert
    neither begins nor ends in it and ``for`` stands still; with the other semantics an alert ends where it begins.
    """
    if rules is not None and slo is None:
        raise ParameterError("A rule file is replayed against one objective.", hint="Name it with --slo.")
    if step_ms not in STEPS_MS:
        raise ParameterError(f"History is not replayed in steps of {duration_text(step_ms)}.", hint="Use 1m or 5m.")
    profile = ctx.catalog.profile(system)
    objectives = [
        replace(objective, slice_ms=step_ms) if objective.method == "occurrences" else objective
        for objective in objectives_of(ctx, system, slo)
    ]
    judged = judge_objectives(ctx, system, objectives, range=range, as_of=as_of)
    verdict, source = judged.verdict, judged.source
    spent = spending(verdict.history, verdict.goals, as_of=as_of)
    warnings = [*judged.warnings]
    replays: list[Backtest] = []
    for objective, goal in zip(objectives, verdict.goals, strict=True):
        if objective.id not in verdict.history:
            continue
        span = goal.elapsed(as_of)
        history = verdict.history[objective.id].regular(span, goal.slice_ms)
        if not history.total.any():
            warnings.append(f"{objective.id}: nothing happened or nothing was observed, so nothing was replayed.")
            continue
        period = objective_window(objective, as_of)
        period_ms = period.end_ms - period.start_ms
        events = _events(spent, objective, goal, period_ms, least_share)
        policies, left_out = named_policies(read_burn_policies(), period_ms, goal.target)
        warnings.extend(f"{objective.id}: {why}" for why in left_out)
        firings = [firing for policy in policies.values() for firing in replay(history, goal, policy)]
        try:
            excluded = exclusion_windows([goal], verdict.exclusions, as_of=as_of)
            firings += _documented(source, profile, objective, span, excluded)
            firings += _ruled(source, profile, rules, span, excluded) if rules is not None else []
        except WorkbenchError as error:
            warnings.append(f"{objective.id}: {error}")
        replays.append(backtest(objective.id, history, goal, firings, events, as_of=as_of, period_ms=period_ms))
    frames = [replayed.frame for replayed in replays]
    return judged.study(
        "slo_backtest",
        {
            "backtest": Backtest(
                pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=COLUMNS),
                as_of=as_of,
                step_ms=step_ms,
            ),
            "spending": spent,
            "compliance": verdict.compliance,
        },
        warnings=warnings,
    )


def _events(spent: Spending, objective: Objective, goal: Goal, period_ms: int, least: float) -> list[BudgetEvent]:
    scale = (goal.window.end_ms - goal.window.start_ms) / period_ms
    rows = spent.frame[(spent.frame["objective"] == objective.id) & (spent.frame["kind"] == "episode")]
    events = [
        BudgetEvent(to_ms(row.start.to_pydatetime()), to_ms(row.end.to_pydatetime()), float(row.budget_share) * scale)
        for row in rows.itertuples()
    ]
    return [event for event in events if event.budget_share >= least]


def _documented(
    source: MetricSource, profile: Profile, objective: Objective, span: TimeRange, excluded: ExclusionWindows
) -> list[Firing]:
    recorded = [(rule.name, rule.expr, rule.labels) for rule in profile.recording_rules]
    rules = [
        Alerting(rule.name, rule.expr, rule.for_ms, "page" if rule.severity == "critical" else "ticket", rule.labels)
        for rule in profile.alert_rules
        if objective.id in rule.objectives
    ]
    return _fired(source, profile, "document", rules, recorded, span, excluded)


def _ruled(
    source: MetricSource, profile: Profile, rules: RuleFile, span: TimeRange, excluded: ExclusionWindows
) -> list[Firing]:
    recorded = [(rule.name, rule.expr, rule.labels) for rule in rules.recorded]
    return _fired(source, profile, "rules", rules.alerting, recorded, span, excluded)


def _fired(
    source: MetricSource,
    profile: Profile,
    policy: str,
    rules: Sequence[Alerting],
    recorded: Sequence[tuple[str, str, dict[str, str]]],
    span: TimeRange,
    excluded: ExclusionWindows,
) -> list[Firing]:
    grid = span.aligned(RULE_STEP_MS)
    firings = []
    for rule in rules:
        query = scoped(inlined(rule.expr, recorded), profile.scope)
        try:
            answer = source.range(query, grid, step_ms=RULE_STEP_MS)
        except EmptyAnswer:
            firings.append(Firing(policy, rule.severity, (), ()))
            continue
        times = np.asarray(answer.times, np.int64)
        gone, silent = excluded_times(excluded, times, memory_ms=memory_ms(query))
        active = (answer.present & ~silent)[:, ~gone]
        firings.append(rule_firing(policy, rule.severity, times[~gone], active, for_ms=rule.for_ms))
    return firings
