"""Rules that a server evaluates already, as the lines of a profile: recording rules, alert rules, thresholds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from workbench.catalog.draft.guess import guess_unit
from workbench.catalog.draft.text import comment

#: Words of teams for a severity, and ours.
_SEVERITIES = {
    "critical": "critical", "page": "critical", "emergency": "critical", "fatal": "critical",
    "high": "high", "error": "high", "major": "high",
    "warning": "warning", "warn": "warning", "ticket": "warning", "minor": "warning",
    "info": "info", "none": "info", "notice": "info",
}  # fmt: skip

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


@dataclass(frozen=True)
class ServerRule:
    """One rule of a server; ``alert`` and ``record`` exclude each other.

    ``limit`` is ``(expression, operator, value)`` where the rule compares an expression with a number.
    """

    expr: str
    alert: str = ""
    record: str = ""
    for_s: float = 0.0
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    limit: tuple[str, str, float] | None = None


def rule_lines(rules: Sequence[ServerRule]) -> list[str]:
    """Return recording rules, alert rules and thresholds of a profile, each name once."""
    recorded = {rule.record: rule for rule in reversed(rules) if _METRIC.fullmatch(rule.record)}
    alerts = {(rule.alert, _severity(rule)): rule for rule in reversed(rules) if rule.alert}
    lines = ["# Rules that the server evaluates already."] if recorded or alerts else []
    if recorded:
        lines.append("recording_rules:")
    for record, rule in reversed(recorded.items()):
        unit = guess_unit(record.replace(":", "_")) or ("ratio" if "ratio" in record else "count")
        lines.append(f"  - {{name: {json.dumps(record)}, unit: {unit}, expr: {_text(rule.expr)}}}")
    if alerts:
        lines.append("alert_rules:")
    for (name, severity), rule in reversed(alerts.items()):
        lines += [f"  - name: {_text(name)}", f"    expr: {_text(rule.expr)}", f"    severity: {severity}"]
        stated = rule.labels.get("severity", "")
        lines[-1] += (
            "" if _SEVERITIES.get(stated.lower()) else f"  # CHECK: the rule says {comment(stated) or 'nothing'}"
        )
        lines += [f"    for: {round(rule.for_s)}s"] if rule.for_s else []
        for key, values in (("labels", rule.labels), ("annotations", rule.annotations)):
            kept = [
                f"{json.dumps(label)}: {_text(value)}" for label, value in values.items() if _LABEL.fullmatch(label)
            ]
            lines += [f"    {key}: {{{', '.join(kept)}}}"] if kept else []
    return lines + _threshold_lines(alerts.values())


def _threshold_lines(rules: Iterable[ServerRule]) -> list[str]:
    lines: list[str] = []
    names: set[str] = set()
    for rule in reversed(list(rules)):
        name = f"{re.sub(r'[^a-z0-9]+', '-', rule.alert.lower()).strip('-')[:50].strip('-')}-{_severity(rule)}"
        if rule.limit is None or name in names or name.startswith("-"):
            continue
        names.add(name)
        expr, operator, value = rule.limit
        bare = re.sub(r"\{.*|\[.*|\).*", "", expr.rpartition("(")[2])
        unit = "ratio" if "/" in expr or "ratio" in expr else guess_unit(bare) or "count"
        lines += [
            f"  - name: {name}",
            f"    title: {_text(rule.alert)}",
            f"    expr: {_text(expr)}",
            f'    op: "{operator}"',
            f"    value: {value!r}",
            f"    unit: {unit}  # CHECK: the unit, taken from the expression",
            f"    severity: {_severity(rule)}",
            *([f"    for: {round(rule.for_s)}s"] if rule.for_s else []),
        ]
    return ["thresholds:", *lines] if lines else []


def _severity(rule: ServerRule) -> str:
    return _SEVERITIES.get(rule.labels.get("severity", "").lower(), "warning")


def _text(text: str) -> str:
    """Double-quoted YAML of foreign text that keeps its line breaks as escapes."""
    return json.dumps("".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text).strip())
