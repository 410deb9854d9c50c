"""Servers of traces in a function: recorded answers, and a Tempo and a Jaeger that hold spans, with their traps."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import httpx
from google.protobuf import json_format

from tests.query.served import CAPTURES
from workbench.query.http.client import BackendClient
from workbench.query.http.httpx_transport import HttpxTransport
from workbench.query.traces.otlp_schema import message
from workbench.query.traces.spans import Span

Answer = Callable[[httpx.Request], httpx.Response]
BOTH = "cannot query for duration and tags simultaneously"
PLAIN = {"content-type": "text/plain; charset=utf-8"}
_ATOM = re.compile(r'(\S+) (=~|=|>=) ("(?:[^"\\]|\\.)*"|\S+)')


def web_of(answer: Answer, *, api: str = "Tempo", timeout_s: float = 5.0) -> BackendClient:
    client = httpx.Client(transport=httpx.MockTransport(answer))
    return BackendClient("traces", HttpxTransport("http://traces.example", client), timeout_s, api=api)


def capture(name: str) -> tuple[dict[str, Any], httpx.Response]:
    document = json.loads((CAPTURES / f"{name}.json").read_text(encoding="utf-8"))
    told = document["response"]
    body = base64.b64decode(told["body_base64"]) if told.get("body_base64") else (told.get("body") or "").encode()
    kept = {key: value for key, value in told["headers"] if key == "Content-Type"}
    return document["request"], httpx.Response(told["status"], headers=kept, content=body)


def replay(*names: str, asked: list[httpx.Request] | None = None) -> Answer:
    """Answer a path with its recorded answer, whatever the fields; unknown paths as the server does."""
    known = {}
    for name in names:
        request, response = capture(name)
        known[request["path"]] = response

    def answer(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        found = known.get(request.url.path, httpx.Response(404, headers=PLAIN, content=b"404 page not found\n"))
        return httpx.Response(found.status_code, headers=found.headers, content=found.content)

    return answer


def otlp(spans: Sequence[Span], *, ids: str = "hex") -> dict[str, Any]:
    """Spans as OTLP JSON; Tempo writes its ids in base64."""

    def written(text: str) -> str:
        return base64.b64encode(bytes.fromhex(text)).decode() if ids == "base64" else text

    resources = []
    for span in spans:
        resource = {"attributes": [{"key": "service.name", "value": {"stringValue": span.service}}]}
        one = {
            "traceId": written(span.trace_id),
            "spanId": written(span.span_id),
            "name": span.operation,
            "kind": f"SPAN_KIND_{span.kind.upper()}",
            "startTimeUnixNano": str(span.start_ns),
            "endTimeUnixNano": str(span.start_ns + (span.duration_ns or 0)),
            "attributes": pairs(span, in_event=False),
            "status": {"code": f"STATUS_CODE_{span.status.upper()}"} if span.status != "unset" else {},
        }
        if raised := pairs(span, in_event=True):
            one["events"] = [{"name": "exception", "timeUnixNano": str(span.start_ns), "attributes": raised}]
        if span.parent_id:
            one["parentSpanId"] = written(span.parent_id)
        resources.append({"resource": resource, "scopeSpans": [{"spans": [one]}]})
    return {"resourceSpans": resources}


def pairs(span: Span, *, in_event: bool) -> list[dict[str, Any]]:
    """Attributes of the span itself, or those that its exception has."""
    return [
        {"key": key, "value": typed(value)}
        for key, value in span.attributes.items()
        if key.startswith("exception.") == in_event
    ]


def typed(value: str) -> dict[str, Any]:
    if value.startswith("["):
        held = [{"intValue": one} if isinstance(one, int) else {"stringValue": one} for one in json.loads(value)]
        return {"arrayValue": {"values": held}}
    if value in ("true", "false"):
        return {"boolValue": value == "true"}
    return {"intValue": value} if value.isdigit() else {"stringValue": value}


def protobuf(spans: Sequence[Span]) -> bytes:
    """Spans as OTLP protobuf."""
    document = otlp(spans, ids="base64")
    for resource in document["resourceSpans"]:
        for span in resource["scopeSpans"][0]["spans"]:
            span["kind"] = ["", "internal", "server", "client"].index(span["kind"].removeprefix("SPAN_KIND_").lower())
            span["status"] = {"code": 2} if span["status"] else {}
    return json_format.ParseDict(document, message("TracesData")(), ignore_unknown_fields=True).SerializeToString()


def jaeger_trace(spans: Sequence[Span]) -> dict[str, Any]:
    services = sorted({span.service for span in spans})
    rows = []
    for span in spans:
        tags = [{"key": key, "type": "string", "value": value} for key, value in span.attributes.items()]
        tags.append({"key": "span.kind", "type": "string", "value": span.kind})
        if span.status != "unset":
            tags.append({"key": "otel.status_code", "type": "string", "value": span.status.upper()})
        if span.status == "error":
            tags.append({"key": "error", "type": "bool", "value": True})
        references = [{"refType": "CHILD_OF", "traceID": span.trace_id, "spanID": span.parent_id}]
        rows.append(
            {
                "traceID": span.trace_id,
                "spanID": span.span_id,
                "operationName": span.operation,
                "references": references if span.parent_id else [],
                "startTime": span.start_ns // 1000,
                "duration": (span.duration_ns or 0) // 1000,
                "tags": tags,
                "logs": [],
                "processID": f"p{services.index(span.service)}",
            }
        )
    processes = {f"p{place}": {"serviceName": name, "tags": []} for place, name in enumerate(services)}
    return {"traceID": spans[0].trace_id, "spans": rows, "processes": processes}


def zipkin(spans: Sequence[Span]) -> list[dict[str, Any]]:
    return [
        {
            "traceId": span.trace_id,
            "id": span.span_id,
            **({"parentId": span.parent_id} if span.parent_id else {}),
            "name": span.operation,
            **({"kind": span.kind.upper()} if span.kind != "internal" else {}),
            "timestamp": span.start_ns // 1000,
            "duration": (span.duration_ns or 0) // 1000,
            "localEndpoint": {"serviceName": span.service},
            "tags": {**span.attributes, **({"error": "true"} if span.status == "error" else {})},
        }
        for span in spans
    ]


def by_trace(spans: Sequence[Span]) -> dict[str, list[Span]]:
    traces: dict[str, list[Span]] = {}
    for span in spans:
        traces.setdefault(span.trace_id, []).append(span)
    return traces


def holds(span: Span, query: str) -> bool:
    """TraceQL as far as the workbench writes it: clauses joined by ``&&``, alternatives by ``||`` in brackets."""
    inside = query.split("{", 1)[1].rsplit("}", 1)[0]
    return all(
        any(_atom(span, *atom) for atom in _ATOM.findall(clause))
        for clause in re.split(r" && (?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", inside)
        if clause.strip()
    )


def _atom(span: Span, field: str, op: str, literal: str) -> bool:
    field = field.lstrip("(")
    literal = literal if literal.startswith('"') else literal.rstrip(")")
    fields = {"resource.service.name": span.service, "name": span.operation, "status": span.status}
    if field == "duration":
        return (span.duration_ns or 0) >= int(literal.removesuffix("ns"))
    if field == "status":
        return span.status == literal
    held: Any = fields.get(field)
    if held is None:
        in_event = field.startswith("event.")
        key = field.removeprefix("event").removeprefix(".").strip('"')
        text = span.attributes.get(key) if key.startswith("exception.") == in_event else None
        held = next(iter(typed(text).values())) if text is not None else None
        held = int(held) if isinstance(held, str) and text is not None and text.isdigit() else held
    wanted = json.loads(literal)
    if op == "=~":
        return isinstance(held, str) and re.fullmatch(wanted, held) is not None
    return type(held) is type(wanted) and held == wanted


def tempo(
    spans: Sequence[Span],
    *,
    most: int = 10**6,
    asked: list[httpx.Request] | None = None,
    short: bool = False,
    events: bool = True,
    refused: int = 262_144,
    live: Callable[[Span], bool] = lambda span: False,
) -> Answer:
    """A Tempo over some spans.

    Parameters
    ----------
    most : int
        Traces of one answer at most.
    asked : list, optional
        Requests are put here.
    short : bool
        The querier answers too, as in one process.
    events : bool
        It knows the attributes of events, as from 2.6 on.
    refused : int
        A search for more traces is refused (``query_frontend.search.max_result_limit``).
    live : callable
        Which spans are in a live store and in no block yet.
    """
    traces = by_trace(spans)
    living = by_trace([span for span in spans if live(span)])
    # A real one keeps the longest duration of a block in a form that a negative one overflows: no other is longer.
    backwards = any((span.duration_ns or 0) < 0 for span in spans)

    def answer(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        path, fields = request.url.path, dict(request.url.params)
        if path.startswith("/querier/") and not short:
            return httpx.Response(404, headers=PLAIN, content=b"404 page not found")
        if path == "/querier/api/search":
            ids = [
                trace_id
                for trace_id, trace in living.items()
                if min(span.start_ns for span in trace) < int(fields["end"]) * 10**9
                and max(span.start_ns + (span.duration_ns or 0) for span in trace) >= int(fields["start"]) * 10**9
            ]
            listed = {"traces": [{"traceID": each.lstrip("0")} for each in ids[: int(fields["limit"])]]} if ids else {}
            return httpx.Response(200, json={**listed, "metrics": {}})
        if path == "/api/search":
            if not events and "event." in fields["q"]:
                return httpx.Response(400, headers=PLAIN, content=b"invalid TraceQL query: unknown identifier: event")
            if backwards and "duration >=" in fields["q"]:
                return httpx.Response(200, json={"traces": []})
            start, end, limit = int(fields["start"]), int(fields["end"]), min(int(fields.get("limit", 20)), most)
            if int(fields.get("limit", 20)) > refused:
                text = f"limit {fields['limit']} exceeds max limit {refused}"
                return httpx.Response(400, headers=PLAIN, content=text.encode())
            if end - start > 168 * 3600:
                return httpx.Response(400, headers=PLAIN, content=b"range specified by start and end exceeds 168h0m0s.")
            found = [
                {
                    "traceID": trace_id.lstrip("0"),
                    "startTimeUnixNano": str(trace[0].start_ns),
                    "durationMs": max(span.start_ns + (span.duration_ns or 0) for span in trace) // 10**6
                    - trace[0].start_ns // 10**6,
                    "spanSet": {"matched": matched},
                }
                for trace_id, trace in traces.items()
                if (matched := sum(holds(span, fields["q"]) for span in trace))
                and min(span.start_ns for span in trace) < end * 10**9
                and max(span.start_ns + (span.duration_ns or 0) for span in trace) >= start * 10**9
            ]
            return httpx.Response(200, json={"traces": found[:limit]})
        held = traces.get(path.rsplit("/", 1)[1], ())
        body = protobuf([span for span in held if fields.get("mode") != "blocks" or not live(span)])
        answered = message("TraceByIDResponse")(trace=message("TracesData").FromString(body)).SerializeToString()
        return httpx.Response(200, headers={"content-type": "application/protobuf"}, content=answered)

    return answer


def jaeger(
    spans: Sequence[Span],
    *,
    version: str = "v1",
    most: int = 10**6,
    asked: list[httpx.Request] | None = None,
    cassandra: bool = False,
    elastic: bool = False,
) -> Answer:
    """A Jaeger over some spans, in the way of its storage.

    Parameters
    ----------
    cassandra : bool
        A search reads three rows of an index, one a span, for each trace asked for.
    elastic : bool
        A search gives of a trace what lies within an hour of the window.
    """
    traces = by_trace(spans)
    missing = httpx.Response(404, headers=PLAIN, content=b"404 page not found\n")

    def matching(service: str, operation: str, low: int, high: int, tags: dict[str, str], least: int) -> list[str]:
        def fits(span: Span) -> bool:
            return (
                span.service == service
                and operation in ("", span.operation)
                and low <= span.start_ns // 1000 <= high
                and (span.duration_ns or 0) // 1000 >= least
                and all({"error": str(span.status == "error").lower(), **span.attributes}.get(k) == v
                        for k, v in tags.items())
            )  # fmt: skip

        return [trace_id for trace_id, trace in traces.items() if any(fits(span) for span in trace)]

    def newest(found: list[str], count: int) -> list[str]:
        """A limit keeps the newest traces by their first span, as every storage of Jaeger does."""
        return sorted(found, key=lambda each: traces[each][0].start_ns)[-count:]

    def near(found: str, low: int, high: int) -> list[Span]:
        hour = 3600 * 10**6 if elastic else 1 << 62
        return [span for span in traces[found] if low - hour <= span.start_ns // 1000 <= high + hour]

    def by_rows(
        service: str, operation: str, low: int, high: int, tags: dict[str, str], least: int, count: int
    ) -> list[str]:
        """What is found in indices of spans, each cut at its newest rows; a duration is looked for in whole hours."""
        if least:
            low, high = (round(at / 3600e6) * 3600 * 10**6 for at in (low, high + 3600 * 10**6))
        named = [span for span in spans if span.service == service and low <= span.start_ns // 1000 <= high]
        held = [(span, {"error": str(span.status == "error").lower(), **span.attributes}) for span in named]
        fits = [
            [span for span in named if operation in ("", span.operation) and (span.duration_ns or 0) // 1000 >= least]
        ]
        if tags:
            fits = fits if operation else []
            fits += [[span for span, texts in held if texts.get(name) == text] for name, text in tags.items()]
        rows = [sorted(index, key=lambda span: span.start_ns)[-3 * count :] for index in fits]
        return sorted(set.intersection(*({span.trace_id for span in index} for index in rows)))[:count]

    def answer(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        path, fields = request.url.path, dict(request.url.params)
        services = sorted({span.service for span in spans})
        if version == "v1" and path == "/api/services":
            return httpx.Response(200, json={"data": services, "total": len(services), "errors": None})
        if version == "v1" and path == "/api/traces":
            least = int(fields.get("minDuration", "0us").removesuffix("us"))
            clauses = (fields["service"], fields.get("operation", ""), int(fields["start"]), int(fields["end"]),
                       json.loads(fields.get("tags", "{}")), least)  # fmt: skip
            count = min(int(fields["limit"]), most)
            if cassandra and least and clauses[4]:
                return httpx.Response(500, json={"data": None, "errors": [{"code": 500, "msg": BOTH}]})
            found = by_rows(*clauses, count) if cassandra else newest(matching(*clauses), count)
            data = [jaeger_trace(near(each, *clauses[2:4])) for each in found]
            return httpx.Response(200, json={"data": data, "errors": None})
        if version == "v1" and path.startswith("/api/traces/"):
            one = traces.get(path.rsplit("/", 1)[1])
            told = {"data": None, "errors": [{"code": 404, "msg": "trace not found"}]}
            return httpx.Response(200, json={"data": [jaeger_trace(one)]}) if one else httpx.Response(404, json=told)
        if version == "v3" and path == "/api/v3/services":
            return httpx.Response(200, json={"services": services})
        if version == "v3" and path.startswith("/api/v3/traces"):
            if path != "/api/v3/traces":
                found = [each for each in traces if each == path.rsplit("/", 1)[1]]
            else:
                bounds = [_micros(fields[f"query.start_time_{edge}"]) for edge in ("min", "max")]
                least = int(fields.get("query.duration_min", "0ns").removesuffix("ns")) // 1000
                clauses = (fields["query.service_name"], fields.get("query.operation_name", ""), *bounds,
                           json.loads(fields.get("query.attributes", "{}")), least)  # fmt: skip
                count = min(int(fields["query.num_traces"]), most)
                if cassandra and least and clauses[4]:
                    return httpx.Response(500, json={"error": {"httpCode": 500, "message": BOTH}})
                found = by_rows(*clauses, count) if cassandra else newest(matching(*clauses), count)
            if not found:
                return httpx.Response(404, json={"error": {"httpCode": 404, "message": "No traces found"}})
            whole = path != "/api/v3/traces"
            parts = [json.dumps({"result": otlp(traces[each] if whole else near(each, *bounds))}) for each in found]
            return httpx.Response(200, headers=PLAIN, content="\n".join(parts).encode())
        return missing

    return answer


def _micros(text: str) -> int:
    import datetime

    return round(datetime.datetime.fromisoformat(text).timestamp() * 1e6)
