"""One filter, one answer: the neutral filter over every backend gives the lines and the counts of plain Python."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.query.fake_loki import FakeLoki, Line
from tests.query.served import serving
from tests.query.written_lines import SPAN, frame, lines, passing
from tests.servers.given import Later, given, named, send, variable, whole_days_ms
from tests.servers.programs import Server
from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.core.errors import ParameterError
from workbench.core.filters import Condition, LogFilter, Native
from workbench.core.settings import SourceSettings
from workbench.core.source import LogSource
from workbench.core.timerange import TimeRange
from workbench.query.http.client import BackendClient
from workbench.query.logs.elastic.source import ElasticSource, Kind
from workbench.query.logs.files.source import LogFileSource
from workbench.query.logs.loki.source import LokiSource
from workbench.query.logs.shape import LogShape

pytestmark = pytest.mark.slow

SHAPE = LogShape(
    own={"severity": ("level",), "service": ("service",), "event_type": ("event_type",)},
    levels={"warning": "WARN"},
    services=("shop", "pay", "pay-api"),
    indices=("lines-YYYY.MM.dd",),
)
FILTERS = {
    "everything": LogFilter(),
    "one service": LogFilter(services=("pay",)),
    "a service that is the beginning of another": LogFilter(services=("pay", "nobody")),
    "warnings and worse": LogFilter(severity="WARN"),
    "only the worst": LogFilter(severity="FATAL"),
    "events": LogFilter(events=("error", "security")),
    "an id that is not hex": LogFilter(trace_id="trace_def456"),
    "text": LogFilter(contains="declined"),
    "part of a word": LogFilter(contains="imeou"),
    "quotes": LogFilter(contains='said "no"'),
    "backslashes": LogFilter(contains=r"C:\temp\new"),
    "braces and pipes": LogFilter(contains="{{braces}} | logfmt"),
    "wild cards": LogFilter(contains="a*b?c [x] (y)"),
    "other scripts": LogFilter(contains="café – ünïcode ☕ 日"),
    "several lines": LogFilter(contains="two\nlines\tand"),
    "markup": LogFilter(contains="<script>alert('x')</script> &"),
    "a long line": LogFilter(contains="end of a long"),
    "case counts": LogFilter(contains="CARD"),
    "attribute": LogFilter(attributes=(Condition("provider", "=", ("openai",)),)),
    "attribute with a quote": LogFilter(attributes=(Condition("provider", "=", ('odd"name',)),)),
    "attribute with signs": LogFilter(attributes=(Condition("provider", "=", ("a.b*c",)),)),
    "attribute that is missing": LogFilter(attributes=(Condition("provider", "=", ("",)),)),
    "not an attribute": LogFilter(attributes=(Condition("provider", "!=", ("openai",)),)),
    "one of some": LogFilter(attributes=(Condition("provider", "in", ("openai", 'odd"name')),)),
    "one of some or missing": LogFilter(attributes=(Condition("provider", "in", ("openai", "")),)),
    "pattern": LogFilter(attributes=(Condition("provider", "regex", ("open.*|anthropic",)),)),
    "pattern of the whole value": LogFilter(attributes=(Condition("provider", "regex", ("open",)),)),
    "pattern that nothing fulfils too": LogFilter(attributes=(Condition("provider", "regex", ("(?:openai)?",)),)),
    "a number": LogFilter(attributes=(Condition("status", "=", ("201",)),)),
    "not a number": LogFilter(attributes=(Condition("status", "=", ("two hundred",)),)),
    "inside an object": LogFilter(attributes=(Condition("context.user_id", "=", ("user_4",)),)),
    "unknown attribute": LogFilter(attributes=(Condition("nobody.knows", "=", ("x",)),)),
    "a column as attribute": LogFilter(attributes=(Condition("severity", "=", ("WARN",)),)),
    "all at once": LogFilter(
        services=("shop", "pay"), severity="INFO", contains="#", attributes=(Condition("status", "!=", ("200",)),)
    ),
}
CUTS = {
    "whole": SPAN,
    "over midnight": TimeRange.from_ms(SPAN.start_ms + 2 * 3_600_000, SPAN.start_ms + 4 * 3_600_000),
    "cut": TimeRange.from_ms(SPAN.start_ms + 1_234_567, SPAN.end_ms - 7_654_321),
    "before all": TimeRange.from_ms(SPAN.start_ms - 86_400_000, SPAN.start_ms),
}


def archived(_: ExitStack, folder: Path, __: pytest.FixtureRequest) -> LogSource:
    archive = Archive.open(folder / "archive", create=True)
    archive.append_logs(frame())
    return ArchiveSource("archive", archive)


def loki(stack: ExitStack, _: Path, __: pytest.FixtureRequest) -> LogSource:
    held = [Line(one.time_ns, one.json(), {"service_name": one.service, "env": "lab"}) for one in lines()]
    served = stack.enter_context(serving(FakeLoki(held).answer))
    web = BackendClient.from_settings("loki", SourceSettings(kind="loki", url=served.url), api="Loki")
    return LokiSource("loki", web, SHAPE, selector='{env="lab"}', json_lines=True)


def loki_unknown(stack: ExitStack, folder: Path, request: pytest.FixtureRequest) -> LogSource:
    """Loki without a profile that says what the lines are, and with the level as a label of the stream too."""
    held = [Line(one.time_ns, one.json(), {"app": one.service, "level": one.level}) for one in lines()]
    served = stack.enter_context(serving(FakeLoki(held).answer))
    web = BackendClient.from_settings("loki", SourceSettings(kind="loki", url=served.url), api="Loki")
    return LokiSource("loki", web, selector='{app=~".+"}')


def files(_: ExitStack, folder: Path, __: pytest.FixtureRequest) -> LogSource:
    """A log with rotated and packed parts, and one of errors that repeats lines of it."""
    held = [one.json() for one in lines()]
    (folder / "app.log").write_text("\n".join(held[150:]) + "\n")
    (folder / "app.log.1").write_text("\n".join(held[90:150]) + "\n")
    with gzip.open(folder / "app.log.2.gz", "wt") as packed:
        packed.write("\n".join(held[:90]) + "\n")
    (folder / "app_errors.log").write_text("".join(f"{one.json()}\n" for one in lines() if one.severity == "ERROR"))
    return LogFileSource("files", folder / "*.log*", SHAPE)


def opensearch(_: ExitStack, __: Path, request: pytest.FixtureRequest) -> LogSource:
    """Two indices of a day each in a real node, mapped as it does by itself: text with a keyword of 256 letters."""
    node: Server = request.getfixturevalue("opensearch_node")
    fill(node.url, "lines", {})
    web = BackendClient.from_settings("os", SourceSettings(kind="opensearch", url=node.url), api="OpenSearch")
    return ElasticSource("os", web, "opensearch", SHAPE)


def opensearch_keywords(_: ExitStack, __: Path, request: pytest.FixtureRequest) -> LogSource:
    """The same in indices whose owner mapped text as keywords, so that the server can count everything."""
    node: Server = request.getfixturevalue("opensearch_node")
    strings = {"strings": {"match_mapping_type": "string", "mapping": {"type": "keyword"}}}
    mappings = {"dynamic_templates": [strings], "properties": {"timestamp": {"type": "date_nanos"}}}
    fill(node.url, "kept", {"mappings": mappings})
    shape = LogShape(own=SHAPE.own, levels=SHAPE.levels, services=SHAPE.services, indices=("kept-YYYY.MM.dd",))
    web = BackendClient.from_settings("os", SourceSettings(kind="opensearch", url=node.url), api="OpenSearch")
    return ElasticSource("os", web, "opensearch", shape)


def fill(url: str, name: str, settings: dict[str, Any]) -> None:
    body = []
    for one in lines():
        record = one.record()
        body += [
            json.dumps({"index": {"_index": f"{name}-{record['timestamp'][:10].replace('-', '.')}"}}),
            json.dumps(record),
        ]
    template = {
        "index_patterns": [f"{name}-*"],
        "template": {"settings": {"number_of_shards": 2, "number_of_replicas": 0}, **settings},
    }
    send(f"{url}/_index_template/{name}", json.dumps(template), "PUT")
    told = send(f"{url}/_bulk?refresh=true", "\n".join(body) + "\n", "POST")
    assert told["errors"] is False


def given_index(kind: Kind) -> Backend:
    """A server that a person runs; what an earlier run left there is taken away first."""

    def source(_: ExitStack, __: Path, ___: pytest.FixtureRequest) -> LogSource:
        url = given(variable(kind))
        send(f"{url}/lines-2026.10.31,lines-2026.11.01?ignore_unavailable=true", "", "DELETE")
        fill(url, "lines", {})
        web = BackendClient.from_settings(kind, SourceSettings(kind=kind, url=url), api=kind)
        return ElasticSource(kind, web, kind, SHAPE)

    return source


def given_loki(_: ExitStack, __: Path, ___: pytest.FixtureRequest) -> Later:
    """A Loki that a person runs."""
    return filled_loki(given("WORKBENCH_LOKI_URL"))


def real_loki(_: ExitStack, __: Path, request: pytest.FixtureRequest) -> Later:
    """The Loki that `make loki` builds."""
    return filled_loki(request.getfixturevalue("loki_node").url)


def filled_loki(url: str) -> Later:
    """A Loki may take lines of the last days only; each run has a label of its own."""
    later_ms, run = whole_days_ms(SPAN.end_ms), f"run-{time.time_ns()}"
    streams: dict[str, list[list[str]]] = {}
    for one in lines():
        streams.setdefault(one.service, []).append([str(one.time_ns + later_ms * 10**6), one.json()])
    pushed = [{"stream": {"service_name": name, "env": run}, "values": held} for name, held in streams.items()]
    send(f"{url}/loki/api/v1/push", json.dumps({"streams": pushed}))
    web = BackendClient.from_settings("loki", SourceSettings(kind="loki", url=url), api="Loki")
    return Later(LokiSource("loki", web, SHAPE, selector=f'{{env="{run}"}}', json_lines=True), later_ms)


Backend = Callable[[ExitStack, Path, pytest.FixtureRequest], Any]
GIVEN = {
    "loki": given_loki,
    "elasticsearch": given_index("elasticsearch"),
    "opensearch": given_index("opensearch"),
}
BACKENDS = [
    archived,
    loki,
    loki_unknown,
    files,
    pytest.param(opensearch, marks=pytest.mark.live),
    pytest.param(opensearch_keywords, marks=pytest.mark.live),
    pytest.param(real_loki, marks=pytest.mark.live),
    *(
        pytest.param(backend, marks=pytest.mark.live, id=f"given {kind}")
        for kind, backend in GIVEN.items()
        if named(kind)
    ),
]


@pytest.fixture(scope="module", params=BACKENDS, ids=lambda backend: backend.__name__)
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogSource]:
    backend: Backend = request.param
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        for scheme in ("http", "https", "all", "no"):
            patch.delenv(f"{scheme}_proxy", raising=False)
            patch.delenv(f"{scheme}_proxy".upper(), raising=False)
        yield backend(stack, tmp_path_factory.mktemp("lines"), request)


class TestFilters:
    @pytest.mark.parametrize("wanted", FILTERS.values(), ids=FILTERS)
    def test_finds_the_lines(self, source: LogSource, wanted: LogFilter) -> None:
        found = [row for piece in source.logs(wanted, SPAN) for row in piece.itertuples()]
        told = [(row.time_ns, row.severity, row.service, row.message, row.trace_id, row.event_type) for row in found]
        truth = [(one.time_ns, one.severity, one.service, one.message, one.trace_id, one.event_type)
                 for one in passing(wanted)]  # fmt: skip
        assert sorted(told) == sorted(truth)
        assert [row.time_ns for row in found] == [one.time_ns for one in passing(wanted)]

    @pytest.mark.parametrize("wanted", FILTERS.values(), ids=FILTERS)
    def test_counts_them_an_hour_by_severity(self, source: LogSource, wanted: LogFilter) -> None:
        hour = 3_600_000
        truth: dict[tuple[int, str], int] = {}
        for one in passing(wanted):
            key = (one.time_ns // 10**6 // hour * hour, one.severity)
            truth[key] = truth.get(key, 0) + 1
        counts = source.log_counts(wanted, SPAN, step_ms=hour, by=["severity"])
        assert list(counts.columns) == ["time", "severity", "count"]
        assert {
            (int(time.timestamp() * 1000), name): count for time, name, count in counts.itertuples(index=False)
        } == truth

    @pytest.mark.parametrize("span", CUTS.values(), ids=CUTS)
    @pytest.mark.parametrize("by", [(), ("service",), ("provider",), ("event_type", "status"), ("message",)])
    def test_counts_a_cut_range_by_anything(self, source: LogSource, span: TimeRange, by: tuple[str, ...]) -> None:
        minutes = 20 * 60_000
        truth: dict[tuple[Any, ...], int] = {}
        for one in passing(LogFilter(), span):
            said = [getattr(one, name) if hasattr(one, name) else one.attributes.get(name, "") for name in by]
            key = (one.time_ns // 10**6 // minutes * minutes, *said)
            truth[key] = truth.get(key, 0) + 1
        counts = source.log_counts(LogFilter(), span, step_ms=minutes, by=by)
        found = {(int(row[0].timestamp() * 1000), *row[1:-1]): row[-1] for row in counts.itertuples(index=False)}
        assert found == truth

    def test_attributes_are_those_the_line_has(self, source: LogSource) -> None:
        for piece in source.logs(LogFilter(contains="declined"), SPAN):
            for row in piece.itertuples():
                (one,) = [one for one in lines() if one.message == row.message]
                assert {name: row.attributes.get(name, "") for name in one.attributes} == one.attributes

    def test_a_pattern_outside_re2_is_refused(self, source: LogSource) -> None:
        lookahead = LogFilter(attributes=(Condition("provider", "regex", ("(?=o)openai",)),))
        with pytest.raises(ParameterError, match="RE2"):
            list(source.logs(lookahead, SPAN))

    def test_text_for_another_backend_is_refused(self, source: LogSource) -> None:
        with pytest.raises(ParameterError, match="splunk"):
            list(source.logs(LogFilter(native=Native("splunk", "index=main")), SPAN))
