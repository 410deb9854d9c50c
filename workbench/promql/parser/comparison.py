"""The comparison at the top of an expression of an alert: what is compared, how, and with which number."""

from __future__ import annotations

from workbench.promql.parser.nodes import Binary, Node, Number, Unary, bare
from workbench.promql.parser.parse import parse
from workbench.promql.parser.printer import print_query

_MIRRORED = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!="}


def comparison(expr: str) -> tuple[str, str, float | None]:
    """Split an expression into what is compared, how, and with which number.

    Examples
    --------
    >>> comparison("sum(rate(errors_total[5m])) > 0.05"), comparison("up == 0 or down > 1")[1:]
    (('sum(rate(errors_total[5m]))', '>', 0.05), ('', None))
    """
    parts = with_number(parse(expr))
    return (expr, "", None) if parts is None else (print_query(parts[0]), *parts[1:])


def with_number(node: Node) -> tuple[Node, str, float] | None:
    """Return what a comparison compares, how, and the number, as if that stood on the right; None without one.

    Examples
    --------
    >>> with_number(parse("(-5 < up)"))[1:], with_number(parse("up > bool 0"))
    (('>', -5.0), None)
    """
    top = bare(node)
    if isinstance(top, Binary) and top.op in _MIRRORED and not top.returns_bool:
        for side, other, op in ((top.lhs, top.rhs, top.op), (top.rhs, top.lhs, _MIRRORED[top.op])):
            number = _number(other)
            if number is not None:
                return side, op, number
    return None


def _number(node: Node) -> float | None:
    inner = bare(node)
    if isinstance(inner, Unary):
        value = _number(inner.expr)
        return None if value is None else -value
    return inner.value if isinstance(inner, Number) else None
