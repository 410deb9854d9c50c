"""Recorded answers of Tempo and Jaeger, with the numbers that were put into them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest

from tests.query import traced
from workbench.core.errors import (
    AnswerUnreadable,
    ParameterError,
    QueryRejected,
    QueryTooExpensive,
    SourceError,
)
from workbench.core.filters import SpanFilter
from workbench.core.timerange import TimeRange, from_ms
from workbench.query.traces.jaeger import JaegerSource, micros
from workbench.query.traces.otlp import answer_of, of_json, of_protobuf
from workbench.query.traces.spans import Sampling
from workbench.query.traces.tempo import TempoSource

HOUR = TimeRange(datetime(2026, 11, 21, 19, 15, tzinfo=UTC), datetime(2026, 11, 21, 20, 17, tzinfo=UTC))
LATER = datetime(2026, 12, 1, tzinfo=UTC)
FOUND, FAILED = "216363698b529b4a97b750923ceb3ffd", "62c82185d55ec1a581daad106bd0638b"


def tempo(answer: traced.Answer) -> TempoSource:
    return TempoSource("tempo", traced.web_of(answer), clock=lambda: LATER)


def jaeger(*names: str) -> JaegerSource:
    return JaegerSource("jaeger", traced.web_of(traced.replay(*names), api="Jaeger"))


def body(name: str) -> bytes:
    return traced.capture(name)[1].content


def test_json_and_protobuf_of_both_versions_of_tempo_are_the_same_spans() -> None:
    same = [
        list(of_json(json.loads(body("tempo/trace_v1_json")), Sampling())),
        list(of_json(json.loads(body("tempo/trace_v2_json")), Sampling())),
        of_protobuf(body("tempo/trace_v1_protobuf"), Sampling()),
        answer_of(body("tempo/trace_v2_protobuf"), Sampling())[0],
    ]
    assert all(spans == same[0] for spans in same)
    assert len(same[0]) == 5
    assert {span.trace_id for span in same[0]} == {FOUND}
    assert same[0][1].attributes["items"] == '["a","b"]'


def test_an_error_span_of_tempo_carries_its_exception_and_description() -> None:
    (failed,) = [
        span
        for span in of_json(json.loads(body("tempo/trace_error_v2_json")), Sampling())
        if span.operation == "charge_card"
    ]
    assert (failed.status, failed.duration_ns, failed.kind) == ("error", 23_705_482, "client")
    assert failed.attributes["exception.type"] == "TimeoutError"
    assert failed.attributes["otel.status_description"] == "card declined"


def test_jaeger_v1_and_v3_agree_to_the_microsecond() -> None:
    first = jaeger("jaeger/services", "jaeger/trace_error").trace(FAILED)
    third = jaeger("jaeger/v3_services", "jaeger/v3_trace").trace(FAILED)
    columns = ["trace_id", "span_id", "parent_id", "service", "operation", "kind", "status", "weight"]
    assert first[columns].equals(third[columns])
    assert (first["start_ns"] // 1000).equals(third["start_ns"] // 1000)
    assert third["start_ns"].iloc[0] % 1000 == 390


def test_all_forty_traces_of_jaeger_are_read_with_168_spans() -> None:
    rows = next(jaeger("jaeger/services", "jaeger/traces_default_limit").spans(SpanFilter(("frontend",)), HOUR))
    assert rows["trace_id"].nunique() == 40
    assert set(rows["service"]) == {"frontend"}
    assert int((rows["status"] == "error").sum()) == 6


def test_ids_of_a_search_get_their_leading_zeros_back() -> None:
    asked: list[httpx.Request] = []
    source = tempo(traced.replay("tempo/search_traceql_all", asked=asked))
    (piece,) = source.spans(SpanFilter(), HOUR)
    assert "/api/v2/traces/00768817d1cc755ac6c88cfe52b7bdbe" in {request.url.path for request in asked}
    assert piece.empty
    assert piece.attrs["warnings"] == ("5 traces were found and then not given.",)


def test_whole_seconds_are_sent_to_tempo_and_microseconds_to_jaeger() -> None:
    asked: list[httpx.Request] = []
    span = TimeRange.from_ms(1_795_288_553_250, 1_795_288_553_750)
    list(tempo(traced.replay("tempo/search_empty", asked=asked)).spans(SpanFilter(), span))
    assert (asked[0].url.params["start"], asked[0].url.params["end"]) == ("1795288553", "1795288554")
    web = traced.web_of(traced.replay("jaeger/services", "jaeger/traces_search_empty", asked=asked), api="Jaeger")
    list(JaegerSource("j", web).spans(SpanFilter(("api",)), span))
    last = asked[-1].url.params
    assert (last["start"], last["end"]) == ("1795288553250000", "1795288553749999")


def test_milliseconds_taken_for_something_else_are_refused_before_they_are_sent() -> None:
    for wrong in (1_795_288_553, 1_795_288_553_000_000):
        with pytest.raises(ParameterError, match="not between 2000 and 2200"):
            micros(wrong)
    with pytest.raises(ParameterError, match="Jaeger would answer with nothing"):
        list(jaeger("jaeger/services", "jaeger/error_ms_start").spans(
            SpanFilter(("api",)), TimeRange.from_ms(1_795_288_553, 1_795_292_153)))  # fmt: skip


def test_tempo_v2_says_not_found_with_an_empty_trace_and_v1_with_404() -> None:
    missing = "0" * 31 + "1"
    assert tempo(traced.replay("tempo/trace_v2_not_found")).trace(missing).empty
    assert tempo(traced.replay("tempo/trace_v1_not_found")).trace(missing).empty


def test_a_tempo_without_v2_is_asked_by_v1() -> None:
    rows = tempo(traced.replay("tempo/trace_v1_protobuf")).trace(FOUND.upper())
    assert len(rows) == 5
    assert rows.attrs["warnings"] == ()


def test_a_trace_that_tempo_cuts_is_marked_partial() -> None:
    document = {**json.loads(body("tempo/trace_v2_json")), "status": "PARTIAL", "message": "trace exceeds max size"}
    rows = tempo(lambda _: httpx.Response(200, json=document)).trace(FOUND)
    assert {row["workbench.partial"] for row in rows["attributes"]} == {"cut by the server"}


def test_several_ids_of_jaeger_with_one_missing_are_those_that_are_there_and_a_warning() -> None:
    source = JaegerSource("j", traced.web_of(lambda _: traced.capture("jaeger/traces_by_ids_missing")[1], api="Jaeger"),
                          version="v1")  # fmt: skip
    rows = source.trace(FOUND)
    assert len(rows) == 5
    assert rows.attrs["warnings"] == ("1 trace was asked for and not found.",)


@pytest.mark.parametrize("name", ["jaeger/trace_not_found", "jaeger/v3_trace_not_found"])
def test_a_trace_that_jaeger_lacks_is_an_empty_frame(name: str) -> None:
    source = jaeger("jaeger/services" if "v3" not in name else "jaeger/v3_services", name)
    assert source.trace("0" * 31 + "9").empty


def test_recent_spans_that_tempo_hides_are_warned_of() -> None:
    """The same query found six traces, and after the cut-off of 15 minutes one (``tempo_cutoff``)."""
    for name, count in (("tempo/search_traceql_error", 6), ("tempo_cutoff/search_traceql_error", 1)):
        assert len(json.loads(body(name))["traces"]) == count
    source = TempoSource("t", traced.web_of(traced.replay("tempo_cutoff/search_traceql_error")), clock=lambda: HOUR.end)
    (piece,) = source.spans(SpanFilter(status="error"), HOUR)
    assert any("out of search" in warning for warning in piece.attrs["warnings"])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("tempo/error_traceql_invalid", QueryRejected),
        ("tempo/error_range_too_long", QueryTooExpensive),
        ("tempo/error_limit_huge", QueryTooExpensive),
        ("tempo/error_unknown_path", AnswerUnreadable),
        ("jaeger/error_no_service", QueryRejected),
        ("jaeger/error_bad_tags", QueryRejected),
        ("jaeger/traces_search_limit0", QueryTooExpensive),
        ("jaeger/v3_find_no_num_traces", QueryTooExpensive),
    ],
)
def test_recorded_errors_keep_their_words(name: str, kind: type[SourceError]) -> None:
    request, response = traced.capture(name)
    web = traced.web_of(traced.replay(name), api="Tempo")
    with pytest.raises(kind) as failure:
        web.document(request["path"], query="the query")
    word = response.text.split('"msg":"')[-1].split('"message":"')[-1].split(":")[0].split('"')[0].strip()
    assert word in str(failure.value)
    assert failure.value.query == "the query"


def counted(name: str, query: str, step_ms: int) -> tuple[dict[str, list[float]], Callable[[str], int]]:
    fields = traced.capture(name)[0]["query"]
    span = TimeRange(from_ms(fields["start"] * 1000), from_ms(fields["end"] * 1000))
    found = tempo(traced.replay(name)).metrics(query, span, step_ms=step_ms)
    rows = {
        next(iter(labels.values())): values.tolist() for labels, values in zip(found.labels, found.values, strict=True)
    }
    present = {
        next(iter(labels.values())): int(row.sum()) for labels, row in zip(found.labels, found.present, strict=True)
    }
    assert all(span.start_ms <= time < span.end_ms for time in found.times)
    return rows, present.__getitem__


def test_a_count_without_a_value_is_zero_and_an_average_without_one_is_missing() -> None:
    counts, held = counted("tempo/metrics_count_error_by", "{ status = error } | count_over_time() by (name)", 300_000)
    assert counts["charge_card"] == [0, 0, 0, 2, 2, 2]
    assert held("charge_card") == 6
    averages, held = counted("tempo/metrics_avg", "{} | avg_over_time(duration) by (resource.service.name)", 600_000)
    assert held("checkout") == 1
    assert [value for value in averages["checkout"] if value == value] == [0.05398042289655173]
    _, held = counted("tempo/metrics_quantile", "{ } | quantile_over_time(duration, .5, .95)", 300_000)
    assert held("0.5") == 3


def test_a_search_sent_as_a_metrics_query_is_rejected() -> None:
    with pytest.raises(QueryRejected, match="not a metrics query"):
        counted("tempo/error_metrics_not_metrics", "{}", 60_000)


def test_values_of_an_attribute_come_sorted() -> None:
    source = tempo(traced.replay("tempo/v2_tag_values_service"))
    assert source.attribute_values("resource.service.name", HOUR) == ("checkout", "frontend", "payments", "worker")


def test_states_say_what_answers_and_how_new_it_is() -> None:
    state = tempo(traced.replay("tempo/buildinfo", "tempo/search_most_recent")).state()
    assert (state.status, state.engine, state.newest) == (
        "ok", "Tempo", from_ms(1_795_292_001_461)
    )  # fmt: skip
    state = jaeger("jaeger/services", "jaeger/traces_search").state()
    assert (state.status, state.engine) == ("ok", "Jaeger API v1")
    assert jaeger("jaeger/v3_services", "jaeger/v3_find_empty").state().status == "no_data"
    away = TempoSource("t", traced.web_of(lambda _: httpx.Response(404, text="404 page not found"))).state()
    assert (away.status, away.exit_code) == ("unavailable", AnswerUnreadable.exit_code)
