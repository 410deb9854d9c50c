"""Rows pulled = rows there, from a Loki that loses rows to everyone who goes on from the last time of a full answer."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from tests.query.fake_loki import HOUR_NS, FakeLoki, Line
from tests.query.served import Asked, Says, Served
from tests.servers.given import send
from tests.servers.programs import Server
from workbench.core.errors import ParameterError, QueryTooExpensive, SourceUnavailable
from workbench.core.filters import LogFilter
from workbench.core.settings import SourceSettings
from workbench.core.timerange import TimeRange, from_ms
from workbench.query.http.client import BackendClient
from workbench.query.logs.loki.api import LokiApi
from workbench.query.logs.loki.source import LokiSource
from workbench.query.logs.loki.windows import whole_windows

START_NS = 1_795_288_500_000_000_000
HOURS = 6
SPAN = TimeRange(from_ms(START_NS // 10**6), from_ms(START_NS // 10**6 + HOURS * 3_600_000))
ALL = LogFilter()


def lines(count: int, *, bursts: int, burst: int, seed: int = 5) -> list[Line]:
    """Lines of two streams over six hours, of which some share a nanosecond."""
    chance = random.Random(seed)
    times = [START_NS + chance.randrange(HOURS * HOUR_NS) for _ in range(count - bursts * burst)]
    times += [at for at in chance.sample(times, bursts) for _ in range(burst)]
    streams = [{"service_name": "shop", "level": level} for level in ("info", "error")]
    return [Line(at, f"line {number}", streams[number % 2]) for number, at in enumerate(times)]


@cache
def hundred_thousand() -> FakeLoki:
    return FakeLoki(lines(100_000, bursts=40, burst=700))


def source_at(url: str, *, timeout_s: float = 30, **more: Any) -> LokiSource:
    settings = SourceSettings(kind="loki", url=url, selector='{service_name="shop"}', timeout_s=timeout_s, **more)
    return LokiSource.from_settings("loki", settings)


def naive_pages(api: LokiApi, start_ns: int, end_ns: int, limit: int = 5000) -> Iterator[str]:
    """Page as many clients do: on from the last time, without the lines seen at that time."""
    at, seen = start_ns, set[str]()
    while True:
        found = api.entries('{service_name="shop"}', at, end_ns, limit=limit)
        fresh = [entry for entry in found if entry.line not in seen]
        yield from (entry.line for entry in fresh)
        if len(found) < limit or not fresh:
            return
        last = max(entry.time_ns for entry in found)
        seen = {entry.line for entry in found if entry.time_ns == last} | (seen if last == at else set())
        at = last


@pytest.mark.slow
def test_every_one_of_a_hundred_thousand_lines_comes_once(serve: Callable[..., Served]) -> None:
    served = serve(hundred_thousand().answer)
    pulled = [message for piece in source_at(served.url).logs(ALL, SPAN) for message in piece["message"]]
    assert len(pulled) == len(set(pulled)) == 100_000
    assert len(served.asked) < 400


@pytest.mark.slow
def test_a_naive_pager_loses_lines_of_the_same_server(serve: Callable[..., Served]) -> None:
    served = serve(hundred_thousand().answer)
    api = source_at(served.url).api
    pulled = set(naive_pages(api, SPAN.start_ms * 10**6, SPAN.end_ms * 10**6))
    assert len(pulled) < 90_000


@pytest.mark.slow
def test_pieces_come_oldest_first_and_no_larger_than_an_answer(serve: Callable[..., Served]) -> None:
    served = serve(FakeLoki(lines(12_000, bursts=3, burst=400)).answer)
    last = 0
    for piece in source_at(served.url).logs(ALL, SPAN):
        times = piece["time_ns"].tolist()
        assert len(piece) < 5000
        assert times == sorted(times)
        assert last <= times[0]
        last = times[-1]


@pytest.mark.slow
def test_a_nanosecond_with_more_lines_than_an_answer_is_read_stream_by_stream_and_from_both_ends(
    serve: Callable[..., Served],
) -> None:
    held = [Line(START_NS + 5, f"{stream} {number}", {"service_name": "shop", "pod": stream})
            for stream, count in (("a", 90), ("b", 150)) for number in range(count)]  # fmt: skip
    served = serve(FakeLoki(held, limit=100).answer)
    source = source_at(served.url)
    assert sum(len(piece) for piece in source.logs(ALL, SPAN)) == 240
    assert source.api.most_lines == 100, "learnt from the server's refusal of 5,000"


@pytest.mark.slow
def test_a_full_answer_of_one_nanosecond_is_whole_where_the_server_knows_no_nanoseconds(
    serve: Callable[..., Served],
) -> None:
    held = [Line(START_NS + 5, f"{number}", {"service_name": "shop"}) for number in range(100)]
    served = serve(FakeLoki(held, limit=100, nanoseconds=False).answer)
    assert sum(len(piece) for piece in source_at(served.url).logs(ALL, SPAN)) == 100


@pytest.mark.live
@pytest.mark.slow
def test_a_real_server_gives_all_lines_of_a_nanosecond_and_of_more_than_a_month(loki_node: Server) -> None:
    now_ns = int(time.time()) * 10**9
    hour = now_ns - 3_600 * 10**9
    streams = {
        "shared": [(hour, f"{number}") for number in range(6_001)],
        "full": [(hour, f"{number}") for number in range(5_000)],
        "month": [(now_ns - number * 3_600 * 10**9, f"{number}") for number in range(1, 33 * 24)][::-1],
        "blanks": [(hour + number, text) for number, text in enumerate(("  a  ", "\ufeffb", "c\t", "", "é ☕"))],
    }
    for name, held in streams.items():
        for at in range(0, len(held), 2_000):
            values = [[str(time_ns), text] for time_ns, text in held[at : at + 2_000]]
            pushed = {"streams": [{"stream": {"service_name": name}, "values": values}]}
            send(f"{loki_node.url}/loki/api/v1/push", json.dumps(pushed))
        span = TimeRange.from_ms(held[0][0] // 10**6 - 1_000, now_ns // 10**6)
        settings = SourceSettings(kind="loki", url=loki_node.url, selector=f'{{service_name="{name}"}}')
        source = LokiSource.from_settings("loki", settings)
        rows = [text for piece in source.logs(ALL, span) for text in piece["message"]]
        assert sorted(rows) == sorted(text for _, text in held), name
        assert source.log_counts(ALL, span, step_ms=86_400_000)["count"].sum() == len(held), name


@pytest.mark.slow
def test_lines_that_no_question_can_reach_are_an_error_and_not_left_out(serve: Callable[..., Served]) -> None:
    held = [Line(START_NS + 5, f"{number}", {"service_name": "shop"}) for number in range(250)]
    served = serve(FakeLoki(held, limit=100).answer)
    with pytest.raises(QueryTooExpensive, match="share the nanosecond"):
        list(source_at(served.url).logs(ALL, SPAN))


@pytest.mark.slow
@pytest.mark.parametrize("status", [429, 503])
def test_a_storm_of_refusals_is_survived(serve: Callable[..., Served], status: int) -> None:
    fake, chance = FakeLoki(lines(6_000, bursts=2, burst=300)), random.Random(11)

    def stormy(asked: Asked) -> Says:
        if chance.random() < 0.5:
            return Says(b"too many outstanding requests", status, {"Content-Type": "text/plain", "Retry-After": "0"})
        return fake.answer(asked)

    served = serve(stormy)
    assert sum(len(piece) for piece in source_at(served.url).logs(ALL, SPAN)) == 6_000


@pytest.mark.slow
def test_a_server_that_hangs_ends_in_the_timeout(serve: Callable[..., Served]) -> None:
    served = serve(lambda asked: Says(headers_drip_s=30))
    with pytest.raises(SourceUnavailable, match="No complete answer"):
        list(source_at(served.url, timeout_s=0.4).logs(ALL, SPAN))


def test_a_tenant_is_named_and_a_missing_one_explained(serve: Callable[..., Served]) -> None:
    served = serve(FakeLoki(lines(10, bursts=0, burst=0), tenant="team-a").answer)
    assert sum(len(piece) for piece in source_at(served.url, tenant="team-a").logs(ALL, SPAN)) == 10
    with pytest.raises(SourceUnavailable, match="no org id") as met:
        list(source_at(served.url).logs(ALL, SPAN))
    assert "tenant" in met.value.hint
    state = source_at(served.url).state()
    assert (state.status, state.exit_code) == ("unavailable", 3)


@pytest.mark.slow
def test_milliseconds_are_refused_before_they_are_sent(serve: Callable[..., Served]) -> None:
    served = serve(hundred_thousand().answer)
    api = LokiApi(BackendClient.from_settings("l", SourceSettings(kind="loki", url=served.url), api="Loki"))
    with pytest.raises(ParameterError, match="lies in 1970"):
        list(whole_windows(api, "{a=~'.+'}", START_NS // 10**6, START_NS // 10**6 + 1))
    assert not served.asked


def test_counts_are_those_of_the_lines_also_where_steps_are_cut(serve: Callable[..., Served]) -> None:
    held = lines(4_000, bursts=3, burst=200)
    held += [Line(START_NS + 3_600_000 * 10**6, "on the hour", {"service_name": "shop", "level": "error"})]
    served = serve(FakeLoki(held).answer)
    cut = TimeRange.from_ms(SPAN.start_ms + 17, SPAN.end_ms - 4_321)
    counts = source_at(served.url).log_counts(ALL, cut, step_ms=3_600_000, by=["severity"])
    inside = [line for line in held if cut.start_ms * 10**6 <= line.time_ns < cut.end_ms * 10**6]
    truth: dict[tuple[int, str], int] = {}
    for line in inside:
        key = (line.time_ns // HOUR_NS * 3_600_000, line.labels["level"].upper())
        truth[key] = truth.get(key, 0) + 1
    found = {(int(time.timestamp() * 1000), severity): count
             for time, severity, count in counts.itertuples(index=False)}  # fmt: skip
    assert found == truth
    assert not counts.attrs["warnings"]
    assert not [asked for asked in served.asked if "limit" in asked.fields], "counted by the server"


def test_a_line_keeps_what_it_says_beside_labels_and_metadata(serve: Callable[..., Served]) -> None:
    record = {"message": "slow", "level": "warning", "trace_id": "trace_def456", "context": {"user": "u"}, "ms": 4.5}
    line = Line(START_NS, json.dumps(record), {"service_name": "shop"}, {"pod": "p-1"})
    served = serve(FakeLoki([line]).answer)
    (piece,) = source_at(served.url).logs(ALL, SPAN)
    row = piece.to_dict(orient="records")[0]
    assert (row["severity"], row["service"], row["message"], row["trace_id"]) == (
        "WARN",
        "shop",
        "slow",
        "trace_def456",
    )
    assert row["attributes"] == {
        "service_name": "shop", "pod": "p-1", "level": "warning", "context.user": "u", "ms": "4.5",
        "detected_level": "unknown",
    }  # fmt: skip
