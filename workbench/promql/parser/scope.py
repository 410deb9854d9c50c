"""Selectors of a query, and the matchers of a system injected into them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from workbench.promql.parser.matchers import Matcher
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


def scoped(text: str, scope: Mapping[str, str]) -> str:
    """Add equality matchers to every selector that does not match the label already.

    Parameters
    ----------
    text : str
        A query.
    scope : mapping
        Label to value, e.g. ``{"system": "counterfactual-lab"}``.

    Returns
    -------
    str
        The query, written back by our printer; the text itself when the scope is empty.

    Examples
    --------
    >>> scoped('rate(a[5m]) / b{job="y"}', {"job": "x"})
    'rate(a{job="x"}[5m]) / b{job="y"}'
    """
    tree = parse(text)

    def added(selector: Selector) -> Selector:
        matched = {matcher.name for matcher in selector.matchers}
        more = tuple(Matcher(name, "=", value) for name, value in scope.items() if name not in matched)
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
