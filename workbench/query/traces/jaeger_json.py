"""Spans in the JSON of Jaeger (API v1, exports of its page) and of Zipkin, into rows; both count microseconds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from workbench.core.errors import AnswerUnreadable
from workbench.query.traces.spans import Sampling, Span, exception_texts, plain_id, stored_ns, text_of

#: Set on a span that only follows its parent: it does not block it.
REFERENCE = "span.reference"

#: Service that Jaeger puts in place of one that OpenTelemetry did not name.
NO_SERVICE = "OTLPResourceNoServiceName"

_TRUE = ("true", "True", "1")
_ZIPKIN_NO_ERROR = ("false", "False")


def of_jaeger(traces: Iterable[Mapping[str, Any]], sampling: Sampling) -> Iterator[Span]:
    """Read the spans of ``data`` of an answer or an export.

    A parent is the first ``CHILD_OF`` of the same trace, else the first ``FOLLOWS_FROM``, marked in the attribute
    ``span.reference``. The status is ``otel.status_code``, else the tag ``error``.

    Raises
    ------
    AnswerUnreadable
        A trace is of another shape.
    """
    try:
        for trace in traces:
            processes = trace.get("processes") or {}
            for span in trace.get("spans") or ():
                yield _jaeger_span(span, processes, sampling)
    except (AttributeError, TypeError, ValueError, KeyError, ArithmeticError, RecursionError) as error:
        raise AnswerUnreadable(f"A trace of Jaeger is malformed: {type(error).__name__}.") from None


def _jaeger_span(span: Mapping[str, Any], processes: Mapping[str, Any], sampling: Sampling) -> Span:
    process = span.get("process") or processes.get(span.get("processID") or "") or {}
    tags = _tags(span.get("tags"))
    kind = tags.pop("span.kind", "")
    code = tags.pop("otel.status_code", "").lower()
    failed = code == "error" or (not code and tags.get("error", "") in _TRUE)
    trace_id = plain_id(span.get("traceID"), 32)
    parent, reference = _parent(span, trace_id)
    own = {**_tags(process.get("tags")), **tags}
    if reference:
        own[REFERENCE] = reference
    for event in span.get("logs") or ():
        fields = _tags(event.get("fields"))
        if fields.get("event") == "exception":
            own = {**exception_texts(fields), **own}
    duration = span.get("duration")
    return Span(
        trace_id,
        plain_id(span.get("spanID"), 16),
        parent,
        "" if process.get("serviceName") == NO_SERVICE else str(process.get("serviceName") or ""),
        str(span.get("operationName") or ""),
        "" if kind == "unspecified" else kind.lower(),
        _nanoseconds(span.get("startTime")),
        None if duration is None else _nanoseconds(duration),
        "error" if failed else "ok" if code == "ok" else "unset",
        own,
        sampling.weight(tags.get("w3c.tracestate", ""), own),
    )


def _parent(span: Mapping[str, Any], trace_id: str) -> tuple[str, str]:
    """Id of the parent, and how the span refers to it when that is not ``CHILD_OF``."""
    parent = ""
    for reference in span.get("references") or ():
        if plain_id(reference.get("traceID"), 32) not in (trace_id, ""):
            continue
        other = plain_id(reference.get("spanID"), 16)
        if reference.get("refType") == "CHILD_OF":
            return other, ""
        parent = parent or other
    if parent:
        return parent, "follows_from"
    return plain_id(span.get("parentSpanID"), 16), ""


def _tags(pairs: Iterable[Mapping[str, Any]] | None) -> dict[str, str]:
    return {str(pair["key"]): text_of(pair.get("value", "")) for pair in pairs or ()}


def of_zipkin(spans: Iterable[Mapping[str, Any]], sampling: Sampling) -> Iterator[Span]:
    """Read spans of Zipkin's JSON v2; a span without kind is internal, a tag ``error`` makes an error.

    Raises
    ------
    AnswerUnreadable
        A span is of another shape.
    """
    try:
        for span in spans:
            tags = {str(name): text_of(value) for name, value in (span.get("tags") or {}).items()}
            peer = (span.get("remoteEndpoint") or {}).get("serviceName")
            if peer:
                tags.setdefault("peer.service", str(peer))
            failed = "error" in tags and tags["error"] not in _ZIPKIN_NO_ERROR
            duration = span.get("duration")
            yield Span(
                plain_id(span.get("traceId"), 32),
                plain_id(span.get("id"), 16),
                plain_id(span.get("parentId"), 16),
                str((span.get("localEndpoint") or {}).get("serviceName") or ""),
                str(span.get("name") or ""),
                str(span.get("kind") or "internal").lower(),
                _nanoseconds(span.get("timestamp")),
                None if duration is None else _nanoseconds(duration),
                "error" if failed else "unset",
                tags,
                sampling.weight("", tags),
            )
    except (AttributeError, TypeError, ValueError, KeyError, ArithmeticError, RecursionError) as error:
        raise AnswerUnreadable(f"A span of Zipkin is malformed: {type(error).__name__}.") from None


def _nanoseconds(microseconds: Any) -> int:
    """Microseconds, whole or with a fraction, as ns without the rounding of floats."""
    if isinstance(microseconds, float):
        return stored_ns(round(microseconds * 1000))
    return stored_ns(int(microseconds or 0) * 1000)
