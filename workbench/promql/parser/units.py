"""What a query counts in: events per second, events of a window, series, a share, or nothing that can be counted."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Literal

from workbench.core.timerange import duration_text
from workbench.promql.parser.lexer import rejected
from workbench.promql.parser.nodes import Aggregate, Binary, Call, Node, Number, Paren, Selector, Subquery, Unary, bare

_PER_SECOND = frozenset({"rate", "irate", "deriv"})
_PER_WINDOW = frozenset({"increase", "delta", "idelta", "sum_over_time", "count_over_time"})
_KEEPING = frozenset(
    {"abs", "clamp_min", "sort", "sort_desc", "label_replace", "label_join", "histogram_count", "histogram_sum"}
)
_SHARES = frozenset({"histogram_fraction", "histogram_avg", "avg_over_time"})
#: Aggregations whose result still counts events: ``max`` and ``min`` take one of several replicas.
_COUNTING = frozenset({"sum", "max", "min"})
_COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
#: A recording rule that is named ``level:metric:operation``.
_RECORDED = re.compile(r":(?:i?rate(?:\d+[smhd])?|increase(?P<window>\d+[smhd]))$")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True)
class Unit:
    """What a query counts in.

    Attributes
    ----------
    kind : str
        ``events``, ``counter`` (raw values of one), ``series`` at an instant, ``number``, ``share``, or ``unknown``.
    per_second : float
        What a value of ``events`` is multiplied with to be events per second. [1/s]
    weight : float
        How often each event is counted, e.g. 0.5 for half of what two replicas count.
    window_ms : int
        Window of ``events`` that are counted by window. [ms]
    value : float
        Value of a ``number``; NaN where it is not written out.
    why : str
        What makes it ``unknown``.
    """

    kind: Literal["events", "counter", "series", "number", "share", "unknown"]
    per_second: float = 1.0
    weight: float = 1.0
    window_ms: int = 0
    value: float = math.nan
    why: str = ""

    def __str__(self) -> str:
        if self.kind == "events":
            whole = f"events in {duration_text(self.window_ms)}" if self.window_ms else "events per second"
            scale = self.scale / (self.window_ms / 1000 or 1)
            return whole if math.isclose(scale, 1) else f"{scale:g} times {whole}"
        words = {"counter": "a counter", "series": "a number of series", "number": "a number", "share": "a share"}
        return words.get(self.kind, f"a result of {self.why}")

    @property
    def scale(self) -> float:
        """Value at one event per second. [s]"""
        return self.weight / self.per_second

    def same(self, other: Unit) -> bool:
        """Whether values of both can be added and divided."""
        return self.kind == other.kind and math.isclose(self.scale, other.scale)


def unit_of(node: Node, text: str) -> Unit:
    """Tell what a query counts in.

    Parameters
    ----------
    node : Node
        The query, or a part of it.
    text : str
        Text of the query, for errors.

    Raises
    ------
    QueryRejected
        The query adds what cannot be added, such as a rate and a counter.

    Examples
    --------
    >>> from workbench.promql import parse
    >>> for query in ("sum(rate(a[5m]))", "60 * sum(rate(a[5m]))", "increase(a[1h]) / 2", "count(a)", "avg(a)"):
    ...     print(unit_of(parse(query), query))
    events per second
    60 times events per second
    0.5 times events in 1h
    a number of series
    a result of avg
    """
    match node:
        case Number(value=value):
            return Unit("number", value=value)
        case Selector(range_ms=None, name=name):
            return _of_selector(name)
        case Paren(expr=expr):
            return unit_of(expr, text)
        case Unary(expr=expr):
            return _scaled(unit_of(expr, text), -1.0)
        case Aggregate(op="count" | "group" as op, expr=expr):
            rates = not isinstance(bare(expr), Binary) and unit_of(expr, text).kind == "events"
            return Unit("unknown", why=op) if rates else Unit("series")
        case Aggregate(op=op, expr=expr):
            inner = unit_of(expr, text)
            return inner if op in _COUNTING or inner.kind in ("number", "share") else Unit("unknown", why=op)
        case Call(func=func, args=args):
            return _of_call(func, args, text)
        case Binary(op=op, lhs=lhs, rhs=rhs):
            return _of_binary(node, op, unit_of(lhs, text), unit_of(rhs, text), text)
    return Unit("unknown", why=f"a {type(node).__name__.lower()}")


def _of_selector(name: str) -> Unit:
    recorded = _RECORDED.search(name)
    if recorded is None:
        return Unit("counter")
    window = recorded["window"]
    return _window(1000 * int(window[:-1]) * _SECONDS[window[-1]]) if window else Unit("events")


def _of_call(func: str, args: tuple[Node, ...], text: str) -> Unit:
    if func == "vector" and args and isinstance(bare(args[0]), Number):
        return unit_of(bare(args[0]), text)
    if func in ("vector", "scalar", "time"):
        return Unit("number")
    if func in _SHARES:
        return Unit("share")
    if func in _PER_SECOND:
        return Unit("events")
    if func in _PER_WINDOW and args:
        inner = bare(args[0])
        window_ms = inner.range_ms if isinstance(inner, Selector | Subquery) else None
        return _window(window_ms) if window_ms else Unit("unknown", why=func)
    return unit_of(args[0], text) if func in _KEEPING and args else Unit("unknown", why=func)


def _window(window_ms: int) -> Unit:
    return Unit("events", per_second=1000 / window_ms, window_ms=window_ms)


def _scaled(unit: Unit, factor: float) -> Unit:
    """Multiply: by minutes and hours the unit of time changes, by anything else the weight of an event."""
    if unit.kind == "number":
        return replace(unit, value=unit.value * factor)
    if unit.kind == "share" or factor in (0, 1):
        return unit
    if unit.kind != "events" or not math.isfinite(factor):
        return Unit("unknown", why="arithmetic" if math.isfinite(factor) else "a varying factor")
    times = max(factor, 1 / factor)
    if round(times, 9) % 60 == 0:
        return replace(unit, per_second=unit.per_second / factor)
    return replace(unit, weight=unit.weight * factor)


def _of_binary(node: Binary, op: str, left: Unit, right: Unit, text: str) -> Unit:
    if op in ("and", "unless"):
        return left
    if "unknown" in (left.kind, right.kind):
        return left if left.kind == "unknown" else right
    if op in _COMPARISONS:
        if node.returns_bool:
            return Unit("number")
        return right if left.kind == "number" else left
    if op in ("+", "-", "or"):
        if left.same(right):
            return Unit("number") if left.kind == "number" else left
        if "number" in (left.kind, right.kind):
            return right if left.kind == "number" else left
        raise rejected(
            f"{left} and {right} cannot be joined by {op}",
            text,
            node.position,
            hint="Use rate() over one window throughout.",
        )
    if op == "*":
        return _product(left, right)
    if op == "/":
        if right.kind == "number":
            return _scaled(left, 1 / right.value if right.value else math.nan)
        shares = left.same(right) or (left.kind == right.kind == "events")
        return Unit("share") if shares else Unit("unknown", why="arithmetic")
    return Unit("unknown", why="arithmetic")


def _product(left: Unit, right: Unit) -> Unit:
    """Events stay events when they are weighed by a share or by a gauge such as ``up`` or an info metric."""
    for one, other in ((left, right), (right, left)):
        if one.kind == "number":
            return _scaled(other, one.value)
        if other.kind == "events" and one.kind in ("share", "counter"):
            return other
    return Unit("share") if left.kind == right.kind == "share" else Unit("unknown", why="arithmetic")
