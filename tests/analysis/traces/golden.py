"""Golden traces of CRISP and Jaeger as frames of spans."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

COLUMNS = ("trace_id", "span_id", "parent_id", "service", "operation", "kind", "start_ns", "duration_ns", "status",
           "weight", "attributes")  # fmt: skip


@cache
def document(name: str) -> Any:
    return json.loads(Path(__file__).with_name(f"{name}.json").read_text())


def spans(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    """Rows in the order of COLUMNS as SPANS."""
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    texts = dict.fromkeys((*COLUMNS[:6], "status"), "str")
    return frame.astype({**texts, "start_ns": "int64", "duration_ns": "int64", "weight": "float64"})


def tree(*nodes: tuple[str, str, int, int], **more: Any) -> pd.DataFrame:
    """One trace of (id, parent, start, end); ``more`` sets a column to a value for all, or to one per id."""
    plain: dict[str, Any] = {
        "service": "web", "operation": "op", "kind": "internal", "status": "ok", "weight": 1.0, "attributes": {},
    }  # fmt: skip

    def value(name: str, span: str) -> Any:
        held = more.get(name, plain[name])
        return held.get(span, plain[name]) if isinstance(held, Mapping) else held

    return spans([
        ("t", span, parent, value("service", span), value("operation", span), value("kind", span), start, end - start,
         value("status", span), value("weight", span), value("attributes", span))
        for span, parent, start, end in nodes
    ])  # fmt: skip


def crisp_failed(span: Mapping[str, Any]) -> bool:
    """CRISP's own rule: an error tag, an HTTP status from 400, a gRPC status that is not OK, or a log of an error."""
    tags = {tag["key"]: tag["value"] for tag in span.get("tags") or []}
    fields = [field for log in span.get("logs") or [] for field in log["fields"]]
    return (
        tags.get("error", False) not in (False, "false")
        or int(tags.get("http.status_code", 0)) >= 400
        or tags.get("grpc.status", "OK") != "OK"
        or any(field["key"] in ("error", "error.object") or field["value"] == "error" for field in fields)
    )


def of_jaeger(trace: Mapping[str, Any], failed: Any = crisp_failed) -> pd.DataFrame:
    """One trace in Jaeger's JSON as SPANS, its microseconds taken as they are."""
    rows = []
    for span in trace["spans"]:
        references = span.get("references") or []
        attributes = {tag["key"]: str(tag["value"]) for tag in span.get("tags") or []}
        if references and references[0]["refType"] == "FOLLOWS_FROM":
            attributes["span.reference"] = "follows_from"
        rows.append((
            "t", span["spanID"], references[0]["spanID"] if references else "",
            trace["processes"][span["processID"]]["serviceName"], span["operationName"],
            attributes.get("span.kind", "internal"), span["startTime"], span["duration"],
            "error" if failed(span) else "ok", 1.0, attributes,
        ))  # fmt: skip
    return spans(rows)
