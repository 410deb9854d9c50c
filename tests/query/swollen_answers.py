"""Answers of every kind of server, as large as one likes, and a program that asks for them and says what they cost."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from socket import socket

NS = 1_793_487_600 * 10**9  # 2026-10-31T23:00:00Z
TRACE = "a" * 32

_ASKED = """
    import json, re, sys, time
    from datetime import UTC, datetime
    from pathlib import Path
    from workbench.core.errors import WorkbenchError
    from workbench.core.filters import LogFilter, SpanFilter
    from workbench.core.settings import Limits, SourceSettings
    from workbench.core.timerange import TimeRange
    from workbench.studies.sources import backends

    def memory(kind):
        return int(re.search(kind + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024

    kind, question, url, mib, timeout_s = sys.argv[1:]
    span = TimeRange.last("1h", until=datetime(2026, 11, 1, tzinfo=UTC))
    own = {"loki": {"selector": '{app="a"}'}, "opensearch": {"index": "logs"}}.get(kind, {})
    given = SourceSettings(kind=kind, url=url, timeout_s=float(timeout_s), answer_mib=int(mib), **own)
    openers = {"prometheus": lambda: backends.open_source("s", given, Limits()),
               "alertmanager": lambda: backends.open_episodes("s", given),
               "jaeger": lambda: backends.open_spans("s", given), "tempo": lambda: backends.open_spans("s", given)}
    source = openers.get(kind, lambda: backends.open_logs("s", given))()
    questions = {"logs": lambda: list(source.logs(LogFilter(), span)),
                 "trace": lambda: list(source.spans(SpanFilter(trace_id="a" * 32), span)),
                 "episodes": lambda: source.episodes(span), "series": lambda: source.series(["x"], span),
                 "values": lambda: source.label_values("x", span), "metadata": lambda: source.metadata(),
                 "instant": lambda: source.instant("x", span.end)}
    import pandas, numpy, google.protobuf.message  # noqa
    Path("/proc/self/clear_refs").write_text("5")  # the peak of a forked process is that of its parent
    before, began = memory("VmRSS"), time.monotonic()
    try:
        questions[question]()
        said = "answered"
    except WorkbenchError as error:
        said = type(error).__name__
    print(json.dumps([said, memory("VmHWM") - before, time.monotonic() - began]))
"""


@dataclass(frozen=True)
class Swollen:
    """An answer of a kind of server to a question: ``make(n)`` gives one of about n megabytes."""

    kind: str
    question: str
    make: Callable[[int], bytes]
    content_type: str = "application/json"


def listed(head: str, row: Callable[[int], str], tail: str) -> Callable[[int], bytes]:
    def make(megabytes: int) -> bytes:
        count = megabytes * 1_000_000 // len(row(100_000))
        return (head + ",".join(map(row, range(count))) + tail).encode()

    return make


def protobuf(megabytes: int) -> bytes:
    from workbench.query.traces.otlp_schema import message

    data = message("TracesData")()
    scope = data.resource_spans.add().scope_spans.add()
    for number in range(megabytes * 1_000_000 // 70):
        span = scope.spans.add(trace_id=b"a" * 16, span_id=number.to_bytes(8, "big"), name="op")
        span.start_time_unix_nano, span.end_time_unix_nano = NS + number, NS + number + 9
        span.attributes.add(key="a").value.string_value = "b"
    return bytes(data.SerializeToString())


SUCCESS = '{"status":"success","data":'
SWOLLEN_BY_KIND = {
    "lines of Loki": Swollen("loki", "logs", listed(
        SUCCESS + '{"resultType":"streams","result":[{"stream":{"app":"a"},"values":[',
        lambda n: f'["{NS + n}","line {n} of a log that says something"]', "]}]}}")),
    "streams of Loki": Swollen("loki", "logs", listed(
        SUCCESS + '{"resultType":"streams","result":[',
        lambda n: f'{{"stream":{{"app":"a","pod":"p{n}"}},"values":[["{NS + n}","x"]]}}', "]}}")),
    "hits of OpenSearch": Swollen("opensearch", "logs", listed(
        '{"hits":{"total":{"value":9,"relation":"eq"},"hits":[',
        lambda n: f'{{"_index":"logs","_id":"{n}","_source":{{"@timestamp":{NS // 10**6},"message":"line {n}"}},'
                  f'"sort":[{NS + n},{n}]}}', "]}}")),
    "spans of Jaeger": Swollen("jaeger", "trace", listed(
        f'{{"data":[{{"traceID":"{TRACE}","processes":{{"p":{{"serviceName":"a"}}}},"spans":[',
        lambda n: f'{{"traceID":"{TRACE}","spanID":"{n:016x}","operationName":"op","startTime":{NS // 1000 + n},'
                  '"duration":5,"tags":[{"key":"a","type":"string","value":"b"}],"processID":"p"}', "]}]}")),
    "spans of Tempo": Swollen("tempo", "trace", listed(
        '{"trace":{"resourceSpans":[{"scopeSpans":[{"spans":[',
        lambda n: f'{{"traceId":"{TRACE}","spanId":"{n:016x}","name":"op","startTimeUnixNano":"{NS + n}",'
                  f'"endTimeUnixNano":"{NS + n + 9}"}}', "]}]}]}}")),
    "protobuf of Tempo": Swollen("tempo", "trace", protobuf, "application/protobuf"),
    "alerts": Swollen("alertmanager", "episodes", listed(
        "[", lambda n: f'{{"labels":{{"alertname":"a","instance":"i{n}"}},"startsAt":"2026-10-31T23:00:00Z",'
                       '"endsAt":"2026-12-30T00:00:00Z","status":{"state":"active"}}', "]")),
    "series of Prometheus": Swollen("prometheus", "series", listed(
        SUCCESS + "[", lambda n: f'{{"__name__":"a","instance":"i{n}"}}', "]}")),
    "label values": Swollen("prometheus", "values", listed(SUCCESS + "[", lambda n: f'"value-{n}"', "]}")),
    "metadata": Swollen("prometheus", "metadata", listed(
        SUCCESS + "{", lambda n: f'"metric_{n}":[{{"type":"counter","help":"h","unit":""}}]', "}}")),
    "histograms": Swollen("prometheus", "instant", listed(
        SUCCESS + '{"resultType":"vector","result":[',
        lambda n: f'{{"metric":{{"i":"{n}"}},"histogram":[1,{{"count":"1","buckets":[[0,"1","2","3"]]}}]}}', "]}}")),
}  # fmt: skip

#: What else is asked before: enough for a source to go on.
_BEFORE = {
    "/loki/api/v1/labels": b'{"status":"success","data":["app"]}',
    "/loki/api/v1/index": b'{"streams":1}',
    "/api/services": b'{"data":["a"]}',
    "buildinfo": b'{"status":"success","data":{"version":"3.5.0"}}',
    "_field_caps": b'{"indices":["logs"],"fields":{"@timestamp":{"date":{"type":"date","searchable":true}}}}',
    "_mapping": b'{"logs":{"mappings":{"properties":{"@timestamp":{"type":"date"}}}}}',
    "point_in_time": b'{"pit_id":"x"}',
    "GET / ": b'{"version":{"number":"2.19.3","distribution":"opensearch"},"tagline":"x"}',
}


def writer(swollen: Swollen, megabytes: int) -> tuple[int, Callable[[socket, bytes], None]]:
    """Return the size of an answer, and what a server of raw bytes says to each request."""
    large = swollen.make(megabytes)

    def write(peer: socket, head: bytes) -> None:
        line = head.split(b"\r\n", 1)[0].decode()
        body = next((body for part, body in _BEFORE.items() if part in line), large)
        kind = swollen.content_type if body is large else "application/json"
        peer.sendall(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    return len(large), write


def cost_of(swollen: Swollen, url: str, *, mib: int, timeout_s: float) -> tuple[str, int, float]:
    """Ask in a process of its own: what came of it, its memory [bytes] and its time [s]."""
    program = [sys.executable, "-c", textwrap.dedent(_ASKED), swollen.kind, swollen.question, url, str(mib)]
    done = subprocess.run([*program, str(timeout_s)], capture_output=True, text=True, check=True)
    said, memory, seconds = json.loads(done.stdout.splitlines()[-1])
    return said, memory, seconds
