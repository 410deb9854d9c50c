"""One conformance class for every source of spans, so that one filter means the same in all of them."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from google.protobuf import json_format

from tests.query import traced
from workbench.archive import Archive
from workbench.core.errors import ParameterError, QueryTooExpensive
from workbench.core.filters import Condition, SpanFilter
from workbench.core.timerange import TimeRange
from workbench.query.jaeger import JaegerSource
from workbench.query.otlp_schema import message
from workbench.query.spans import Gathered, Span
from workbench.query.tempo import TempoSource
from workbench.query.trace_files import TraceFiles

START = datetime(2026, 10, 20, tzinfo=UTC)
RANGE = TimeRange(START, START + timedelta(days=10))
NOW = START + timedelta(days=20)
SERVICES = ("api", 'pay"ments', "db")


def _world() -> list[Span]:
    chance = random.Random(7)
    spans = []
    for number in range(60):
        trace = f"{chance.getrandbits(128 if number % 3 else 64):032x}" if number % 5 else f"{number + 1:032x}"
        at = int(START.timestamp() * 1e9) + chance.randrange(int(RANGE.seconds * 1e6)) * 1000
        parent = ""
        for depth in range(1 + number % 4):
            own = f"{chance.getrandbits(64):016x}"
            attributes = {"code": str(200 + 100 * (number % 4)), "route": f"/a&&b/{number % 3}"}
            if number % 2:
                attributes["vip"] = "true" if depth else "false"
            status = "error" if (number + depth) % 5 == 0 else "unset"
            kind = ("server", "client", "internal")[depth % 3]
            spans.append(
                Span(trace, own, parent, SERVICES[depth % 3], f"op {number % 7}", kind, at, (number + 1) * 97_000,
                     status, attributes)
            )  # fmt: skip
            parent, at = own, at + 1_000
    return spans


WORLD = _world()

FILTERS = {
    "all": SpanFilter(),
    "service": SpanFilter(services=("api",)),
    "two services, one with a quote": SpanFilter(services=("db", 'pay"ments')),
    "operation": SpanFilter(operations=("op 3", "op 5")),
    "status": SpanFilter(status="error"),
    "not failed": SpanFilter(status="unset", services=("api",)),
    "duration": SpanFilter(min_duration_ns=5_000_500),
    "number": SpanFilter(attributes=(Condition("code", "=", ("400",)),)),
    "truth": SpanFilter(attributes=(Condition("vip", "=", ("true",)),)),
    "text with an operator": SpanFilter(attributes=(Condition("route", "=", ("/a&&b/1",)),)),
    "not": SpanFilter(attributes=(Condition("code", "!=", ("200",)),)),
    "not, of some that lack it": SpanFilter(attributes=(Condition("vip", "!=", ("true",)),)),
    "absent": SpanFilter(attributes=(Condition("vip", "=", ("",)),)),
    "in": SpanFilter(attributes=(Condition("code", "in", ("200", "500")),)),
    "in, or absent": SpanFilter(attributes=(Condition("vip", "in", ("", "false")),)),
    "pattern of a number": SpanFilter(attributes=(Condition("code", "regex", ("4..|5..",)),)),
    "pattern of a column": SpanFilter(attributes=(Condition("operation", "regex", ("op [12]",)),)),
    "kind": SpanFilter(attributes=(Condition("kind", "=", ("client",)),)),
    "everything": SpanFilter(
        ("api", "db"), ("op 1", "op 2"), "error", 1_000_000, (Condition("route", "regex", ("/a.*",)),)
    ),
    "trace": SpanFilter(trace_id=WORLD[0].trace_id),
    "no such trace": SpanFilter(trace_id="f" * 32),
    "nothing": SpanFilter(services=("none",)),
}


def expected(wanted: SpanFilter, span: TimeRange) -> set[tuple[str, str]]:
    def holds(one: Span, condition: Condition) -> bool:
        value = getattr(one, condition.attribute, None)
        value = one.attributes.get(condition.attribute, "") if not isinstance(value, str) else value
        if condition.op == "regex":
            return re.fullmatch(condition.values[0], value) is not None
        return (value in condition.values) != (condition.op == "!=")

    return {
        (one.trace_id, one.span_id)
        for one in WORLD
        if span.start_ms * 10**6 <= one.start_ns < span.end_ms * 10**6
        and (not wanted.services or one.service in wanted.services)
        and (not wanted.operations or one.operation in wanted.operations)
        and wanted.status in ("", one.status)
        and (one.duration_ns or 0) >= wanted.min_duration_ns
        and (not wanted.trace_id or one.trace_id == wanted.trace_id.zfill(32))
        and all(holds(one, condition) for condition in wanted.attributes)
    }


class _Archived:
    """The archive, whose filter is compiled to Arrow."""

    name = "archive"

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def spans(self, wanted: SpanFilter, span: TimeRange) -> Iterator[pd.DataFrame]:
        yield self._archive.spans(wanted, span)


def _lines(path: Path) -> Path:
    traces = list(traced.by_trace(WORLD).values())
    with gzip.open(path / "spans.json.gz", "wt") as out:
        for trace in traces[::2]:
            out.write(json.dumps(traced.otlp(trace)) + "\n")
    (path / "spans.json").write_text("".join(json.dumps(traced.otlp(trace)) + "\n" for trace in traces[1::2]))
    return path


def protobuf(spans: list[Span]) -> bytes:
    document = traced.otlp(spans, ids="base64")
    for resource in document["resourceSpans"]:
        for span in resource["scopeSpans"][0]["spans"]:
            span["kind"] = ["", "internal", "server", "client"].index(span["kind"].removeprefix("SPAN_KIND_").lower())
            span["status"] = {"code": 2} if span["status"] else {}
    return json_format.ParseDict(document, message("TracesData")(), ignore_unknown_fields=True).SerializeToString()


def _exported(path: Path, *, compressed: bool) -> Path:
    def squeezed(body: bytes) -> bytes:
        out = pa.BufferOutputStream()
        with pa.CompressedOutputStream(out, "zstd") as stream:
            stream.write(body)
        return out.getvalue().to_pybytes()

    with (path / "spans.bin").open("wb") as out:
        for trace in traced.by_trace(WORLD).values():
            body = protobuf(trace)
            body = squeezed(body) if compressed else body
            out.write(len(body).to_bytes(4, "big") + body)
    return path / "spans.bin"


def _zipkin(path: Path) -> Path:
    (path / "zipkin.json").write_text(json.dumps([traced.zipkin(trace) for trace in traced.by_trace(WORLD).values()]))
    return path / "zipkin.json"


def _archive(path: Path) -> _Archived:
    archive = Archive.open(path / "archive", create=True)
    archive.append_spans(Gathered().table([replace(span, attributes=dict(span.attributes)) for span in WORLD]))
    return _Archived(archive)


SOURCES: dict[str, Callable[[Path], Any]] = {
    "tempo": lambda _: TempoSource("t", traced.web_of(traced.tempo(WORLD)), clock=lambda: NOW),
    "tempo that fills up": lambda _: TempoSource("t", traced.web_of(traced.tempo(WORLD, most=7)), clock=lambda: NOW),
    "jaeger v1": lambda _: JaegerSource("j", traced.web_of(traced.jaeger(WORLD), api="Jaeger")),
    "jaeger v1 that fills up": lambda _: JaegerSource("j", traced.web_of(traced.jaeger(WORLD, most=7), api="Jaeger")),
    "jaeger v3": lambda _: JaegerSource("j", traced.web_of(traced.jaeger(WORLD, version="v3"), api="Jaeger")),
    "otlp lines, one gzipped": lambda path: TraceFiles("f", _lines(path)),
    "otlp protobuf": lambda path: TraceFiles("f", _exported(path, compressed=False)),
    "otlp protobuf, zstd": lambda path: TraceFiles("f", _exported(path, compressed=True)),
    "zipkin": lambda path: TraceFiles("f", _zipkin(path), "zipkin"),
    "archive": _archive,
}


@pytest.fixture(scope="module", params=SOURCES)
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        if "fills up" in request.param:
            patch.setattr("workbench.query.tempo.LIMIT", 7)
            patch.setattr("workbench.query.jaeger.LIMIT", 7)
        yield SOURCES[request.param](tmp_path_factory.mktemp("spans"))


class TestConformance:
    @pytest.mark.parametrize("case", FILTERS)
    def test_exactly_the_matching_spans_come_each_once(self, source: Any, case: str) -> None:
        rows = pd.concat(list(source.spans(FILTERS[case], RANGE)), ignore_index=True)
        found = list(zip(rows["trace_id"], rows["span_id"], strict=True))
        assert len(set(found)) == len(found)
        assert set(found) == expected(FILTERS[case], RANGE)

    def test_a_range_takes_its_start_and_leaves_its_end(self, source: Any) -> None:
        moments = sorted(one.start_ns // 1_000_000 for one in WORLD)
        inner = TimeRange.from_ms(moments[20], moments[90])
        rows = pd.concat(list(source.spans(SpanFilter(), inner)), ignore_index=True)
        assert set(zip(rows["trace_id"], rows["span_id"], strict=True)) == expected(SpanFilter(), inner)

    def test_rows_say_what_the_spans_said(self, source: Any) -> None:
        rows = pd.concat(list(source.spans(SpanFilter(), RANGE)), ignore_index=True).set_index("span_id")
        for one in WORLD[::9]:
            row = rows.loc[one.span_id]
            assert (row.trace_id, row.parent_id, row.service, row.operation, row.kind, row.status) == (
                one.trace_id, one.parent_id, one.service, one.operation, one.kind, one.status
            )  # fmt: skip
            assert (row.start_ns, row.duration_ns, row.weight) == (one.start_ns, one.duration_ns, 1.0)
            assert {key: row.attributes.get(key, "") for key in one.attributes} == one.attributes

    def test_a_pattern_that_is_no_re2_is_refused_before_anything_is_asked(self, source: Any) -> None:
        with pytest.raises(ParameterError, match="RE2"):
            list(source.spans(SpanFilter(attributes=(Condition("code", "regex", ("(?=4)",)),)), RANGE))


def test_a_naive_search_would_lose_traces() -> None:
    """The fake stops at its limit, as the servers do; so the conformance above proves that windows are halved."""
    asked: list[Any] = []
    answer = traced.tempo(WORLD, most=7, asked=asked)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workbench.query.tempo.LIMIT", 7)
        rows = pd.concat(list(TempoSource("t", traced.web_of(answer), clock=lambda: NOW).spans(SpanFilter(), RANGE)))
    assert len(rows) == len(WORLD)
    searches = [request for request in asked if request.url.path == "/api/search"]
    assert len(searches) > len(traced.by_trace(WORLD)) / 7


def test_a_second_with_more_traces_than_one_answer_is_refused_not_cut() -> None:
    same = [replace(one, start_ns=WORLD[0].start_ns) for one in WORLD]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workbench.query.tempo.LIMIT", 7)
        patch.setattr("workbench.query.jaeger.LIMIT", 7)
        for source in (
            TempoSource("t", traced.web_of(traced.tempo(same)), clock=lambda: NOW),
            JaegerSource("j", traced.web_of(traced.jaeger(same), api="Jaeger")),
        ):
            with pytest.raises(QueryTooExpensive, match="no next page"):
                list(source.spans(SpanFilter(services=("api",)), RANGE))
