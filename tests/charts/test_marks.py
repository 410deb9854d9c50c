"""Time of which a chart knows nothing is shaded; time in which nothing happened is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.analysis.cost.spend import DailySpend
from workbench.analysis.counting.happened import Happened
from workbench.analysis.operations.activity import ActivityDays
from workbench.charts.activity import days_figure
from workbench.charts.cost.figures import daily_figure
from workbench.charts.marks import drawn_range, marked, unknown_shaded
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


def test_days_before_the_first_that_is_known_are_no_data():
    days = go.Figure(go.Bar(x=DAYS[4:], y=np.zeros(7), xperiod=86_400_000))
    assert shaded(unknown_shaded(days, SPAN, SPAN.end)) == [(0, 4)]


def test_what_happened_is_marked_on_days_of_spend_by_the_clock_of_their_zone():
    days = pd.DataFrame(
        [
            {"measure": "cost", "unit": "USD", "dimension": "key", "group": "vk-1", "day": day,
             "amount": Decimal(amount), "covered": 1.0, "whole": day != "2026-10-01"}
            for day, amount in (("2026-10-01", 3), ("2026-10-02", 5))
        ]
    )  # fmt: skip
    late = pd.Timestamp("2026-10-01T23:00Z")
    columns = {"start": [late], "end": [pd.NaT], "kind": ["deploy"], "slo": [""], "text": ["2.4"], "link": [""]}
    happened = Happened(pd.DataFrame({**columns, "author": ["ana"]}), as_of=SPAN.end)
    figure = marked(daily_figure(DailySpend(days, zone="Europe/Berlin")), happened, zone="Europe/Berlin")
    (shape,) = figure.layout.shapes
    assert pd.Timestamp(shape.x0) == pd.Timestamp("2026-10-02T01:00Z"), "an hour after midnight in Berlin"
    assert figure.layout.xaxis.type == "date"
    assert "1 Oct 2026 23:00 UTC" in figure.layout.annotations[0].hovertext
    inside = TimeRange(datetime(2026, 10, 1, 14, tzinfo=UTC), datetime(2026, 10, 2, 9, tzinfo=UTC))
    assert [f"{edge:%d %H}" for edge in drawn_range(figure, inside)] == ["01 00", "03 00"], "no bar is cut"
    cut = go.Figure(go.Bar(x=[pd.Timestamp("2026-10-01T14:30Z")], y=[1.0], xperiod=86_400_000))
    assert [f"{edge:%d %H}" for edge in drawn_range(cut, inside)] == ["01 00", "02 09"]
    (legend,) = [bar for bar in figure.data if bar.type == "bar" and bar.showlegend]
    assert legend.marker.pattern.shape is None, "the legend has the plain colour of the group"
    assert list(legend.x) == [None], "beside a day it would make all bars narrower"


def test_bars_of_days_that_are_not_whole_are_hatched():
    span = TimeRange(START + timedelta(hours=14), START + timedelta(days=3, hours=9))
    starts = pd.to_datetime([span.start, *(START + timedelta(days=day) for day in (1, 2, 3))], utc=True)
    frame = pd.DataFrame({"start": starts, "amount": 1.0, "covered": [1.0, 1.0, 0.5, 1.0]})
    frame = frame.assign(role="requests", title="Requests", unit="requests", level=False)
    (bars,) = days_figure(ActivityDays(frame, range=span)).data
    assert list(bars.marker.pattern.shape) == ["/", "", "/", "/"]
