"""What a server's rules say of a system: which of them are about its metrics, and what they compare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from workbench.catalog.draft.rules import ServerRule
from workbench.core.errors import WorkbenchError
from workbench.promql import parse, print_query, selectors
from workbench.promql.parser.comparison import with_number
from workbench.promql.parser.nodes import Node, Selector

_PARTS = ("_bucket", "_sum", "_count")


def rules_of(groups: Iterable[Mapping[str, Any]], metrics: Iterable[str], scope: Iterable[str]) -> list[ServerRule]:
    """Return the rules of a server that are about a system's metrics, or about what is recorded from them.

    Parameters
    ----------
    groups : iterable of mapping
        ``groups`` of ``/api/v1/rules``.
    metrics : iterable of str
        Families of the system.
    scope : iterable of str
        Its scrape jobs; empty is any.
    """
    rules = [read for group in groups for entry in group.get("rules") or [] if (read := _rule(entry)) is not None]
    known, jobs = set(metrics), set(scope)
    kept: dict[int, ServerRule] = {}
    grows = True
    while grows:
        grows = False
        for number, (rule, tree) in enumerate(rules):
            if number not in kept and any(_about(selector, known, jobs) for selector in selectors(tree)):
                kept[number], grows = rule, True
                known |= {rule.record} if rule.record else set()
    return [kept[number] for number in sorted(kept)]


def _rule(entry: Mapping[str, Any]) -> tuple[ServerRule, Node] | None:
    """Read one rule; none for what our parser does not take."""
    text = str(entry.get("query", ""))
    try:
        tree = parse(text)
    except WorkbenchError:
        return None
    name, alerting = str(entry.get("name", "")), entry.get("type") == "alerting"
    labels = {str(label): str(value) for label, value in (entry.get("labels") or {}).items()}
    annotations = {str(label): str(value) for label, value in (entry.get("annotations") or {}).items()}
    rule = ServerRule(text, labels=labels, annotations=annotations)
    if not alerting:
        return replace(rule, record=name), tree
    return replace(rule, alert=name, for_s=float(entry.get("duration") or 0), limit=_limit(tree)), tree


def _about(selector: Selector, metrics: set[str], jobs: set[str]) -> bool:
    base = next((selector.name.removesuffix(part) for part in _PARTS if selector.name.endswith(part)), selector.name)
    if selector.name not in metrics and base not in metrics:
        return False
    wanted = [matcher for matcher in selector.matchers if matcher.name == "job"]
    return not jobs or not wanted or any(matcher.accepts(job) for matcher in wanted for job in jobs)


def _limit(tree: Node) -> tuple[str, str, float] | None:
    """Return what a rule compares with a number."""
    parts = with_number(tree)
    return None if parts is None else (print_query(parts[0]), *parts[1:])
