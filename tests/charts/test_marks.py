"""Time of which a chart knows nothing is shaded; time in which nothing happened is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.charts.marks import unknown_shaded
from workbench.core.timerange import TimeRange

START = datetime(2026, 10, 1, tzinfo=UTC)
SPAN = TimeRange(START, START + timedelta(days=10))
DAYS = pd.date_range(START, periods=11, freq="D")


def shaded(figure: go.Figure) -> list[tuple[int, int]]:
    """Shaded stretches, as days since the start."""
    days = [
        (pd.Timestamp(edge) - pd.Timestamp(START)) / pd.Timedelta(days=1)
        for s in figure.layout.shapes
        for edge in (s.x0, s.x1)
    ]
    return list(zip(days[::2], days[1::2], strict=True))


def test_the_time_after_the_newest_sample_is_no_data():
    figure = unknown_shaded(go.Figure(go.Bar(x=DAYS, y=np.ones(11))), SPAN, START + timedelta(days=7))
    assert shaded(figure) == [(7, 10)]
    assert figure.data[-1].name == "No data"


def test_a_hole_in_every_line_is_no_data_and_one_in_a_single_line_is_not():
    hole = np.where(np.arange(11) == 4, np.nan, 1.0)
    both = go.Figure([go.Scatter(x=DAYS, y=hole, mode="lines"), go.Scatter(x=DAYS, y=np.ones(11), mode="lines")])
    assert shaded(unknown_shaded(both, SPAN, SPAN.end)) == []
    alone = go.Figure(go.Scatter(x=DAYS, y=hole, mode="lines"))
    assert shaded(unknown_shaded(alone, SPAN, SPAN.end)) == [(3, 5)]


def test_time_before_the_first_sample_is_no_data():
    late = go.Figure(go.Scatter(x=DAYS[5:], y=np.ones(6), mode="lines"))
    assert shaded(unknown_shaded(late, SPAN, SPAN.end)) == [(0, 5)]


def test_bars_that_are_absent_and_charts_that_shade_themselves_are_left_alone():
    bars = go.Figure(go.Bar(x=DAYS[5:], y=np.ones(6)))
    assert shaded(unknown_shaded(bars, SPAN, SPAN.end)) == []
    own = go.Figure([go.Scatter(x=DAYS[5:], y=np.ones(6), mode="lines", name="Not fully observed")])
    assert shaded(unknown_shaded(own, SPAN, START)) == []
