"""Selectors of a query, and the matchers of a system injected into them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from workbench.promql.matchers import Matcher
from workbench.promql.nodes import Aggregate, Binary, Call, Node, Paren, Selector, Subquery, Unary, walk
from workbench.promql.parse import parse
from workbench.promql.printer import print_query


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
    return print_query(_scoped(tree, scope)) if scope else text


def _scoped(node: Node, scope: Mapping[str, str]) -> Node:
    match node:
        case Selector():
            matched = {matcher.name for matcher in node.matchers}
            added = tuple(Matcher(name, "=", value) for name, value in scope.items() if name not in matched)
            return replace(node, matchers=node.matchers + added)
        case Subquery() | Unary() | Paren():
            return replace(node, expr=_scoped(node.expr, scope))
        case Call(args=args):
            return replace(node, args=tuple(_scoped(arg, scope) for arg in args))
        case Aggregate(expr=expr, param=param):
            return replace(node, expr=_scoped(expr, scope), param=None if param is None else _scoped(param, scope))
        case Binary(lhs=lhs, rhs=rhs):
            return replace(node, lhs=_scoped(lhs, scope), rhs=_scoped(rhs, scope))
    return node
