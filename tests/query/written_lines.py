"""Two hundred log lines with everything that could break a filter, and what a filter should find among them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from workbench.core.filters import Condition, LogFilter
from workbench.core.frames import SEVERITIES
from workbench.core.timerange import TimeRange, from_ms

START_MS = 1_793_480_400_000  # 2026-10-31T21:00Z, so that midnight and a month's end lie inside
SPAN = TimeRange(from_ms(START_MS), from_ms(START_MS + 6 * 3_600_000))

_SPELLED = {"DEBUG": ("debug", "DEBUG"), "INFO": ("INFO", "info"), "WARN": ("WARNING", "warn"),
            "ERROR": ("ERROR", "err"), "FATAL": ("CRITICAL", "fatal"), "": ("loud", "?")}  # fmt: skip
_TEXTS = (
    "card declined",
    'he said "no" and left',
    r"C:\temp\new.log is gone",
    "100% of {{braces}} | logfmt | json",
    "naïve café – ünïcode ☕ 日本",
    "a*b?c [x] (y) $1 ^ + .",
    "two\nlines\tand a tab",
    "<script>alert('x')</script> & more/less",
    "x" * 400 + " the end of a long line",
    "timeout after 30s",
)


@dataclass(frozen=True)
class Written:
    """A line as its program wrote it, and as the workbench should read it."""

    time_ns: int
    level: str
    severity: str
    message: str
    service: str
    trace_id: str
    event_type: str
    attributes: dict[str, str] = field(hash=False)

    def record(self) -> dict[str, Any]:
        """As JSON holds it, objects inside; the service is named by the stream or the index, or by the record."""
        moment = datetime.fromtimestamp(self.time_ns // 10**9, UTC)
        inside: dict[str, Any] = {}
        for name, value in self.attributes.items():
            head, _, rest = name.partition(".")
            if rest:
                inside.setdefault(head, {})[rest] = value
            else:
                inside[name] = int(value) if value.isdigit() else value
        return {
            "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S}.{self.time_ns % 10**9:09}Z",
            "level": self.level,
            "message": self.message,
            "service": self.service,
            **({"event_type": self.event_type} if self.event_type else {}),
            **({"trace_id": self.trace_id} if self.trace_id else {}),
            **inside,
        }

    def json(self) -> str:
        return json.dumps(self.record(), ensure_ascii=self.time_ns % 2 == 0)


def lines() -> list[Written]:
    found = []
    for number in range(200):
        severity = list(_SPELLED)[number % 6 if number % 7 else 1]
        attributes = {
            "provider": ("openai", "anthropic", 'odd"name', "a.b*c", "")[number % 5],
            "status": str(200 + number % 3),
        }
        if number % 4 == 0:
            attributes["context.user_id"] = f"user_{number % 8}"
        found.append(
            Written(
                # Pairs of lines share a nanosecond, and every tenth stands on a whole hour.
                time_ns=START_MS * 10**6
                + (number // 10 * 36 * 10**11 // 4 if number % 10 == 0 else number // 2 * 2 * 97 * 10**9 + 123_456_789),
                level=_SPELLED[severity][number % 2],
                severity=severity,
                message=f"{_TEXTS[number % len(_TEXTS)]} #{number}",
                service=("shop", "pay", "pay-api")[number % 3],
                trace_id=("", "trace_def456", f"{number:032x}")[number % 3],
                event_type=("request", "error", "", "security")[number % 4],
                attributes={name: value for name, value in attributes.items() if value},
            )
        )
    return sorted(found, key=lambda one: one.time_ns)


def passing(wanted: LogFilter, span: TimeRange = SPAN) -> list[Written]:
    """What a filter should find, line by line in plain Python."""
    return [
        one for one in lines() if span.start_ms * 10**6 <= one.time_ns < span.end_ms * 10**6 and _passes(one, wanted)
    ]


def _passes(one: Written, wanted: LogFilter) -> bool:
    return (
        (not wanted.services or one.service in wanted.services)
        and (not wanted.severity or one.severity in SEVERITIES[SEVERITIES.index(wanted.severity) :])
        and (not wanted.events or one.event_type in wanted.events)
        and (not wanted.trace_id or one.trace_id == wanted.trace_id)
        and wanted.contains in one.message
        and all(_holds(one, condition) for condition in wanted.attributes)
    )


def _holds(one: Written, condition: Condition) -> bool:
    name = condition.attribute
    value = getattr(one, name, None) if name in ("severity", "service", "message", "event_type") else None
    value = one.attributes.get(name, "") if value is None else value
    match condition.op:
        case "=":
            return value == condition.value
        case "!=":
            return value != condition.value
        case "in":
            return value in condition.values
        case "regex":
            return re.fullmatch(condition.value, value, re.DOTALL) is not None


def frame() -> pd.DataFrame:
    """As LOGS, for the archive."""
    rows = [
        {"time_ns": one.time_ns, "severity": one.severity, "message": one.message, "service": one.service,
         "trace_id": one.trace_id, "span_id": "", "event_type": one.event_type, "attributes": one.attributes}
        for one in lines()
    ]  # fmt: skip
    return pd.DataFrame(rows).astype({"time_ns": "int64"})
