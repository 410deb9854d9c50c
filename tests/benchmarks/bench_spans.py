"""Speed of reading spans: ``python tests/benchmarks/bench_spans.py [rounds]``.

20,000 spans of OTLP into a SPANS frame. The peer is protobuf's own ``json_format.Parse``, which stops at messages and
takes hex ids for base64; CPU time, the least of interleaved rounds.
"""

from __future__ import annotations

import base64
import gc
import json
import sys
import time
from collections.abc import Callable

from google.protobuf import json_format

from workbench.query.http.documents import read_json
from workbench.query.traces.otlp import of_json, of_protobuf
from workbench.query.traces.otlp_schema import message
from workbench.query.traces.spans import Gathered, Sampling

SPANS = 20_000


def main(rounds: int = 5) -> None:
    """Print ours, the peer's and the ratio. [s]"""
    text, body = json.dumps(document("hex")), protobuf()
    ways: dict[str, Callable[[], object]] = {
        "peer": lambda: json_format.Parse(text, message("TracesData")(), ignore_unknown_fields=True),
        "JSON": lambda: Gathered().table(of_json(read_json(text.encode()), Sampling())),
        "protobuf": lambda: Gathered().table(of_protobuf(body, Sampling())),
    }
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, way in ways.items():
            gc.collect()
            began = time.process_time()
            way()
            best[name] = min(best[name], time.process_time() - began)
    for name, bar in (("JSON", 10.0), ("protobuf", 10.0)):
        ratio = best["peer"] / best[name]
        print(f"OTLP {name}: {best[name]:.2f} s, peer {best['peer']:.2f} s, {ratio:.1f} x (bar {bar:g} x)")


def document(ids: str) -> dict[str, object]:
    """One export request; ids in hex or base64."""

    def written(number: int, size: int) -> str:
        raw = number.to_bytes(size, "big")
        return raw.hex() if ids == "hex" else base64.b64encode(raw).decode()

    spans = [
        {
            "traceId": written(number // 10 + 1, 16),
            "spanId": written(number + 1, 8),
            "parentSpanId": written(number, 8) if number % 10 else "",
            "name": f"op {number % 7}",
            "kind": 2,
            "startTimeUnixNano": str(1_795_288_553_000_000_000 + number * 1000),
            "endTimeUnixNano": str(1_795_288_553_000_500_000 + number * 1000),
            "attributes": [
                {"key": "http.route", "value": {"stringValue": f"/route/{number % 13}"}},
                {"key": "http.response.status_code", "value": {"intValue": "200"}},
                {"key": "cached", "value": {"boolValue": number % 2 == 0}},
                {"key": "cost", "value": {"doubleValue": number / 7}},
            ],
            "status": {"code": 1},
        }
        for number in range(SPANS)
    ]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "api"}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}


def protobuf() -> bytes:
    """The same request as the collector writes it in protobuf."""
    parsed = json_format.ParseDict(document("base64"), message("TracesData")(), ignore_unknown_fields=True)
    return bytes(parsed.SerializeToString())


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
