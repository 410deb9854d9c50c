"""Documented thresholds that speak of a metric, directly or through recorded series, and their breaches."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.analysis.counting.limits import Limit, LimitBreaches, LimitTotals, limit_breaches
from workbench.catalog import Profile
from workbench.catalog.profile.model import Threshold
from workbench.core.errors import WorkbenchError
from workbench.core.series import Metrics
from workbench.core.timerange import TimeRange
from workbench.promql import parse, scope_matchers, selectors
from workbench.studies.sources.reader import QueryReader

#: Steps in which thresholds are looked at, for ranges up to LONG_MS and for longer ones. [ms]
STEP_MS, LONG_STEP_MS, LONG_MS = 60_000, 300_000, 40 * 86_400_000


def metrics_of(profile: Profile, expr: str) -> frozenset[str]:
    """Names of the metrics that an expression rests on; a recorded series is followed to what it is made of.

    A query that cannot be read rests on nothing.
    """
    recorded = {rule.name: rule.expr for rule in profile.recording_rules}
    metrics: set[str] = set()
    waiting = [expr]
    while waiting:
        try:
            names = {selector.name for selector in selectors(parse(waiting.pop())) if selector.name}
        except WorkbenchError:
            continue
        waiting.extend(recorded[name] for name in names - metrics if name in recorded)
        metrics |= names
    return frozenset(metrics)


def thresholds_of(profile: Profile, metrics: Iterable[str]) -> tuple[Threshold, ...]:
    """Documented thresholds that rest on one of the metrics."""
    wanted = set(metrics)
    return tuple(threshold for threshold in profile.thresholds if wanted & metrics_of(profile, threshold.expr))


def breached(
    query_reader: QueryReader, profile: Profile, thresholds: Iterable[Threshold], span: TimeRange
) -> tuple[LimitBreaches, LimitTotals]:
    """Find the breaches of thresholds over a range.

    A threshold on a recording rule that the server does not have is evaluated as the expression of the rule. Labels
    that every series of the system carries are left out of the groups.

    Raises
    ------
    SourceError
        As the source raises it.
    """
    step_ms = STEP_MS if span.seconds * 1000 <= LONG_MS else LONG_STEP_MS
    grid = span.aligned(step_ms)
    rules = {rule.name: rule.expr for rule in profile.recording_rules}
    limits = []
    for threshold in thresholds:
        answer = query_reader.matrix(threshold.expr, grid, step_ms)
        if not answer.present.any() and threshold.expr.strip() in rules:
            answer = query_reader.matrix(rules[threshold.expr.strip()], grid, step_ms)
        labelled = _without(answer, {"__name__", *_same_everywhere(profile)})
        limits.append(
            Limit(
                threshold.name,
                threshold.title,
                threshold.op,
                threshold.value,
                threshold.unit,
                threshold.severity,
                threshold.for_ms,
                labelled,
            )
        )
    return limit_breaches(limits, as_of=grid.end, step_ms=step_ms)


def _same_everywhere(profile: Profile) -> set[str]:
    """Labels that a scope gives one value."""
    return {matcher.name for matcher in scope_matchers(profile.scope) if matcher.op == "="}


def _without(answer: Metrics, names: Iterable[str]) -> Metrics:
    dropped = set(names)
    labels = tuple({name: value for name, value in label.items() if name not in dropped} for label in answer.labels)
    return Metrics(answer.times, labels, answer.values, answer.present, answer.meta)
