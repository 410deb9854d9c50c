"""Every hit once from a real OpenSearch, and what an imitation or a half answer is caught at."""

from __future__ import annotations

import json
import random
import urllib.request
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from tests.query.served import Asked, Says, Served, says
from tests.servers.programs import Server
from workbench.core.errors import AnswerUnreadable, ParameterError, QueryRejected, QueryTooExpensive, SourceUnavailable
from workbench.core.filters import Condition, LogFilter, Native
from workbench.core.settings import SourceSettings
from workbench.core.timerange import TimeRange
from workbench.query.logs.elastic.indices import index_names
from workbench.query.logs.elastic.source import ElasticSource

START_MS = 1_793_500_000_000
SPAN = TimeRange.from_ms(START_MS, START_MS + 3_600_000)
ALL = LogFilter()


def source_at(url: str, kind: str = "elasticsearch", index: str = "logs-*") -> ElasticSource:
    return ElasticSource.from_settings("search", SourceSettings(kind=kind, url=url, index=index, timeout_s=30))


@pytest.fixture(scope="module")
def many(opensearch_node: Server) -> Server:
    """12,000 lines, of which 9,000 share a millisecond, over three shards."""
    template = {
        "settings": {"number_of_shards": 3, "number_of_replicas": 0},
        "mappings": {"properties": {"@timestamp": {"type": "date"}}},
    }
    template = {"index_patterns": ["many-*"], "template": template}
    _send(f"{opensearch_node.url}/_index_template/many", json.dumps(template), "PUT")
    body = []
    for number in range(12_000):
        at = START_MS + (1_800_000 if number >= 3_000 else number * 1_000)
        record = {"@timestamp": at, "message": f"line {number}", "level": ("INFO", "ERROR")[number % 3 == 0]}
        body += ['{"index":{"_index":"many-2026"}}', json.dumps(record)]
    assert _send(f"{opensearch_node.url}/_bulk?refresh=true", "\n".join(body) + "\n", "POST")["errors"] is False
    return opensearch_node


def _send(url: str, body: str, method: str) -> Any:
    request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


@pytest.mark.live
class TestRealNode:
    def test_more_lines_than_a_window_come_once_each_in_order(self, many: Server) -> None:
        pieces = list(source_at(many.url, "opensearch", "many-*").logs(ALL, SPAN))
        messages = [message for piece in pieces for message in piece["message"]]
        times = [time for piece in pieces for time in piece["time_ns"]]
        assert len(messages) == len(set(messages)) == 12_000
        assert times == sorted(times)
        assert not [warning for piece in pieces for warning in piece.attrs["warnings"]]
        left = _send(f"{many.url}/_nodes/stats/indices/search", "", "GET")["nodes"]
        assert sum(node["indices"]["search"]["point_in_time_current"] for node in left.values()) == 0

    def test_the_server_counts_in_pages_of_buckets(self, many: Server) -> None:
        counts = source_at(many.url, "opensearch", "many-*").log_counts(ALL, SPAN, step_ms=1_000, by=["severity"])
        assert counts["count"].sum() == 12_000
        assert len(counts) == 3_001
        assert counts.loc[counts["severity"] == "ERROR", "count"].sum() == 4_000
        assert counts.attrs["warnings"] == ()

    def test_a_lucene_query_is_native_text(self, many: Server) -> None:
        native = LogFilter(native=Native("opensearch", "level:ERROR AND message:18"))
        (piece,) = source_at(many.url, "opensearch", "many-*").logs(native, SPAN)
        assert piece["message"].tolist() == ["line 18"]
        counts = source_at(many.url, "opensearch", "many-*").log_counts(
            LogFilter(native=Native("opensearch", "level:ERROR")), SPAN, step_ms=3_600_000
        )
        assert counts["count"].sum() == 4_000

    def test_a_state_says_what_it_is(self, many: Server) -> None:
        state = source_at(many.url, "opensearch", "many-*").state()
        assert state.engine == "opensearch 2.19.3"
        assert state.status in ("ok", "no_data")

    def test_no_index_is_no_line_and_no_error(self, many: Server) -> None:
        source = source_at(many.url, "opensearch", "nowhere-YYYY.MM.dd")
        assert list(source.logs(ALL, SPAN)) == []
        assert source.log_counts(ALL, SPAN, step_ms=60_000).empty
        assert source.state().status == "no_data"


