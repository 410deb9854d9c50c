"""The messages of OTLP traces, as far as they are read, described to protobuf's own parser.

Field numbers are those of opentelemetry/proto/trace/v1 and of Tempo's TraceByIDResponse [1]_ [2]_. Fields that are not
named here are skipped by the parser, so newer servers are read too.

References
----------
.. [1] https://github.com/open-telemetry/opentelemetry-proto, trace/v1/trace.proto, version 1.7 (Apache-2.0).
.. [2] https://github.com/grafana/tempo, pkg/tempopb/tempo.proto.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "workbench.otlp"

#: message -> field -> (number, type, repeated, in the oneof); a type that starts with a dot is another message.
_FIELDS: dict[str, dict[str, tuple[int, str, bool, bool]]] = {
    "AnyValue": {
        "string_value": (1, "string", False, True),
        "bool_value": (2, "bool", False, True),
        "int_value": (3, "int64", False, True),
        "double_value": (4, "double", False, True),
        "array_value": (5, ".ArrayValue", False, True),
        "kvlist_value": (6, ".KeyValueList", False, True),
        "bytes_value": (7, "bytes", False, True),
    },
    "ArrayValue": {"values": (1, ".AnyValue", True, False)},
    "KeyValueList": {"values": (1, ".KeyValue", True, False)},
    "KeyValue": {"key": (1, "string", False, False), "value": (2, ".AnyValue", False, False)},
    "Resource": {"attributes": (1, ".KeyValue", True, False)},
    "Status": {"message": (2, "string", False, False), "code": (3, "int32", False, False)},
    "Event": {"name": (2, "string", False, False), "attributes": (3, ".KeyValue", True, False)},
    "Span": {
        "trace_id": (1, "bytes", False, False),
        "span_id": (2, "bytes", False, False),
        "trace_state": (3, "string", False, False),
        "parent_span_id": (4, "bytes", False, False),
        "name": (5, "string", False, False),
        "kind": (6, "int32", False, False),
        "start_time_unix_nano": (7, "fixed64", False, False),
        "end_time_unix_nano": (8, "fixed64", False, False),
        "attributes": (9, ".KeyValue", True, False),
        "events": (11, ".Event", True, False),
        "status": (15, ".Status", False, False),
    },
    "ScopeSpans": {"spans": (2, ".Span", True, False)},
    "ResourceSpans": {
        "resource": (1, ".Resource", False, False),
        "scope_spans": (2, ".ScopeSpans", True, False),
    },
    "TracesData": {"resource_spans": (1, ".ResourceSpans", True, False)},
    "TraceByIDResponse": {
        "trace": (1, ".TracesData", False, False),
        "status": (3, "int32", False, False),
        "message": (4, "string", False, False),
    },
}


@cache
def message(name: str) -> Any:
    """Return the class of a message, e.g. ``TracesData``."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"{_PACKAGE}.{name}"))


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="workbench/otlp.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _FIELDS.items():
        described = file.message_type.add(name=name)
        if any(oneof for *_, oneof in fields.values()):
            described.oneof_decl.add(name="value")
        for field, (number, kind, repeated, oneof) in fields.items():
            added = described.field.add(name=field, number=number)
            added.label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            if kind.startswith("."):
                added.type, added.type_name = kinds.TYPE_MESSAGE, f".{_PACKAGE}{kind}"
            else:
                added.type = getattr(kinds, f"TYPE_{kind.upper()}")
            if oneof:
                added.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool
