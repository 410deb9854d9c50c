"""Answers of success that are a part: each is told, or asked for again in a way that gives the whole."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.query.traced import tempo, web_of
from workbench.core.errors import QueryTooExpensive
from workbench.core.filters import SpanFilter
from workbench.core.timerange import TimeRange
from workbench.query.http.transport import HttpTransport, Reply
from workbench.query.logs.elastic.pages import partial_warnings
from workbench.query.logs.loki.api import LokiApi
from workbench.query.traces.spans import Span
from workbench.query.traces.tempo import TempoSource

NS = 1_793_487_600 * 10**9
SPAN = TimeRange.last("1h", until=datetime(2026, 11, 1, tzinfo=UTC))
PARTIAL = "maximum number of series (500) reached for a single query; returning partial results"
ENGINE = "Query was executed using the next-generation Loki query engine."


def loki(monkeypatch: pytest.MonkeyPatch, warning: str) -> LokiApi:
    def send(self: HttpTransport, method: str, path: str, fields: Any, **_: Any) -> Reply:
        lines = {"resultType": "streams", "result": [{"stream": {"app": "a"}, "values": [[str(NS), "x"]]}]}
        counts = {"resultType": "vector", "result": [{"metric": {}, "value": [1, "3"]}]}
        data = lines if path.endswith("query_range") else counts
        return Reply(200, {}, json.dumps({"status": "success", "warnings": [warning], "data": data}).encode())

    monkeypatch.setattr(HttpTransport, "send", send)
    from workbench.query.http.client import BackendClient

    return LokiApi(BackendClient("s", HttpTransport("http://127.0.0.1:1"), 5, api="Loki"))


def test_lines_and_counts_of_a_part_of_the_series_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    api = loki(monkeypatch, PARTIAL)
    for question in (lambda: api.instant("sum(x)", NS), lambda: api.entries("{a=`b`}", NS, NS + 10)):
        with pytest.raises(QueryTooExpensive, match="a part of the answer only: maximum number of series"):
            question()


def test_a_word_about_the_engine_is_no_warning_of_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    api = loki(monkeypatch, ENGINE)
    assert api.instant("sum(x)", NS) == [({}, 3.0)]
    assert len(api.entries("{a=`b`}", NS, NS + 10)) == 1


@pytest.mark.parametrize(
    ("shards", "text"),
    [
        ({"total": 2, "successful": 2, "skipped": 1, "failed": 0}, ""),
        (
            {"total": 2, "successful": 1, "skipped": 0, "failed": 0},
            "1 of 2 shards did not answer: the answer is partial.",
        ),
        ({"total": 3, "successful": 1, "failed": 1}, "2 of 3 shards failed: the answer is partial."),
        ({"total": 3, "failed": 1}, "1 of 3 shards failed: the answer is partial."),
        ({}, ""),
    ],
)
def test_a_shard_that_no_node_holds_is_missed_though_none_failed(shards: dict[str, int], text: str) -> None:
    assert partial_warnings({"_shards": shards}) == ([text] if text else [])


def test_metrics_of_a_part_of_the_series_say_so() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        document = {"series": [], "status": "PARTIAL", "message": "Response exceeds maximum series limit of 1000"}
        return httpx.Response(200, json=document)

    metrics = TempoSource("s", web_of(answer)).metrics("{ } | rate() by (name)", SPAN, step_ms=60_000)
    assert metrics.meta["warnings"] == (
        "Tempo gives a part of the series only: Response exceeds maximum series limit of 1000.",
    )


def test_a_tempo_that_lists_fewer_traces_at_a_time_gives_all() -> None:
    spans = [
        Span(f"{n:032x}", f"{n:016x}", "", "a", "op", "server", SPAN.start_ms * 10**6 + n * 10**9, 5, "ok", {}, 1.0)
        for n in range(1, 200)
    ]
    asked: list[httpx.Request] = []
    source = TempoSource("s", web_of(tempo(spans, refused=50, asked=asked)))
    read = sum(len(frame) for frame in source.spans(SpanFilter(services=("a",)), SPAN))
    assert read == 199
    limits = {int(request.url.params["limit"]) for request in asked if request.url.path == "/api/search"}
    assert limits == {1_000, 50}


def test_a_root_span_that_did_not_come_has_no_service() -> None:
    trace = {"traceID": "ab", "rootServiceName": "<root span not yet received>", "startTimeUnixNano": str(NS)}
    source = TempoSource("s", web_of(lambda _: httpx.Response(200, json={"traces": [trace]})))
    assert source.search("{ }", SPAN, limit=5)[0]["service"] == ""
