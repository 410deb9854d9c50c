"""The neutral filter of spans in the words of each backend, and what decides in the end.

A backend is asked for the traces that hold a matching span; it may give more, never fewer. :func:`passing` then keeps
exactly the spans that match, so every source means the same by one filter, as the archive does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.core.errors import ParameterError
from workbench.core.filters import Condition, SpanFilter
from workbench.core.frames import SPANS
from workbench.core.timerange import TimeRange
from workbench.query.traces.spans import EXCEPTION, plain_id

_COLUMNS = {name for name, kind in SPANS.columns.items() if kind == "str"}
_STATUSES = ("ok", "error", "unset")

_WHOLE = re.compile(r"-?(?:0|[1-9]\d*)")
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")

#: Columns of SPANS in TraceQL.
_TRACEQL = {"service": "resource.service.name", "operation": "name", "status": "status", "kind": "kind"}


def checked(wanted: SpanFilter) -> SpanFilter:
    """Return the filter, or refuse what no span can be or RE2 cannot read.

    Raises
    ------
    ParameterError
    """
    if wanted.status and wanted.status not in _STATUSES:
        raise ParameterError(f"{wanted.status!r} is not a status of a span.", hint=f"Use {', '.join(_STATUSES)}.")
    for condition in wanted.attributes:
        match condition:
            case Condition(op="regex", values=(pattern,)):
                _anchored(pattern)
    return wanted


def passing(frame: pd.DataFrame, wanted: SpanFilter, span: TimeRange) -> pd.DataFrame:
    """Return the rows of SPANS that start in ``[start, end)`` and match.

    A missing attribute is the empty text, and a regular expression (RE2) fits the whole value.
    """
    if not len(frame):
        return frame
    kept = (
        frame["start_ns"]
        .between(span.start_ms * 1_000_000, span.end_ms * 1_000_000, inclusive="left")
        .to_numpy(copy=True)
    )
    for column, values in (("service", wanted.services), ("operation", wanted.operations)):
        if values:
            kept &= frame[column].isin(values).to_numpy()
    if wanted.status:
        kept &= (frame["status"] == wanted.status).to_numpy()
    if wanted.min_duration_ns:
        kept &= (frame["duration_ns"] >= wanted.min_duration_ns).to_numpy()
    if wanted.trace_id:
        kept &= (frame["trace_id"] == plain_id(wanted.trace_id, 32)).to_numpy()
    for condition in wanted.attributes:
        kept &= _holds(frame, condition)
    return frame if kept.all() else frame.loc[kept].reset_index(drop=True)


def _holds(frame: pd.DataFrame, condition: Condition) -> NDArray[np.bool_]:
    name = condition.attribute
    values = frame[name] if name in _COLUMNS else [held.get(name, "") for held in frame["attributes"]]
    texts = pa.array(values, pa.string())
    match condition:
        case Condition(op="regex", values=(pattern,)):
            held = pc.match_substring_regex(texts, _anchored(pattern))
        case Condition(op="!=", values=(value,)):
            held = pc.not_equal(texts, value)
        case Condition(values=values):
            held = pc.is_in(texts, pa.array(values, pa.string()))
    mask: NDArray[np.bool_] = held.to_numpy(zero_copy_only=False)
    return mask


def _anchored(pattern: str) -> str:
    anchored = f"^(?s:{pattern})$"
    try:
        pc.match_substring_regex(pa.array([""]), anchored)
    except pa.ArrowInvalid as error:
        raise ParameterError(
            f"{pattern!r} is not a regular expression of RE2: {error}.",
            hint="Lookaround and back references do not exist in RE2.",
        ) from None
    return anchored


def traceql(wanted: SpanFilter, *, events: bool = True) -> str:
    """Compile to TraceQL: one span must fulfil everything.

    What TraceQL means otherwise is left to :func:`passing`: conditions that a missing attribute fulfils (there they
    never hold), patterns on attributes (there no pattern fits a number), lists and maps (there they equal no text), and
    durations: one span that ends before it starts hides all others of its block from ``duration >=``.

    Parameters
    ----------
    wanted : SpanFilter
        Conditions that each span must fulfil.
    events : bool
        The server knows the attributes of events, where those of exceptions are (Tempo 2.6).

    Examples
    --------
    >>> traceql(SpanFilter(services=("api",), status="error", min_duration_ns=5_000_000))
    '{ resource.service.name = "api" && status = error }'
    >>> traceql(SpanFilter(attributes=(Condition("http.response.status_code", "=", ("500",)),)))
    '{ (.http.response.status_code = "500" || .http.response.status_code = 500) }'
    >>> traceql(SpanFilter(attributes=(Condition("exception.type", "=", ("IOError",)),)))
    '{ (.exception.type = "IOError" || event.exception.type = "IOError") }'
    """
    parts = [_either(_TRACEQL["service"], wanted.services), _either(_TRACEQL["operation"], wanted.operations)]
    if wanted.status:
        parts.append(f"status = {wanted.status}")
    parts += [_traceql_condition(condition, events) for condition in wanted.attributes]
    inside = " && ".join(part for part in parts if part)
    return f"{{ {inside} }}" if inside else "{ }"


def _traceql_condition(condition: Condition, events: bool) -> str:
    name = condition.attribute
    if name in ("kind", "status") or (name in _COLUMNS and name not in _TRACEQL) or name.startswith("workbench."):
        return ""
    in_events = name.startswith(EXCEPTION)
    if in_events and not events:
        return ""
    field = _TRACEQL.get(name) or (f".{name}" if _BARE.fullmatch(name) else f".{_quoted(name)}")
    match condition:
        case Condition(op="regex", values=(pattern,)):
            empty = bool(pc.match_substring_regex(pa.array([""]), _anchored(pattern))[0].as_py())
            return "" if empty or name not in _TRACEQL else f"{field} =~ {_quoted(pattern)}"
        case Condition(op="=" | "in", values=values) if not any(map(_unlike, values)):
            return _either(field, values, f"event{field}" if in_events else "")
    return ""


def _unlike(value: str) -> bool:
    """Whether a text is written for what equals no text in TraceQL: nothing, a list, a map, no number."""
    return not value or value[0] in "[{" or value.lower().lstrip("+-") in ("nan", "inf", "infinity")


def _either(field: str, values: Sequence[str], other: str = "") -> str:
    """One of several values; an attribute may hold the text, or the number or truth that reads the same."""
    options = []
    for value in values:
        literals = [_quoted(value), *([value] if field.startswith(".") and _literal(value) else [])]
        options += [f"{place} = {literal}" for place in (field, other) if place for literal in literals]
    joined = " || ".join(options)
    return f"({joined})" if len(options) > 1 else joined


def _literal(value: str) -> bool:
    """Whether a text reads as the truth or the number of an attribute; whole numbers have 64 bits."""
    if value in ("true", "false"):
        return True
    if _WHOLE.fullmatch(value):
        return -(2**63) <= int(value) < 2**63
    try:
        return value == repr(float(value))
    except ValueError:
        return False


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def jaeger_tags(wanted: SpanFilter) -> dict[str, str]:
    """Compile to the tags of Jaeger: equality only, the rest is left to :func:`passing`.

    Examples
    --------
    >>> jaeger_tags(SpanFilter(status="error", attributes=(Condition("http.route", "=", ("/a",)),)))
    {'error': 'true', 'http.route': '/a'}
    """
    tags = {"error": "true"} if wanted.status == "error" else {}
    for condition in wanted.attributes:
        match condition:
            case Condition(name, "=", (value,)) if name not in _COLUMNS and not name.startswith("workbench."):
                if _unlike(value):
                    continue
                tags[name] = value
    return tags
