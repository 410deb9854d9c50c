"""Log and span filters as Arrow expressions; text in a filter is data, regular expressions are RE2."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import and_

import pyarrow as pa
import pyarrow.compute as pc

from workbench.archive.storage.layout import LOGS, SPANS
from workbench.core.errors import ParameterError
from workbench.core.filters import Condition, LogFilter, SpanFilter
from workbench.core.frames import SEVERITIES


def log_expression(wanted: LogFilter) -> pc.Expression | None:
    """Compile a log filter; None lets every line pass.

    Raises
    ------
    ParameterError
        A regular expression is not RE2, or native text for another backend.
    """
    if wanted.native is not None:
        raise ParameterError(
            f"The text of the query is for {wanted.native.backend}; the archive knows the neutral filter only.",
            hint=f"Name a source of kind {wanted.native.backend}.",
        )
    parts = [_one_of("service", wanted.services), _one_of("event_type", wanted.events)]
    if wanted.severity:
        parts.append(_one_of("severity", SEVERITIES[SEVERITIES.index(wanted.severity) :]))
    if wanted.contains:
        parts.append(pc.match_substring(pc.field("message"), wanted.contains))
    if wanted.trace_id:
        parts.append(pc.field("trace_id") == pc.scalar(wanted.trace_id))
    parts += [_condition(each, LOGS.schema) for each in wanted.attributes]
    return _all(parts)


def span_expression(wanted: SpanFilter) -> pc.Expression | None:
    """Compile a span filter; None lets every span pass.

    Raises
    ------
    ParameterError
        A regular expression is not RE2.
    """
    parts = [_one_of("service", wanted.services), _one_of("operation", wanted.operations)]
    if wanted.status:
        parts.append(pc.field("status") == pc.scalar(wanted.status))
    if wanted.min_duration_ns:
        parts.append(pc.field("duration_ns") >= pc.scalar(wanted.min_duration_ns))
    if wanted.trace_id:
        parts.append(pc.field("trace_id") == pc.scalar(wanted.trace_id))
    parts += [_condition(each, SPANS.schema) for each in wanted.attributes]
    return _all(parts)


def _condition(condition: Condition, schema: pa.Schema) -> pc.Expression:
    """One condition on a text column of the table or else on an attribute; a missing attribute is the empty text."""
    name = condition.attribute
    if name in schema.names and schema.field(name).type == pa.string():
        value = pc.field(name)
    else:
        value = pc.coalesce(pc.map_lookup(pc.field("attributes"), name, "first"), pc.scalar(""))
    match condition.op:
        case "=":
            return value == pc.scalar(condition.values[0])
        case "!=":
            return value != pc.scalar(condition.values[0])
        case "in":
            return pc.is_in(value, pa.array(condition.values, pa.string()))
        case "regex":
            return pc.match_substring_regex(value, _anchored(condition.values[0]))


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


def _one_of(column: str, values: Sequence[str]) -> pc.Expression | None:
    return pc.is_in(pc.field(column), pa.array(values, pa.string())) if values else None


def _all(parts: Iterable[pc.Expression | None]) -> pc.Expression | None:
    wanted = [each for each in parts if each is not None]
    return reduce(and_, wanted) if wanted else None
