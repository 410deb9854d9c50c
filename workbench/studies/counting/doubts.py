"""Answers that look right and need not be: no series at all, raw counters in place of rates, limits far away."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from workbench.analysis.counting.apart import settled
from workbench.analysis.counting.increase import Floats
from workbench.core.errors import EmptyAnswer, QueryRejected
from workbench.core.series import Labels, Metrics, label_key
from workbench.promql import Selector, parse, print_query
from workbench.promql.parser.nodes import Binary, Call, bare, walk
from workbench.promql.parser.terms import subtrahends
from workbench.studies.counting.counters import CounterReader
from workbench.studies.counting.plans import Plan

#: How a counter is named, by Prometheus' convention.
_COUNTING = ("_total", "_count", "_bucket", "_sum")

#: Share of steps up that only a counter has, and how many are looked at. [ratio], [steps]
_GROWING, _ENOUGH = 0.9, 6

#: A limit so many times away from all values is doubtful. [x]
_FAR = 100.0
_UNITS = re.compile("second|milli|_ms|duration|latency|ratio|percent|quantile|[*/]")

#: Functions that add up the raw values of a counter.
_SUMMING = frozenset({"sum_over_time", "avg_over_time"})

_FILTERS = frozenset({">", "<", ">=", "<=", "==", "!="})


def bad_unmatched(plan: Plan, reader: CounterReader) -> list[str]:
    """Warn that no series counts bad events, unless the label that would mark them is there.

    Parameters
    ----------
    plan : Plan
        With selectors of ``bad`` and ``total``.
    reader : CounterReader
        That has read both.
    """
    texts = plan.selectors
    bad, total = parse(texts["bad"]), parse(texts["total"])
    if not isinstance(bad, Selector) or not isinstance(total, Selector) or reader.has(texts["bad"]):
        return []
    labels = reader.labels(texts["total"])
    unknown = {matcher.name for matcher in bad.matchers} - {name for row in labels for name in row}
    if not labels or (bad.name == total.name and not unknown):
        return []
    why = f"no series matches {texts['bad']}"
    if bad.name == total.name:
        why = f"no series of {bad.name} has the label {' or '.join(sorted(unknown))}"
    return [f"{plan.objective.id}: 0 bad events, because {why}. Check the query if failures are known."]


def empty_part(objective: str, part: str, query: str, has_data: Callable[[str], bool]) -> list[str]:
    """Say what a part without any result means beside a total that has one.

    Parameters
    ----------
    objective, part : str
        Its id; ``good`` or ``bad``.
    query : str
        Query whose answer is empty.
    has_data : callable
        Whether a query has any value in the period.

    Returns
    -------
    list of str
        Warnings, where no bad events need not mean that nothing failed.

    Raises
    ------
    EmptyAnswer
        It is the good part, or its metrics have data and do not match each other.
    """
    if part == "good":
        raise EmptyAnswer(
            "The good query has no result while the total does, so every event would count as bad.",
            query=query,
            hint="Check its names and label values.",
        )
    nodes = list(walk(parse(query)))
    metrics = [node for node in nodes if isinstance(node, Selector)]
    filtered = any(isinstance(node, Binary) and node.op in _FILTERS for node in nodes)
    if len(metrics) > 1 and not filtered and all(has_data(_presence(metric)) for metric in metrics):
        raise EmptyAnswer(
            f"The {part} query has no result although each metric in it has data, so its parts do not match.",
            query=query,
            hint="Compare their labels; on(), ignoring() and group_left say which must be equal.",
        )
    return unknown_labels(objective, query, has_data)


def unknown_labels(objective: str, query: str, has_data: Callable[[str], bool]) -> list[str]:
    """Warn of metrics, and of labels that no series of their metric has, where nothing was bad."""
    metrics = [node for node in walk(parse(query)) if isinstance(node, Selector) and node.name]
    labels = {f'{metric.name}{{{each.name}!=""}}' for metric in metrics for each in metric.matchers}
    labels |= {metric.name for metric in metrics if not metric.matchers}
    unknown = sorted(text for text in labels if not has_data(f"count({text})"))
    if not unknown:
        return []
    return [f"{objective}: 0 bad events, because no series matches {', '.join(unknown)}. Check the query."]


def unknown_terms(objective: str, query: str, has_data: Callable[[str], bool]) -> list[str]:
    """Warn of terms of a sum that no series counts, beside others that have data."""
    metrics = [node for node in walk(parse(query)) if isinstance(node, Selector)]
    empty = [metric for metric in metrics if len(metrics) > 1 and not has_data(_presence(metric))]
    return [text for metric in empty for text in unknown_labels(objective, print_query(metric), has_data)]


def check_differences(query: str, has_data: Callable[[str], bool]) -> None:
    """Refuse a difference that takes away what has no data, and a bound that no bucket has.

    Raises
    ------
    EmptyAnswer
        What is taken away was expected to have data: the query has no filler (``or vector(0)``) for it; or a histogram
        has data, but no bucket of the bound asked for, however the query fills it in.
    """
    for left, right in subtrahends(parse(query)):
        filled = bare(right)
        if not isinstance(filled, Binary) or filled.op != "or" or not isinstance(bare(filled.rhs), Binary):
            continue
        metrics = [node for node in walk(filled.lhs) if isinstance(node, Selector)]
        if metrics and not any(has_data(_presence(metric)) for metric in metrics) and has_data(print_query(left)):
            raise EmptyAnswer(
                f"The query takes away {print_query(metrics[0])}, which no series matches, so all would count.",
                query=query,
                hint="Check its names and label values.",
            )
    check_bounds(query, has_data)


def check_bounds(query: str, has_data: Callable[[str], bool]) -> None:
    """Refuse a bound that no bucket of a histogram with data has.

    Raises
    ------
    EmptyAnswer
    """
    for node in walk(parse(query)):
        if not isinstance(node, Selector):
            continue
        bound = next((each for each in node.matchers if each.name == "le" and each.op in ("=", "=~")), None)
        others = replace(node, matchers=tuple(each for each in node.matchers if each is not bound))
        if bound is not None and not has_data(_presence(node)) and has_data(_presence(others)):
            raise EmptyAnswer(
                f"No bucket of {node.name} has the bound {bound.value}.",
                query=query,
                hint=f"See its bounds: workbench query 'count by (le) ({node.name})'.",
            )


def settled_part(objective: str, name: str, part: Floats, total: Floats, *, query: str) -> tuple[Floats, list[str]]:
    """Settle a part that was scraped apart from the total, and say how much is at stake.

    Parameters
    ----------
    objective, name : str
        Its id; ``good`` or ``bad``.
    part, total : float64 array, length n_slices
        [events/slice]
    query : str
        Of the part, for errors.

    Raises
    ------
    QueryRejected
        The part is less than nothing, or has more events than there are.
    """
    if part.sum() < -0.001 * total.sum():
        raise QueryRejected(
            f"The {name} query gives {part.sum():,.0f} events, which cannot be less than 0.",
            query=query,
            hint="Check what it takes away from what.",
        )
    counts, slices, left = settled(np.maximum(part, 0.0), total)
    if left > 0.01 * total.sum():
        known = f"only {total.sum():,.0f}" if total.any() else "none"
        raise QueryRejected(
            f"The {name} query counts {part.sum():,.0f} events and the total {known}.",
            query=query,
            hint=f"Check that the {name} events are a part of all events, and that the total has series.",
        )
    counts = np.minimum(counts, total)
    if not slices:
        return counts, []
    stake = "they are counted in the slice beside, as both are scraped apart"
    if left >= 1:
        stake = f"{left:,.0f} of them are left out: check that they are a part of all events"
    where = f"{slices:,} slice{'s' if slices != 1 else ''}"
    return counts, [f"{objective}: more {name} events than events in {where}; {stake}."]


def check_within(plan: Plan, reader: CounterReader) -> list[str]:
    """Warn of bad events that the total does not count, by the series that both selectors match.

    Raises
    ------
    QueryRejected
        The total counts none of them.
    """
    texts = plan.selectors
    part = next(name for name in texts if name != "total")
    own, whole = parse(texts[part]), parse(texts["total"])
    if not isinstance(own, Selector) or not isinstance(whole, Selector) or own.name != whole.name:
        return []
    bucket = any(each.name == "le" and each.accepts("+Inf") for each in whole.matchers)  # holds those of all others

    def key(labels: Labels) -> object:
        return label_key({name: value for name, value in labels.items() if name != "le" or not bucket})

    counted = set(map(key, reader.labels(texts["total"])))
    outside = [labels for labels in reader.labels(texts[part]) if key(labels) not in counted]
    if not outside:
        return []
    if counted and len(outside) == len(reader.labels(texts[part])):
        raise QueryRejected(
            f"The total counts none of the {part} events, so their ratio is no share.",
            query=texts["total"],
            hint="The total counts good and bad events.",
        )
    return [
        f"{plan.objective.id}: {len(outside)} series of the {part} events are not in the total, "
        f"e.g. {label_key(outside[0])}. Check the query."
    ]


def check_lifetime(query: str, answer_of: Callable[[str], Metrics]) -> None:
    """Refuse the raw value of a counter where a rate or a gauge is meant: it counts since the start of its process.

    Parameters
    ----------
    query : str
        Part of a ratio of gauges, or a share.
    answer_of : callable
        Values of a query over the period.

    Raises
    ------
    QueryRejected
        A metric that is named like a counter is used as it is, and did nothing but grow.
    """
    for node in walk(parse(query)):
        if isinstance(node, Call) and node.func in _SUMMING and isinstance(inner := bare(node.args[0]), Selector):
            node = replace(inner, range_ms=None)
        if not isinstance(node, Selector) or node.range_ms or not node.name.endswith(_COUNTING):
            continue
        answer = answer_of(f"sum({print_query(node)})")
        values = answer.values[0][answer.present[0]] if len(answer.labels) else np.zeros(0)
        steps = np.diff(values)
        if len(steps) >= _ENOUGH and (steps > 0).mean() > _GROWING and (steps < 0).mean() < 1 - _GROWING:
            raise QueryRejected(
                f"{node.name} only grows, so it counts since the start of its process and not by slice.",
                query=query,
                hint="Write counter: true, or rate() of it in the query.",
            )


def far_threshold(objective: str, query: str, answer: Metrics, *, op: str, threshold: float) -> list[str]:
    """Warn of a limit of a time or a share that all values keep or break a hundredfold: the units may differ.

    Parameters
    ----------
    objective, query, op : str
        Its id; the indicator; the operator that keeps the limit.
    answer : Metrics
        Values of the indicator.
    threshold : float
        In the unit of the indicator.
    """
    values: Floats = np.abs(answer.values[answer.present & np.isfinite(answer.values)])
    values = values[values > 0]
    if not len(values) or threshold <= 0 or _UNITS.search(query) is None:
        return []
    least, most = float(values.min()), float(values.max())
    if least / _FAR < threshold < most * _FAR:
        return []
    return [
        f"{objective}: all values above 0 lie between {least:.4g} and {most:.4g}, and the limit is {op} {threshold:g}. "
        "Check that both have the same unit."
    ]


def _presence(selector: Selector) -> str:
    text = print_query(selector)
    return f"count(count_over_time({text}))" if selector.range_ms else f"count({text})"
