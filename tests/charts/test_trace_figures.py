"""Figures of traces: bars where the spans are, a path that adds up, hostile names as text, no more than fits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.demo_home import END
from workbench.charts.traces.figures import OPERATIONS, SPANS, bands_figure, drawn_spans, paths_of, waterfall_figure
from workbench.core.timerange import TimeRange
from workbench.studies import Context, open_context, trace_analysis, trace_detail

DAY = TimeRange(END - timedelta(hours=6), END)


@pytest.fixture(scope="module")
def context(shared_settings) -> Context:
    return replace(open_context(shared_settings), clock=lambda: END)


@pytest.fixture(scope="module")
def many(context: Context):
    return trace_analysis(context, system="llm-ab-testing", range=DAY, as_of=END).results


@pytest.fixture(scope="module")
def one(context: Context, many):
    trace = str(many["slowest"].frame["trace_id"].iloc[0])
    return trace_detail(context, system="llm-ab-testing", range=DAY, as_of=END, trace_id=trace).results


def test_the_critical_path_of_a_waterfall_adds_up_to_the_trace(one) -> None:
    figure = waterfall_figure(one["spans"], one["path"])
    path = figure.data[-1]
    assert path.name == "Critical path"
    assert sum(path.x) == pytest.approx(one["spans"].duration_ms)
    bars = [bar for bar in figure.data if bar.name != "Critical path"]
    assert sum(len(bar.x) for bar in bars) == len(one["spans"].frame)
    ends = max(float(base + length) for bar in bars for base, length in zip(bar.base, bar.x, strict=True))
    assert ends == pytest.approx((one["spans"].frame["offset_ms"] + one["spans"].frame["duration_ms"]).max())


def test_hostile_names_are_text_and_long_traces_are_cut_to_the_longest_spans(one) -> None:
    frame = one["spans"].frame.iloc[[0] * (SPANS + 20)].reset_index(drop=True)
    frame = frame.assign(
        operation="<img src=x onerror=alert(1)>" + "x" * 200, duration_ms=np.arange(len(frame), dtype=float),
        span_id=[f"s{number}" for number in range(len(frame))],
    )  # fmt: skip
    spans = replace(one["spans"], frame=frame)
    assert drawn_spans(spans)["span_id"].tolist() == [f"s{number}" for number in range(20, SPANS + 20)]
    figure = waterfall_figure(spans, one["path"])
    text = figure.to_json()
    assert "<img" not in text
    assert "\\u003cimg" not in text
    assert max(map(len, figure.layout.yaxis.ticktext)) < 120


def test_the_bars_of_bands_add_up_to_the_mean_duration(many) -> None:
    frame = many["paths"].frame
    figure = bands_figure(many["paths"])
    assert len(figure.data) <= OPERATIONS + 1
    whole = frame.groupby("band")["exclusive_ms"].sum()
    for place, band in enumerate(figure.data[0].y):
        assert sum(bar.x[place] for bar in figure.data) == pytest.approx(whole[band])
    assert set(figure.data[0].y) == set(frame["band"])


def test_without_traces_a_sentence_stands_in_place_of_the_figure(context: Context) -> None:
    before = TimeRange(END - timedelta(days=400), END - timedelta(days=399))
    study = trace_analysis(context, system="llm-ab-testing", range=before, as_of=END)
    assert "No traces were read" in repr(paths_of(study))
