"""Answers of a real Loki, replayed: lines, labels, numbers, patterns, and errors in plain text."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from tests.query.served import recorded
from workbench.core.errors import (
    AnswerUnreadable,
    ParameterError,
    QueryRejected,
    QueryTooExpensive,
    SourceError,
    SourceUnavailable,
)
from workbench.core.filters import LogFilter, Native
from workbench.core.timerange import TimeRange
from workbench.query.http.client import BackendClient
from workbench.query.http.httpx_transport import HttpxTransport
from workbench.query.logs.loki.source import LokiSource
from workbench.query.logs.shape import LogShape

START_NS, END_NS = 1_795_288_500_000_000_000, 1_795_292_100_000_000_000
SPAN = TimeRange.from_ms(START_NS // 10**6, END_NS // 10**6)


def replaying(*names: str, shape: LogShape | None = None) -> LokiSource:
    """Source over a server that gives recorded answers, one after the other for one path."""
    answers: dict[str, list[httpx.Response]] = {}
    for name in names:
        asked, said = recorded(f"loki/{name}")
        answer = httpx.Response(said.status, headers=said.headers, content=said.body)
        answers.setdefault(asked["path"], []).append(answer)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/drilldown-limits"):  # a path of versions after the recorded one
            return httpx.Response(404, content=b"404 page not found\n")
        held = answers[request.url.path]
        return held.pop(0) if len(held) > 1 else held[0]

    client = httpx.Client(transport=httpx.MockTransport(answer))
    web = BackendClient("loki", HttpxTransport("http://loki:3100", client), 5, api="Loki")
    return LokiSource("loki", web, shape, selector='{app="edge"}')


def test_structured_metadata_and_parsed_labels_stay_apart_from_those_of_the_stream() -> None:
    api = replaying("query_range_structured_metadata_categorized").api
    plain, logfmt = api.entries('{app="edge",level="WARN"} | logfmt', START_NS, END_NS)
    assert plain.labels == logfmt.labels == {"app": "edge", "level": "WARN"}
    assert plain.metadata == {"detected_level": "WARN", "trace_id": "0af7651916cd43dd8448eb211c80319c"}
    assert plain.parsed == {}
    assert logfmt.parsed == {"dur": "1.5s", "level_extracted": "warn", "msg": "slow call"}
    assert logfmt.metadata["user"] == "u-1"


def test_lines_of_one_nanosecond_are_all_kept_and_a_line_without_a_parser_says_what_it_says() -> None:
    (piece,) = replaying("labels", "query_range_same_ns").logs(LogFilter(), SPAN)
    assert piece["time_ns"].tolist() == [1_795_291_500_000_000_000 + extra for extra in (0, 0, 0, 1, 5, 6)]
    assert piece["message"].tolist()[:3] == ["line one", "line two same ns", "line three same ns"]
    assert piece["message"].tolist()[4:] == ["slow call", 'not logfmt {{{ é€ \t tab "q"']
    assert piece["severity"].tolist() == ["INFO"] * 4 + ["WARN"] * 2
    assert piece["trace_id"].tolist()[4:] == ["0af7651916cd43dd8448eb211c80319c"] * 2
    assert piece["service"].unique().tolist() == ["edge"]


def test_native_text_reaches_the_server_as_it_is_and_the_result_says_so() -> None:
    native = LogFilter(native=Native("loki", '{app="payments",level="ERROR"} | json'))
    (piece,) = replaying("labels", "query_range_streams_json").logs(native, SPAN)
    assert piece.attrs["query"] == '{app="payments",level="ERROR"} | json'
    assert set(piece["severity"]) == {"ERROR"}
    assert piece["event_type"].tolist() == ["error"] * len(piece)


def test_labels_series_patterns_and_stats() -> None:
    source = replaying(
        "labels_empty_range", "label_values_app", "series", "patterns", "index_stats_after_flush", "buildinfo"
    )
    assert source.api.labels(START_NS, END_NS) == ()
    assert source.api.label_values("app", START_NS, END_NS) == ("checkout", "edge", "payments")
    assert {one["level"] for one in source.api.series(['{app="payments"}'], START_NS, END_NS)} == {
        "DEBUG", "ERROR", "INFO", "WARNING",
    }  # fmt: skip
    (pattern,) = source.patterns('{app="payments"}', SPAN, step_ms=600_000)
    assert (pattern.text, sum(lines for _, lines in pattern.samples)) == (
        "<_>card declined: gateway timeout<_>",
        54,
    )
    assert source.stats('{app="payments"}', SPAN) == {"streams": 4, "chunks": 5, "bytes": 437_248, "entries": 1_255}
    assert source.api.version() == "3.4.0-dev-532bdbc"


def test_a_matrix_becomes_metrics_without_points_past_the_end() -> None:
    early = TimeRange.from_ms(SPAN.start_ms, SPAN.end_ms - 300_000)
    found = replaying("query_range_matrix_rate").range("sum(…)", early, step_ms=300_000)
    assert found.times[-1] == early.end_ms
    assert len(found.labels) == 8
    row = found.labels.index({"app": "payments", "level": "ERROR"})
    assert found.values[row].tolist()[6] == 27
    assert found.frame.index.name == "time"


def test_instants_and_a_scalar_whose_stamp_is_nonsense() -> None:
    at = datetime.fromtimestamp(END_NS / 1e9, UTC)
    assert replaying("query_instant_scalar").instant("1+1", at) == [({}, 2.0)]
    vector = replaying("query_instant_vector").instant("sum(…)", at)
    assert len(vector) > 1
    assert all(value > 0 for _, value in vector)


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("error_parse", QueryRejected, "parse error"),
        ("error_parse_pipeline", QueryRejected, "parse error"),
        ("error_empty_matcher", QueryRejected, "at least one"),
        ("error_query_too_long", QueryTooExpensive, "time range exceeds the limit"),
        ("error_too_many_series", QueryTooExpensive, "500"),
        ("error_step_resolution", QueryTooExpensive, "11,000 points"),
        ("error_unknown_path", AnswerUnreadable, "404"),
        ("auth_error_no_org_query", SourceUnavailable, "no org id"),
        ("query_instant_log_error", QueryRejected, "log queries are not supported"),
        ("auth_multi_tenant_error", SourceUnavailable, "HTTP 500"),
    ],
)
def test_errors_in_plain_text_are_told_apart(name: str, kind: type[SourceError], words: str) -> None:
    asked, _ = recorded(f"loki/{name}")
    api = replaying(name).api
    with pytest.raises(kind, match=words) as met:
        api._document(asked["path"], (), query="{…}")
    assert met.value.source == "loki"
    assert met.value.exit_code == kind.exit_code


def test_a_question_for_numbers_is_no_question_for_lines() -> None:
    with pytest.raises(ParameterError, match="query for numbers"):
        replaying("query_range_matrix_rate").api.entries("sum(…)", START_NS, END_NS)
