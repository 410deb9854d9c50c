"""Which settings of an alert rule page less and lose nothing? Rules replayed with other settings on their history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from workbench.analysis.alerts.tuning import CHOSEN_ON, RuleHistory, Setting, alert_tuning, tuned
from workbench.analysis.alerts.worth import AlertEvent
from workbench.catalog import Profile
from workbench.catalog.profile.model import AlertRule
from workbench.core.errors import ParameterError, WorkbenchError
from workbench.core.result import Study
from workbench.core.source import MetricSource
from workbench.core.timerange import MINUTE_MS, TimeRange
from workbench.promql import scoped
from workbench.promql.parser.comparison import comparison
from workbench.promql.parser.inline import inlined
from workbench.studies.slo.rule_worth import alert_events, alert_rule_worth
from workbench.studies.sources.context import Context
from workbench.studies.sources.looks import one_look

#: Rules are replayed as often as Prometheus evaluates them by default. [ms]
STEP_MS = MINUTE_MS

#: A rule is a bad actor from this many alerts per event on, or with alerts without use.
MANY_PER_EVENT = 3.0


@one_look
def alert_rule_tuning(
    ctx: Context, *, system: str, range: TimeRange, as_of: datetime, rules: Sequence[str] = ()
) -> Study:
    """Propose ``for``, ``keep_firing_for``, thresholds and grouping for the rules that page most for nothing.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        System of the catalog.
    range : TimeRange
        Time replayed: settings are chosen on its first two thirds and judged on the last.
    as_of : datetime
        Aware instant up to which history is read.
    rules : sequence of str
        Names of rules to tune; by default the bad actors: rules with alerts without use, or with many per event.

    Returns
    -------
    Study
        ``results``: ``tuning`` (:class:`workbench.analysis.alerts.tuning.AlertTuning`) and ``worth``.

    Raises
    ------
    ParameterError
        Unknown system or rule.

    Notes
    -----
    Rules are those of the profile, with their recording rules written in. An event is a burn of a budget or an incident
    that was written down; of a rule that guards objectives, those burns, of another, all.
    """
    profile = ctx.catalog.profile(system)
    known = {rule.name: rule for rule in profile.alert_rules}
    unknown = [name for name in rules if name not in known]
    if unknown:
        raise ParameterError(f"{system} has no alert rule {unknown[0]!r}.", hint=f"It has: {', '.join(sorted(known))}.")
    judged = alert_rule_worth(ctx, system=system, range=range, as_of=as_of)
    worth = judged.results["worth"].frame
    bad = worth[(worth["without_use"] > 0) | (worth["per_event"] >= MANY_PER_EVENT)]["alertname"]
    chosen = [known[name] for name in (rules or bad) if name in known]
    events = alert_events(ctx, system, judged.results["spending"].frame, range, as_of=as_of)
    source = ctx.source_for(system)
    warnings, rows = list(judged.warnings), []
    span = TimeRange(range.start, min(range.end, as_of))
    for rule in chosen:
        own = [event for event in events if event.wanted and (not rule.objectives or event.objective in rule.objectives
                                                              or not event.objective)]  # fmt: skip
        try:
            rows.append(tuned(rule_history(source, profile, rule, span), _apart(own))[1])
        except WorkbenchError as error:
            warnings.append(f"{rule.name} was not replayed: {error.message}")
    split_ms = int(span.start_ms + CHOSEN_ON * (span.end_ms - span.start_ms))
    return Study(
        name="alert_rule_tuning",
        system=system,
        range=range,
        as_of=as_of,
        results={"tuning": alert_tuning(rows, split_ms=split_ms), "worth": judged.results["worth"]},
        status=judged.status if judged.status in ("unavailable", "refused", "no_data") else "ok",
        freshness=judged.freshness,
        coverage=judged.coverage,
        provenance=judged.provenance,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def rule_history(source: MetricSource, profile: Profile, rule: AlertRule, span: TimeRange) -> RuleHistory:
    """Read what a rule compares, at every evaluation of a period.

    Raises
    ------
    SourceError
        As the source raises it.
    """
    recorded = [
        (recording_rule.name, recording_rule.expr, recording_rule.labels) for recording_rule in profile.recording_rules
    ]
    compared, op, threshold = comparison(inlined(rule.expr, recorded))
    answer = source.range(scoped(compared, profile.scope), span.aligned(STEP_MS), step_ms=STEP_MS)
    return RuleHistory(
        rule.name,
        np.asarray(answer.times, np.int64),
        answer.values,
        answer.present,
        op,
        Setting(rule.for_ms, rule.keep_firing_ms, threshold),
        tuple(answer.labels) if op[:1] in ("", "<", ">") else (),
    )


def _apart(events: Sequence[AlertEvent]) -> list[AlertEvent]:
    return sorted(events, key=lambda event: event.start_ms)
