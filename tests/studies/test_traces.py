"""Traces of the demo: rates against its counters, one trace with its lines, two windows, failing sources."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from tests.demo_home import END
from workbench import SpanFilter, TimeRange, query_metrics
from workbench.core.errors import SourceUnavailable
from workbench.core.settings import Settings
from workbench.core.settings.cost import CostSettings
from workbench.studies import Context, count_spans, open_context, trace_analysis, trace_compare, trace_detail

DAY = TimeRange(END - timedelta(days=1), END)


@pytest.fixture(scope="module")
def context(shared_settings) -> Context:
    return open_context(shared_settings)


def test_an_analysis_holds_every_table_and_its_paths_add_up(context: Context) -> None:
    study = trace_analysis(context, system="llm-ab-testing", range=DAY, as_of=END)
    assert study.status == "ok"
    paths = study.results["paths"].frame
    all_traces = paths[paths["band"] == "all"]
    assert all_traces["share"].sum() == pytest.approx(1)
    operations = study.results["operations"].frame
    entry = operations[operations["operation"] == "http.request"].iloc[0]
    assert entry["count"] == entry["kept"] * 10, "the document keeps one trace in ten"
    assert entry["low"] < entry["count"] < entry["high"]
    called = study.results["graph"].frame["called"].tolist()
    assert {"redis", "openai", "anthropic"} <= set(called)
    assert study.results["saved"].frame["saved_ms"].iloc[0] > 0
    assert (study.results["health"].frame["found"] == 0).all()


def test_one_trace_is_shown_whole_with_the_lines_between(context: Context) -> None:
    slowest = trace_analysis(context, system="choreoai", range=DAY, as_of=END).results["slowest"].frame.iloc[0]
    study = trace_detail(context, trace_id=slowest["trace_id"], system="choreoai", range=DAY, as_of=END)
    spans, sections, lines = (study.results[name].frame for name in ("spans", "path", "lines"))
    assert spans["duration_ms"].iloc[0] == slowest["duration_ms"]
    assert sections["duration_ms"].sum() == pytest.approx(slowest["duration_ms"])
    assert len(lines)
    assert (lines["service"] == "choreoai").all()
    missing = trace_detail(context, trace_id="f" * 32, system="choreoai", range=DAY, as_of=END)
    assert (missing.status, dict(missing.results)) == ("no_data", {})


def test_the_error_share_of_sampled_spans_is_that_of_the_counters(context: Context) -> None:
    """Failures of the Lab are kept 1 in 8 and successes 1 in 384, so the kept spans alone say far more."""
    week = TimeRange(END - timedelta(days=7), END)
    counts = count_spans(
        context, system="counterfactual-lab", range=week, wanted=SpanFilter(operations=("http.request",)), by="status"
    )
    row = counts.frame.set_index("value").loc["error"]
    query = 'sum(increase(http_requests_total{status=~"5.."}[7d])) / sum(increase(http_requests_total[7d]))'
    truth = float(query_metrics(context, query, system="counterfactual-lab", at=END, range=week).values[0, 0])
    kept = row["kept"] / counts.frame["kept"].sum()
    assert kept > 5 * truth
    assert row["share_low"] <= truth <= row["share_high"]


def test_two_windows_are_compared_and_equal_ones_do_not_differ(context: Context) -> None:
    before = TimeRange(DAY.start - timedelta(days=1), DAY.start)
    frame = (
        trace_compare(context, system="llm-ab-testing", range=DAY, as_of=END, against=before)
        .results["comparison"]
        .frame
    )
    assert not frame["only"].any()
    assert (frame["mean_low_ms"] <= frame["mean_change_ms"]).all()
    assert np.isfinite(frame["q_value"]).all()


def test_a_failing_source_is_a_status(context: Context) -> None:
    class Broken:
        name = "broken"

        def spans(self, wanted: object, span: object) -> object:
            raise SourceUnavailable("The server does not answer.", source="broken")

        def state(self) -> None: ...

    broken = replace(context, span_sources={"broken": Broken()}, serves={"broken": ("choreoai",)})
    for study in (
        trace_analysis(broken, system="choreoai", range=DAY, as_of=END),
        trace_detail(broken, trace_id="a" * 32, system="choreoai", range=DAY, as_of=END),
    ):
        assert study.status == "unavailable"
        assert not study.results
        assert "does not answer" in study.warnings[0]


def test_calls_are_priced_by_the_book_of_the_settings(shared_settings: Settings, tmp_path: Path) -> None:
    book = tmp_path / "prices.csv"
    book.write_text(
        "provider,model,unit,price\nopenai,gpt-4o,input_tokens,2.5\nopenai,gpt-4o,output_tokens,10\n"
        "anthropic,claude-sonnet-4,input_tokens,3\n"
    )
    window = TimeRange(END - timedelta(hours=30), END - timedelta(hours=24))
    ctx = replace(open_context(shared_settings), clock=lambda: END)
    priced = replace(ctx, cost=CostSettings(prices=book))
    tokens = (
        trace_analysis(priced, system="conduit", range=window, as_of=END).results["tokens"].frame.set_index("model")
    )
    row = tokens.loc["gpt-4o"]
    by_hand = (Decimal(int(row["input"])) * Decimal("2.5") + Decimal(int(row["output"])) * 10) / 1_000_000
    assert row["cost"] == by_hand
    # A model with a price for one class of its tokens only has no cost.
    assert tokens.loc["claude-sonnet-4", "cost"] is None
    without = trace_analysis(ctx, system="conduit", range=window, as_of=END).results["tokens"]
    assert without.frame["cost"].isna().all()
    assert "no price book is set" in without.notes[0]
