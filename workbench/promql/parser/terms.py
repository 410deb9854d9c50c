"""Sums and differences of events in which a term without data counts as zero, and terms that cannot be a part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from workbench.promql.parser.lexer import rejected
from workbench.promql.parser.nodes import Aggregate, Binary, Call, Node, Number, Paren, Selector, String, bare
from workbench.promql.parser.nodes import walk as nodes_of

#: Label that keeps the terms of a sum apart.
_TERM = "term"
_VALUES = ("_sum",)


def filled_terms(node: Node) -> Node:
    """Let a sum keep its other terms where one has no data, and a difference what nothing is to be taken from.

    PromQL drops ``a + b`` and ``a - b`` wherever one of the two is missing, and the events of the other with it.

    Examples
    --------
    >>> from workbench.promql import parse, print_query
    >>> print_query(filled_terms(parse("sum(a) + sum(b)")))
    'sum(label_replace(sum(a), "term", "1", "", "") or label_replace(sum(b), "term", "2", "", ""))'
    >>> print_query(filled_terms(parse("sum(a) - sum(b)")))
    'sum(a) - (sum(b) or 0 * sum(a))'
    """
    plain = bare(node)
    if isinstance(plain, Aggregate) and plain.op == "sum" and isinstance(bare(plain.expr), Binary):
        return replace(plain, expr=filled_terms(plain.expr))
    if not isinstance(plain, Binary) or plain.matching.group or plain.op not in ("+", "-"):
        return node
    if plain.op == "-":
        left, right = bare(plain.lhs), bare(plain.rhs)
        if not isinstance(left, Aggregate) or not isinstance(right, Aggregate):
            return node
        if (left.grouping, left.without) != (right.grouping, right.without):
            return node
        return replace(plain, rhs=Paren(Binary("or", right, Binary("*", Number(0.0), left))))
    terms = _terms(plain)
    if any(isinstance(bare(term), Number) for term in terms):
        return node
    marked = [_marked(filled_terms(term), number) for number, term in enumerate(terms, start=1)]
    joined = marked[0]
    for term in marked[1:]:
        joined = Binary("or", joined, term)
    return Aggregate("sum", joined)


def subtrahends(node: Node) -> list[tuple[Node, Node]]:
    """Return each difference in a query: what is taken from, and what is taken away."""
    return [(each.lhs, each.rhs) for each in nodes_of(node) if isinstance(each, Binary) and each.op == "-"]


def check_parts(trees: Mapping[str, Node], texts: Mapping[str, str]) -> None:
    """Refuse a part that no event of the total can belong to, and sums of values beside counts of events.

    Raises
    ------
    QueryRejected
        A selector of a part and every one of the total exclude each other by a label; or one side sums the values of
        a histogram (``_sum``) and the other counts.
    """
    whole = [node for node in nodes_of(trees["total"]) if isinstance(node, Selector)]
    summed = {part: any(_sums(node) for node in nodes_of(tree)) for part, tree in trees.items()}
    for part, tree in trees.items():
        if part == "total":
            continue
        if summed[part] != summed["total"]:
            which = part if summed[part] else "total"
            why = f"the {which} query sums the values of a histogram, not its events"
            raise rejected(why, texts[which], 0, hint="Use the _count or a _bucket series.")
        for node in (each for each in nodes_of(tree) if isinstance(each, Selector)):
            alike = [other for other in whole if node.name and other.name == node.name]
            if alike and all(_apart(node, other) for other in alike):
                why = f"the total leaves out every event of the {part} query by its labels, so it is no total of them"
                raise rejected(why, texts[part], node.position, hint="The total counts good and bad events.")


def check_share(node: Node, text: str) -> None:
    """Refuse a division whose two sides exclude each other by a label, as failures over successes do.

    Raises
    ------
    QueryRejected
    """
    for each in nodes_of(node):
        if isinstance(each, Binary) and each.op == "/":
            check_parts({"upper": each.lhs, "total": each.rhs}, {"upper": text, "total": text})


def _terms(node: Node) -> list[Node]:
    plain = bare(node)
    if isinstance(plain, Binary) and plain.op == "+" and not plain.matching.group:
        return [*_terms(plain.lhs), *_terms(plain.rhs)]
    return [node]


def _marked(term: Node, number: int) -> Node:
    return Call("label_replace", (bare(term), String(_TERM), String(str(number)), String(""), String("")))


def _sums(node: Node) -> bool:
    if isinstance(node, Call) and node.func == "histogram_sum":
        return True
    return isinstance(node, Selector) and node.name.endswith(_VALUES)


def _apart(one: Selector, other: Selector) -> bool:
    """Whether no series can match both: an equality of one breaks a matcher of the other.

    The bucket without a bound holds the events of every other, so ``le`` keeps nothing apart from it.
    """
    if any(each.name == "le" and each.accepts("+Inf") for each in other.matchers):
        one = replace(one, matchers=tuple(each for each in one.matchers if each.name != "le"))
    for first, second in ((one, other), (other, one)):
        for equal in (each for each in first.matchers if each.op == "="):
            if any(each.name == equal.name and not each.accepts(equal.value) for each in second.matchers):
                return True
    return False
