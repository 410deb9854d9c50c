"""Ids, weights and doubts of spans, and the formats of files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.query import traced
from workbench.core.errors import AnswerUnreadable, ParameterError, SourceUnavailable
from workbench.core.filters import SpanFilter
from workbench.core.timerange import TimeRange
from workbench.query.traces.files import TraceFiles
from workbench.query.traces.jaeger_json import of_jaeger, of_zipkin
from workbench.query.traces.otlp import of_json
from workbench.query.traces.spans import Gathered, Sampling, Span, plain_id

TRACE = "1" * 32
ALWAYS = TimeRange.from_ms(0, 4_000_000_000_000)


def span(own: str, parent: str = "", *, kind: str = "internal", start: int = 10, duration: int | None = 5) -> Span:
    return Span(TRACE, own, parent, "api", "op", kind, start, duration, "unset", {})


@given(st.binary(min_size=1, max_size=16))
def test_an_id_is_the_same_in_hex_base64_and_without_its_zeros(raw: bytes) -> None:
    import base64

    whole = raw.rjust(16, b"\0")
    told = whole.hex()
    wanted = told if told.strip("0") else ""
    assert plain_id(told.lstrip("0"), 32) == plain_id(told.upper(), 32) == wanted
    assert plain_id(base64.b64encode(whole).decode(), 32) == wanted


@pytest.mark.parametrize("text", ["trace_def456", "1234-abcd", "z" * 32, "f" * 33, "=", "a=b"])
def test_an_id_that_is_no_hex_stays_as_it_is(text: str) -> None:
    assert plain_id(text, 32) == text


@pytest.mark.parametrize(
    ("tracestate", "attributes", "weight"),
    [
        ("ot=th:0", {}, 1.0),
        ("ot=th:8", {}, 2.0),
        ("ot=th:fd70a3d70a3d71", {}, 100.0),
        ("vendor=x,ot=rv:1;th:c", {}, 4.0),
        ("ot=th:", {}, 10.0),
        ("ot=th:xyz", {}, 10.0),
        ("ot=th:123456789012345", {}, 10.0),
        ("notot=th:8", {}, 10.0),
        ("", {"sampling.ratio": "0.5"}, 2.0),
        ("", {"sampling.ratio": "0"}, 10.0),
        ("", {"sampler.type": "probabilistic", "sampler.param": "0.001"}, 1000.0),
        ("", {"sampler.type": "const", "sampler.param": "1"}, 10.0),
    ],
)
def test_weights_are_one_over_the_probability(tracestate: str, attributes: dict[str, str], weight: float) -> None:
    assert Sampling(ratio=0.1).weight(tracestate, attributes) == pytest.approx(weight, rel=1e-12)


def test_a_ratio_that_is_none_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"not in \(0, 1\]"):
        Sampling(ratio=0)


def test_a_server_span_that_shares_its_id_goes_below_its_client_with_the_children() -> None:
    client, server = (
        span("000000000000000a", "9" * 16, kind="client"),
        span("000000000000000a", kind="server", start=11),
    )
    child = span("000000000000000b", "000000000000000a", start=12)
    rows = Gathered().table(Gathered().trace([client, server, child])).set_index("span_id")
    assert rows.loc["000000000000000c", "parent_id"] == "000000000000000a"
    assert rows.loc["000000000000000b", "parent_id"] == "000000000000000c"
    assert rows.loc["000000000000000c", "attributes"] == {"workbench.shared_id": "000000000000000a"}


def test_doubts_are_marked_and_counted() -> None:
    gathered = Gathered()
    spans = [span("a" * 16), span("b" * 16, "c" * 16, duration=-7), span("d" * 16, "a" * 16, duration=None),
             span("a" * 16), span("e" * 16, start=1 << 63)]  # fmt: skip
    rows = gathered.table(gathered.trace(spans)).set_index("span_id")
    assert rows["duration_ns"].tolist() == [5, 0, 0]
    assert rows.loc["b" * 16, "attributes"] == {"workbench.partial": "parent missing", "workbench.duration": "-7"}
    assert rows.loc["d" * 16, "attributes"] == {"workbench.duration": "missing"}
    assert gathered.warning_lines() == (
        "1 span came twice and is counted once.",
        "1 span names a parent that is not there: its trace is partial.",
        "1 span has no start or one that no clock shows, and is left out.",
        "1 span ends before it starts (clock skew); its duration is 0.",
        "1 span has no duration; 0 stands for it.",
    )


def test_zipkin_has_microseconds_peers_and_errors_by_tag() -> None:
    (one,) = of_zipkin(
        [{"traceId": "abc", "id": "1", "kind": "CLIENT", "timestamp": 1_795_288_553_000_001, "duration": 3,
          "localEndpoint": {"serviceName": "a"}, "remoteEndpoint": {"serviceName": "b"}, "tags": {"error": ""}}],
        Sampling(),
    )  # fmt: skip
    assert (one.trace_id, one.span_id, one.kind) == ("abc".zfill(32), "1".zfill(16), "client")
    assert (one.start_ns, one.duration_ns, one.status) == (1_795_288_553_000_001_000, 3_000, "error")
    assert one.attributes["peer.service"] == "b"


def test_a_span_of_jaeger_that_only_follows_says_so() -> None:
    trace = {
        "processes": {"p1": {"serviceName": "a"}},
        "spans": [
            {"traceID": "1", "spanID": "2", "operationName": "x", "startTime": 1, "duration": 1, "processID": "p1",
             "references": [{"refType": "FOLLOWS_FROM", "traceID": "1", "spanID": "9"},
                            {"refType": "CHILD_OF", "traceID": "77", "spanID": "8"}]}
        ],
    }  # fmt: skip
    (one,) = of_jaeger([trace], Sampling())
    assert (one.parent_id, one.attributes["span.reference"]) == ("9".zfill(16), "follows_from")


_NO_SPAN = {"kind": {}, "startTimeUnixNano": "x"}


@pytest.mark.parametrize(
    "document", [[], {"resourceSpans": [{"scopeSpans": [{"spans": [_NO_SPAN]}]}]}, {"resourceSpans": 3}, "text"]
)
def test_documents_of_another_shape_are_errors_and_no_traceback(document: object) -> None:
    with pytest.raises(AnswerUnreadable):
        list(of_json(document, Sampling()))


def read(path: Path) -> tuple[int, tuple[str, ...]]:
    pieces = list(TraceFiles("files", path).spans(SpanFilter(), ALWAYS))
    return sum(map(len, pieces)), pieces[-1].attrs["warnings"]


def test_no_line_of_a_file_is_dropped_in_silence(tmp_path: Path) -> None:
    document = traced.otlp([span("a" * 16)])
    lines = [json.dumps(document), '{"resourceSpans": [', json.dumps({"resourceLogs": []}), ""]
    (tmp_path / "spans.jsonl").write_text("\n".join(lines))
    count, warnings = read(tmp_path / "spans.jsonl")
    assert count == 1
    assert warnings == (
        "1 line or message of spans.jsonl cannot be read and is left out.",
        "1 document of spans.jsonl holds logs or metrics and no spans.",
    )


def test_a_parent_in_a_later_file_is_found_and_one_in_none_is_missed(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(traced.otlp([span("a" * 16, "b" * 16)]), indent=1))
    (tmp_path / "b.json").write_text(json.dumps(traced.otlp([span("b" * 16, "c" * 16)])))
    count, warnings = read(tmp_path)
    assert count == 2
    assert warnings == ("1 span names a parent that is not there: its trace is partial.",)


def test_a_file_cut_in_a_message_gives_what_came_before(tmp_path: Path) -> None:
    from tests.query.traced import protobuf

    body = protobuf([span("a" * 16)])
    whole = len(body).to_bytes(4, "big") + body
    (tmp_path / "spans.bin").write_bytes(whole + whole[:-3])
    assert read(tmp_path / "spans.bin") == (
        1, ("1 line or message of spans.bin cannot be read and is left out.",)
    )  # fmt: skip


def test_files_of_something_else_are_refused(tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (tmp_path / "other.json").write_text('{"hello": 1}')
    for name in ("picture", "other.json"):
        with pytest.raises(AnswerUnreadable):
            read(tmp_path / name)
    with pytest.raises(SourceUnavailable, match="no file at"):
        read(tmp_path / "none*")
    assert TraceFiles("f", tmp_path / "none").state().status == "unavailable"


def test_a_truncated_gzip_file_gives_what_came_before_and_a_warning(tmp_path: Path) -> None:
    import gzip

    text = "".join(json.dumps(traced.otlp([span(f"{n:016x}")])) + "\n" for n in range(1, 400)).encode()
    (tmp_path / "spans.gz").write_bytes(gzip.compress(text)[:-100])
    count, warnings = read(tmp_path / "spans.gz")
    assert 0 < count < 399
    assert "ends before its time" in warnings[0]
