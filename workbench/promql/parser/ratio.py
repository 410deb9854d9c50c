"""How the two parts of a ratio of events are counted: both from counters, or both evaluated, never one of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from workbench.core.timerange import MINUTE_MS, duration_text
from workbench.promql.parser.lexer import rejected
from workbench.promql.parser.nodes import Aggregate, Binary, Call, Node, Number, Paren, Selector, bare, walk
from workbench.promql.parser.parse import parse
from workbench.promql.parser.plan import counter_plan
from workbench.promql.parser.printer import print_query
from workbench.promql.parser.terms import check_parts, check_share, filled_terms
from workbench.promql.parser.units import Unit, unit_of


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
    >>> ratio_plan({"bad": "sum(rate(e[5m])) - sum(rate(x[5m]))", "total": "sum(t)"}, slice_ms=300_000).queries["bad"]
    'sum(rate(e[5m])) - (sum(rate(x[5m])) or 0 * sum(rate(e[5m])))'
    """
    trees = {part: unguarded(parse(text)) for part, text in texts.items()}
    units = _units(trees, texts)
    _check_alike(units, texts, mixed=True)
    check_parts(trees, texts)
    plain = {part: _counter(print_query(tree)) for part, tree in trees.items() if units[part].kind == "counter"}
    if plain:
        reduced = {part: plain[part] if part in plain else _selector_of(tree) for part, tree in trees.items()}
        if all(reduced.values()):
            return RatioPlan(selectors={part: str(text) for part, text in reduced.items()})
    window, step = duration_text(slice_ms), duration_text(min(slice_ms, MINUTE_MS))
    queries = {}
    for part, tree in trees.items():
        if part in plain:
            queries[part] = f"sum(rate({plain[part]}[{window}]))"
        elif units[part].kind == "series":  # Its value at one instant says nothing about the rest of the slice.
            queries[part] = f"sum_over_time(({print_query(bare(tree))})[{window}:{step}])"
        else:
            queries[part] = _text(texts[part], filled_terms(tree))
    return RatioPlan(queries=queries)


def share_query(text: str) -> str:
    """Return a query whose value is the share itself, once it can be one.

    Raises
    ------
    QueryRejected
        It gives events, or the quantile of a histogram, which below 1 look like a share; or it divides what excludes
        each other, as failures by successes do.

    Examples
    --------
    >>> share_query("sum(rate(e[5m])) / sum(rate(t[5m]))")
    'sum(rate(e[5m])) / sum(rate(t[5m]))'
    """
    tree = unguarded(parse(text))
    unit = unit_of(tree, text)
    if unit.kind == "events" or unit.why == "histogram_quantile":
        raise rejected(f"the query gives {unit}, not a share", text, 0, hint="Divide by all events.")
    check_share(tree, text)
    return text


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
    units = _units(trees, texts)
    for part, unit in units.items():
        if unit.kind == "counter":
            raise rejected(
                f"the {part} query is {unit}, not a rate of events",
                texts[part],
                0,
                hint="A counter needs rate() or increase() over the window.",
            )
    _check_alike(units, texts, mixed=False)
    check_parts(trees, texts)
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
    unit = unit_of(unguarded(parse(query)), query)
    return slice_ms / 1000 * unit.per_second if unit.kind == "events" else 1.0


def unguarded(node: Node) -> Node:
    """Leave out what is no count: fillers for missing data (``or vector(0)``, ``> 0``, ``clamp_min``) and rounding.

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
        case Call(func="ceil" | "floor" | "round" | "abs" | "sort" | "sort_desc", args=(expr, *_)):
            return unguarded(expr)
        case Call(func="clamp_min", args=(expr, least)) if isinstance(bare(least), Number):
            return unguarded(expr)
        case Binary(op="+", lhs=lhs, rhs=rhs):
            return replace(node, lhs=unguarded(lhs), rhs=unguarded(rhs))
        case Binary(op="-", lhs=lhs):  # Without its filler, what nothing is taken from would be no events at all.
            return replace(node, lhs=unguarded(lhs))
        case Aggregate(op="sum", expr=expr):
            return replace(node, expr=unguarded(expr))
    return node


def _units(trees: Mapping[str, Node], texts: Mapping[str, str]) -> dict[str, Unit]:
    """Tell what each part counts in, and refuse what is no count of events."""
    units = {}
    for part, tree in trees.items():
        units[part] = unit = unit_of(tree, texts[part])
        if unit.kind in ("share", "number", "unknown") or unit.scale <= 0:
            words = f"{unit}" if unit.scale > 0 else "negative"
            hint = "Count events: a sum of rate() or increase(); write a share as a raw ratio (rawType)."
            raise rejected(f"the {part} query is {words}, not a count of events", texts[part], 0, hint=hint)
        for node in walk(tree):
            if isinstance(node, Selector):
                _check_selector(node, part, texts[part])
    return units


def _check_selector(selector: Selector, part: str, text: str) -> None:
    if selector.at is not None:
        why = f"the {part} query is fixed to one instant by @, so it gives the same events in every slice"
        raise rejected(why, text, selector.position, hint="Leave the @ out.")
    if not selector.name.endswith("_bucket"):
        return
    bounds = [matcher.value for matcher in selector.matchers if matcher.name == "le" and matcher.op in ("=", "=~")]
    if len({_bound(value) for bound in bounds for value in bound.split("|")}) != 1:
        why = f"the {part} query counts an event once a bucket of {selector.name}"
        hint = 'Match one bound, e.g. le="1" or le="+Inf", or use the _count series.'
        raise rejected(why, text, selector.position, hint=hint)


def _offsets(text: str) -> set[int]:
    offsets = {node.offset_ms for node in walk(parse(text)) if isinstance(node, Selector) and node.range_ms}
    return offsets or {0}


def _bound(text: str) -> float | str:
    text = text.replace("\\", "")
    try:
        return float(text)
    except ValueError:
        return text


def _check_alike(units: Mapping[str, Unit], texts: Mapping[str, str], *, mixed: bool) -> None:
    """Refuse parts whose ratio is no share; ``mixed`` windows are converted, and counters become rates."""
    total, shifts = units["total"], {part: _offsets(text) for part, text in texts.items()}
    for part, unit in units.items():
        if shifts[part] != shifts["total"]:
            raise rejected(f"the {part} query has another offset than the total", texts[part], 0, hint="Leave it out.")
        kinds = {unit.kind, total.kind}
        if len(kinds) == 1 and (unit.same(total) or (mixed and unit.weight == total.weight == 1)):
            continue
        if mixed and kinds == {"events", "counter"}:
            continue
        raise rejected(
            f"the {part} query counts {unit}, the total {total}, so their ratio is no share",
            texts[part],
            0,
            hint="Use rate() over one window in both.",
        )


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
