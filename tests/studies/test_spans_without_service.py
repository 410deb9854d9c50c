"""Spans whose resource has no ``service.name``: shown and counted, or told; never zero without a word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workbench.core.filters import SpanFilter
from workbench.core.settings import load_settings
from workbench.core.timerange import TimeRange, parse_instant
from workbench.studies import Context, count_spans, open_context, trace_analysis
from workbench.studies.operations.ask import find_spans

DAY = TimeRange(parse_instant("2026-11-07"), parse_instant("2026-11-08"))
START = 1_794_045_600_000_000_000


def context(folder: Path, systems: str) -> Context:
    """Sources over two spans, of which none has a service."""
    spans = [
        {"traceId": f"{number:032x}", "spanId": f"{number:016x}", "name": "chat", "kind": 2,
         "startTimeUnixNano": str(START + number), "endTimeUnixNano": str(START + number + 10**6)}
        for number in (1, 2)
    ]  # fmt: skip
    document = {"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"spans": spans}]}]}
    (folder / "spans.json").write_text(json.dumps(document))
    file = folder / "workbench.toml"
    file.write_text(f'home = "home"\n[sources.spans]\nkind = "otlp"\npath = "{folder}/spans.json"\n{systems}\n')
    return open_context(load_settings(file))


def test_a_source_of_one_system_shows_and_counts_them(tmp_path: Path) -> None:
    ctx = context(tmp_path, 'systems = ["conduit"]')
    rows, count, warnings = find_spans(ctx, system="conduit", range=DAY, wanted=SpanFilter())
    assert (count, {row["service"] for row in rows}) == (2, {""})
    assert warnings == ("2 spans name no service: a filter by service leaves them out.",)
    counts = count_spans(ctx, system="conduit", range=DAY, wanted=SpanFilter(), by="operation")
    assert counts.frame["kept"].sum() == 2
    study = trace_analysis(ctx, system="conduit", range=DAY, as_of=DAY.end)
    assert study.status == "ok"
    assert "2 spans name no service: a filter by service leaves them out." in study.warnings


@pytest.mark.parametrize("systems", ["", 'systems = ["conduit", "choreoai"]'])
def test_a_shared_source_says_how_many_belong_to_no_system(tmp_path: Path, systems: str) -> None:
    ctx = context(tmp_path, systems)
    rows, count, warnings = find_spans(ctx, system="conduit", range=DAY, wanted=SpanFilter())
    assert (rows, count) == ([], 0)
    assert warnings == ("2 spans name no service: a filter by service leaves them out.",)
    counts = count_spans(ctx, system="conduit", range=DAY, wanted=SpanFilter(), by="operation")
    assert (len(counts.frame), counts.notes) == (0, warnings)
    study = trace_analysis(ctx, system="conduit", range=DAY, as_of=DAY.end)
    assert study.status == "no_data"
    assert "2 spans name no service: a filter by service leaves them out." in study.warnings
