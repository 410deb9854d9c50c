"""Every kind of server with answers of another shape: a typed error or an answer, and never a fault of ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.core.errors import WorkbenchError
from workbench.core.filters import LogFilter, SpanFilter
from workbench.core.settings import Limits, SourceSettings
from workbench.core.timerange import TimeRange
from workbench.query.checks import details
from workbench.query.http.transport import HttpTransport, Reply
from workbench.query.metrics import live_state
from workbench.studies.sources import backends

SPAN = TimeRange.last("1h", until=datetime(2026, 11, 1, tzinfo=UTC))
KINDS = ("prometheus", "loki", "elasticsearch", "opensearch", "tempo", "jaeger", "alertmanager")

#: Words that the readers look for, so that odd values stand where they look.
WORDS = (
    *("status", "data", "result", "resultType", "metric", "value", "values", "stream", "success", "matrix", "vector"),
    *("streams", "hits", "total", "_source", "sort", "_id", "id", "version", "number", "tagline", "aggregations"),
    *("buckets", "key", "doc_count", "traces", "traceID", "spans", "processes", "batches", "resourceSpans"),
    *("scopeSpans", "attributes", "startTimeUnixNano", "labels", "startsAt", "endsAt", "fingerprint", "name"),
    *("activeTargets", "headStats", "maxTime", "warnings", "error", "errorType", "columns", "fields", "mappings"),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False),
    st.sampled_from([*WORDS, "", "1", "1e400", "NaN", "-1", "2026-11-01T00:00:00Z", "\ud800", "x" * 300]),
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=25,
)  # fmt: skip
ENVELOPED = JSON.map(lambda data: {"status": "success", "data": data}) | st.tuples(
    st.sampled_from(["matrix", "vector", "scalar", "string", "streams"]), JSON
).map(lambda pair: {"status": "success", "data": {"resultType": pair[0], "result": pair[1]}})
BODIES = (JSON | ENVELOPED).map(lambda value: json.dumps(value).encode()) | st.sampled_from(
    [b"", b"null", b"[" * 100_000, b'{"data":' + b"9" * 5_000 + b"}", b"\xff\xfe", b'"\xed\xa0\x80"', b"{}" * 3]
)


def questions(kind: str, timeout_s: float = 1) -> Mapping[str, Callable[[], Any]]:
    index = {"index": "logs"} if kind in ("elasticsearch", "opensearch") else {}
    given = SourceSettings(kind=kind, url="http://127.0.0.1:1", timeout_s=timeout_s, **index)
    if kind == "prometheus":
        source = backends.open_source("s", given, Limits())
        return {
            "state": source.state,
            "instant": lambda: source.instant("x", SPAN.end),
            "range": lambda: source.range("x", SPAN, step_ms=60_000),
            "raw": lambda: source.raw("x", SPAN),
            "series": lambda: source.series(["x"], SPAN),
            "values": lambda: source.label_values("x", SPAN),
            "metadata": source.metadata,
            "targets": lambda: details.targets(source),
            "families": lambda: details.metadata(source),
            "live targets": lambda: live_state.targets(source),
            "live rules": lambda: live_state.rules(source),
            "live alerts": lambda: live_state.alerts(source),
            "silences": lambda: live_state.silences(source, "http://127.0.0.1:1"),
        }
    if kind in ("tempo", "jaeger"):
        spans = backends.open_spans("s", given)
        return {
            "state": spans.state,
            "spans": lambda: list(spans.spans(SpanFilter(services=("a",)), SPAN)),
            "trace": lambda: list(spans.spans(SpanFilter(trace_id="a" * 32), SPAN)),
        }
    if kind == "alertmanager":
        alerts = backends.open_episodes("s", given)
        return {"state": alerts.state, "episodes": lambda: alerts.episodes(SPAN)}
    logs = backends.open_logs("s", given)
    return {
        "state": logs.state,
        "logs": lambda: list(logs.logs(LogFilter(contains="x"), SPAN)),
        "counts": lambda: logs.log_counts(LogFilter(), SPAN, step_ms=60_000, by=("service",)),
    }


def asked(kind: str, body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def send(self: HttpTransport, *_: Any, **__: Any) -> Reply:
        return Reply(200, {"content-type": "application/json"}, body)

    monkeypatch.setattr(HttpTransport, "send", send)
    for name, question in questions(kind).items():
        try:
            found = question()
        except WorkbenchError:
            assert name != "state"
        else:
            assert name != "state" or found.status in ("ok", "no_data", "unavailable")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(body=BODIES)
def test_an_answer_of_any_shape_is_a_typed_error_or_an_answer(kind, monkeypatch, body):
    asked(kind, body, monkeypatch)


@pytest.mark.soak
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=10_000, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(body=BODIES)
def test_ten_thousand_answers_of_any_shape(kind, monkeypatch, body):
    asked(kind, body, monkeypatch)
