"""OTLP in JSON as exporters spell it: camel or snake case, hex or base64 ids, one strange document among good ones."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.errors import AnswerUnreadable
from workbench.core.filters import SpanFilter
from workbench.core.timerange import TimeRange, parse_instant
from workbench.query.traces.files import TraceFiles
from workbench.query.traces.otlp import of_json
from workbench.query.traces.spans import Sampling

DAY = TimeRange(parse_instant("2026-11-07"), parse_instant("2026-11-08"))
START = 1_794_045_600_000_000_000


def document(name: str, attributes: dict[str, str]) -> dict[str, Any]:
    pairs = [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()]
    span = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": f"{abs(hash(name)) % 16**15 + 1:016x}",
            "parentSpanId": "", "name": name, "kind": 2, "startTimeUnixNano": str(START),
            "endTimeUnixNano": str(START + 5), "attributes": pairs, "status": {"code": 2}}  # fmt: skip
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "app"}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "x"}, "spans": [span]}]}]}


def snaked(held: Any) -> Any:
    if isinstance(held, dict):
        return {re.sub(r"([A-Z])", lambda m: f"_{m[1].lower()}", key): snaked(value) for key, value in held.items()}
    return [snaked(each) for each in held] if isinstance(held, list) else held


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.text("a_B.c", max_size=8), st.dictionaries(st.text("a_B.c", min_size=1, max_size=8), st.text(max_size=8)))
def test_snake_case_is_read_like_camel_case(name, attributes) -> None:
    given_document = document(name, attributes)
    assert of_json(snaked(given_document), Sampling()) == of_json(given_document, Sampling())


STRANGE = [{"spans": "none"}, {"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": "soon"}]}]}]}, 7, "x"]


@pytest.mark.parametrize("strange", STRANGE)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_strange_line_costs_a_line_and_not_the_file(tmp_path: Path, strange: Any, place: int) -> None:
    lines = [document("a", {}), snaked(document("b", {}))]
    lines.insert(place, strange)
    (tmp_path / "spans.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (piece,) = TraceFiles("spans", tmp_path / "spans.jsonl").spans(SpanFilter(), DAY)
    assert sorted(piece["operation"]) == ["a", "b"]
    assert any("left out" in text for text in piece.attrs["warnings"])


def test_a_file_of_nothing_known_is_refused(tmp_path: Path) -> None:
    (tmp_path / "spans.jsonl").write_text('{"spans": "none"}\n{"spans": "none"}\n')
    with pytest.raises(AnswerUnreadable, match="holds no spans that are known"):
        list(TraceFiles("spans", tmp_path / "spans.jsonl").spans(SpanFilter(), DAY))


@pytest.mark.parametrize(
    ("kind", "code"), [(2, 2), ("2", "2"), (2.0, 2.0), ("SPAN_KIND_SERVER", "STATUS_CODE_ERROR"), ("Server", "Error")]
)
def test_kinds_and_states_keep_their_meaning_however_they_are_written(kind: Any, code: Any) -> None:
    written = document("a", {})
    span = written["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    span["kind"], span["status"] = kind, {"code": code}
    (row,) = of_json(written, Sampling())
    assert (row.kind, row.status) == ("server", "error")


def test_times_in_another_unit_are_said_and_not_merely_outside_the_period(tmp_path: Path) -> None:
    text = json.dumps(document("a", {})).replace(str(START), str(START // 1000))
    (tmp_path / "spans.json").write_text(text)
    (piece,) = TraceFiles("spans", tmp_path / "spans.json").spans(SpanFilter(), DAY)
    assert piece.empty
    assert "1 span starts before 2001: its time is not in nanoseconds." in piece.attrs["warnings"]


@pytest.mark.parametrize(("state", "weight"), [("ot=p:2;r:3", 4.0), ("ot=p:63", 1.0), ("ot=p:0", 1.0)])
def test_the_exponent_that_came_before_thresholds_weighs_too(state: str, weight: float) -> None:
    assert Sampling().weight(state, {}) == weight
