"""Prometheus rules of a system's objectives: the queries scoped and counted, and series that test them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from workbench.catalog import CompositeIndicator, RatioIndicator, RawIndicator, RecordsIndicator, ThresholdIndicator
from workbench.catalog.openslo_export import yaml_text
from workbench.catalog.rule_tests import Example, recorded_example, rule_tests
from workbench.catalog.rules import WINDOW, Counted, matching, reachable, rule_groups
from workbench.core.errors import ParameterError, WorkbenchError
from workbench.core.timerange import duration_text
from workbench.promql import Matcher, Selector, parse
from workbench.promql.nodes import Call, walk
from workbench.studies.context import Context
from workbench.studies.indicators import Plan, planned, slice_of
from workbench.studies.windows import objective_window

#: Usual length of a calendar period. [d]
_DAYS = {"day": 1, "week": 7, "month": 30, "quarter": 90, "year": 365}
_DAY_MS = 86_400_000
_MINUTES = 7 * 60
_VALUES = ("200", "500", "404", "GET", "ok", "error", "x", "")
_PER_SECOND = frozenset({"rate", "irate"})


@dataclass(frozen=True)
class Rules:
    """Generated rules by file name: a rule file and a promtool test of it for each objective, and what is left out."""

    files: Mapping[str, str]
    tests: Mapping[str, str]
    left_out: tuple[str, ...]


def slo_rules(ctx: Context, *, system: str, slo: str | None = None) -> Rules:
    """Generate recording and alerting rules of a system's objectives.

    Parameters
    ----------
    ctx : Context
    system : str
    slo : str, optional
        One objective only.

    Returns
    -------
    Rules
        ``left_out`` says which alerts could never fire, and which objectives have no rules, and why.

    Raises
    ------
    ParameterError
        Unknown system or objective, or none of them has rules.
    """
    profile = ctx.catalog.profile(system)
    asked = [ctx.catalog.objective(system, slo)] if slo else list(ctx.catalog.objectives.get(system, ()))
    files, tests, left_out = dict[str, str](), dict[str, str](), list[str]()
    for objective in asked:
        try:
            if isinstance(objective.indicator, CompositeIndicator | RecordsIndicator):
                raise ParameterError("Prometheus cannot evaluate it: composites and counted records have no rules.")
            plan = planned(objective, profile.scope, objective_window(objective, ctx.clock()))
            counted = counted_by(plan)
            groups = rule_groups(counted)
        except WorkbenchError as error:
            left_out.append(f"{objective.id}: {error}")
            continue
        left_out += reachable(counted)[1]
        name = f"{system}-{objective.id}"
        files[f"{name}.rules.yaml"] = yaml_text([{"groups": groups}])
        test = rule_tests(counted, example_of(plan, counted), f"{name}.rules.yaml")
        tests[f"{name}.test.yaml"] = yaml_text([test])
    if not files:
        raise ParameterError("\n".join(left_out) or f"{system} has no objectives.", hint="Nothing was generated.")
    return Rules(files, tests, tuple(left_out))


def counted_by(plan: Plan) -> Counted:
    """Return how rules count an objective, from how we count it."""
    objective = plan.objective
    total, bad, slice_ms = _counts(plan)
    calendar = objective.calendar
    period_ms = objective.window_ms or (calendar.count * _DAYS[calendar.unit] * _DAY_MS if calendar else 0)
    return Counted(objective.system, objective.id, objective.title, objective.target, period_ms, total, bad, slice_ms)


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
            share = f"sum({known})"
            return f"clamp_max(count({known}), 1)", share if kind == "failure" else f"1 - {share}", plan.slice_ms
        case RatioIndicator():
            return _ratio_counts(plan)
    raise ParameterError(f"Rules of this kind of indicator are not written: {objective.id}.")


def _ratio_counts(plan: Plan) -> tuple[str, str, int | None]:
    objective = plan.objective
    if plan.selectors:
        sums = {part: f"sum(increase({text}[{WINDOW}]))" for part, text in plan.selectors.items()}
    else:
        sums = {part: f"sum({_per_slice(text, plan.slice_ms)})" for part, text in plan.queries.items()}
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
    functions = {node.func for node in walk(parse(query)) if isinstance(node, Call)}
    return f"({query}) * {slice_ms // 1000}" if functions & _PER_SECOND else query


def example_of(plan: Plan, counted: Counted) -> Example:
    """Return series that make events of an objective; recorded slices where its own cannot be made up."""
    chosen = {part: parse(text) for part, text in plan.selectors.items()}
    if counted.slice_ms is not None or not chosen:
        return recorded_example(counted)
    part = "bad" if "bad" in chosen else "good"
    total, other = chosen["total"], chosen[part]
    assert isinstance(total, Selector)
    assert isinstance(other, Selector)
    one, another, steady = example_labels(other.all_matchers), None, f"0+0x{_MINUTES}"
    rising = f"0+10x{_MINUTES}"
    if one is None:
        return recorded_rates(counted)
    if all(matcher.accepts(one.get(matcher.name, "")) for matcher in total.all_matchers):
        another = unlike(total.all_matchers, other.all_matchers)
        rest = series_text(another) if another else None
    else:
        another = example_labels(total.all_matchers)
        rest = None
        if another is not None:
            whole, mine = series_text(another), series_text(one)
            bad, fine = {whole: rising, mine: rising}, {whole: rising, mine: steady}
            return Example(bad, fine) if part == "bad" else Example(fine, bad)
    mine = series_text(one)
    if rest is None:
        return recorded_rates(counted)
    chosen_one, the_rest = {mine: rising, rest: steady}, {mine: steady, rest: rising}
    return Example(chosen_one, the_rest) if part == "bad" else Example(the_rest, chosen_one)


def recorded_rates(counted: Counted) -> Example:
    """Make an example out of the recorded counts of every window."""
    windows = sorted({ms for alert in reachable(counted)[0] for ms in (alert.long_ms, alert.short_ms)} | {300_000})
    named = {
        part: [f"slo:{part}:increase{duration_text(ms)}{matching(counted.labels)}" for ms in windows]
        for part in ("total", "bad")
    }
    ones, zeros = f"1+0x{_MINUTES}", f"0+0x{_MINUTES}"
    total = dict.fromkeys(named["total"], ones)
    return Example({**total, **dict.fromkeys(named["bad"], ones)}, {**total, **dict.fromkeys(named["bad"], zeros)})


def series_text(labels: Mapping[str, str]) -> str:
    """Write a series as promtool reads it."""
    rest = {name: value for name, value in labels.items() if name != "__name__" and value}
    return f"{labels.get('__name__', '')}{matching(rest)}"


def example_labels(matchers: Sequence[Matcher]) -> dict[str, str] | None:
    """Make up labels that all matchers accept; None where no value is found."""
    found: dict[str, str] = {}
    for name in dict.fromkeys(matcher.name for matcher in matchers):
        mine = [matcher for matcher in matchers if matcher.name == name]
        value = next((text for text in _values(mine) if all(one.accepts(text) for one in mine)), None)
        if value is None:
            return None
        found[name] = value
    return found


def unlike(all_of: Sequence[Matcher], not_all_of: Sequence[Matcher]) -> dict[str, str] | None:
    """Make up labels that the first matchers accept and one of the others does not."""
    for wrong in not_all_of:
        mine = [matcher for matcher in all_of if matcher.name == wrong.name]
        for text in _values([*mine, wrong]):
            if not wrong.accepts(text) and all(one.accepts(text) for one in mine):
                rest = example_labels([matcher for matcher in all_of if matcher.name != wrong.name])
                return None if rest is None else {**rest, wrong.name: text}
    return None


def _values(matchers: Sequence[Matcher]) -> Iterator[str]:
    """Values to try: those that the matchers name, then common ones."""
    for matcher in matchers:
        for part in re.split(r"[|()]", matcher.value):
            plain = re.sub(r"\\(.)", r"\1", part)
            yield from (matcher.value, plain, re.sub(r"\.[*+]?", "0", part.replace("\\.", "\0")).replace("\0", "."))
    names = [matcher for matcher in matchers if matcher.op == "=~"]
    yield from (f"{head}{tail}" for one in names for head, tail in _alternatives(one.value))
    yield from _VALUES


def _alternatives(pattern: str) -> Iterator[tuple[str, str]]:
    """Split ``head_(a|b)_tail`` into its alternatives."""
    found = re.fullmatch(r"([^()|]*)\(([^()]*)\)([^()|]*)", pattern)
    if found is not None:
        yield from ((f"{found[1]}{inner}", found[3]) for inner in found[2].split("|"))
