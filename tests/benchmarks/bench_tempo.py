"""Time to read 2,712 traces (24,408 spans) of a slow Tempo: ``python tests/benchmarks/bench_tempo.py``.

No real Tempo can be built here (tests/servers/README.md). The server is a process of its own, with the times that a
real one took for a trace on two cores: 43 ms through its frontend, which asks the querier fifty times, and 8 ms at the
querier.
"""

from __future__ import annotations

import json
import multiprocessing
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from urllib.parse import parse_qs, urlparse

from tests.query.traced import by_trace, protobuf
from workbench.core.filters import SpanFilter
from workbench.core.settings import SourceSettings
from workbench.core.timerange import TimeRange
from workbench.query.traces.otlp_schema import message
from workbench.query.traces.spans import Span
from workbench.query.traces.tempo import TempoSource

TRACES, SPANS, START_S = 2_712, 9, 1_795_900_000
FRONTEND_S, QUERIER_S, SEARCH_S, CORES = 0.043, 0.008, 0.2, 2


def spans() -> list[Span]:
    """One trace every three seconds."""
    return [
        Span(f"{trace + 1:032x}", f"{trace * 10 + number + 1:016x}", f"{trace * 10 + 1:016x}" if number else "",
             f"service-{number % 3}", f"operation-{number}", "server",
             (START_S + trace * 3) * 10**9 + number * 10**6, 10**7, "unset", attributes={"model": "m"})
        for trace in range(TRACES) for number in range(SPANS)
    ]  # fmt: skip


def serve(told: Connection, *, short: bool) -> None:
    """Answer until the process is ended."""
    bodies = {}
    for trace_id, trace in by_trace(spans()).items():
        whole = message("TracesData").FromString(protobuf(trace))
        bodies[trace_id] = message("TraceByIDResponse")(trace=whole).SerializeToString()
    cores = threading.Semaphore(CORES)

    class Tempo(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        #: Two packets an answer, header and body, would otherwise wait 40 ms for the acknowledgement of the first.
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            asked = urlparse(self.path)
            fields = {name: values[0] for name, values in parse_qs(asked.query).items()}
            body, kind, status = b"404 page not found", "text/plain", 404
            if asked.path == "/api/search":
                low, high = (int(fields[name]) - START_S for name in ("start", "end"))
                places = range(max(low // 3, 0), min(-(-high // 3), TRACES))[: int(fields["limit"])]
                hits = [{"traceID": f"{place + 1:x}", "startTimeUnixNano": str((START_S + place * 3) * 10**9),
                         "spanSet": {"matched": SPANS}} for place in places]  # fmt: skip
                body, kind, status, took = json.dumps({"traces": hits}).encode(), "application/json", 200, SEARCH_S
            elif asked.path == "/querier/api/search" and short:
                body, kind, status, took = b'{"metrics": {}}', "application/json", 200, SEARCH_S
            elif short or not asked.path.startswith("/querier/"):
                body, kind, status = bodies[asked.path.rsplit("/", 1)[1]], "application/protobuf", 200
                took = QUERIER_S if asked.path.startswith("/querier/") else FRONTEND_S
            else:
                took = 0.0
            with cores:
                time.sleep(took)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Tempo)
    told.send(server.server_port)
    server.serve_forever()


def measured(*, short: bool) -> tuple[int, float, float]:
    """Spans read, and the seconds by the clock and of our processor time."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(
        target=serve, args=(there,), kwargs={"short": short}, daemon=True
    )
    process.start()
    try:
        url = f"http://127.0.0.1:{here.recv()}"
        source = TempoSource.from_settings("tempo", SourceSettings(kind="tempo", url=url, timeout_s=60))
        span = TimeRange.from_ms(START_S * 1000, (START_S + TRACES * 3) * 1000)
        begun, used = time.perf_counter(), time.process_time()
        count = sum(map(len, source.spans(SpanFilter(), span)))
        return count, time.perf_counter() - begun, time.process_time() - used
    finally:
        process.terminate()
        process.join()


if __name__ == "__main__":
    for name, short in (("querier and frontend in one process", True), ("a frontend alone", False)):
        count, seconds, processor = measured(short=short)
        asked = TRACES * (QUERIER_S if short else FRONTEND_S) / CORES
        print(
            f"{name}: {count:,} spans, {TRACES:,} traces in {seconds:.1f} s, {processor:.1f} s of processor time here; "
            f"the server alone needs {asked:.1f} s. Bar: 30 s."
        )
