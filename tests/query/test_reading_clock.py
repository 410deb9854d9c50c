"""The clock of a question goes on while its answer is read, and no answer of any server takes more than its memory."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import pytest

from tests.query.swollen_answers import SWOLLEN_BY_KIND, cost_of, writer
from tests.query.test_lying_servers import server
from tests.query.test_odd_answers import KINDS, questions
from workbench.core.errors import AnswerUnreadable, SourceError, SourceUnavailable
from workbench.query.http.client import BackendClient
from workbench.query.http.reading import in_time, read_json
from workbench.query.http.transport import HttpTransport, Reply, ask
from workbench.query.logs.elastic.pages import PAGE, Pages
from workbench.query.logs.loki.api import LokiApi
from workbench.query.logs.loki.windows import whole_windows
from workbench.query.metrics.decode import decode
from workbench.query.traces.otlp import of_json
from workbench.query.traces.spans import Sampling

NS = 1_793_487_600 * 10**9


def slow(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    """Let every answer come at the last moment, so that no time is left to read it."""

    def send(self: HttpTransport, *_: Any, timeout_s: float, **__: Any) -> Reply:
        time.sleep(timeout_s)
        return Reply(200, {"content-type": "application/json"}, body)

    monkeypatch.setattr(HttpTransport, "send", send)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"prometheus"}))
def test_an_answer_that_leaves_no_time_to_read_it_is_given_up(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    slow(monkeypatch, b"[]")
    name = next(name for name in questions(kind) if name != "state")
    with pytest.raises(SourceUnavailable, match="reading it takes longer"):
        questions(kind, timeout_s=0.05)[name]()


def test_large_json_is_ended_in_its_middle() -> None:
    text = b"[" + b'{"a":1},' * 400_000 + b"{}]"
    begun = time.monotonic()
    assert len(read_json(text)) == 400_001
    whole = time.monotonic() - begun
    begun = time.monotonic()
    with pytest.raises(SourceUnavailable):
        read_json(text, until=begun + whole / 10)
    assert time.monotonic() - begun < whole


def test_rows_are_made_until_the_time_is_up() -> None:
    made = []
    with pytest.raises(SourceUnavailable):
        made.extend(in_time(range(10**9), time.monotonic() + 0.05))
    assert list(in_time("abc", math.inf)) == ["a", "b", "c"]
    over = time.monotonic() - 1
    spans = {"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "a" * 32, "spanId": "b" * 16}]}]}]}
    with pytest.raises(SourceUnavailable):
        of_json(spans, Sampling(), until=over)
    vector = {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "2"]}]}}
    with pytest.raises(SourceUnavailable):
        decode(json.dumps(vector).encode(), lambda series: None, until=over)


def test_an_answer_knows_when_it_must_have_been_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HttpTransport, "send", lambda *_, **__: Reply(200, {}, b"{}"))
    reply = ask(HttpTransport("http://127.0.0.1:1"), "GET", "/", (), timeout_s=5)
    assert 4 < reply.until - time.monotonic() <= 5


@pytest.mark.slow
@pytest.mark.parametrize("megabytes", [6, pytest.param(40, marks=pytest.mark.soak)])
@pytest.mark.parametrize("name", sorted(SWOLLEN_BY_KIND))
def test_no_answer_of_any_server_costs_more_than_one_and_a_half_times_the_limit(name: str, megabytes: int) -> None:
    _, write = writer(SWOLLEN_BY_KIND[name], megabytes)
    with server(write) as url:
        said, memory, _ = cost_of(SWOLLEN_BY_KIND[name], url, mib=128, timeout_s=5)
    assert said in ("answered", "QueryTooExpensive", "AnswerUnreadable", "SourceUnavailable")
    assert memory <= 1.5 * (128 << 20), f"{memory >> 20} MiB"


def client(monkeypatch: pytest.MonkeyPatch, answer: Any) -> BackendClient:
    def send(self: HttpTransport, method: str, path: str, fields: Any, **more: Any) -> Reply:
        return Reply(200, {}, json.dumps(answer(path, dict(fields), more)).encode())

    monkeypatch.setattr(HttpTransport, "send", send)
    return BackendClient("s", HttpTransport("http://127.0.0.1:1"), 5, api="X")


def lines(*times: int) -> dict[str, Any]:
    values = [[str(time_ns), f"line {number}"] for number, time_ns in enumerate(times)]
    return {"data": {"resultType": "streams", "result": [{"stream": {"app": "a"}, "values": values}]}}


def test_a_loki_that_rounds_ranges_out_gives_each_line_once(monkeypatch: pytest.MonkeyPatch) -> None:
    times = [NS + minute * 60 * 10**9 + 7 for minute in range(-10, 200)]
    hour = 3600 * 10**9

    def answer(path: str, fields: dict[str, str], _: Any) -> Any:
        start, end = int(fields["start"]) // hour * hour, -(-int(fields["end"]) // hour) * hour
        return lines(*(each for each in times if start <= each < end))

    api = LokiApi(client(monkeypatch, answer))
    start, end = NS + 30 * 60 * 10**9, NS + 150 * 60 * 10**9
    read = [entry.time_ns for entries in whole_windows(api, "{a=`b`}", start, end) for entry in entries]
    assert read == [each for each in times if start <= each < end]


def test_a_loki_that_ignores_the_limit_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    api = LokiApi(client(monkeypatch, lambda *_: lines(*range(NS, NS + 5_001))))
    with pytest.raises(AnswerUnreadable, match="5,001 lines where 5,000 were asked for"):
        next(whole_windows(api, "{a=`b`}", NS, NS + 10**9))


@pytest.mark.parametrize(("count", "told"), [(PAGE + 1, "4,000 hits asked for"), (12, "10 hits counted")])
def test_an_elasticsearch_that_gives_more_than_there_is_is_an_error(
    monkeypatch: pytest.MonkeyPatch, count: int, told: str
) -> None:
    hits = [{"_id": str(number), "_source": {}, "sort": [NS + number, number]} for number in range(count)]
    found = {"total": {"value": 10, "relation": "eq"}, "hits": hits}
    pages = Pages(client(monkeypatch, lambda *_: {"pit_id": "x", "hits": found}), "logs", opensearch=True)
    with pytest.raises(SourceError, match=told):
        list(pages({"match_all": {}}, "@timestamp"))
