"""Logs and traces of the Lab: a sample of the requests and generations that the metrics count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from workbench.demo.engine.calls import kept
from workbench.demo.engine.day import MINUTES, Counts, Day, Floats, Target
from workbench.demo.engine.histogram import Buckets
from workbench.demo.engine.records import Records, hex_ids
from workbench.demo.systems.lab.generation import BUCKETS as GENERATION_BUCKETS
from workbench.demo.systems.lab.generation import Generations
from workbench.demo.systems.lab.places import GENERATOR, SYSTEM
from workbench.demo.systems.lab.requests import BUCKETS, Requests

#: One request in so many has a log line; one line in ``_TRACED`` of these has a trace too.
_LOGGED = 128
_TRACED = 3
#: One failed request in so many has a log line and a trace.
_FAILED_LOGGED = 8

_PATHS = {"GET": "/api/v1/counterfactuals/{id}", "POST": "/api/v1/counterfactuals"}
_SEVERITY = {"4": "INFO", "429": "WARN", "5": "ERROR"}
_REASONS = {
    "500": "unhandled error while reading the cache",
    "503": "upstream unavailable, connection pool exhausted",
    "429": "rate limit of the key reached",
}
_NS = 1_000_000_000


def durations(rng: Generator, buckets: Buckets, counts: Counts, minutes: NDArray[np.int64]) -> Floats:
    """Draw a duration from the histogram of each minute: a bucket by its share, then a place inside it. [s]"""
    cumulative = np.cumsum(counts, axis=0)[:, minutes]
    ranks = rng.random(len(minutes)) * cumulative[-1]
    bucket = (cumulative <= ranks).sum(axis=0)
    edges = np.array([buckets.edges[0] / 4, *buckets.edges, buckets.edges[-1] * 2])
    place = rng.random(len(minutes))
    drawn: Floats = edges[bucket] * (edges[bucket + 1] / edges[bucket]) ** place
    return drawn


def record(day: Day, requests: Mapping[Target, Sequence[Requests]], generations: Generations) -> Records:
    """Return the log lines and spans of a day."""
    records = Records(day.index)
    answered = [(target, flow) for target, methods in requests.items() for flow in methods]
    for status in dict.fromkeys(status for _, flow in answered for status in flow.method.statuses):
        ending = [(target, flow) for target, flow in answered if status in flow.method.statuses]
        counts = [flow.statuses[list(flow.method.statuses).index(status)] for _, flow in ending]
        chosen = kept(day, f"lab/{status}", counts, _keep(status))
        for (target, method), calls in zip(ending, chosen, strict=True):
            _requests(day, records, target, method, calls, status, generations)
    _restarts(day, records)
    return records


def _keep(status: str) -> int:
    return _FAILED_LOGGED if status.startswith("5") else _LOGGED


def _requests(
    day: Day, records: Records, target: Target, requests: Requests, chosen: Counts, status: str,
    generations: Generations,
) -> None:  # fmt: skip
    method, failed, keep = requests.method.name, status.startswith("5"), _keep(status)
    rng = day.rng(f"lab/records/{target.instance}/{method}/{status}")
    minutes = np.repeat(np.arange(MINUTES), chosen)
    seconds = durations(rng, BUCKETS, requests.buckets, minutes)
    starts = (day.index * 86_400 + minutes * 60) * _NS + (rng.random(len(minutes)) * 60 * _NS).astype(np.int64)
    lengths = (seconds * _NS).astype(np.int64)
    traced = np.ones(len(minutes), np.bool_) if failed else rng.random(len(minutes)) < 1 / _TRACED
    traces, spans = hex_ids(rng, len(minutes), 32), hex_ids(rng, len(minutes), 16)
    works = (status == "201") & traced & (rng.random(len(minutes)) < generations.per_request(requests, minutes))
    severity = _SEVERITY.get(status, _SEVERITY.get(status[0], "INFO"))
    weight = float(keep if failed else keep * _TRACED)
    reason = f": {_REASONS[status]}" if status in _REASONS else ""
    for at, length, trace, span, seen, works_on, minute in zip(
        starts.tolist(), lengths.tolist(), traces, spans, traced.tolist(), works.tolist(), minutes.tolist(), strict=True
    ):
        shown = length / _NS
        path = _PATHS[method].replace("{id}", trace[:8])
        records.log(
            at + length,
            severity,
            f"{method} {path} {status} in {shown:.3f} s{reason}",
            service=SYSTEM,
            trace_id=trace,
            span_id=span,
            event_type="error" if failed else "request",
            attributes={
                "instance": target.instance,
                "method": method,
                "status": status,
                "duration_ms": f"{shown * 1000:.1f}",
                "sampled": f"1/{keep}",
            },
        )
        if seen:
            records.span(
                trace,
                span,
                "",
                at,
                length,
                service=SYSTEM,
                operation="http.request",
                kind="server",
                status="error" if failed else "ok",
                weight=weight,
                attributes={
                    "http.request.method": method,
                    "http.response.status_code": status,
                    "http.route": _PATHS[method],
                    "service.instance.id": target.instance,
                },
            )
        if works_on:
            _generation(rng, records, generations, minute, at + length, trace, span, weight)


def _generation(
    rng: Generator,
    records: Records,
    generations: Generations,
    minute: int,
    at: int,
    trace: str,
    parent: str,
    weight: float,
) -> None:
    """Add the generation a request asked for: it runs after the answer, in the same trace."""
    method, failed = generations.draw(rng, minute)
    counts = generations.buckets[method]
    length = int(durations(rng, GENERATION_BUCKETS, counts, np.array([minute]))[0] * _NS)
    own, inner = hex_ids(rng, 2, 16)
    status = "failure" if failed else "success"
    common = {"generation.method": method, "service.instance.id": GENERATOR.instance}
    wait = length // 50
    records.span(
        trace, own, parent, at, length, service=SYSTEM, operation="generation", kind="internal",
        status="error" if failed else "ok", weight=weight, attributes={**common, "generation.status": status},
    )  # fmt: skip
    records.span(
        trace, inner, own, at + wait, length - 2 * wait, service=SYSTEM, operation="model.inference", kind="internal",
        status="error" if failed else "ok", weight=weight, attributes=common,
    )  # fmt: skip
    text = "failed: the accelerator is out of memory" if failed else f"finished in {length / _NS:.1f} s"
    records.log(
        at + length,
        "ERROR" if failed else "INFO",
        f"generation with {method} {text}",
        service=SYSTEM,
        trace_id=trace,
        span_id=own,
        event_type="error" if failed else "generation",
        attributes={"instance": GENERATOR.instance, "method": method, "status": status, "sampled": f"1/{weight:.0f}"},
    )


def _restarts(day: Day, records: Records) -> None:
    versions = {event.id: event.version for event in day.events}
    for restarts in day.restarts.values():
        for restart in restarts:
            if restart.reset // MINUTES != day.index:
                continue
            common = {"instance": restart.process, "reason": restart.reason}
            crashed = restart.reason == "crash"
            records.log(
                restart.down * 60 * _NS + 1,
                "FATAL" if crashed else "INFO",
                "killed: out of memory" if crashed else "received SIGTERM, draining",
                service=SYSTEM,
                event_type="system",
                attributes=common,
            )
            version = versions.get(restart.event, "")
            records.log(
                int(restart.started_s * 1000) * 1_000_000,
                "INFO",
                f"started{f' version {version}' if version else ''}",
                service=SYSTEM,
                event_type="system",
                attributes=common | ({"version": version} if version else {}),
            )
