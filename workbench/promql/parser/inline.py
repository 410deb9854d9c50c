"""Recorded series of a query replaced by the expressions that record them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from workbench.core.errors import QueryRejected
from workbench.core.timerange import MINUTE_MS
from workbench.promql.parser.nodes import Aggregate, Binary, Call, Node, Paren, Selector, Subquery, Unary
from workbench.promql.parser.parse import parse
from workbench.promql.parser.printer import print_query

#: Rules may rest on rules so often. [count]
DEPTH = 8


def inlined(text: str, recorded: Sequence[tuple[str, str, Mapping[str, str]]]) -> str:
    """Return a query that asks for no recorded series.

    Parameters
    ----------
    text : str
        A query.
    recorded : sequence of (name, expression, labels)
        Recording rules. A selector takes those whose own labels its matchers accept; the matchers on other labels are
        dropped, as the expression decides them.

    Raises
    ------
    QueryRejected
        Rules that rest on each other in a circle.

    Notes
    -----
    A range of a recorded series becomes a subquery at the engine's default resolution.

    Examples
    --------
    >>> rules = [("job:errors:ratio_rate5m", "sum(rate(bad[5m])) / sum(rate(all[5m]))", {"slo": "a"})]
    >>> inlined('job:errors:ratio_rate5m{slo="a"} > 0.01', rules)
    '(sum(rate(bad[5m])) / sum(rate(all[5m]))) > 0.01'
    """
    known = {name for name, _, _ in recorded}
    return print_query(_inlined(parse(text), recorded, known, DEPTH)) if known else text


def _inlined(node: Node, recorded: Sequence[tuple[str, str, Mapping[str, str]]], known: set[str], depth: int) -> Node:
    def inside(part: Node) -> Node:
        return _inlined(part, recorded, known, depth)

    match node:
        case Selector(name=name) if name in known:
            if depth == 0:
                raise QueryRejected(f"The rules behind {name!r} rest on each other in a circle.")
            matches = [expr for other, expr, labels in recorded if other == name and _accepts(node, labels)]
            if not matches:
                return node
            trees = [Paren(_inlined(parse(expr), recorded, known, depth - 1)) for expr in matches]
            whole: Node = trees[0]
            for tree in trees[1:]:
                whole = Paren(Binary("or", whole, tree))
            if node.range_ms is not None:
                return Subquery(whole, node.range_ms, None, node.offset_ms, node.at)
            return whole if not node.offset_ms else Subquery(whole, MINUTE_MS, MINUTE_MS, node.offset_ms, node.at)
        case Subquery() | Unary() | Paren():
            return replace(node, expr=inside(node.expr))
        case Call(args=args):
            return replace(node, args=tuple(inside(arg) for arg in args))
        case Aggregate(expr=expr, param=param):
            return replace(node, expr=inside(expr), param=None if param is None else inside(param))
        case Binary(lhs=lhs, rhs=rhs):
            return replace(node, lhs=inside(lhs), rhs=inside(rhs))
    return node


def _accepts(node: Selector, labels: Mapping[str, str]) -> bool:
    return all(bool(matcher.keep([labels[matcher.name]])[0]) for matcher in node.matchers if matcher.name in labels)
