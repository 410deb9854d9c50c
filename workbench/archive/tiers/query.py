"""A query as it is asked of slices: each selector becomes the column that its function needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from workbench.archive.tiers.slices import Column
from workbench.promql.parser.matchers import Matcher
from workbench.promql.parser.nodes import Aggregate, Binary, Call, Node, Paren, Selector, Subquery, Unary

#: Label by which a selector names its column; the store takes it out again.
COLUMN = "__slice__"

_COLUMNS: dict[str, Column] = {
    "rate": "counter",
    "increase": "counter",
    "min_over_time": "low",
    "max_over_time": "high",
    "sum_over_time": "total",
    "count_over_time": "count",
}


def on_slices(node: Node) -> Node:
    """Rewrite a query for :class:`workbench.archive.tiers.store.TierStore`.

    Examples
    --------
    >>> from workbench.promql import parse, print_query
    >>> print_query(on_slices(parse("sum(rate(x_total[1h])) + y")))
    'sum(rate(x_total{__slice__="counter"}[1h])) + y{__slice__="last"}'
    """
    match node:
        case Selector():
            return _of(node, "last")
        case Call(func="avg_over_time", args=(Selector() as selector,)):
            whole = Call("sum_over_time", (_of(selector, "total"),))
            return Paren(Binary("/", whole, Call("sum_over_time", (_of(selector, "count"),))))
        case Call(func="count_over_time", args=(Selector() as selector,)):
            return replace(node, func="sum_over_time", args=(_of(selector, "count"),))
        case Call(func=func, args=args):
            column = _COLUMNS.get(func, "last")
            return replace(
                node, args=tuple(_of(arg, column) if isinstance(arg, Selector) else on_slices(arg) for arg in args)
            )
        case Aggregate(expr=expr, param=param):
            return replace(node, expr=on_slices(expr), param=None if param is None else on_slices(param))
        case Binary(lhs=lhs, rhs=rhs):
            return replace(node, lhs=on_slices(lhs), rhs=on_slices(rhs))
        case Paren(expr=expr) | Subquery(expr=expr) | Unary(expr=expr):
            return replace(node, expr=on_slices(expr))
    return node


def column_of(matchers: Iterable[Matcher]) -> tuple[Column, list[Matcher]]:
    """Take the column out of the matchers of a selector."""
    rest: list[Matcher] = []
    column: Column = "last"
    for matcher in matchers:
        if matcher.name == COLUMN:
            column = _named(matcher.value)
        else:
            rest.append(matcher)
    return column, rest


def _named(text: str) -> Column:
    known: tuple[Column, ...] = ("last", "low", "high", "total", "count", "counter")
    return next(column for column in known if column == text)


def _of(selector: Selector, column: Column) -> Selector:
    return replace(selector, matchers=(*selector.matchers, Matcher(COLUMN, "=", column)))
