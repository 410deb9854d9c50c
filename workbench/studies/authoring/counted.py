"""How Prometheus' rules count an objective: PromQL of its events and of the bad ones among them."""

from __future__ import annotations

from workbench.catalog import Objective, RatioIndicator, RawIndicator, ThresholdIndicator
from workbench.catalog.rules.generated import WINDOW, Counted
from workbench.core.errors import ParameterError
from workbench.core.timerange import duration_text
from workbench.promql import events_factor
from workbench.promql.parser.scope import any_spelling
from workbench.studies.counting.plans import Plan, slice_of


def counted_by(plan: Plan) -> Counted:
    """Return how rules count an objective, from how we count it."""
    return counted_of(plan.objective, *_counts(plan))


def counted_of(objective: Objective, total: str, bad: str, slice_ms: int | None) -> Counted:
    """Return counts under the names, the target and the period of an objective."""
    return Counted(
        objective.system, objective.id, objective.title, objective.target, objective.period_ms, total, bad, slice_ms
    )


def _counts(plan: Plan) -> tuple[str, str, int | None]:
    objective = plan.objective
    match objective.indicator:
        case ThresholdIndicator(samples=True):
            raise ParameterError("Rules judge a threshold at the end of a slice, not each of its samples.")
        case ThresholdIndicator(op=op, value=value):
            known = f"(({plan.queries['query']}) == ({plan.queries['query']}))"
            return f"clamp_max(count({known}), 1)", f"1 - min({known} {op} bool {value})", plan.slice_ms
        case RawIndicator(kind=kind):
            known = f"(({plan.queries['query']}) == ({plan.queries['query']}))"
            bad = f"sum({known})" if kind == "failure" else f"1 - sum({known})"
            if objective.method == "timeslices":
                bad = f"(1 - ({bad}) < bool {objective.slice_target})"
            return f"clamp_max(count({known}), 1)", bad, plan.slice_ms
        case RatioIndicator():
            return _ratio_counts(plan)
    raise ParameterError(f"Rules of this kind of indicator are not written: {objective.id}.")


def _ratio_counts(plan: Plan) -> tuple[str, str, int | None]:
    objective = plan.objective
    if plan.selectors:
        sums = {part: f"sum(increase({any_spelling(text)}[{WINDOW}]))" for part, text in plan.selectors.items()}
    else:
        sums = {part: f"sum({_per_slice(any_spelling(text), plan.slice_ms)})" for part, text in plan.queries.items()}
    total = sums["total"]
    part = f"({sums['bad' if 'bad' in sums else 'good']} or 0 * {total})"
    bad = part if "bad" in sums else f"{total} - {part}"
    if objective.method == "occurrences":
        return total, bad, None if plan.selectors else plan.slice_ms
    slice_text = duration_text(slice_of(objective))
    total, bad = total.replace(WINDOW, slice_text), bad.replace(WINDOW, slice_text)
    share = f"(({bad}) / ({total} > 0))"
    if objective.method == "timeslices":
        share = f"(1 - {share} < bool {objective.slice_target})"
    return f"({total} > bool 0)", f"({share} or 0 * {total})", plan.slice_ms


def _per_slice(query: str, slice_ms: int) -> str:
    factor = events_factor(query, slice_ms)
    return query if factor == 1 else f"({query}) * {factor:g}"
