"""The tree of a PromQL expression: frozen nodes, each with its place in the text.

``position`` is the offset of the first character in the query; it takes no part in equality, so a tree equals its
printed and re-read self.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from workbench.promql.parser.matchers import Matcher

NAME = "__name__"


@dataclass(frozen=True)
class At:
    """``@ time``, ``@ start()`` or ``@ end()``; ``ms`` counts for the first. [ms since the epoch]"""

    kind: Literal["time", "start", "end"]
    ms: int = 0


@dataclass(frozen=True)
class Number:
    """A number; durations in the place of a number are seconds."""

    value: float
    position: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True)
class String:
    """A string literal."""

    value: str
    position: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True)
class Selector:
    """An instant selector, or with ``range_ms`` a range selector. Offsets count backwards. [ms]"""

    name: str
    matchers: tuple[Matcher, ...]
    range_ms: int | None = None
    offset_ms: int = 0
    at: At | None = None
    position: int = field(default=0, compare=False, repr=False)

    @property
    def all_matchers(self) -> tuple[Matcher, ...]:
        """Matchers including the one on the metric name."""
        return (Matcher(NAME, "=", self.name), *self.matchers) if self.name else self.matchers


@dataclass(frozen=True)
class Subquery:
    """``expr[range:step]``; without a step the default resolution counts. [ms]"""

    expr: Node
    range_ms: int
    step_ms: int | None = None
    offset_ms: int = 0
    at: At | None = None
    position: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True)
class Call:
    """A function call."""

    func: str
    args: tuple[Node, ...]
    position: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True)
class Aggregate:
    """An aggregation; ``grouping`` are the labels of ``by``, or of ``without`` when that is set."""

    op: str
    expr: Node
    param: Node | None = None
    grouping: tuple[str, ...] = ()
    without: bool = False
    position: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True)
class Matching:
    """How two vectors are paired: ``on`` or ``ignoring`` labels, ``group`` side with the labels it copies.

    ``fill_left`` and ``fill_right`` stand for a series that is missing on that side (under a ``group`` modifier: on
    the side of many, and of one); None lets the other series go.
    """

    on: bool = False
    labels: tuple[str, ...] = ()
    group: Literal["", "left", "right"] = ""
    include: tuple[str, ...] = ()
    fill_left: float | None = None
    fill_right: float | None = None

    @property
    def fills(self) -> bool:
        """Whether a missing series is filled in on some side."""
        return self.fill_left is not None or self.fill_right is not None


@dataclass(frozen=True)
class Binary:
    """A binary operation; ``returns_bool`` is the ``bool`` modifier of comparisons."""

    op: str
    lhs: Node
    rhs: Node
    returns_bool: bool = False
    matching: Matching = Matching()
    position: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True)
class Unary:
    """Negation."""

    expr: Node
    position: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True)
class Paren:
    """An expression in parentheses, kept so that the text can be written back."""

    expr: Node
    position: int = field(default=0, compare=False, repr=False)


Node = Number | String | Selector | Subquery | Call | Aggregate | Binary | Unary | Paren


def children(node: Node) -> tuple[Node, ...]:
    """Direct parts of a node, in the order of the text."""
    match node:
        case Subquery(expr=expr) | Unary(expr=expr) | Paren(expr=expr):
            return (expr,)
        case Call(args=args):
            return args
        case Aggregate(expr=expr, param=param):
            return (expr,) if param is None else (param, expr)
        case Binary(lhs=lhs, rhs=rhs):
            return (lhs, rhs)
    return ()


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and everything below it, parents first."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        yield part
        waiting.extend(reversed(children(part)))


def opening(node: Node) -> int:
    """Offset of the first character of a node; ``position`` of a binary operation is its operator."""
    while isinstance(node, Binary | Subquery):
        node = node.lhs if isinstance(node, Binary) else node.expr
    return node.position


def bare(node: Node) -> Node:
    """Return the node inside any parentheses."""
    while isinstance(node, Paren):
        node = node.expr
    return node
