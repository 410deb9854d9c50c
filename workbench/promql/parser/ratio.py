"""How the two parts of a ratio of events are counted: both from counters, or both evaluated, never one of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from workbench.core.timerange import duration_text
from workbench.promql.parser.lexer import rejected
from workbench.promql.parser.nodes import Aggregate, Binary, Call, Node, Number, Paren, Selector, Unary, bare
from workbench.promql.parser.parse import parse
from workbench.promql.parser.plan import counter_plan
from workbench.promql.parser.printer import print_query

_PER_SECOND = frozenset({"rate", "irate", "deriv"})
_PER_WINDOW = frozenset({"increase", "delta", "idelta", "sum_over_time", "count_over_time"})
_KEEPING = frozenset(
    {"abs", "ceil", "floor", "round", "clamp", "clamp_min", "clamp_max", "sort", "sort_desc", "label_replace",
     "label_join", "histogram_count", "histogram_sum"}
)  # fmt: skip
_COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})


class Unit(NamedTuple):
    """What a query counts in; ``window_ms`` of one that counts per window. [ms]"""

    name: str
    window_ms: int = 0

    def __str__(self) -> str:
        return f"events in {duration_text(self.window_ms)}" if self.window_ms else self.name


_SECOND, _COUNTER, _NUMBER, _SHARE = map(Unit, ("events per second", "a counter", "a number", "a share"))


@dataclass(frozen=True)
class RatioPlan:
    """Counter selectors by part, to be counted exactly; else queries by part, each evaluated once per slice."""

    selectors: Mapping[str, str] = field(default_factory=dict)
    queries: Mapping[str, str] = field(default_factory=dict)


def ratio_plan(texts: Mapping[str, str], *, slice_ms: int) -> RatioPlan:
    """Decide how ``good`` or ``bad`` and ``total`` of a ratio of counters are counted, both in one way.

    Parameters
    ----------
    texts : mapping of str to str
        Query by part.
    slice_ms : int
        Length of the slices that events are counted in. [ms]

    Returns
    -------
    RatioPlan
        Selectors when every part is a counter or a sum of one, or reduces to it because another part is one;
        queries otherwise, where a plain counter became its rate. Guards for silence (``or vector(0)``, ``> 0``) are
        left out of both: what has no data has no events, and one event per second must not stand for it.

    Raises
    ------
    QueryRejected
        A part is no count of events (a share, a constant, arithmetic over raw counters), or adds what cannot be
        added (a rate and a counter).

    Examples
    --------
    >>> ratio_plan({"bad": "sum(rate(e[5m])) or vector(0)", "total": "sum(t)"}, slice_ms=300_000).selectors
    {'bad': 'e', 'total': 't'}
    >>> ratio_plan({"bad": "sum(rate(e[5m])) - sum(rate(x[5m]))", "total": "sum(t)"}, slice_ms=300_000).queries
    {'bad': 'sum(rate(e[5m])) - sum(rate(x[5m]))', 'total': 'sum(rate(t[5m]))'}
    """
    trees = {part: unguarded(parse(text)) for part, text in texts.items()}
    units = {part: _unit(tree, texts[part]) for part, tree in trees.items()}
    for part, unit in units.items():
        if unit in (_SHARE, _NUMBER):
            raise rejected(
                f"{part} is {unit}, not a count of events",
                texts[part],
                0,
                hint="Write a share as a raw ratio (ratioMetric.raw with rawType).",
            )
    plain = {part: _counter(print_query(tree)) for part, tree in trees.items() if units[part] == _COUNTER}
    if plain:
        reduced = {part: plain[part] if part in plain else _selector_of(tree) for part, tree in trees.items()}
        if all(reduced.values()):
            return RatioPlan(selectors={part: str(text) for part, text in reduced.items()})
    window = duration_text(slice_ms)
    return RatioPlan(
        queries={
            part: f"sum(rate({plain[part]}[{window}]))" if part in plain else _text(texts[part], tree)
            for part, tree in trees.items()
        }
    )


def exact_ratio(bad: str, total: str) -> dict[str, str]:
    """Turn the error and total queries of a tool that divides rates into parts that can be counted exactly.

    Parameters
    ----------
    bad, total : str
        Queries of rates with a window, as Sloth has them.

    Returns
    -------
    dict of str to str
        ``bad`` or ``good``, and ``total``: sums of counters where both queries are one, or the bad one is the total
        less a counter; else both queries as they are, without guards for silence.

    Raises
    ------
    QueryRejected
        The two do not count the same thing: a rate over an increase, a counter without ``rate``, a share.

    Examples
    --------
    >>> exact_ratio("sum(rate(e[5m])) or vector(0)", "sum(rate(t[5m])) by (job)")
    {'bad': 'sum(e)', 'total': 'sum(t)'}
    >>> exact_ratio("sum(rate(d_count[5m])) - sum(rate(d_bucket{le='1'}[5m]))", "sum(rate(d_count[5m]))")
    {'good': 'sum(d_bucket{le="1"})', 'total': 'sum(d_count)'}
    """
    texts = {"bad": bad, "total": total}
    trees = {part: unguarded(parse(text)) for part, text in texts.items()}
    units = {part: _unit(tree, texts[part]) for part, tree in trees.items()}
    for part, unit in units.items():
        if unit in (_COUNTER, _SHARE, _NUMBER):
            raise rejected(
                f"the {part} query is {unit}, not a rate of events",
                texts[part],
                0,
                hint="A counter needs rate() or increase() over the window.",
            )
    if None not in units.values() and units["bad"] != units["total"]:
        raise rejected(
            f"the bad query counts {units['bad']}, the total {units['total']}, so their ratio is no share",
            bad,
            0,
            hint="Use rate() over one window in both.",
        )
    whole = _selector_of(trees["total"])
    if whole is not None:
        selector = _selector_of(trees["bad"])
        if selector is not None:
            return {"bad": f"sum({selector})", "total": f"sum({whole})"}
        difference = bare(trees["bad"])
        if isinstance(difference, Binary) and difference.op == "-":
            rest = _selector_of(difference.rhs)
            if rest is not None and _same(_selector_of(difference.lhs), whole):
                return {"good": f"sum({rest})", "total": f"sum({whole})"}
    return {part: _text(texts[part], tree) for part, tree in trees.items()}


def events_factor(query: str, slice_ms: int) -> float:
    """Factor that turns values of a query into events of a slice.

    Raises
    ------
    QueryRejected
        The query adds what cannot be added.

    Examples
    --------
    >>> [events_factor(text, 300_000) for text in ("sum(rate(a[5m]))", "sum(increase(a[1h]))", "sum(a)")]
    [300.0, 0.08333333333333333, 1.0]
    """
    unit = _unit(parse(query), query)
    if unit == _SECOND:
        return slice_ms / 1000
    return slice_ms / unit.window_ms if unit is not None and unit.window_ms else 1.0


def unguarded(node: Node) -> Node:
    """Leave out what only stands in for missing data: ``or vector(..)``, ``or 0 * x`` and ``> 0`` around counts.

    Examples
    --------
    >>> print_query(unguarded(parse("(sum(rate(a[5m])) > 0) or vector(1)")))
    '(sum(rate(a[5m])))'
    """
    match node:
        case Paren(expr=expr):
            return replace(node, expr=unguarded(expr))
        case Binary(op="or", lhs=lhs, rhs=rhs) if _is_filler(rhs):
            return unguarded(lhs)
        case Binary(op=">" | "!=" | ">=", lhs=lhs, rhs=rhs, returns_bool=False) if _is_zero(rhs):
            return unguarded(lhs)
        case Binary(op="+" | "-", lhs=lhs, rhs=rhs):
            return replace(node, lhs=unguarded(lhs), rhs=unguarded(rhs))
        case Aggregate(op="sum", expr=expr):
            return replace(node, expr=unguarded(expr))
    return node


def _is_zero(node: Node) -> bool:
    node = bare(node)
    return isinstance(node, Number) and node.value == 0


def _is_filler(node: Node) -> bool:
    node = bare(node)
    match node:
        case Call(func="vector", args=(arg,)):
            return isinstance(bare(arg), Number)
        case Binary(op="*", lhs=lhs, rhs=rhs):
            return _is_zero(lhs) or _is_zero(rhs)
    return False


def _text(text: str, tree: Node) -> str:
    return text if parse(text) == tree else print_query(tree)


def _counter(text: str) -> str:
    plan = counter_plan(text)
    assert plan is not None  # its unit says that no rate is inside
    return plan.selector_text


def _selector_of(node: Node) -> str | None:
    """Counter selector of ``[sum](rate(selector[window]))``; None for anything else."""
    node = bare(unguarded(node))
    if isinstance(node, Aggregate) and node.op == "sum":
        node = bare(node.expr)
    inner = bare(node.args[0]) if isinstance(node, Call) and node.func in ("rate", "increase") else None
    if not isinstance(inner, Selector) or inner.range_ms is None or inner.offset_ms or inner.at is not None:
        return None
    return print_query(replace(inner, range_ms=None))


def _same(one: str | None, other: str) -> bool:
    if one is None:
        return False
    first, second = parse(one), parse(other)
    return (
        isinstance(first, Selector)
        and isinstance(second, Selector)
        and set(first.all_matchers) == set(second.all_matchers)
    )


def _unit(node: Node, text: str) -> Unit | None:
    """Tell what a query counts in; None where that cannot be told."""
    match node:
        case Number() | Call(func="vector" | "scalar"):
            return _NUMBER
        case Selector(range_ms=None):
            return _COUNTER
        case Paren(expr=expr) | Unary(expr=expr):
            return _unit(expr, text)
        case Aggregate(op="count" | "count_values" | "group" | "stddev" | "stdvar"):
            return None
        case Aggregate(expr=expr):
            return _unit(expr, text)
        case Call(func="histogram_fraction" | "histogram_avg" | "avg_over_time"):
            return _SHARE
        case Call(func=func, args=args):
            if func in _PER_SECOND:
                return _SECOND
            if func in _PER_WINDOW and args:
                inner = bare(args[0])
                return Unit("window", getattr(inner, "range_ms", None) or 0) if hasattr(inner, "range_ms") else None
            return _unit(args[0], text) if func in _KEEPING and args else None
        case Binary(op=op, lhs=lhs, rhs=rhs):
            return _of_binary(node, op, _unit(lhs, text), _unit(rhs, text), text)
    return None


def _of_binary(node: Binary, op: str, left: Unit | None, right: Unit | None, text: str) -> Unit | None:
    if op in _COMPARISONS:
        return None if node.returns_bool else right if left == _NUMBER else left
    if op in ("and", "unless"):
        return left
    if op in ("+", "-", "or"):
        if left is None or right is None or left == right:
            return left if left is not None else right
        if _NUMBER in (left, right):
            return right if left == _NUMBER else left
        raise rejected(
            f"{left} and {right} cannot be joined by {op}",
            text,
            node.position,
            hint="Use rate() over one window throughout.",
        )
    if op == "*":
        if left in (_NUMBER, _SHARE):
            return right
        return left if right in (_NUMBER, _SHARE) else None
    if op == "/":
        if right == _NUMBER:
            return left
        return _SHARE if left is not None and left == right else None
    return None
