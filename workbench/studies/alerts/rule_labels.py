"""Which labels an expression gives, worked out from what is known of its metrics; nothing is queried."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from workbench.catalog import Profile
from workbench.catalog.rules.written import WrittenRule
from workbench.core.errors import WorkbenchError
from workbench.promql import Node, parse
from workbench.promql.parser.nodes import Aggregate, Binary, Call, Number, Paren, Selector, String, Subquery, Unary

#: Labels that Prometheus itself puts on what it scrapes.
TARGET_LABELS = frozenset({"job", "instance"})

_SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}
_KEEPS_SERIES = ("topk", "bottomk", "limitk", "limit_ratio")
_SCALARS = ("time", "pi", "scalar")


@dataclass(frozen=True)
class Metric:
    """What is known of one series name: its kind, its labels, and their values where all are known."""

    kind: str
    labels: frozenset[str]
    values: Mapping[str, frozenset[str]] = field(default_factory=dict)
    buckets: tuple[float, ...] = ()


#: A series that exists and of which nothing else is known.
ANY = Metric("unknown", frozenset())


@dataclass(frozen=True)
class Known:
    """All series names that can exist, and how often targets are scraped. [ms]"""

    metrics: Mapping[str, Metric]
    scrape_ms: int


def known_metrics(
    profile: Profile, rules: Iterable[WrittenRule], *, scrape_ms: int, names: Iterable[str] = ()
) -> Known:
    """Collect what a profile knows of its metrics and recording rules, and what a file records.

    Parameters
    ----------
    profile : Profile
        Profile of the system.
    rules : iterable of WrittenRule
        Rules of the file.
    scrape_ms : int
        Time between scrapes. [ms]
    names : iterable of str
        Names that a source has series of; of one that the profile does not hold nothing else is known.
    """
    metrics: dict[str, Metric] = dict.fromkeys(names, ANY)
    metrics["up"] = Metric("gauge", TARGET_LABELS | frozenset(profile.scope))
    for name, family in profile.metrics.items():
        labels = frozenset(family.labels) | TARGET_LABELS | frozenset(profile.scope)
        values = {label: frozenset(known) for label, known in family.labels.items() if known}
        for each in (name, *family.aliases):
            for suffix in _SUFFIXES.get(family.kind, ("",)):
                extra = {"_bucket": {"le"}, "": {"quantile"} if family.kind == "summary" else set()}.get(suffix, set())
                kind = "gauge" if family.kind == "gauge" or (family.kind == "summary" and not suffix) else "counter"
                metrics[each + suffix] = Metric(kind, labels | extra, values, family.buckets)
    recorded = [(rule.name, rule.expr, rule.labels) for rule in profile.recording_rules]
    recorded += [(rule.name, rule.expr, rule.labels) for rule in rules if rule.kind == "record"]
    for name, expr, own in recorded:
        try:
            given = labels_of(parse(expr), Known(metrics, scrape_ms))
        except WorkbenchError:
            given = None
        metrics[name] = ANY if given is None else Metric("recorded", given | frozenset(own))
    return Known(metrics, scrape_ms)


def labels_of(node: Node, known: Known) -> frozenset[str] | None:
    """Labels of the series that an expression gives; None where it cannot be said.

    Parameters
    ----------
    node : Node
        The parsed expression.
    known : Known
        Metrics and recorded series with their labels.
    """
    match node:
        case Paren(expr=inner) | Unary(expr=inner) | Subquery(expr=inner):
            return labels_of(inner, known)
        case Selector(name=name):
            metric = known.metrics.get(name)
            return None if metric is None or metric is ANY else metric.labels
        case Number() | String():
            return frozenset()
        case Aggregate(op=op, expr=inner, grouping=grouping, without=without):
            labels = labels_of(inner, known)
            if op in _KEEPS_SERIES:
                return labels
            if without:
                return None if labels is None else labels - set(grouping)
            return frozenset(grouping) if labels is None else labels & set(grouping)
        case Call(func=func, args=args):
            return _of_call(func, args, known)
        case Binary():
            return _of_binary(node, known)


def _of_call(func: str, args: tuple[Node, ...], known: Known) -> frozenset[str] | None:
    vectors = [arg for arg in args if not isinstance(arg, Number | String)]
    if func in ("vector", *_SCALARS) or not vectors:
        return frozenset()
    if func in ("absent", "absent_over_time"):
        inner = vectors[0]
        matchers = inner.matchers if isinstance(inner, Selector) else ()
        return frozenset(matcher.name for matcher in matchers if matcher.op == "=")
    labels = labels_of(vectors[-1] if func.startswith(("histogram_quantile", "quantile_over")) else vectors[0], known)
    if labels is None:
        return None
    texts = [arg.value for arg in args if isinstance(arg, String)]
    if func == "histogram_quantile":
        return labels - {"le"}
    return labels | {texts[0]} if func in ("label_replace", "label_join") and texts else labels


def _of_binary(node: Binary, known: Known) -> frozenset[str] | None:
    left, right = scalar(node.lhs), scalar(node.rhs)
    if left or right:
        return labels_of(node.rhs if left else node.lhs, known)
    lhs, rhs = labels_of(node.lhs, known), labels_of(node.rhs, known)
    if node.op in ("and", "unless"):
        return lhs
    if node.op == "or":
        return None if lhs is None or rhs is None else lhs | rhs
    if node.matching.group:
        many = lhs if node.matching.group == "left" else rhs
        return None if many is None else many | set(node.matching.include)
    if node.op in COMPARISONS and not node.returns_bool:
        return lhs
    return joined_on(node, lhs)


COMPARISONS = ("==", "!=", ">", "<", ">=", "<=")


def joined_on(node: Binary, side: frozenset[str] | None) -> frozenset[str] | None:
    """Labels by which one side of an operation is matched with the other; None where its labels are not known."""
    if node.matching.on:
        return frozenset(node.matching.labels)
    return None if side is None else side - set(node.matching.labels)


def scalar(node: Node) -> bool:
    """Whether an expression gives one number without labels."""
    match node:
        case Number():
            return True
        case Paren(expr=inner) | Unary(expr=inner):
            return scalar(inner)
        case Call(func=func):
            return func in _SCALARS
        case Binary(lhs=lhs, rhs=rhs):
            return scalar(lhs) and scalar(rhs)
    return False
