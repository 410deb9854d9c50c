"""Records of any shape: spans, alerts and log lines are read or refused by a typed error, and soon."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.core.errors import AnswerUnreadable, WorkbenchError
from workbench.query.logs.lines import parsed_line
from workbench.query.logs.rows import LogRows
from workbench.query.logs.shape import LogShape
from workbench.query.traces.jaeger_json import of_jaeger, of_zipkin
from workbench.query.traces.otlp import of_json
from workbench.query.traces.spans import Sampling

KEYS = [
    "attributes",
    "key",
    "value",
    "stringValue",
    "intValue",
    "arrayValue",
    "kvlistValue",
    "values",
    "status",
    "code",
    "kind",
    "events",
    "name",
    "tags",
    "logs",
    "fields",
    "duration",
    "timestamp",
    "startTime",
    "startTimeUnixNano",
    "endTimeUnixNano",
    "parentSpanId",
    "references",
    "refType",
    "serviceName",
]
LEAVES = st.sampled_from([None, True, 1, -1, 1.5, 10**30, float("inf"), float("nan"), "", "x", "\ud800", "ab" * 16])
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=8,
)
CHANGES = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3)
PIECES = st.lists(
    st.sampled_from(
        ['"', "'", "`", "=", "[", "]", "{", "}", "(", ")", ":", " ", "\\", "\x1b[31m", "\u202e", "\ud800", "ERROR",
         "level=", "msg=", "ts=", "2026-11-07T10:00:00Z", "Nov  7 10:00:00", "E1107 10:00:00.1 1 a.go:1]", "<34>",
         "9" * 25, "(x) INFO 13-40 10:00:00 [a] ", "1:M 45 Nov 2026 10:00:00 #", "1794045600.1\terror\t", '{"a":'],
    ),
    max_size=25,
).map("".join)  # fmt: skip


def otlp(changes: dict[str, Any]) -> object:
    span = {"traceId": "a" * 32, "spanId": "b" * 16, "startTimeUnixNano": "1", "endTimeUnixNano": "2", **changes}
    return of_json({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}, Sampling())


def jaeger(changes: dict[str, Any]) -> object:
    span = {"traceID": "a" * 32, "spanID": "b" * 16, "startTime": 1, "duration": 2, **changes}
    return list(of_jaeger([{"spans": [span]}], Sampling()))


def zipkin(changes: dict[str, Any]) -> object:
    return list(of_zipkin([{"traceId": "a" * 32, "id": "b" * 16, "timestamp": 1, **changes}], Sampling()))


def read_or_refused(read: Callable[[dict[str, Any]], object], changes: dict[str, Any]) -> None:
    with contextlib.suppress(WorkbenchError):
        read(changes)


@pytest.mark.slow
@pytest.mark.parametrize("read", [otlp, jaeger, zipkin])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=CHANGES)
def test_a_span_of_any_shape_is_read_or_refused(read, changes) -> None:
    read_or_refused(read, changes)


@pytest.mark.soak
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("read", [otlp, jaeger, zipkin])
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=CHANGES)
def test_ten_thousand_spans_of_any_shape(read, changes) -> None:
    read_or_refused(read, changes)


@pytest.mark.parametrize("value", [float("inf"), 10**30])
def test_a_time_that_is_no_time_refuses_its_span(value) -> None:
    with pytest.raises(AnswerUnreadable, match="malformed"):
        otlp({"startTimeUnixNano": value})
    with pytest.raises(AnswerUnreadable, match="malformed"):
        jaeger({"startTime": value})
    with pytest.raises(AnswerUnreadable, match="malformed"):
        zipkin({"timestamp": value})


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(text=PIECES)
def test_a_line_of_any_shape_is_a_row(text) -> None:
    rows = LogRows(LogShape(), written_ns=10**18)
    rows.add(parsed_line(text).record, otherwise_ns=0)
    assert len(rows.frame()) == 1


@pytest.mark.parametrize(
    "text",
    [
        "[" * 20_000, 'a="' + '\\"' * 20_000, "a= " * 20_000, "a=' \"" * 5_000, '{"a":' * 20_000, " level=" * 20_000,
        "<1>1 2026-11-07T10:00:00Z a b c d " + '[x "' * 5_000, "2026-11-07 10:00:00 " + "a - " * 5_000,
        "(" + "a" * 20_000 + ") INFO 11-07 10:00:00 [", "2026-11-07T10:00:00Z stdout F " * 700,
        json.dumps({"log": "x" * 20_000}),
    ],
    ids=range(11),
)  # fmt: skip
def test_a_long_line_is_read_in_a_time_that_grows_with_its_length(text) -> None:
    begun = time.process_time()
    parsed_line(text)
    assert time.process_time() - begun < 1
