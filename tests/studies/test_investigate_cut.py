"""Windows with more rows than are read: rates count the time that was read, not the whole window."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.demo_home import END
from workbench.charts.investigate.tables import finding
from workbench.core.timerange import TimeRange
from workbench.studies import log_overview, open_context, trace_analysis
from workbench.studies.investigate import reading
from workbench.studies.investigate.investigate import investigate
from workbench.studies.investigate.reading import default_windows, lines_of, spans_of
from workbench.studies.sources.unavailable import UnavailableSource


def test_a_cut_reading_gives_the_rate_of_the_part_that_was_read(shared_settings, monkeypatch) -> None:
    ctx = open_context(shared_settings)
    windows = default_windows(TimeRange(END - timedelta(hours=4), END))
    for read in (lines_of, spans_of):
        times = "time_ns" if read is lines_of else "start_ns"
        monkeypatch.setattr(reading, "MOST", 300_000)
        whole = read(ctx, "counterfactual-lab", windows)
        assert whole.windows == windows
        inside = windows.masks(whole.frame[times].to_numpy())
        monkeypatch.setattr(reading, "MOST", int(inside[0].sum()) // 3)
        cut = read(ctx, "counterfactual-lab", windows)
        assert cut.windows is not None
        kept = cut.windows.masks(cut.frame[times].to_numpy())
        assert kept[0].sum() == reading.MOST
        # Nothing within the part counted was left out: its rate is the true one.
        assert cut.windows.masks(whole.frame[times].to_numpy())[0].sum() == reading.MOST
        assert cut.windows.range.end < windows.range.end
        assert any("the part that was read" in note for note in cut.notes)


def test_a_window_whose_spans_could_not_be_read_is_not_called_ok(shared_settings) -> None:
    ctx = open_context(shared_settings)
    quiet = TimeRange(END - timedelta(hours=60), END - timedelta(hours=59, minutes=45))
    whole = investigate(ctx, system="llm-ab-testing", range=quiet, as_of=END, budget=False)
    assert (whole.status, whole.coverage) == ("ok", 1.0)
    dead = UnavailableSource("dead", "http://tempo:3200", "It refused the connection.")
    broken = replace(ctx, span_sources={"dead": dead}, serves={**ctx.serves, "dead": ("llm-ab-testing",)})
    half = investigate(broken, system="llm-ab-testing", range=quiet, as_of=END, budget=False)
    assert (half.status, half.coverage) == ("unavailable", 0.0)
    assert "could not be read" in finding(half).text


def test_a_window_without_lines_and_spans_is_not_called_ok(shared_settings) -> None:
    ctx = open_context(shared_settings)
    early = TimeRange(END - timedelta(days=40), END - timedelta(days=40, hours=-2))
    study = investigate(ctx, system="conduit", range=early, as_of=END)
    assert len(study.results["changes"].frame), "traffic is counted there"
    assert (study.status, study.coverage) == ("no_data", 0.0)
    assert "No line and no span could be compared" in finding(study).text


def test_what_came_after_the_records_end_is_no_fall_of_traffic(shared_settings) -> None:
    ctx = open_context(shared_settings)
    late = TimeRange(END - timedelta(minutes=30), END + timedelta(minutes=30))
    for system in ("conduit", "llm-ab-testing"):
        study = investigate(ctx, system=system, range=late, as_of=late.end, budget=False)
        named = study.results["changes"].frame.query("named")
        assert (named["kind"] == "traffic mix").sum() == 0
        assert 0.49 < study.coverage < 0.52
        assert any("are those of" in note for note in study.warnings)
        lines = log_overview(ctx, system=system, range=late, as_of=late.end)
        assert 0.49 < lines.coverage < 0.52
        after = TimeRange(late.end, late.end + timedelta(hours=1))
        assert investigate(ctx, system=system, range=after, as_of=after.end, budget=False).status == "no_data"
        assert log_overview(ctx, system=system, range=after, as_of=after.end).coverage == 0.0


def test_calls_a_second_are_those_of_the_time_of_which_traces_are_known(shared_settings) -> None:
    ctx = open_context(shared_settings)
    rates = []
    for end in (END, END + timedelta(hours=3)):
        span = TimeRange(END - timedelta(hours=1), end)
        study = trace_analysis(ctx, system="conduit", range=span, as_of=END + timedelta(hours=3))
        rates.append(study.results["operations"].frame["per_s"].tolist())
    assert rates[1] == pytest.approx(rates[0], rel=0.02)
