"""Which way a trace of Tempo is read: the frontend, the querier, or the blocks alone; no span may get lost on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.query import traced
from tests.query.written_spans import NOW, RANGE, WORLD
from workbench.core.filters import SpanFilter
from workbench.query.traces.spans import Span
from workbench.query.traces.tempo import TempoSource


def test_the_shorter_way_to_traces_is_taken_where_it_gives_the_same() -> None:
    asked: list[Any] = []
    source = TempoSource("t", traced.web_of(traced.tempo(WORLD, short=True, asked=asked)), clock=lambda: NOW)
    assert sum(map(len, source.spans(SpanFilter(), RANGE))) == len(WORLD)
    public = [request for request in asked if request.url.path.startswith("/api/v2/traces/")]
    assert len(public) == 1


def spans_and_modes(
    world: Sequence[Span], now: datetime = NOW, live: Callable[[Span], bool] = lambda span: False
) -> tuple[int, Counter[str | None]]:
    """Spans read of a Tempo in one process, and how often the querier was asked in each mode."""
    requests: list[httpx.Request] = []
    server = traced.tempo(world, short=True, asked=requests, live=live)
    source = TempoSource("t", traced.web_of(server), clock=lambda: now)
    spans = sum(map(len, source.spans(SpanFilter(), RANGE)))
    traces = [request for request in requests if request.url.path.startswith("/querier/api/v2/traces/")]
    return spans, Counter(request.url.params.get("mode") for request in traces)


CALM = [
    replace(WORLD[0], trace_id=f"{number + 1:032x}", span_id=f"{number + 1:014x}{part:02x}", kind="server",
            parent_id=f"{number + 1:014x}00" if part else "",
            start_ns=RANGE.start_ms * 10**6 + number * 10**9 + part * 10**6, duration_ns=10**6)
    for number in range(60) for part in range(4)
]  # fmt: skip


def test_what_is_in_no_live_store_is_read_from_the_blocks_alone() -> None:
    assert spans_and_modes(CALM) == (len(CALM), Counter({"blocks": 59, "all": 1}))


@pytest.mark.parametrize("late", [lambda span: span.span_id.endswith("03"), lambda span: not span.parent_id])
def test_spans_that_are_in_a_live_store_only_are_not_lost(late: Callable[[Span], bool]) -> None:
    """Search names the most spans of one block, so its count does not show what another holds."""
    spans, modes = spans_and_modes(CALM, live=lambda span: late(span) and int(span.trace_id, 16) % 3 == 0)
    assert spans == len(CALM)
    assert modes == Counter({"blocks": 39, "all": 21})


def test_traces_that_ended_just_now_are_read_whole() -> None:
    assert spans_and_modes(CALM, RANGE.start + timedelta(minutes=10)) == (len(CALM), Counter({"all": 60}))


def test_a_full_list_of_the_live_stores_says_nothing_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.query.traces.tempo_trace.LIVE_LIMIT", 5)
    spans, modes = spans_and_modes(CALM, live=lambda span: int(span.trace_id, 16) > 30 and span.span_id.endswith("03"))
    assert (spans, modes["blocks"]) == (len(CALM), 0)


def test_a_parent_beyond_the_range_that_is_not_flushed_is_asked_for() -> None:
    """The list of the live stores is of one range; a trace may begin before it."""
    early = [replace(span, start_ns=RANGE.start_ms * 10**6 - 10**9) if not span.parent_id else span for span in CALM]
    requests: list[httpx.Request] = []
    server = traced.tempo(early, short=True, asked=requests, live=lambda span: not span.parent_id)
    source = TempoSource("t", traced.web_of(server), clock=lambda: NOW)
    frames = list(source.spans(SpanFilter(), RANGE))
    assert sum(map(len, frames)) == len(CALM) * 3 // 4
    assert not any("parent" in warning for warning in frames[-1].attrs["warnings"])


def test_a_querier_that_gives_less_is_not_believed() -> None:
    whole = traced.tempo(WORLD, short=True)

    def forgetful(request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/querier/"):
            return traced.tempo(WORLD[::3], short=True)(request)
        return whole(request)

    source = TempoSource("t", traced.web_of(forgetful), clock=lambda: NOW)
    frames = list(source.spans(SpanFilter(), RANGE))
    assert sum(map(len, frames)) == len(WORLD)
