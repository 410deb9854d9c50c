"""Checks of one rule, each with a stable name: does it find series, can it join, can it fire, does it say enough?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from workbench.catalog.profile.words import nearest
from workbench.catalog.rules.written import WrittenRule
from workbench.core.errors import WorkbenchError
from workbench.core.timerange import duration_text
from workbench.promql import Node, parse
from workbench.promql.parser.nodes import Aggregate, Binary, Call, Selector, bare, children, walk
from workbench.studies.alerts.rule_labels import Known, joined_on, labels_of, scalar

Level = Literal["error", "warning", "info"]

#: A window needs this many scrapes, so that one that fails leaves an answer.
SCRAPES = 4

_TEMPLATE = re.compile(r"\$labels\.(\w+)|\.Labels\.(\w+)")
_RATES = ("rate", "increase", "irate", "deriv", "delta", "idelta", "resets", "changes")
_OF_COUNTERS = ("rate", "increase", "irate")


@dataclass(frozen=True)
class Problem:
    """One thing that a check found.

    Attributes
    ----------
    check : str
        Stable name, e.g. ``promql/unknown-metric``.
    level : {"error", "warning", "info"}
    token : str
        Text at which it stands in the rule; empty for the rule as a whole.
    text : str
    """

    check: str
    level: Level
    token: str
    text: str


def expression_problems(rule: WrittenRule, known: Known) -> Iterator[Problem]:
    """Check the expression of a rule against what is known of its metrics."""
    if not rule.expr.strip():
        yield Problem("rule/refused", "error", "expr:", "The rule has no expression.")
        return
    try:
        node = parse(rule.expr)
    except WorkbenchError as error:
        yield Problem("promql/syntax", "error", "expr:", error.message)
        return
    inside_rate: set[int] = set()
    for part in walk(node):
        match part:
            case Selector():
                yield from _selector(part, known)
            case Call(func=func, args=args) if func in _RATES:
                inside_rate.update(id(arg) for arg in args)
                yield from _rate(func, args, known)
            case Call(func="histogram_quantile", args=args):
                yield from _quantile(args, known)
            case Aggregate():
                yield from _grouping(part, known)
            case Binary():
                yield from _join(part, known)
    if rule.kind == "alert":
        yield from _raw_counters(node, known)


def rule_problems(rule: WrittenRule, known: Known, channels: frozenset[str] | None) -> Iterator[Problem]:
    """Check what a rule says beside its expression: keys, severity, runbook, ``for``, labels in its texts."""
    for token, why in rule.faults:
        yield Problem("rule/refused", "error", token, f"Prometheus refuses the file: {why}")
    if rule.kind != "alert":
        return
    severity = rule.labels.get("severity", "")
    if not severity:
        yield Problem("alerts/severity", "warning", "alert:", "The alert has no severity label, so nothing routes it.")
    elif channels is not None and severity not in channels:
        yield Problem(
            "alerts/unrouted-severity",
            "warning",
            severity,
            f"No channel takes the severity {severity!r} (channels take {', '.join(sorted(channels))}).",
        )
    if not any(name in rule.annotations for name in ("runbook_url", "runbook", "runbook_link")):
        yield Problem("alerts/runbook", "info", "alert:", "The alert has no runbook_url annotation.")
    if not rule.for_ms:
        yield Problem("alerts/for", "info", "alert:", "The alert has no `for`: one bad evaluation fires it.")
    try:
        labels = labels_of(parse(rule.expr), known)
    except WorkbenchError:
        return
    if labels is None:
        return
    given = labels | set(rule.labels) | {"alertname"}
    for text in (*rule.annotations.values(), *rule.labels.values()):
        for name in dict.fromkeys(quoted or plain for quoted, plain in _TEMPLATE.findall(text)):
            if name not in given:
                yield Problem(
                    "alerts/template",
                    "warning",
                    f".{name}",
                    f"The text uses the label {name!r}, which the expression does not give: it stays empty "
                    f"({', '.join(sorted(labels)) or 'no labels'} are there).",
                )


def _selector(selector: Selector, known: Known) -> Iterator[Problem]:
    if not selector.name:
        return
    metric = known.metrics.get(selector.name)
    if metric is None:
        like = nearest(selector.name, known.metrics)
        guess = f" Did you mean {like!r}?" if like else ""
        yield Problem("promql/unknown-metric", "error", selector.name, f"No metric {selector.name!r} is known.{guess}")
        return
    if metric.kind in ("unknown", "recorded") and not metric.labels:
        return
    for matcher in selector.matchers:
        selects_absent = bool(matcher.keep([""])[0])
        if matcher.name not in metric.labels and not selects_absent:
            yield Problem(
                "promql/no-series",
                "error",
                matcher.name,
                f"{selector.name!r} has no label {matcher.name!r}, so nothing is selected "
                f"(labels: {', '.join(sorted(metric.labels))}).",
            )
        elif (values := metric.values.get(matcher.name)) and not matcher.keep([*values, ""]).any():
            yield Problem(
                "promql/no-series",
                "error",
                matcher.value,
                f"No value of {matcher.name!r} of {selector.name!r} is {matcher.op}{matcher.value!r} "
                f"(known: {', '.join(sorted(values)[:8])}).",
            )


def _rate(func: str, args: tuple[Node, ...], known: Known) -> Iterator[Problem]:
    for inner in (bare(arg) for arg in args):
        if not isinstance(inner, Selector):
            continue
        if inner.range_ms is not None and inner.range_ms < SCRAPES * known.scrape_ms:
            yield Problem(
                "promql/short-window",
                "warning",
                f"[{duration_text(inner.range_ms)}]",
                f"{func} over {duration_text(inner.range_ms)} holds fewer than {SCRAPES} scrapes of "
                f"{duration_text(known.scrape_ms)}: one failed scrape leaves gaps.",
            )
        metric = known.metrics.get(inner.name)
        if metric is not None and metric.kind == "gauge" and func in _OF_COUNTERS:
            yield Problem(
                "promql/rate-of-gauge", "error", func, f"{func}() is for counters; {inner.name!r} is a gauge."
            )


def _quantile(args: tuple[Node, ...], known: Known) -> Iterator[Problem]:
    labels = labels_of(args[-1], known)
    if labels is not None and "le" not in labels:
        yield Problem(
            "promql/no-buckets",
            "error",
            "histogram_quantile",
            "histogram_quantile needs the label `le`, which its argument does not have: the answer is always empty.",
        )


def _grouping(aggregate: Aggregate, known: Known) -> Iterator[Problem]:
    labels = labels_of(aggregate.expr, known)
    for name in aggregate.grouping if labels is not None and not aggregate.without else ():
        if labels is not None and name not in labels:
            yield Problem(
                "promql/grouping",
                "warning",
                name,
                f"{aggregate.op} groups by {name!r}, which its series lack (they have {', '.join(sorted(labels))}).",
            )


def _join(binary: Binary, known: Known) -> Iterator[Problem]:
    if scalar(binary.lhs) or scalar(binary.rhs) or binary.op == "or":
        return
    sides = labels_of(binary.lhs, known), labels_of(binary.rhs, known)
    for labels in sides:
        for name in binary.matching.labels if binary.matching.on and labels is not None else ():
            if labels is not None and name not in labels:
                yield Problem(
                    "promql/join",
                    "error",
                    name,
                    f"Both sides of {binary.op!r} are matched on {name!r}, which one side does not have "
                    f"(labels: {', '.join(sorted(labels)) or 'none'}): they never join.",
                )
    if sides[0] is None or sides[1] is None or binary.matching.on:
        return
    left, right = joined_on(binary, sides[0]), joined_on(binary, sides[1])
    if left != right and left is not None and right is not None and binary.op not in ("unless",):
        odd = sorted(left ^ right)
        yield Problem(
            "promql/join",
            "error",
            binary.op,
            f"The sides of {binary.op!r} differ in {', '.join(odd)}, so they never join; aggregate both by the same "
            f"labels or add ignoring({', '.join(odd)}).",
        )
        return
    narrow = narrowed(binary.lhs, binary.rhs)
    if binary.op == "/" and narrow and (left is None or narrow in left):
        yield Problem(
            "promql/ratio-of-itself",
            "error",
            narrow,
            f"Each series is divided by itself: both sides keep {narrow!r}, and the left one selects some of its "
            f"values. The ratio is always 1; sum both sides.",
        )


def narrowed(lhs: Node, rhs: Node) -> str:
    """Label on which the left side of a ratio selects fewer series of the metric that the right side selects."""
    left = [part for part in walk(lhs) if isinstance(part, Selector)]
    right = [part for part in walk(rhs) if isinstance(part, Selector)]
    if len(left) != 1 or len(right) != 1 or left[0].name != right[0].name:
        return ""
    more = [matcher for matcher in left[0].matchers if matcher not in right[0].matchers]
    return more[0].name if more and all(matcher in left[0].matchers for matcher in right[0].matchers) else ""


def _raw_counters(node: Node, known: Known) -> Iterator[Problem]:
    """Find counters that are compared without a rate: they only grow, until they restart."""
    waiting: list[Node] = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Call) and (
            part.func in _RATES or part.func.endswith("_over_time") or "absent" in part.func
        ):
            continue
        if isinstance(part, Selector) and part.range_ms is None:
            metric = known.metrics.get(part.name)
            if metric is not None and metric.kind == "counter":
                yield Problem(
                    "promql/raw-counter",
                    "warning",
                    part.name,
                    f"{part.name!r} is a counter: its value only says how long the process runs. Use rate or increase.",
                )
        waiting.extend(children(part))
