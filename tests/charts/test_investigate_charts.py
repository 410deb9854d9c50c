"""Tables and figures of an investigation and of logs, over the demo's database burst."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

import workbench
from tests.demo_home import END
from workbench.charts.investigate import tables as rows
from workbench.charts.logs import tables as logs
from workbench.charts.traces import tables as trace_tables
from workbench.charts.traces.figures import waterfall_of
from workbench.core.result import Study
from workbench.core.settings import Settings
from workbench.core.timerange import TimeRange
from workbench.studies import open_context

SPAN = TimeRange(datetime(2026, 10, 30, 14, tzinfo=UTC), datetime(2026, 10, 30, 14, 25, tzinfo=UTC))


@pytest.fixture(scope="module")
def studies(shared_settings: Settings) -> dict[str, Study]:
    ctx = replace(open_context(shared_settings), clock=lambda: END)
    return {
        "burst": workbench.investigate(ctx, system="llm-ab-testing", range=SPAN, as_of=END, budget=False),
        "logs": workbench.log_overview(ctx, system="llm-ab-testing", range=SPAN, as_of=END),
    }


def test_the_figure_has_a_mark_per_named_row_of_a_kind(studies: dict[str, Study]) -> None:
    figure = workbench.figure(studies["burst"].results["changes"])
    drawn = {trace.name: list(trace.y) for trace in figure.data}
    assert drawn["failing operation"] == ["db.query"]
    assert "GET /api/v1/tests 503: database connection failed" in drawn["log template"]


def test_a_row_says_what_changed_with_units_and_counts(studies: dict[str, Study]) -> None:
    row = rows.change_rows(studies["burst"].results["changes"], "failing operation")[0]
    assert row["now"] == "81.58 % of calls failed here first"
    assert row["ratio"].startswith("at least ")
    assert row["kept"] == "62 / 0"
    assert row["command"].endswith("--operation db.query --status error")


def test_levels_are_drawn_most_severe_first(studies: dict[str, Study]) -> None:
    figure = workbench.figure(studies["logs"].results["levels"])
    assert next(iter(figure.data)).name == "ERROR"
    assert sum(sum(trace.y) for trace in figure.data) == pytest.approx(760)


def test_tables_render_and_the_finding_is_a_sentence(studies: dict[str, Study]) -> None:
    assert "81.58 %" in repr(logs.logs_finding(studies["logs"]))
    assert "database connection failed" in logs.template_table(studies["logs"])._repr_html_()
    assert "database_connection_failed" in rows.happening_table(studies["burst"])._repr_html_()


def test_the_example_trace_is_one_in_which_the_failing_operation_failed(
    studies: dict[str, Study], shared_settings: Settings
) -> None:
    trace = rows.example_trace(studies["burst"])
    ctx = replace(open_context(shared_settings), clock=lambda: END)
    detail = workbench.trace_detail(ctx, trace_id=trace, system="llm-ab-testing", range=SPAN, as_of=END)
    spans = detail.results["spans"].frame
    assert spans.loc[spans["origin"], "operation"].tolist() == ["db.query"]
    page = trace_tables.span_table(detail)._repr_html_()
    assert "› llm-ab-testing db.query" in page
    assert f"Trace {trace}." in page
    assert "database connection failed" in trace_tables.line_table(detail)._repr_html_()
    assert len(waterfall_of(detail).data) == 3
    changes = studies["burst"].results["changes"]
    quiet = replace(studies["burst"], results={"changes": replace(changes, frame=changes.frame.assign(named=False))})
    assert rows.example_trace(quiet) == ""
    assert repr(waterfall_of(None)) == "No row above names a trace."
