"""Prometheus rules of a system's objectives: the queries scoped and counted, and series that test them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from workbench.catalog import CompositeIndicator, Objective, RecordsIndicator
from workbench.catalog.rules.generated import DIRECT_MS, Counted, matching, reachable, rule_groups
from workbench.catalog.rules.rule_tests import Example, recorded_example, rule_tests
from workbench.catalog.slo.export import yaml_text
from workbench.core.errors import ParameterError, WorkbenchError
from workbench.core.timerange import SLICE_MS, TimeRange, duration_text
from workbench.promql import Matcher, Selector, parse
from workbench.studies.authoring.composite_rules import composed_by
from workbench.studies.authoring.counted import counted_by
from workbench.studies.counting.plans import Plan, planned
from workbench.studies.sources.context import Context
from workbench.studies.sources.periods import objective_window

_MINUTES = 7 * 60
_VALUES = ("200", "500", "404", "GET", "ok", "error", "x", "")


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
        Sources, profiles and settings, and who reads.
    system : str
        Id of the system, as its profile names it.
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
    objectives = [ctx.catalog.objective(system, slo)] if slo else list(ctx.catalog.objectives.get(system, ()))
    files, tests, left_out = dict[str, str](), dict[str, str](), list[str]()
    for objective in objectives:
        try:
            counted, example = _counted(objective, profile.scope, objective_window(objective, ctx.clock()))
            groups = rule_groups(counted)
        except WorkbenchError as error:
            left_out.append(f"{objective.id}: {error}")
            continue
        left_out += reachable(counted)[1]
        name = f"{system}-{objective.id}"
        files[f"{name}.rules.yaml"] = yaml_text([{"groups": groups}])
        test = rule_tests(counted, example, f"{name}.rules.yaml")
        tests[f"{name}.test.yaml"] = yaml_text([test])
    if not files:
        raise ParameterError("\n".join(left_out) or f"{system} has no objectives.", hint="Nothing was generated.")
    return Rules(files, tests, tuple(left_out))


def _counted(objective: Objective, scope: Mapping[str, str], window: TimeRange) -> tuple[Counted, Example]:
    match objective.indicator:
        case CompositeIndicator():
            counted = composed_by(objective, scope, window)
            return counted, recorded_rates(counted) if counted.slice_ms is None else recorded_example(counted)
        case RecordsIndicator(kind=kind):
            raise ParameterError(
                f"Prometheus cannot evaluate it: it counts {kind}.",
                hint="Alert on its own counter, or on `workbench slo status --check`.",
            )
    plan = planned(objective, scope, window)
    counted = counted_by(plan)
    return counted, example_of(plan, counted)


def example_of(plan: Plan, counted: Counted) -> Example:
    """Return series that make events of an objective; recorded slices where its own cannot be made up."""
    chosen = {part: parse(text) for part, text in plan.selectors.items()}
    if counted.slice_ms is not None or not chosen:
        return recorded_example(counted)
    part = "bad" if "bad" in chosen else "good"
    total, other = chosen["total"], chosen[part]
    assert isinstance(total, Selector)
    assert isinstance(other, Selector)
    own_labels, another, steady = example_labels(other.all_matchers), None, f"0+0x{_MINUTES}"
    rising = f"0+10x{_MINUTES}"
    if own_labels is None:
        return recorded_rates(counted)
    if all(matcher.accepts(own_labels.get(matcher.name, "")) for matcher in total.all_matchers):
        another = unlike(total.all_matchers, other.all_matchers)
        rest = series_text(another) if another else None
    else:
        another = example_labels(total.all_matchers)
        rest = None
        if another is not None:
            whole, mine = series_text(another), series_text(own_labels)
            bad, fine = {whole: rising, mine: rising}, {whole: rising, mine: steady}
            return Example(bad, fine) if part == "bad" else Example(fine, bad)
    mine = series_text(own_labels)
    if rest is None:
        return recorded_rates(counted)
    chosen_one, the_rest = {mine: rising, rest: steady}, {mine: steady, rest: rising}
    return Example(chosen_one, the_rest) if part == "bad" else Example(the_rest, chosen_one)


def recorded_rates(counted: Counted) -> Example:
    """Make an example out of the recorded counts of the windows that ask the counters; the rules add up the others."""
    lookbacks = {ms for alert in reachable(counted)[0] for ms in (alert.long_ms, alert.short_ms)} | {SLICE_MS}
    windows = sorted(ms for ms in lookbacks if ms <= DIRECT_MS)
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
    labels: dict[str, str] = {}
    for name in dict.fromkeys(matcher.name for matcher in matchers):
        mine = [matcher for matcher in matchers if matcher.name == name]
        value = next((text for text in _values(mine) if all(matcher.accepts(text) for matcher in mine)), None)
        if value is None:
            return None
        labels[name] = value
    return labels


def unlike(all_of: Sequence[Matcher], not_all_of: Sequence[Matcher]) -> dict[str, str] | None:
    """Make up labels that the first matchers accept and one of the others does not."""
    for wrong in not_all_of:
        mine = [matcher for matcher in all_of if matcher.name == wrong.name]
        for text in _values([*mine, wrong]):
            if not wrong.accepts(text) and all(matcher.accepts(text) for matcher in mine):
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
    yield from (f"{head}{tail}" for name in names for head, tail in _alternatives(name.value))
    yield from _VALUES


def _alternatives(pattern: str) -> Iterator[tuple[str, str]]:
    """Split ``head_(a|b)_tail`` into its alternatives."""
    match = re.fullmatch(r"([^()|]*)\(([^()]*)\)([^()|]*)", pattern)
    if match is not None:
        yield from ((f"{match[1]}{inner}", match[3]) for inner in match[2].split("|"))
