"""Selectors of a query, and the matchers of a system injected into them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from workbench.promql.parser.matchers import Matcher, MatchOp
from workbench.promql.parser.nodes import Aggregate, Binary, Call, Node, Paren, Selector, Subquery, Unary, walk
from workbench.promql.parser.parse import parse
from workbench.promql.parser.printer import print_query


def selectors(node: Node) -> list[Selector]:
    """Every selector of a query in the order of the text.

    Examples
    --------
    >>> [s.name for s in selectors(parse("rate(a[5m]) / b"))]
    ['a', 'b']
    """
    return [part for part in walk(node) if isinstance(part, Selector)]


def scope_matchers(scope: Mapping[str, str]) -> tuple[Matcher, ...]:
    """Return the matchers that a scope stands for.

    Examples
    --------
    >>> [matcher.op for matcher in scope_matchers({"system": "lab", "job": "=~gateway|node"})]
    ['=', '=~']
    """
    return tuple(_matcher(name, text) for name, text in scope.items())


def _matcher(name: str, text: str) -> Matcher:
    operators: tuple[MatchOp, ...] = ("=~", "!~", "!=")
    for op in operators:
        if text.startswith(op):
            return Matcher(name, op, text.removeprefix(op))
    return Matcher(name, "=", text)


def in_scope(labels: Mapping[str, str], scope: Mapping[str, str]) -> bool:
    """Whether a label set is one of a scope's."""
    return all(matcher.accepts(labels.get(matcher.name, "")) for matcher in scope_matchers(scope))


def scoped(text: str, scope: Mapping[str, str], *, always: bool = False) -> str:
    """Add the matchers of a scope to every selector that does not match the label already.

    Parameters
    ----------
    text : str
        A query.
    scope : mapping
        Label to value, e.g. ``{"system": "counterfactual-lab"}``; a value may begin with ``=~``, ``!=`` or ``!~``.
    always : bool
        Also to selectors that match the label already, so that no selector leaves the scope.

    Returns
    -------
    str
        The query, written back by our printer; the text itself when the scope is empty.

    Examples
    --------
    >>> scoped('rate(a[5m]) / b{job="y"}', {"job": "x"})
    'rate(a{job="x"}[5m]) / b{job="y"}'
    >>> scoped('b{job="y"}', {"job": "x"}, always=True)
    'b{job="y",job="x"}'
    """
    tree = parse(text)

    def added(selector: Selector) -> Selector:
        matched = {matcher.name for matcher in selector.matchers}
        more = tuple(matcher for matcher in scope_matchers(scope) if always or matcher.name not in matched)
        return replace(selector, matchers=selector.matchers + more)

    return print_query(_changed(tree, added)) if scope else text


def any_spelling(text: str) -> str:
    """Let selectors of one bucket match its bound in both spellings: Prometheus 3 writes ``2.0`` where 2 kept ``2``.

    Examples
    --------
    >>> print(any_spelling('rate(a_bucket{le="2"}[5m])'))
    rate(a_bucket{le=~"2|2\\\\.0"}[5m])
    >>> print(any_spelling('a_bucket{le="0.5"}'))
    a_bucket{le="0.5"}
    """

    def spelled(matcher: Matcher) -> Matcher:
        whole = re.fullmatch(r"(\d+)(\.0)?", matcher.value) if matcher.name == "le" and matcher.op == "=" else None
        return matcher if whole is None else Matcher("le", "=~", rf"{whole[1]}|{whole[1]}\.0")

    def both(selector: Selector) -> Selector:
        return replace(selector, matchers=tuple(map(spelled, selector.matchers)))

    changed = _changed(tree := parse(text), both)
    return text if changed == tree else print_query(changed)


def _changed(node: Node, change: Callable[[Selector], Selector]) -> Node:
    match node:
        case Selector():
            return change(node)
        case Subquery() | Unary() | Paren():
            return replace(node, expr=_changed(node.expr, change))
        case Call(args=args):
            return replace(node, args=tuple(_changed(arg, change) for arg in args))
        case Aggregate(expr=expr, param=param):
            return replace(
                node, expr=_changed(expr, change), param=None if param is None else _changed(param, change)
            )  # fmt: skip
        case Binary(lhs=lhs, rhs=rhs):
            return replace(node, lhs=_changed(lhs, change), rhs=_changed(rhs, change))
    return node
