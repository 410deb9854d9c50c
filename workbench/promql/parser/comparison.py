"""The comparison at the top of an expression of an alert: what is compared, how, and with which number."""

from __future__ import annotations

from workbench.promql.parser.nodes import Binary, Number, Paren
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
    node = parse(expr)
    while isinstance(node, Paren):
        node = node.expr
    if isinstance(node, Binary) and node.op in _MIRRORED and not node.returns_bool:
        if isinstance(node.rhs, Number):
            return print_query(node.lhs), node.op, node.rhs.value
        if isinstance(node.lhs, Number):
            return print_query(node.rhs), _MIRRORED[node.op], node.lhs.value
    return expr, "", None
