"""A part of a ratio without any series: nothing failed yet, or the query is wrong."""

from __future__ import annotations

from collections.abc import Callable

from workbench.core.errors import EmptyAnswer
from workbench.promql import Selector, parse, print_query
from workbench.promql.parser.nodes import Binary, walk
from workbench.studies.counting.counters import CounterReader
from workbench.studies.counting.plans import Plan

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
    labels = {f'{metric.name}{{{each.name}!=""}}' for metric in metrics if metric.name for each in metric.matchers}
    unknown = sorted(text for text in labels if not has_data(f"count({text})"))
    if not unknown:
        return []
    return [f"{objective}: 0 bad events, because no series matches {', '.join(unknown)}. Check the query."]


def _presence(selector: Selector) -> str:
    text = print_query(selector)
    return f"count(count_over_time({text}))" if selector.range_ms else f"count({text})"
