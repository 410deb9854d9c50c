from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.analysis.slo.burn import BudgetHistory, BurnRates, budget_history, burn_rates
from workbench.analysis.slo.compliance import ComplianceResult, Goal, compliance
from workbench.charts import figure
from workbench.charts.layers import POINTS, joined, kept_points
from workbench.charts.slo.figures import BARS, budget_figure, requests_figure, sli_figure
from workbench.charts.theme import STATUS_WORDS, palette, template
from workbench.core.errors import ParameterError
from workbench.core.result import STATUSES, Result
from workbench.core.timerange import TimeRange

START = datetime(2026, 10, 1, tzinfo=UTC)
HOUR = 3_600_000


def made(
    days: int = 30, outage: tuple[int, int] = (100, 104), gap: tuple[int, int] = (200, 210), title: str = "Availability"
) -> tuple[ComplianceResult, BudgetHistory, BurnRates]:
    """A month of hourly counts: 1,000 an hour, half of them bad in the outage, nothing seen in the gap."""
    hours = np.arange(days * 24)
    total = np.where((hours >= gap[0]) & (hours < gap[1]), 0.0, 1_000.0)
    bad = np.where((hours >= outage[0]) & (hours < outage[1]), 500.0, 0.0)
    events = pd.DataFrame(
        {
            "objective": "availability",
            "time": pd.date_range(START, periods=len(hours), freq="h"),
            "good": total - bad,
            "total": total,
            "covered": (total > 0).astype(float),
        }
    )
    window = TimeRange(START, START + timedelta(days=days))
    goal = Goal("availability", title, Decimal("0.99"), window, "30d", slice_ms=HOUR)
    as_of = window.end
    return (
        compliance(events, [goal], as_of=as_of),
        budget_history(events, [goal], as_of=as_of),
        burn_rates(events, [goal], as_of=as_of),
    )


def trace(figure, name):
    return next(one for one in figure.data if one.name == name)


def points(figure) -> int:
    return sum(len(one.x) for one in figure.data if one.x is not None)


def test_the_budget_line_ends_where_the_compliance_table_ends():
    judged, history, _ = made()
    line = trace(budget_figure(history, judged), "Availability")
    assert line.y[-1] == pytest.approx(judged.frame["period_left_ratio"].iloc[0], rel=1e-12)
    assert pd.Timestamp(line.x[-1]).tz_localize("UTC") == judged.frame["window_end"].iloc[0]


def test_a_gap_in_the_data_is_a_gap_in_the_line_and_grey():
    _, history, _ = made()
    drawn = sli_figure(history)
    line, grey = trace(drawn, "Measured per 1h"), trace(drawn, "Not fully observed")
    assert np.isnan(np.array(line.y[200:210], dtype=float)).all()
    assert np.isfinite(np.array(line.y[199:200] + line.y[210:211], dtype=float)).all()
    edges = pd.to_datetime([grey.x[0], grey.x[2]], utc=True)
    assert list(edges) == [START + timedelta(hours=200), START + timedelta(hours=210)]


def test_steps_without_any_row_are_grey_too():
    judged, history, _ = made()
    holed = BudgetHistory(
        history.frame.drop(index=range(300, 310)).reset_index(drop=True), as_of=history.as_of, step_ms=history.step_ms
    )
    grey = trace(sli_figure(holed, judged), "Not fully observed")
    assert sum(x is None for x in grey.x) == 2


def test_exactly_the_hours_below_the_objective_are_shaded():
    judged, history, _ = made()
    shade = trace(sli_figure(history, judged), "Below the objective")
    edges = pd.to_datetime([shade.x[0], shade.x[2]], utc=True)
    assert list(edges) == [START + timedelta(hours=100), START + timedelta(hours=104)]


@pytest.mark.parametrize(("days", "length"), [(7, "1h"), (30, "3h"), (200, "20h")])
def test_bars_add_up_to_the_counts_of_the_table_however_long_the_window(days, length):
    judged, history, _ = made(days)
    drawn = requests_figure(history, judged)
    row = judged.frame.iloc[0]
    assert sum(trace(drawn, f"Good per {length}").y) == row["good"]
    assert sum(trace(drawn, f"Bad per {length}").y) == row["bad"]
    assert len(trace(drawn, f"Bad per {length}").x) <= BARS


def test_no_chart_sends_more_points_than_the_cap_and_the_worst_hour_stays():
    judged, history, _ = made(days=400)
    for draw in (budget_figure, sli_figure):
        assert points(draw(history, judged)) <= POINTS + 20
    assert min(y for y in trace(sli_figure(history, judged), "Measured per 1h").y if np.isfinite(y)) == 0.5


def test_every_axis_names_its_unit_and_time_is_utc():
    judged, history, rates = made()
    for drawn in (budget_figure(history, judged), sli_figure(history, judged), requests_figure(history, judged)):
        assert "UTC" in drawn.layout.xaxis.title.text
        assert drawn.layout.yaxis.title.text
    assert "%" in sli_figure(history).layout.yaxis.title.text
    assert "×" in figure(rates).layout.yaxis.title.text
    assert "spends the budget exactly" in figure(rates).layout.annotations[0].text


def test_a_status_is_a_colour_and_a_word():
    judged, _, _ = made()
    (bar,) = figure(judged).data
    assert bar.marker.color[0] == palette("light").status["ok"]
    assert STATUS_WORDS["ok"] in bar.text[0]
    assert set(STATUS_WORDS) == set(STATUSES) == set(palette("dark").status)


def test_markup_in_a_title_is_shown_and_not_read():
    judged, history, _ = made(title='<a href="https://x">p95</a>')
    for drawn in (budget_figure(history, judged), figure(judged)):
        assert "<a" not in drawn.to_json().replace("\\u003c", "<")


def test_an_empty_history_gives_an_empty_figure():
    empty = BudgetHistory(made()[1].frame.iloc[:0], as_of=START, step_ms=HOUR)
    for draw in (budget_figure, sli_figure, requests_figure):
        assert points(draw(empty)) == 0


def test_a_result_without_a_figure_says_which_have_one():
    with pytest.raises(ParameterError, match="no figure for a Result") as caught:
        figure(Result(pd.DataFrame()))
    assert "BudgetHistory" in caught.value.hint


def test_an_unknown_theme_is_refused():
    with pytest.raises(ParameterError, match="no theme 'sepia'"):
        template("sepia")


def test_the_two_themes_differ_in_ink_and_share_the_paper():
    light, dark = template("light").layout, template("dark").layout
    assert light.font.color != dark.font.color
    assert light.paper_bgcolor == dark.paper_bgcolor == "rgba(0,0,0,0)"


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_text_and_status_colours_stand_out_from_the_page(mode):
    colours = palette(mode)
    for name in (colours.text, colours.muted, *colours.status.values()):
        assert _contrast(name, colours.surface) >= 4.5, name
    for name in (colours.series, colours.bad, colours.objective, *colours.sequence):
        assert _contrast(name, colours.surface) >= 3, name
    assert _contrast(colours.good, colours.bad) >= 1.4


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300), st.integers(2, 50))
def test_thinning_keeps_order_the_lowest_and_the_highest(values, limit):
    array = np.array(values)
    kept = kept_points(array, limit)
    assert (np.diff(kept) > 0).all()
    assert len(kept) <= limit
    assert array[kept].min() == array.min()
    assert array[kept].max() == array.max()


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=300), st.integers(1, 50))
def test_joining_neighbours_loses_no_count(values, size):
    assert joined(np.array(values, float), size).sum() == sum(values)
