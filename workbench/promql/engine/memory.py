"""How long after samples were scraped a query still speaks of them."""

from __future__ import annotations

from workbench.promql.parser.nodes import Binary, Node, Selector, Subquery, children
from workbench.promql.parser.parse import parse


def memory_ms(query: str) -> int:
    """Return how long after a time an answer may still rest on the samples of that time alone.

    Parameters
    ----------
    query : str
        PromQL, as of an alert.

    Returns
    -------
    int
        The longest range it looks back over, offsets included; of ``a and b``, which needs both, that of the shorter,
        of ``a unless b`` that of ``a``. [ms]

    Raises
    ------
    QueryRejected
        No PromQL.

    Examples
    --------
    >>> memory_ms("(rate(a[1h]) > 1 and rate(a[5m]) > 1) or (rate(a[6h]) > 1 and rate(a[30m]) > 1)") // 60_000
    30
    >>> memory_ms("max_over_time(rate(a[5m])[1h:]) / up offset 10m") // 60_000
    65
    """
    return _memory(parse(query))


def _memory(node: Node) -> int:
    match node:
        case Binary(op="and", lhs=lhs, rhs=rhs):
            return min(_memory(lhs), _memory(rhs))
        case Binary(op="unless", lhs=lhs):
            return _memory(lhs)
        case Selector(range_ms=range_ms, offset_ms=offset_ms):
            return (range_ms or 0) + offset_ms
        case Subquery(expr=expr, range_ms=range_ms, offset_ms=offset_ms):
            return _memory(expr) + range_ms + offset_ms
    return max((_memory(part) for part in children(node)), default=0)
