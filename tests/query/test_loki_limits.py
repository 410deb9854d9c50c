"""What a real Loki did and recorded answers do not show: months, crowded nanoseconds, counts a step, blanks."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.query.fake_loki import HOUR_NS, FakeLoki, Line
from tests.query.served import Asked, Says, Served, says
from workbench.core.counting import counted_lines
from workbench.core.errors import AnswerUnreadable, QueryTooExpensive
from workbench.core.filters import LogFilter
from workbench.core.settings import SourceSettings
from workbench.core.timerange import TimeRange, to_ms
from workbench.query.logs.loki.source import LokiSource

pytestmark = pytest.mark.slow

MONTH = TimeRange(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
AT_NS = MONTH.start_ms * 10**6
DAY_MS = 86_400_000
ALL = LogFilter()


def source_at(url: str, **more: object) -> LokiSource:
    settings = SourceSettings(kind="loki", url=url, selector='{app="shop"}', **more)
    return LokiSource.from_settings("loki", settings)


def line(time_ns: int, text: str, **labels: str) -> Line:
    return Line(time_ns, text, {"app": "shop", **labels})


def pulled(source: LokiSource, span: TimeRange = MONTH) -> list[str]:
    return [message for piece in source.logs(ALL, span) for message in piece["message"]]


def test_a_month_of_31_days_is_read_counted_and_its_newest_line_found(serve: Callable[..., Served]) -> None:
    held = [line(AT_NS + number * 6 * HOUR_NS, f"line {number}") for number in range(31 * 4)]
    source = source_at(serve(FakeLoki(held).answer).url)
    assert len(pulled(source)) == 124
    counts = source.log_counts(ALL, MONTH, step_ms=DAY_MS)
    assert counts["count"].tolist() == [4] * 31
    assert source.newest(MONTH) == datetime(2026, 10, 31, 18, tzinfo=UTC)


def test_a_server_of_shorter_ranges_is_asked_for_shorter_ones(serve: Callable[..., Served]) -> None:
    held = [line(AT_NS + number * HOUR_NS, f"line {number}") for number in range(31 * 24)]
    fake = FakeLoki(held)

    def a_day_and_a_half_at_most(asked: Asked) -> Says:
        if int(asked.fields.get("end", 0)) - int(asked.fields.get("start", 0)) > 36 * HOUR_NS:
            text = b"the query time range exceeds the limit (query length: 24h0m0s, limit: 36h)"
            return Says(text, 400, {"Content-Type": "text/plain"})
        return fake.answer(asked)

    source = source_at(serve(a_day_and_a_half_at_most).url)
    assert len(pulled(source)) == 31 * 24
    assert source.newest(MONTH) == datetime(2026, 10, 31, 23, tzinfo=UTC)


@pytest.mark.parametrize(("crowd", "streams"), [(500, 1), (600, 1), (600, 2), (900, 3), (999, 1)])
def test_a_crowded_nanosecond_is_read_whole(serve: Callable[..., Served], crowd: int, streams: int) -> None:
    held = [line(AT_NS + 5, f"line {number}", pod=f"p{number % streams}") for number in range(crowd)]
    held.append(line(AT_NS + HOUR_NS, "later", pod="p0"))
    texts = pulled(source_at(serve(FakeLoki(held, limit=500).answer).url))
    assert len(texts) == len(set(texts)) == crowd + 1


def test_a_full_answer_followed_by_fewer_lines_of_its_streams_is_an_error(serve: Callable[..., Served]) -> None:
    held = [line(AT_NS + 5, f"line {number}", pod=f"p{number % 2}") for number in range(600)]
    fake = FakeLoki(held, limit=500)

    def forgetful(asked: Asked) -> Says:
        if asked.path.endswith("query_range") and 'pod="p1"' in asked.fields["query"]:
            return says({"status": "success", "data": {"resultType": "streams", "result": []}})
        return fake.answer(asked)

    with pytest.raises(AnswerUnreadable, match="holds 600 lines, and its streams give 300"):
        pulled(source_at(serve(forgetful).url))


@pytest.mark.parametrize("step_ms", [600_000, 3_600_000, 7_200_000, DAY_MS])
def test_lines_on_the_edges_of_steps_are_counted_where_their_rows_are(
    serve: Callable[..., Served], step_ms: int
) -> None:
    edges = [AT_NS + number * 1_800 * 10**9 + shift for number in range(96) for shift in (-1, 0, 1, 999_999)]
    source = source_at(serve(FakeLoki([line(at, str(at), level="info") for at in edges]).answer).url)
    span = TimeRange(MONTH.start, MONTH.start + timedelta(days=2, seconds=17))
    counts = source.log_counts(ALL, span, step_ms=step_ms, by=["severity"])
    truth = counted_lines(source.logs(ALL, span), span, step_ms=step_ms, by=["severity"])
    assert counts.equals(truth)
    assert counts["count"].sum() == 96 * 4 - 1
    assert not counts.attrs["warnings"]


def test_steps_that_are_not_what_their_time_counts_are_told(serve: Callable[..., Served]) -> None:
    fake = FakeLoki([line(AT_NS + number * HOUR_NS + 1, f"line {number}") for number in range(24)])

    def losing(asked: Asked) -> Says:
        fifth_hour = asked.fields.get("time") == str(AT_NS + 5 * HOUR_NS - 1)
        if asked.path.endswith("/query") and "[1h]" in asked.fields["query"] and fifth_hour:
            return says({"status": "success", "data": {"resultType": "vector", "result": []}})
        return fake.answer(asked)

    span = TimeRange(MONTH.start, MONTH.start + timedelta(days=1))
    counts = source_at(serve(losing).url).log_counts(ALL, span, step_ms=3_600_000)
    assert counts.attrs["differences"] == counts.attrs["warnings"]
    (warning,) = counts.attrs["differences"]
    assert "23 lines in 24 steps, 24 in one count" in warning


def test_blanks_and_marks_at_the_ends_of_a_plain_line_are_part_of_it(serve: Callable[..., Served]) -> None:
    texts = ["  two blanks before", "three after   ", "\ufeffa mark", "\ta tab\t", "ERROR lost "]
    held = [line(AT_NS + number, text) for number, text in enumerate(texts)]
    assert pulled(source_at(serve(FakeLoki(held).answer).url)) == [*texts[:4], "lost "]


def test_a_metric_query_of_one_instant_has_its_point(serve: Callable[..., Served]) -> None:
    held = [line(AT_NS + 1, json.dumps({"message": "a"}))]
    source = source_at(serve(FakeLoki(held).answer).url)
    at = MONTH.start + timedelta(hours=1)
    found = source.range('sum(count_over_time({app="shop"} [1h]))', TimeRange(at, at), step_ms=60_000)
    assert found.times.tolist() == [AT_NS // 10**6 + 3_600_000]
    assert found.values.tolist() == [[1.0]]


@pytest.mark.parametrize(("lookback", "age", "refused"), [("30d", 31, True), ("30d", 29, False), ("0s", 400, False)])
def test_what_the_server_does_not_look_back_to_is_no_absence(
    serve: Callable[..., Served], lookback: str, age: int, refused: bool
) -> None:
    now = datetime.now(UTC)
    span = TimeRange(now - timedelta(days=age), now)
    held = [line(to_ms(now - timedelta(days=1)) * 10**6 + n, f"line {n}") for n in range(5)]
    source = source_at(serve(FakeLoki(held, lookback=lookback).answer).url)
    if refused:
        for question in (lambda: pulled(source, span), lambda: source.log_counts(ALL, span, step_ms=DAY_MS)):
            with pytest.raises(QueryTooExpensive, match="max_query_lookback"):
                question()
    else:
        assert len(pulled(source, span)) == int(source.log_counts(ALL, span, step_ms=DAY_MS)["count"].sum()) == 5


def test_the_last_days_may_begin_when_the_server_does(serve: Callable[..., Served]) -> None:
    now = datetime.now(UTC)
    source = source_at(serve(FakeLoki([line(to_ms(now) * 10**6 - 10**9, "x")], lookback="7d").answer).url)
    assert pulled(source, TimeRange(now - timedelta(days=7, seconds=2), now)) == ["x"]
