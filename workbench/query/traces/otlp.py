"""Spans of OpenTelemetry: the JSON of files, Tempo and Jaeger, and protobuf, into rows.

JSON of OTLP has hex ids and numbers for enumerations, that of Tempo base64 and names; ``batches`` and
``instrumentationLibrarySpans`` are older names of ``resourceSpans`` and ``scopeSpans``; some exporters write
``resource_spans``. All are read.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from google.protobuf.message import DecodeError

from workbench.core.errors import AnswerUnreadable
from workbench.query.http.documents import without_collector
from workbench.query.http.reading import MAX_BYTES, check_size, in_time
from workbench.query.traces.otlp_schema import message
from workbench.query.traces.spans import Sampling, Span, exception_texts, plain_id, stored_ns, text_of

_KINDS = ("", "internal", "server", "client", "producer", "consumer")
_STATUSES = ("unset", "ok", "error")

_CAMEL = re.compile(r"_([a-z])")

#: Size of the objects of a message to its own: its parts, and the rows made of them.
_GROWS = 12.0

#: Texts of the resource that other columns hold.
_SERVICE = "service.name"


def of_json(document: Any, sampling: Sampling, *, until: float = math.inf) -> list[Span]:
    """Read the spans of one document: an export request, or the answer of Tempo (v1, v2) or Jaeger (v3).

    Raises
    ------
    AnswerUnreadable
        The document is of another shape.
    SourceUnavailable
        The time is up: ``until``, of the monotonic clock. [s]
    """
    body = document
    for name in ("trace", "result"):
        body = body[name] if isinstance(body, dict) and isinstance(body.get(name), dict) else body
    if not isinstance(body, dict):
        raise AnswerUnreadable("It holds no spans of OpenTelemetry.", hint="Expected resourceSpans or batches.")
    try:
        if "resource_spans" in body:
            body = _camel(body)
        resources = body.get("resourceSpans") or body.get("batches") or ()
        with without_collector():
            return list(in_time(chain.from_iterable(_resource(each, sampling) for each in resources), until))
    except (AttributeError, TypeError, ValueError, KeyError, ArithmeticError, RecursionError) as error:
        raise AnswerUnreadable(f"A span of OpenTelemetry is malformed: {type(error).__name__}.") from None


def _camel(held: Any) -> Any:
    """Rename the fields of a document that spells them as the .proto file does; texts and attributes stay."""
    if isinstance(held, dict):
        return {_CAMEL.sub(lambda match: match[1].upper(), str(key)): _camel(value) for key, value in held.items()}
    return [_camel(each) for each in held] if isinstance(held, list) else held


def _resource(resource: Mapping[str, Any], sampling: Sampling) -> Iterator[Span]:
    shared = attribute_texts((resource.get("resource") or {}).get("attributes"))
    service = shared.pop(_SERVICE, "")
    for scope in resource.get("scopeSpans") or resource.get("instrumentationLibrarySpans") or ():
        for span in scope.get("spans") or ():
            start = stored_ns(int(span.get("startTimeUnixNano") or 0))
            end = stored_ns(int(span.get("endTimeUnixNano") or 0))
            status = span.get("status") or {}
            own = shared | attribute_texts(span.get("attributes"))
            if status.get("message"):
                own["otel.status_description"] = str(status["message"])
            for event in span.get("events") or ():
                if event.get("name") == "exception":
                    own = {**exception_texts(attribute_texts(event.get("attributes"))), **own}
            yield Span(
                plain_id(span.get("traceId"), 32),
                plain_id(span.get("spanId"), 16),
                plain_id(span.get("parentSpanId"), 16),
                service,
                str(span.get("name") or ""),
                _named(span.get("kind"), _KINDS, "SPAN_KIND_"),
                start,
                end - start if end else None,
                _named(status.get("code"), _STATUSES, "STATUS_CODE_"),
                own,
                sampling.weight(span.get("traceState") or "", own),
            )


def _named(code: Any, names: tuple[str, ...], prefix: str) -> str:
    """Name of an enumeration given as number or as name; one that is not known is the first."""
    if isinstance(code, str) and not code.isdecimal():
        word = code.upper().removeprefix(prefix).lower()
        return word if word in names else names[0]
    number = int(code or 0)
    return names[number] if 0 <= number < len(names) else names[0]


def attribute_texts(pairs: Iterable[Mapping[str, Any]] | None) -> dict[str, str]:
    """Return pairs of key and typed value as texts."""
    return {str(pair["key"]): _text(pair.get("value")) for pair in pairs or ()}


def _text(value: Mapping[str, Any] | None) -> str:
    """Text of a typed value, the kinds that are met most first."""
    for kind, held in (value or {}).items():
        if kind == "stringValue" and held.__class__ is str:
            return str(held)
        if kind == "intValue":
            return str(int(held))
        if held is True:
            return "true"
        if held is False:
            return "false"
        return text_of(_value(value or {}))
    return ""


def _value(value: Mapping[str, Any]) -> Any:
    for kind, held in value.items():
        match kind:
            case "stringValue" | "boolValue":
                return held
            case "doubleValue":
                return float(held)
            case "bytesValue":
                return base64.b64decode(held).hex()
            case "intValue":
                return int(held)
            case "arrayValue":
                return [_value(each) for each in held.get("values") or ()]
            case "kvlistValue":
                return {str(pair["key"]): _value(pair.get("value") or {}) for pair in held.get("values") or ()}
    return ""


def of_protobuf(body: bytes | bytearray, sampling: Sampling, *, wrapped: bool = False) -> list[Span]:
    """Read the spans of one message: an export request, a trace of Tempo v1, or with ``wrapped`` an answer of v2.

    Raises
    ------
    AnswerUnreadable
        The bytes are not such a message.
    """
    return answer_of(body, sampling)[0] if wrapped else trace_of(body, sampling)[0]


def trace_of(
    body: bytes | bytearray, sampling: Sampling, *, limit: int = MAX_BYTES, until: float = math.inf
) -> tuple[list[Span], str]:
    """Read a trace as Tempo's v1 and exporters write it; such a one says nothing of being whole.

    Parameters, and what is raised, are those of :func:`answer_of`.
    """
    check_size(body, limit=limit, times=_GROWS)
    return _spans(_parsed("TracesData", body), sampling, until), ""


def answer_of(
    body: bytes | bytearray, sampling: Sampling, *, limit: int = MAX_BYTES, until: float = math.inf
) -> tuple[list[Span], str]:
    """Read an answer of Tempo's v2: its spans, and why the trace is not whole (empty when it is).

    Parameters
    ----------
    body : bytes
        The message.
    sampling : Sampling
        Gives each span its weight.
    limit : int
        Memory that the answer may take. [bytes]
    until : float
        Instant of the monotonic clock by which it must have been read. [s]

    Raises
    ------
    AnswerUnreadable
        The bytes are not such a message.
    QueryTooExpensive
        It would take more memory.
    SourceUnavailable
        The time is up.
    """
    check_size(body, limit=limit, times=_GROWS)
    answer = _parsed("TraceByIDResponse", body)
    cut = (answer.message or "The server gives a part of the trace only.") if answer.status == 1 else ""
    return _spans(answer.trace, sampling, until), cut


def _parsed(name: str, body: bytes | bytearray) -> Any:
    try:
        return message(name).FromString(bytes(body))
    except DecodeError:
        raise AnswerUnreadable(
            f"{len(body):,} bytes are not spans in protobuf.", hint="Is the format of the file or the server another?"
        ) from None


def _spans(data: Any, sampling: Sampling, until: float) -> list[Span]:
    spans: list[Span] = []
    with without_collector():
        for resource in data.resource_spans:
            shared = _pairs(resource.resource.attributes)
            service = shared.pop(_SERVICE, "")
            for scope in resource.scope_spans:
                spans.extend(_row(span, service, shared, sampling) for span in in_time(scope.spans, until))
    return spans


def _row(span: Any, service: str, shared: dict[str, str], sampling: Sampling) -> Span:
    own = {**shared, **_pairs(span.attributes)}
    status = span.status
    if status.message:
        own["otel.status_description"] = status.message
    for event in span.events:
        if event.name == "exception":
            own = {**exception_texts(_pairs(event.attributes)), **own}
    start, end = span.start_time_unix_nano, span.end_time_unix_nano
    parent = span.parent_span_id
    return Span(
        _hex(span.trace_id, 32),
        _hex(span.span_id, 16),
        _hex(parent, 16) if parent else "",
        service,
        span.name,
        _named(span.kind, _KINDS, ""),
        start,
        end - start if end else None,
        _named(status.code, _STATUSES, ""),
        own,
        sampling.weight(span.trace_state, own),
    )


def _hex(raw: bytes, digits: int) -> str:
    return raw.hex().zfill(digits) if any(raw) else ""


def _pairs(attributes: Iterable[Any]) -> dict[str, str]:
    pairs = {}
    for pair in attributes:
        value = pair.value
        # A text that is not empty needs no question for its kind, and most are such.
        text = value.string_value
        if not text:
            kind = value.WhichOneof("value")
            text = str(value.int_value) if kind == "int_value" else text_of(_READ[kind](value))
        pairs[pair.key] = text
    return pairs


_READ: dict[str | None, Callable[[Any], Any]] = {
    None: lambda _: "",
    "string_value": lambda value: value.string_value,
    "bool_value": lambda value: value.bool_value,
    "int_value": lambda value: value.int_value,
    "double_value": lambda value: value.double_value,
    "bytes_value": lambda value: value.bytes_value.hex(),
    "array_value": lambda value: [_READ[each.WhichOneof("value")](each) for each in value.array_value.values],
    "kvlist_value": lambda value: {
        pair.key: _READ[pair.value.WhichOneof("value")](pair.value) for pair in value.kvlist_value.values
    },
}
