"""What a tier of the archive may answer: a table function x tier, with the reason.

A downsampled row stands for one slice. Of a counter it keeps the last value and the reset-aware increase, of a
gauge min, max, sum, count and last. What follows from those is exact on whole slices; what shifts an edge by less than
a slice is bounded; what needs the samples between is refused. Today the archive holds raw samples only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from workbench.core.errors import QueryRejected
from workbench.core.timerange import duration_ms, duration_text
from workbench.promql.parser.nodes import Aggregate, Binary, Call, Node, Paren, Selector, Subquery, Unary

Answer = Literal["exact", "bounded", "refused"]


@dataclass(frozen=True)
class Tier:
    """A resolution of the archive; raw samples have none. [ms]"""

    name: str
    resolution_ms: int


@dataclass(frozen=True)
class Verdict:
    """How true a function of a tier is, and why."""

    answer: Answer
    reason: str


RAW = Tier("raw", 0)
FIVE_MINUTES = Tier("5m", duration_ms("5m"))
HOUR = Tier("1h", duration_ms("1h"))
TIERS = (RAW, FIVE_MINUTES, HOUR)

_OF_INCREASE = frozenset({"rate", "increase"})
_OF_SLICES = frozenset(
    {
        "avg_over_time",
        "count_over_time",
        "last_over_time",
        "max_over_time",
        "min_over_time",
        "present_over_time",
        "sum_over_time",
    }
)
_OF_LAST = frozenset({"absent_over_time", "delta"})
_OF_SAMPLES = {
    "changes": "it counts changes between single samples",
    "deriv": "it fits a line through single samples",
    "double_exponential_smoothing": "it smooths over single samples",
    "first_over_time": "the first sample of a slice is not kept",
    "idelta": "it needs the last two samples",
    "irate": "it needs the last two samples",
    "mad_over_time": "it needs the distribution of single samples",
    "predict_linear": "it fits a line through single samples",
    "quantile_over_time": "it needs the distribution of single samples",
    "resets": "resets between single samples are not kept",
    "stddev_over_time": "it needs the distribution of single samples",
    "stdvar_over_time": "it needs the distribution of single samples",
    "timestamp": "the times of single samples are not kept",
}


def verdict(function: str, tier: Tier, *, window_ms: int | None = None) -> Verdict:
    """Say how true a function over a selector is on a tier.

    Parameters
    ----------
    function : str
        Name of the PromQL function directly around the selector; empty for a plain selector.
    tier : Tier
        The tier to read.
    window_ms : int, optional
        Range of the selector. [ms]

    Examples
    --------
    >>> verdict("rate", FIVE_MINUTES, window_ms=300_000).answer
    'refused'
    >>> verdict("max_over_time", FIVE_MINUTES, window_ms=3_600_000).answer
    'exact'
    """
    if tier == RAW:
        return Verdict("exact", "computed from the samples as they were scraped")
    slice_text = duration_text(tier.resolution_ms)
    if function in _OF_SAMPLES:
        return Verdict("refused", f"{function} on the {tier.name} tier: {_OF_SAMPLES[function]}")
    if window_ms is None:
        return Verdict("bounded", f"a value of the {tier.name} tier is the last of its {slice_text}, up to that old")
    whole = window_ms % tier.resolution_ms == 0
    if function in _OF_SLICES and whole and window_ms:
        return Verdict("exact", f"the window is whole slices of {slice_text}; steps must lie on their edges")
    if function in _OF_INCREASE | _OF_SLICES | _OF_LAST:
        least = 2 * tier.resolution_ms
        if window_ms < least:
            return Verdict(
                "refused", f"{function} on the {tier.name} tier needs a window of at least {duration_text(least)}"
            )
        return Verdict("bounded", f"the edges of the window move to slices of {slice_text}")
    return Verdict("refused", f"{function or 'a range'} on the {tier.name} tier has no stored value to start from")


def verdicts(node: Node, tier: Tier) -> tuple[Verdict, ...]:
    """Verdict of every selector of a query, in the order of the text."""
    return tuple(verdict(function, tier, window_ms=window_ms) for function, window_ms in _uses(node, ""))


def answering_tier(node: Node, held: Sequence[Tier] = (RAW,)) -> Tier:
    """Return the finest held tier that may answer every selector of a query.

    Raises
    ------
    QueryRejected
        None of them may; the message has the reason for the finest.
    """
    for tier in held:
        if all(each.answer != "refused" for each in verdicts(node, tier)):
            return tier
    reasons = [each.reason for each in verdicts(node, held[0]) if each.answer == "refused"]
    raise QueryRejected(
        f"The samples are gone and what is kept cannot answer this: {reasons[0]}.",
        hint="Ask for a range whose raw samples are still kept, widen the window, or use rate, increase or an average.",
    )


def _uses(node: Node, function: str) -> Iterator[tuple[str, int | None]]:
    """Each selector with the function directly around it; a subquery samples instant values."""
    match node:
        case Selector():
            yield function, node.range_ms
        case Paren(expr=expr):
            yield from _uses(expr, function)
        case Subquery(expr=expr) | Unary(expr=expr):
            yield from _uses(expr, "")
        case Call(func=func, args=args):
            for arg in args:
                yield from _uses(arg, func)
        case Aggregate(expr=expr, param=param):
            for part in (expr,) if param is None else (param, expr):
                yield from _uses(part, "")
        case Binary(lhs=lhs, rhs=rhs):
            yield from _uses(lhs, "")
            yield from _uses(rhs, "")
