"""One conformance class for every source of spans, so that one filter means the same in all of them."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pyarrow as pa
import pytest

from tests.query import traced
from tests.query.written_spans import FILTERS, NOW, RANGE, WORLD, expected
from tests.servers.given import Later, given, named, send, whole_days_ms
from tests.servers.jaeger import Jaeger
from workbench.archive import Archive
from workbench.core.errors import ParameterError, QueryTooExpensive
from workbench.core.filters import Condition, SpanFilter
from workbench.core.settings import SourceSettings
from workbench.core.timerange import TimeRange
from workbench.query.http.client import BackendClient
from workbench.query.traces.files import TraceFiles
from workbench.query.traces.jaeger import JaegerSource, Version
from workbench.query.traces.spans import Gathered
from workbench.query.traces.tempo import TempoSource

pytestmark = pytest.mark.slow


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


def _exported(path: Path, *, compressed: bool) -> Path:
    def squeezed(body: bytes) -> bytes:
        out = pa.BufferOutputStream()
        with pa.CompressedOutputStream(out, "zstd") as stream:
            stream.write(body)
        return out.getvalue().to_pybytes()

    with (path / "spans.bin").open("wb") as out:
        for trace in traced.by_trace(WORLD).values():
            body = traced.protobuf(trace)
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


Backend = Callable[[Path, pytest.FixtureRequest], Any]


def told(otlp: str, source: Any, *, later_ms: int = 0, wait_s: float = 60) -> Any:
    """Send the world to a server as OTLP, wait until its source finds all of it, and return the source."""
    for trace in traced.by_trace(WORLD).values():
        moved = [replace(one, start_ns=one.start_ns + later_ms * 10**6) for one in trace]
        send(otlp, json.dumps(traced.otlp(moved)))
    until = time.monotonic() + wait_s
    while time.monotonic() < until and sum(map(len, source.spans(SpanFilter(), RANGE))) < len(WORLD):
        time.sleep(0.2)
    return source


@pytest.fixture(scope="module")
def jaeger_with_spans(jaeger_node: Jaeger) -> str:
    """Address of a real Jaeger that holds the world."""
    url = jaeger_node.server.url
    told(jaeger_node.otlp, JaegerSource.from_settings("j", SourceSettings(kind="jaeger", url=url)))
    return url


def real_jaeger(version: Version) -> Backend:
    def source(_: Path, request: pytest.FixtureRequest) -> JaegerSource:
        url = request.getfixturevalue("jaeger_with_spans")
        web = BackendClient.from_settings("j", SourceSettings(kind="jaeger", url=url), api="Jaeger")
        return JaegerSource("j", web, version=version)

    return source


def given_jaeger(*_: Any) -> JaegerSource:
    settings = SourceSettings(kind="jaeger", url=given("WORKBENCH_JAEGER_URL"))
    found: JaegerSource = told(given("WORKBENCH_JAEGER_OTLP_URL"), JaegerSource.from_settings("j", settings))
    return found


def given_tempo(*_: Any) -> Later:
    """A Tempo that flushes its blocks at once and takes old spans for what they are: see CONTRIBUTING.md."""
    settings, later_ms = SourceSettings(kind="tempo", url=given("WORKBENCH_TEMPO_URL")), whole_days_ms(RANGE.end_ms)
    source = Later(TempoSource.from_settings("t", settings), later_ms)
    found: Later = told(given("WORKBENCH_TEMPO_OTLP_URL"), source, later_ms=later_ms, wait_s=180)
    return found


SOURCES: dict[str, Backend] = {
    "tempo": lambda *_: TempoSource("t", traced.web_of(traced.tempo(WORLD)), clock=lambda: NOW),
    "tempo that fills up": lambda *_: TempoSource("t", traced.web_of(traced.tempo(WORLD, most=7)), clock=lambda: NOW),
    "tempo in one process": lambda *_: TempoSource(
        "t", traced.web_of(traced.tempo(WORLD, short=True)), clock=lambda: NOW
    ),
    "tempo before 2.6": lambda *_: TempoSource(
        "t", traced.web_of(traced.tempo(WORLD, events=False)), clock=lambda: NOW
    ),
    "jaeger v1": lambda *_: JaegerSource("j", traced.web_of(traced.jaeger(WORLD), api="Jaeger")),
    "jaeger v1 that fills up": lambda *_: JaegerSource("j", traced.web_of(traced.jaeger(WORLD, most=7), api="Jaeger")),
    "jaeger v3": lambda *_: JaegerSource("j", traced.web_of(traced.jaeger(WORLD, version="v3"), api="Jaeger")),
    "jaeger on Cassandra that fills up": lambda *_: JaegerSource(
        "j", traced.web_of(traced.jaeger(WORLD, cassandra=True), api="Jaeger"), clock=lambda: NOW
    ),
    "jaeger v3 on Cassandra that fills up": lambda *_: JaegerSource(
        "j", traced.web_of(traced.jaeger(WORLD, version="v3", cassandra=True), api="Jaeger"), clock=lambda: NOW
    ),
    "otlp lines, one gzipped": lambda path, _: TraceFiles("f", _lines(path)),
    "otlp protobuf": lambda path, _: TraceFiles("f", _exported(path, compressed=False)),
    "otlp protobuf, zstd": lambda path, _: TraceFiles("f", _exported(path, compressed=True)),
    "zipkin": lambda path, _: TraceFiles("f", _zipkin(path), "zipkin"),
    "archive": lambda path, _: _archive(path),
    "real jaeger v1": real_jaeger("v1"),
    "real jaeger v1 that fills up": real_jaeger("v1"),
    "real jaeger v3": real_jaeger("v3"),
    **{f"given {kind}": source for kind, source in (("jaeger", given_jaeger), ("tempo", given_tempo)) if named(kind)},
}


def _params() -> list[Any]:
    live = [name for name in SOURCES if name.startswith(("real", "given"))]
    return [pytest.param(name, marks=pytest.mark.live) if name in live else name for name in SOURCES]


@pytest.fixture(scope="module", params=_params())
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        for scheme in ("http", "https", "all", "no"):
            patch.delenv(f"{scheme}_proxy", raising=False)
            patch.delenv(f"{scheme}_proxy".upper(), raising=False)
        if "fills up" in request.param:
            patch.setattr("workbench.query.traces.tempo.LIMIT", 7)
            patch.setattr("workbench.query.traces.jaeger.LIMIT", 7)
        yield SOURCES[request.param](tmp_path_factory.mktemp("spans"), request)


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
        patch.setattr("workbench.query.traces.tempo.LIMIT", 7)
        rows = pd.concat(list(TempoSource("t", traced.web_of(answer), clock=lambda: NOW).spans(SpanFilter(), RANGE)))
    assert len(rows) == len(WORLD)
    searches = [request for request in asked if request.url.path == "/api/search"]
    assert len(searches) > len(traced.by_trace(WORLD)) / 7


def test_a_second_with_more_traces_than_one_answer_is_refused_not_cut() -> None:
    same = [replace(one, start_ns=WORLD[0].start_ns) for one in WORLD]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workbench.query.traces.tempo.LIMIT", 7)
        patch.setattr("workbench.query.traces.jaeger.LIMIT", 7)
        for source in (
            TempoSource("t", traced.web_of(traced.tempo(same)), clock=lambda: NOW),
            JaegerSource("j", traced.web_of(traced.jaeger(same), api="Jaeger")),
        ):
            with pytest.raises(QueryTooExpensive, match="no next page"):
                list(source.spans(SpanFilter(services=("api",)), RANGE))


def test_a_span_that_ends_before_it_starts_hides_no_other() -> None:
    backwards = replace(WORLD[0], trace_id="ab" * 16, span_id="cd" * 8, parent_id="", duration_ns=-5_000_000)
    source = TempoSource("t", traced.web_of(traced.tempo([*WORLD, backwards])), clock=lambda: NOW)
    wanted = SpanFilter(min_duration_ns=1_000_000)
    rows = pd.concat(list(source.spans(wanted, RANGE)))
    assert set(zip(rows["trace_id"], rows["span_id"], strict=True)) == expected(wanted, RANGE)


def test_a_trace_with_fewer_spans_than_search_found_is_told() -> None:
    whole, asked = traced.tempo(WORLD), traced.tempo(WORLD[::2])
    source = TempoSource(
        "t", traced.web_of(lambda one: (whole if one.url.path == "/api/search" else asked)(one)), clock=lambda: NOW
    )
    last = list(source.spans(SpanFilter(), RANGE))[-1]
    assert any("fewer spans than search finds" in warning for warning in last.attrs["warnings"])


@pytest.mark.parametrize("version", ["v1", "v3"])
@pytest.mark.parametrize("pattern", ["steady", "burst", "thin end"])
def test_windows_follow_how_dense_the_traces_are(version: Version, pattern: str) -> None:
    """A full answer is asked again, so few may be full."""
    hours = {
        "steady": lambda part: part * 240,
        "burst": lambda part: 100 + 10 * part**2,
        "thin end": lambda part: part**3 * 9,
    }
    many = [
        replace(WORLD[0], trace_id=f"{number + 1:032x}", span_id=f"{number + 1:016x}",
                start_ns=RANGE.start_ms * 10**6 + int(hours[pattern](number / 2_000) * 3600e9))
        for number in range(2_000)
    ]  # fmt: skip
    answer, counts = traced.jaeger(many, version=version), list[int]()

    def counting(request: httpx.Request) -> httpx.Response:
        reply = answer(request)
        if request.url.path.endswith("/traces"):
            counts.append(reply.text.count('"result"' if version == "v3" else '"processes"'))
        return reply

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workbench.query.traces.jaeger.LIMIT", 100)
        source = JaegerSource("j", traced.web_of(counting, api="Jaeger"), version=version)
        assert sum(map(len, source.spans(SpanFilter(), RANGE))) == len(many)
    assert sum(counts) < 1.5 * len(many), counts
    assert len(counts) < 2.5 * len(many) / 100, counts


@pytest.mark.parametrize("version", ["v1", "v3"])
@pytest.mark.parametrize(
    "wanted",
    [
        SpanFilter(services=("api",)),
        SpanFilter(services=("api",), operations=("op 1",), attributes=(Condition("code", "=", ("500",)),)),
        SpanFilter(services=("api",), status="error", attributes=(Condition("code", "=", ("500",)),)),
        SpanFilter(services=("api",), operations=("op 2",), min_duration_ns=20_000_000),
    ],
)
def test_a_storage_that_cuts_rows_of_its_indices_loses_no_trace(version: Version, wanted: SpanFilter) -> None:
    """Cassandra reads three rows of an index a trace asked for, and a trace has a row for each of its spans."""
    many = [
        replace(WORLD[0], trace_id=f"{trace + 1:032x}", span_id=f"{trace * 10 + number + 1:016x}", parent_id="",
                operation=f"op {number % 3}", start_ns=RANGE.start_ms * 10**6 + trace * 60 * 10**9 + number * 10**6,
                duration_ns=(trace % 40) * 10**6, status="error" if trace % 3 else "unset",
                attributes={"code": "500" if trace % 5 == number % 5 else "200"})
        for trace in range(150) for number in range(8)
    ]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workbench.query.traces.jaeger.LIMIT", 10)
        found = {
            cassandra: pd.concat(
                JaegerSource(
                    "j", traced.web_of(traced.jaeger(many, version=version, cassandra=cassandra), api="Jaeger"),
                    version=version, clock=lambda: NOW,
                ).spans(wanted, RANGE)
            )
            for cassandra in (False, True)
        }  # fmt: skip
    assert len(found[False]) > 20
    assert set(found[True]["span_id"]) == set(found[False]["span_id"])


@pytest.mark.parametrize("version", ["v1", "v3"])
@pytest.mark.parametrize("wanted", [SpanFilter(), SpanFilter(services=("db",))])
def test_a_trace_longer_than_its_windows_is_read_from_each_of_them(version: Version, wanted: SpanFilter) -> None:
    """With Elasticsearch a search gives of a trace what lies within an hour of the window."""
    many = [
        replace(WORLD[0], trace_id=f"{trace % 6 + 1:032x}" if trace % 2 else f"{trace + 7:032x}",
                span_id=f"{trace + 1:016x}", parent_id="", service=("api", "db")[trace // 2 % 2],
                start_ns=RANGE.start_ms * 10**6 + trace * 1800 * 10**9)
        for trace in range(400)
    ]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workbench.query.traces.jaeger.LIMIT", 20)
        answer = traced.jaeger(many, version=version, elastic=True)
        source = JaegerSource("j", traced.web_of(answer, api="Jaeger"), version=version)
        rows = pd.concat(source.spans(wanted, RANGE))
    assert sorted(rows["span_id"]) == sorted(
        one.span_id for one in many if one.service in (wanted.services or (one.service,))
    )


@pytest.mark.parametrize("version", ["v1", "v3"])
def test_spans_without_a_service_are_found_in_jaeger_or_told(version: Version) -> None:
    nameless = [replace(one, service="OTLPResourceNoServiceName") for one in WORLD[:10]]
    source = JaegerSource("j", traced.web_of(traced.jaeger(nameless, version=version), api="Jaeger"), version=version)
    rows = pd.concat(list(source.spans(SpanFilter(), RANGE)))
    assert len(rows) == 10
    assert set(rows["service"]) == {""}
    source = JaegerSource("j", traced.web_of(traced.jaeger([replace(one, service="") for one in WORLD[:10]])))
    (frame,) = source.spans(SpanFilter(), RANGE)
    assert frame.attrs["warnings"] == ("Jaeger keeps spans without a service, and no search finds them.",)
