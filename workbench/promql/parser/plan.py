"""Which queries can be counted exactly: an optional aggregation over one plain counter selector."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.promql.parser.lexer import rejected
from workbench.promql.parser.nodes import Aggregate, Call, Selector, bare, walk
from workbench.promql.parser.parse import parse
from workbench.promql.parser.printer import print_query

_EXTRAPOLATING = frozenset({"rate", "increase", "irate", "delta", "idelta", "deriv"})


@dataclass(frozen=True)
class CounterPlan:
    """Read ``selector_text``, take exact increases per series, then apply ``op`` over the labels.

    Attributes
    ----------
    selector_text : str
        The counter selector, printed.
    op : str
        ``"sum"``, or ``""`` without an aggregation.
    by, without : tuple of str or None
        Grouping labels; both None aggregates everything into one.
    """

    selector_text: str
    op: str = ""
    by: tuple[str, ...] | None = None
    without: tuple[str, ...] | None = None


def counter_plan(text: str) -> CounterPlan | None:
    """Reduce an OpenSLO counter query to a selector and an optional sum.

    Parameters
    ----------
    text : str
        The query of a good, bad or total metric with ``counter: true``.

    Returns
    -------
    CounterPlan or None
        None when the query has ``rate`` or ``increase`` inside: it must be evaluated as given and is extrapolated.

    Raises
    ------
    QueryRejected
        Neither form, e.g. arithmetic over raw counters.

    Examples
    --------
    >>> counter_plan('sum by (job) (requests_total{code="200"})')
    CounterPlan(selector_text='requests_total{code="200"}', op='sum', by=('job',), without=None)
    >>> counter_plan("sum(rate(requests_total[5m]))") is None
    True
    """
    tree = bare(parse(text))
    if any(isinstance(node, Call) and node.func in _EXTRAPOLATING for node in walk(tree)):
        return None
    if isinstance(tree, Selector):
        return CounterPlan(_plain(text, tree))
    if isinstance(tree, Aggregate) and tree.op == "sum":
        inside = bare(tree.expr)
        if isinstance(inside, Selector):
            if tree.without:
                return CounterPlan(_plain(text, inside), "sum", without=tree.grouping)
            return CounterPlan(_plain(text, inside), "sum", by=tree.grouping or None)
    raise rejected(
        "a counter query must be a selector, or sum, sum by, sum without of one",
        text,
        tree.position,
        hint="Move arithmetic out of the query, or write rate()/increase() to have it evaluated as given.",
    )


def _plain(text: str, selector: Selector) -> str:
    if selector.range_ms is not None or selector.offset_ms or selector.at is not None:
        raise rejected(
            "a counter selector takes no range, offset or @",
            text,
            selector.position,
            hint="The period of the objective sets the times.",
        )
    return print_query(selector)
