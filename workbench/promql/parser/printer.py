"""Nodes back to PromQL text that any Prometheus reads."""

from __future__ import annotations

import math
import re

from workbench.core.timerange import duration_text
from workbench.promql.parser.matchers import Matcher
from workbench.promql.parser.nodes import (
    NAME,
    Aggregate,
    At,
    Binary,
    Call,
    Node,
    Number,
    Paren,
    Selector,
    String,
    Subquery,
    Unary,
)

_METRIC = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
#: Binding strength; a part that binds less than its place needs is put in parentheses.
_STRENGTH = {"or": 1, "and": 2, "unless": 2, "+": 4, "-": 4, "*": 5, "/": 5, "%": 5, "atan2": 5, "^": 7}
_COMPARISON, _UNARY = 3, 6
_RESERVED = {"inf", "nan", "by", "without", "on", "ignoring", "group_left", "group_right", "bool"}
_RESERVED |= {"and", "or", "unless", "atan2"}


def print_query(node: Node) -> str:
    """Write a tree as PromQL; reading it again gives an equal tree.

    Examples
    --------
    >>> from workbench.promql.parser.parse import parse
    >>> print_query(parse("sum(rate(x{a='b'}[300s])) by(job)"))
    'sum by (job) (rate(x{a="b"}[5m]))'
    """
    match node:
        case Number(value=value):
            return _number(value)
        case String(value=value):
            return quoted(value)
        case Selector():
            return _selector(node)
        case Subquery(expr=expr, range_ms=range_ms, step_ms=step_ms, offset_ms=offset_ms, at=at):
            step = "" if step_ms is None else duration_text(step_ms)
            inside = _wrapped(expr, isinstance(expr, Binary | Unary | Number))
            return f"{inside}[{duration_text(range_ms)}:{step}]{_modifiers(offset_ms, at)}"
        case Call(func=func, args=args):
            return f"{func}({', '.join(print_query(arg) for arg in args)})"
        case Aggregate():
            return _aggregate(node)
        case Binary():
            return _binary(node)
        case Unary(expr=expr):
            return f"-{_wrapped(expr, _strength(expr) < _UNARY or isinstance(expr, Number))}"
        case Paren(expr=expr):
            return f"({print_query(expr)})"


def quoted(text: str) -> str:
    """Write a string literal in double quotes."""
    return '"' + "".join(_ESCAPES.get(char, char) for char in text) + '"'


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 and str(value) != "-0.0" else repr(value)


def _label(name: str) -> str:
    return name if _LABEL.fullmatch(name) else quoted(name)


def _labels(names: tuple[str, ...]) -> str:
    return "(" + ", ".join(_label(name) for name in names) + ")"


def _selector(node: Selector) -> str:
    matchers = [f"{_label(m.name)}{m.op}{quoted(m.value)}" for m in node.matchers]
    plain = bool(_METRIC.fullmatch(node.name)) and node.name.lower() not in _RESERVED
    if node.name and not plain:
        matchers.insert(0, Matcher(NAME, "=", node.name).name + "=" + quoted(node.name))
    body = (node.name if plain else "") + ("{" + ",".join(matchers) + "}" if matchers else "")
    span = "" if node.range_ms is None else f"[{duration_text(node.range_ms)}]"
    return body + span + _modifiers(node.offset_ms, node.at)


def _modifiers(offset_ms: int, at: At | None) -> str:
    text = ""
    if at is not None:
        text = f" @ {at.kind}()" if at.kind != "time" else f" @ {at.ms / 1000:.3f}"
    return text + (f" offset {duration_text(offset_ms)}" if offset_ms else "")


def _aggregate(node: Aggregate) -> str:
    clause = ""
    if node.without:
        clause = f" without {_labels(node.grouping)} "
    elif node.grouping:
        clause = f" by {_labels(node.grouping)} "
    args = [node.expr] if node.param is None else [node.param, node.expr]
    return f"{node.op}{clause}({', '.join(print_query(arg) for arg in args)})"


def _binary(node: Binary) -> str:
    words = [node.op]
    if node.returns_bool:
        words.append("bool")
    matching = node.matching
    if matching.on or matching.labels or matching.group:
        words.append(("on " if matching.on else "ignoring ") + _labels(matching.labels))
    if matching.group:
        words.append(f"group_{matching.group} {_labels(matching.include)}")
    for side, value in (("left", matching.fill_left), ("right", matching.fill_right)):
        if value is not None:
            words.append(f"fill_{side} ({_number(value)})")
    own = _strength(node)
    right_bound = node.op == "^"
    left, right = _strength(node.lhs), _strength(node.rhs)
    if isinstance(node.lhs, Number) and _number(node.lhs.value).startswith("-"):
        left = _UNARY
    lhs = _wrapped(node.lhs, left < own or (left == own and right_bound))
    rhs = _wrapped(node.rhs, right < own or (right == own and not right_bound))
    return f"{lhs} {' '.join(words)} {rhs}"


def _strength(node: Node) -> int:
    match node:
        case Binary(op=op):
            return _STRENGTH.get(op, _COMPARISON)
        case Unary():
            return _UNARY
    return 9


def _wrapped(node: Node, needed: bool) -> str:
    return f"({print_query(node)})" if needed else print_query(node)
