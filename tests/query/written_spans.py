"""Sixty traces with everything that could break a filter of spans, and what a filter should find among them."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta

from workbench.core.filters import Condition, SpanFilter
from workbench.core.timerange import TimeRange
from workbench.query.traces.spans import Span

START = datetime(2026, 10, 20, tzinfo=UTC)
RANGE = TimeRange(START, START + timedelta(days=10))
NOW = START + timedelta(days=20)
SERVICES = ("api", 'pay"ments', "db")


def _world() -> list[Span]:
    chance = random.Random(7)
    spans = []
    for number in range(60):
        trace = f"{chance.getrandbits(128 if number % 3 else 64):032x}" if number % 5 else f"{number + 1:032x}"
        at = int(START.timestamp() * 1e9) + chance.randrange(int(RANGE.seconds * 1e6)) * 1000
        parent = ""
        for depth in range(1 + number % 4):
            own = f"{chance.getrandbits(64):016x}"
            attributes = {"code": str(200 + 100 * (number % 4)), "route": f"/a&&b/{number % 3}"}
            if number % 2:
                attributes["vip"] = "true" if depth else "false"
            if number % 6 == 1:
                attributes["order"] = str(2**53 + number)
            if number % 6 == 2:
                attributes["tags"] = '["a","b c",7]'
            if number % 6 == 3:
                attributes["exception.type"] = "IOError" if depth else "KeyError"
            status = "error" if (number + depth) % 5 == 0 else "unset"
            kind = ("server", "client", "internal")[depth % 3]
            spans.append(
                Span(trace, own, parent, SERVICES[depth % 3], f"op {number % 7}", kind, at, (number + 1) * 97_000,
                     status, attributes)
            )  # fmt: skip
            parent, at = own, at + 1_000
    return spans


WORLD = _world()

FILTERS = {
    "all": SpanFilter(),
    "service": SpanFilter(services=("api",)),
    "two services, one with a quote": SpanFilter(services=("db", 'pay"ments')),
    "operation": SpanFilter(operations=("op 3", "op 5")),
    "status": SpanFilter(status="error"),
    "not failed": SpanFilter(status="unset", services=("api",)),
    "duration": SpanFilter(min_duration_ns=5_000_500),
    "number": SpanFilter(attributes=(Condition("code", "=", ("400",)),)),
    "truth": SpanFilter(attributes=(Condition("vip", "=", ("true",)),)),
    "text with an operator": SpanFilter(attributes=(Condition("route", "=", ("/a&&b/1",)),)),
    "not": SpanFilter(attributes=(Condition("code", "!=", ("200",)),)),
    "not, of some that lack it": SpanFilter(attributes=(Condition("vip", "!=", ("true",)),)),
    "absent": SpanFilter(attributes=(Condition("vip", "=", ("",)),)),
    "in": SpanFilter(attributes=(Condition("code", "in", ("200", "500")),)),
    "in, or absent": SpanFilter(attributes=(Condition("vip", "in", ("", "false")),)),
    "pattern of a number": SpanFilter(attributes=(Condition("code", "regex", ("4..|5..",)),)),
    "pattern of a column": SpanFilter(attributes=(Condition("operation", "regex", ("op [12]",)),)),
    "kind": SpanFilter(attributes=(Condition("kind", "=", ("client",)),)),
    "everything": SpanFilter(
        ("api", "db"), ("op 1", "op 2"), "error", 1_000_000, (Condition("route", "regex", ("/a.*",)),)
    ),
    "a number beyond 2^53": SpanFilter(attributes=(Condition("order", "=", (str(2**53 + 7),)),)),
    "a list": SpanFilter(attributes=(Condition("tags", "=", ('["a","b c",7]',)),)),
    "in an event": SpanFilter(attributes=(Condition("exception.type", "=", ("IOError",)),)),
    "trace": SpanFilter(trace_id=WORLD[0].trace_id),
    "no such trace": SpanFilter(trace_id="f" * 32),
    "nothing": SpanFilter(services=("none",)),
}


def expected(wanted: SpanFilter, span: TimeRange) -> set[tuple[str, str]]:
    def holds(one: Span, condition: Condition) -> bool:
        value = getattr(one, condition.attribute, None)
        value = one.attributes.get(condition.attribute, "") if not isinstance(value, str) else value
        if condition.op == "regex":
            return re.fullmatch(condition.values[0], value) is not None
        return (value in condition.values) != (condition.op == "!=")

    return {
        (one.trace_id, one.span_id)
        for one in WORLD
        if span.start_ms * 10**6 <= one.start_ns < span.end_ms * 10**6
        and (not wanted.services or one.service in wanted.services)
        and (not wanted.operations or one.operation in wanted.operations)
        and wanted.status in ("", one.status)
        and (one.duration_ns or 0) >= wanted.min_duration_ns
        and (not wanted.trace_id or one.trace_id == wanted.trace_id.zfill(32))
        and all(holds(one, condition) for condition in wanted.attributes)
    }