CAPS = {
    "indices": ["logs-1"],
    "fields": {"@timestamp": {"date": {}}, "message": {"keyword": {}}, "level": {"keyword": {}}},
}


class Imitation:
    """An Elasticsearch in little, with one fault of the caller's choice."""

    def __init__(self, count: int, **faults: Any) -> None:
        self.count, self.faults = count, faults

    def __call__(self, asked: Asked) -> Says:
        if asked.path == "/":
            return says({"version": {"number": "9.1.0"}})
        if asked.path.endswith("/_field_caps"):
            return says(CAPS)
        if asked.path.endswith("/_mapping") or "/_resolve/" in asked.path:
            return says({"error": "no handler"}, 405)
        if asked.path.endswith("/_pit"):
            return says({"error": "no handler"}, 405) if self.faults.get("no_pit") else says({"id": "p"})
        body = json.loads(asked.body)
        after = body.get("search_after")
        first = 0 if after is None or self.faults.get("ignores") else int(after[1]) + 1
        last = min(first + body["size"], self.faults.get("window", self.count), self.count)
        hits = [{"_source": {"@timestamp": START_MS + at // 10, "message": f"m{at}"},
                 **({} if self.faults.get("unsorted") else {"sort": [(START_MS + at // 10) * 10**6, at]})}
                for at in range(first, last)]  # fmt: skip
        total = self.faults.get("total", {"value": self.count, "relation": "eq"})
        return says({"hits": {"total": total, "hits": hits}, "timed_out": False, **self.faults.get("more", {})})


@pytest.fixture
def imitating(serve: Callable[..., Served]) -> Callable[..., ElasticSource]:
    def start(count: int, **faults: Any) -> ElasticSource:
        return source_at(serve(Imitation(count, **faults)).url)

    return start


def pulled(source: ElasticSource) -> tuple[int, list[str]]:
    pieces = list(source.logs(ALL, SPAN))
    return sum(map(len, pieces)), sorted({warning for piece in pieces for warning in piece.attrs["warnings"]})


@pytest.mark.slow
def test_pages_go_on_and_a_millisecond_is_never_cut(imitating: Callable[..., ElasticSource]) -> None:
    source = imitating(15_000)
    pieces = list(source.logs(ALL, SPAN))
    assert sum(map(len, pieces)) == 15_000
    assert not set(pieces[0]["time_ns"]) & set(pieces[1]["time_ns"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ({"ignores": True}, "ignores search_after"),
        ({"unsorted": True}, "no sort values"),
        ({"window": 10_000}, "counts 15,000 hits and gives 10,000"),
        ({"window": 10_000, "total": {"value": 12_000, "relation": "gte"}}, "counts 12,000 hits and gives 10,000"),
        ({"window": 10_000, "total": 15_000}, "counts 15,000"),
    ],
)
def test_an_imitation_is_caught(imitating: Callable[..., ElasticSource], faults: dict[str, Any], words: str) -> None:
    with pytest.raises(AnswerUnreadable, match=words):
        list(imitating(15_000, **faults).logs(ALL, SPAN))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"timed_out": True}, "ran out of the server's time"),
        (
            {"_shards": {"total": 5, "failed": 2, "failures": [{"reason": {"reason": "no space"}}]}},
            "2 of 5 shards failed",
        ),
        ({"is_partial": True}, "cluster was left out"),
    ],
)
def test_a_partial_answer_is_a_warning(
    imitating: Callable[..., ElasticSource], more: dict[str, Any], words: str
) -> None:
    found, warnings = pulled(imitating(100, more=more, total={"value": 140, "relation": "eq"}))
    assert found == 100
    assert any(words in warning for warning in warnings)


@pytest.mark.slow
def test_a_server_without_points_in_time_is_read_with_a_warning(imitating: Callable[..., ElasticSource]) -> None:
    found, warnings = pulled(imitating(9_000, no_pit=True))
    assert found == 9_000
    assert "point in time" in warnings[0]


@pytest.mark.slow
@pytest.mark.parametrize("status", [429, 503])
def test_a_storm_of_refusals_is_survived(serve: Callable[..., Served], status: int) -> None:
    imitation, chance = Imitation(9_000), random.Random(5)
    refusal = {"error": {"type": "es_rejected_execution_exception", "reason": "rejected execution"}, "status": status}
    served = serve(
        lambda asked: says(refusal, status, **{"Retry-After": "0"}) if chance.random() < 0.5 else imitation(asked)
    )
    assert pulled(source_at(served.url)) == (9_000, [])


def test_a_server_that_hangs_ends_in_the_timeout(serve: Callable[..., Served]) -> None:
    served = serve(lambda asked: Says(headers_drip_s=30))
    settings = SourceSettings(kind="elasticsearch", url=served.url, timeout_s=0.4)
    with pytest.raises(SourceUnavailable, match="No complete answer"):
        list(ElasticSource.from_settings("search", settings).logs(ALL, SPAN))


def test_esql_answers_in_arrow_and_its_silent_limit_is_said(serve: Callable[..., Served]) -> None:
    times = pa.array([START_MS + at for at in range(1_000)], pa.timestamp("ms"))
    table = pa.table({"@timestamp": times, "message": ["m"] * 1_000, "level": ["error"] * 1_000})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)

    def answer(asked: Asked) -> Says:
        if asked.path.endswith("/_field_caps"):
            return says(CAPS)
        if not asked.body:
            return says({"error": "no handler"}, 405)
        told = json.loads(asked.body)
        assert told["query"] == "FROM logs-*"
        assert told["filter"]["range"]["@timestamp"]["gte"] == SPAN.start_ms
        return Says(sink.getvalue().to_pybytes(), 200, {"Content-Type": "application/vnd.apache.arrow.stream"})

    source = source_at(serve(answer).url)
    (piece,) = source.logs(LogFilter(native=Native("elasticsearch", "FROM logs-*")), SPAN)
    assert piece["time_ns"].tolist()[-1] == (START_MS + 999) * 10**6
    assert set(piece["severity"]) == {"ERROR"}
    assert "1,000 rows, which is its limit" in piece.attrs["warnings"][0]
    with pytest.raises(ParameterError, match="counts of its own"):
        source.log_counts(LogFilter(native=Native("elasticsearch", "FROM logs-*")), SPAN, step_ms=60_000)


def test_an_index_without_dates_says_which_setting_helps(serve: Callable[..., Served]) -> None:
    caps = {"indices": ["logs-1"], "fields": {"@timestamp": {"long": {}}}}
    served = serve(lambda asked: says(caps))
    with pytest.raises(QueryRejected, match="No field of dates") as met:
        list(source_at(served.url).logs(ALL, SPAN))
    assert "time_ns" in met.value.hint


def test_a_window_that_is_too_large_is_too_expensive(serve: Callable[..., Served]) -> None:
    reason = {
        "type": "illegal_argument_exception",
        "reason": "Result window is too large, from + size must be <= 10000",
    }
    served = serve(
        lambda asked: says(CAPS) if asked.path.endswith("caps") else says({"error": reason, "status": 400}, 400)
    )
    with pytest.raises(QueryTooExpensive, match="Result window"):
        list(source_at(served.url).logs(LogFilter(attributes=(Condition("x", "=", ("y",)),)), SPAN))


@pytest.mark.parametrize(
    ("pattern", "days", "names"),
    [
        ("choreoai-logs-YYYY.MM.dd", 2, ["choreoai-logs-2026.10.31", "choreoai-logs-2026.11.01"]),
        ("choreoai-logs-%{+yyyy.MM.dd}", 2, ["choreoai-logs-2026.10.31", "choreoai-logs-2026.11.01"]),
        ("logs-YYYY-MM", 40, ["logs-2026-10", "logs-2026-11", "logs-2026-12"]),
        (
            "logs-yyyy.MM.dd-app",
            90,
            ["logs-2026.10.*-app", "logs-2026.11.*-app", "logs-2026.12.*-app", "logs-2027.01.*-app"],
        ),
        ("logs-YYYY", 500, ["logs-2026", "logs-2027", "logs-2028"]),
        ("logs-YYYY.MM.dd", 3000, [f"logs-{year}.*" for year in range(2026, 2036)]),
        ("data-stream", 3, ["data-stream"]),
    ],
)
def test_only_the_days_needed_are_asked(pattern: str, days: int, names: list[str]) -> None:
    start = 1_793_404_800_000  # 2026-10-31T00:00Z
    assert list(index_names([pattern], TimeRange.from_ms(start, start + days * 86_400_000))) == names
