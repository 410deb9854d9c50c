"""Whether a rule can fire at all, and whether it can be quiet: ranges in which the values of an expression lie."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import replace

from workbench.catalog.rules.written import WrittenRule
from workbench.core.errors import WorkbenchError
from workbench.promql import Node, parse, print_query
from workbench.promql.parser.comparison import with_number
from workbench.promql.parser.nodes import Aggregate, Binary, Call, Number, Selector, bare, walk
from workbench.studies.alerts.rule_checks import Problem, narrowed
from workbench.studies.alerts.rule_labels import COMPARISONS, Known

#: Functions whose values lie in the range of their argument.
_KEEPING = ("avg_over_time", "min_over_time", "max_over_time", "last_over_time", "sort", "sort_desc", "label_replace",
            "label_join")  # fmt: skip


def firing_problems(rule: WrittenRule, known: Known) -> Iterator[Problem]:
    """Find an alert whose expression is always or never true, whatever is measured."""
    if rule.kind == "alert" and rule.expr.strip():
        with contextlib.suppress(WorkbenchError):
            yield from _firing(parse(rule.expr), known)


def _firing(node: Node, known: Known) -> Iterator[Problem]:
    top = bare(node)
    if isinstance(top, Binary) and top.op == "and":
        yield from _contradiction(top)
    if isinstance(top, Binary) and top.op in ("and", "or", "unless"):
        if top.op != "unless":
            yield from _firing(top.lhs, known)
            if top.op == "or":
                yield from _firing(top.rhs, known)
        return
    if isinstance(top, Call) and top.func in ("absent", "absent_over_time"):
        return
    if not (isinstance(top, Binary) and top.op in COMPARISONS):
        if not any(isinstance(part, Binary) and part.op in (*COMPARISONS, "unless") for part in walk(node)):
            yield Problem(
                "alerts/always-firing",
                "error",
                "expr:",
                "The expression compares nothing: it fires as long as it has series.",
            )
        return
    if top.returns_bool:
        yield Problem(
            "alerts/always-firing", "error", "bool", "`bool` keeps every series, 0 or 1: the alert always fires."
        )
        return
    parts = with_number(top)
    if parts is None:
        return
    side, op, value = parts
    low, high = _bounds(bare(side), known)
    always = (op == ">=" and value <= low) or (op == ">" and value < low) or (op == "<=" and value >= high)
    always |= (op == "<" and value > high) or (op == "!=" and not low <= value <= high)
    never = (op == ">" and value >= high) or (op == ">=" and value > high) or (op == "<" and value <= low)
    never |= (op == "<=" and value < low) or (op == "==" and not low <= value <= high)
    if always or never:
        word = "always" if always else "never"
        yield Problem(
            f"alerts/{word}-firing",
            "error",
            top.op,
            f"The comparison is {word} true: the value lies between {low:g} and {high:g}.",
        )


def _bounds(node: Node, known: Known) -> tuple[float, float]:
    """Range in which the values of an expression lie."""
    wide = (float("-inf"), float("inf"))
    match node:
        case Selector(name="up"):
            return 0.0, 1.0
        case Selector(name=name) if name in known.metrics and known.metrics[name].kind == "counter":
            return 0.0, float("inf")
        case Selector(name=name) if name.endswith("_bytes"):
            return 0.0, float("inf")
        case Number(value=value):
            return value, value
        case Binary(op="/", lhs=lhs, rhs=rhs) if _part_of(lhs, rhs, known):
            return 0.0, 1.0
        case (
            Binary(op="/", lhs=Binary(op="*", lhs=Number() as factor, rhs=part))
            | Binary(op="/", lhs=Binary(op="*", lhs=part, rhs=Number() as factor))
        ):
            return _calculated("*", (factor.value, factor.value), _bounds(replace(node, lhs=part), known))
        case Binary(op=op, lhs=lhs, rhs=rhs) if op in ("+", "-", "*") and not isinstance(rhs, Selector):
            return _calculated(op, _bounds(bare(lhs), known), _bounds(bare(rhs), known))
        case Call(func=func, args=(inner, *_)) if func in _KEEPING:
            return _bounds(bare(inner), known)
        case Call(func="vector", args=(inner,)):
            return _bounds(bare(inner), known)
        case Call(func=func) if func in ("rate", "increase", "irate", "changes", "resets", "abs", "sqrt"):
            return 0.0, float("inf")
        case Call(func="histogram_quantile", args=args):
            names = [part.name for part in walk(args[-1]) if isinstance(part, Selector) and part.name in known.metrics]
            tops = [max(known.metrics[name].buckets) for name in names if known.metrics[name].buckets]
            return float("-inf"), max(tops, default=float("inf"))
        case Aggregate(op=op, expr=inner) if op in ("sum", "avg", "min", "max", "topk", "bottomk"):
            low, high = _bounds(bare(inner), known)
            return (low, high) if op != "sum" else (min(low, 0.0) if low < 0 else 0.0, float("inf"))
        case Aggregate(op=op) if op in ("count", "group"):
            return 1.0, float("inf")
    return wide


def _calculated(op: str, left: tuple[float, float], right: tuple[float, float]) -> tuple[float, float]:
    """Range of a sum, a difference or a product of two ranges; all numbers where an end is not finite."""
    if op == "+":
        return left[0] + right[0], left[1] + right[1]
    if op == "-":
        return left[0] - right[1], left[1] - right[0]
    ends = [a * b for a in left for b in right]
    return (min(ends), max(ends)) if all(math.isfinite(end) for end in ends) else (-math.inf, math.inf)


def _part_of(lhs: Node, rhs: Node, known: Known) -> bool:
    """Whether the left side counts some of the events that the right side counts, in the same way."""
    left, right = bare(lhs), bare(rhs)
    if not (isinstance(left, Aggregate) and isinstance(right, Aggregate) and left.op == right.op == "sum"):
        return False
    if not all(isinstance(bare(side.expr), Call) for side in (left, right)) or _bounds(left, known)[0] < 0:
        return False
    if not narrowed(left, right):
        return False
    (narrow,), (whole,) = ([part for part in walk(side) if isinstance(part, Selector)] for side in (left, right))
    same = replace(narrow, matchers=whole.matchers)
    return print_query(left).replace(print_query(narrow), print_query(same)) == print_query(right)


def _contradiction(top: Binary) -> Iterator[Problem]:
    """Find two comparisons of one thing that are joined by ``and`` and cannot both be true."""
    ranges: dict[str, tuple[float, float]] = {}
    waiting: list[Node] = [top]
    while waiting:
        part = bare(waiting.pop())
        if isinstance(part, Binary) and part.op == "and":
            waiting += [part.rhs, part.lhs]
        elif isinstance(part, Binary) and part.op in COMPARISONS and not part.returns_bool:
            parts = with_number(part)
            if parts is None or parts[1] == "!=":
                continue
            side, op, value = parts
            text = print_query(bare(side))
            low, high = ranges.get(text, (-math.inf, math.inf))
            low = max(low, value if op in (">=", "==") else math.nextafter(value, math.inf) if op == ">" else low)
            high = min(high, value if op in ("<=", "==") else math.nextafter(value, -math.inf) if op == "<" else high)
            ranges[text] = low, high
            if low > high:
                yield Problem(
                    "alerts/never-firing", "error", "and", f"No value of {text!r} fulfils both sides of `and`."
                )
                return
