"""Periods, models and segments side by side, and what happened before a drift."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workbench.analysis.quality.coincidence import births_and_ends, coincidences
from workbench.analysis.quality.days import score_days
from workbench.analysis.quality.levels import LevelComparisons, level_comparisons
from workbench.analysis.quality.segments import segment_days
from workbench.analysis.quality.tally import numbers_tally
from workbench.core.timerange import TimeRange

START = datetime(2026, 10, 1, tzinfo=UTC)
SPAN = TimeRange(START, START + timedelta(days=28))


def compared(**levels: np.ndarray) -> LevelComparisons:
    """Compare scores of which one value a day is given, from four weeks before the period on."""
    times = pd.date_range(START - timedelta(days=28), periods=56, freq="D").as_unit("ms")
    frames = [
        pd.DataFrame({"role": "quality", "title": "Q", "series": name, "time": times, "value": values, "samples": 1.0})
        for name, values in levels.items()
    ]
    return level_comparisons(score_days(pd.concat(frames), start=times[0], end=SPAN.end), SPAN)


def test_two_periods_are_compared_by_their_days() -> None:
    values = 0.8 + 0.01 * np.random.default_rng(1).normal(size=56)
    values[28:] += 0.02
    (row,) = compared(a=values).frame.itertuples()
    assert (row.kind, row.first, row.second, row.verdict) == ("periods", "a, 4 weeks before", "this period", "higher")
    assert row.days == 28
    assert row.difference == pytest.approx(values[28:].mean() - values[:28].mean())
    assert row.low < 0.02 < row.high


def test_two_models_are_compared_on_the_days_that_both_have() -> None:
    """What moves both models alike counts for neither: Welch would not see the difference."""
    random = np.random.default_rng(2)
    common = 0.8 + 0.1 * random.normal(size=56)
    first, second = (common + 0.005 * random.normal(size=56) - less for less in (0.0, 0.01))
    second[50:] = np.nan
    row = compared(a=first, b=second).frame.query("kind == 'series'").iloc[0]
    assert (row["days"], row["verdict"]) == (22, "lower")
    assert stats.ttest_ind(first[28:50], second[28:50], equal_var=False).pvalue > 0.5


def test_weekends_are_no_difference_between_periods_of_ten_days() -> None:
    """Ten days from a Thursday on hold four days of a weekend, the ten before them two."""
    times = pd.date_range("2026-10-05", periods=40, freq="D", tz="UTC").as_unit("ms")
    values = np.where(times.day_of_week >= 5, 0.8, 0.9) + 0.001 * np.random.default_rng(5).normal(size=40)
    frame = pd.DataFrame({"role": "quality", "title": "Q", "series": "a", "time": times, "value": values})
    span = TimeRange(datetime(2026, 10, 29, tzinfo=UTC), datetime(2026, 11, 8, tzinfo=UTC))
    laid = score_days(frame.assign(samples=1.0), start=times[0], end=span.end)
    (row,) = level_comparisons(laid, span).frame.itertuples()
    assert (row.first, row.days, row.verdict) == ("a, 2 weeks before", 10, "no_difference")
    assert abs(row.difference) < 0.002


def test_a_few_days_prove_nothing() -> None:
    values = np.full(56, np.nan)
    values[26:32] = 0.8
    (row,) = compared(a=values).frame.itertuples()
    assert (row.verdict, row.days) == ("not_enough", 0)
    assert np.isnan(row.low)


@pytest.mark.slow
def test_quiet_periods_differ_as_often_as_they_may_though_their_days_hang_together() -> None:
    random, wrong = np.random.default_rng(3), 0
    for _ in range(200):
        values = np.zeros(56)
        for day in range(56):
            values[day] = 0.3 * values[day - 1] + random.normal()
        wrong += compared(a=values).frame["verdict"].item() != "no_difference"
    assert wrong <= 20  # 5 % of 200, and three standard errors


def test_segments_by_day_are_the_means_of_their_answers() -> None:
    random = np.random.default_rng(4)
    groups, scores = random.integers(0, 20, 5_000), random.normal(size=5_000)
    tally = numbers_tally("score", scores, groups, units=10, segments=2)
    starts = pd.date_range(START, periods=10)
    frame = segment_days([(tally, ["de", "fr"])], starts, np.arange(10) >= 7).frame
    row = frame[(frame["series"] == "fr") & (frame["start"] == starts[3])].iloc[0]
    assert row["mean"] == pytest.approx(scores[groups == 7].mean())
    assert row["reference"] == pytest.approx(scores[(groups % 2 == 1) & (groups < 14)].mean())


ONSET = pd.Timestamp("2026-10-20T04:00Z")


def drift(series: str = "model a") -> pd.DataFrame:
    return pd.DataFrame({"role": ["quality"], "title": ["Q"], "series": [series], "onset": [ONSET]})


def events(*hours_before: float) -> pd.DataFrame:
    times = [ONSET - pd.Timedelta(hours=hours) for hours in hours_before]
    return pd.DataFrame({"time": times, "text": [f"{hours:g} h" for hours in hours_before], "series": ""})


def test_the_newest_event_before_a_drift_is_named_with_how_often_hours_are_as_close() -> None:
    (row,) = coincidences(drift(), events(30, 9, 2), SPAN).frame.itertuples()
    assert (row.event, row.hours, row.events) == ("2 h", 2.0, 2)
    assert row.chance == pytest.approx(9 / 672)


def test_a_day_with_many_deployments_says_that_nearly_every_hour_is_as_close() -> None:
    (row,) = coincidences(drift(), events(*np.arange(3, 680, 6.0)), SPAN).frame.itertuples()
    assert row.chance == pytest.approx(4 / 6, abs=0.01)


@pytest.mark.parametrize("hours", [25.0, -1.0, -30.0])
def test_what_happened_long_before_or_afterwards_is_not_named(hours: float) -> None:
    assert coincidences(drift(), events(hours), SPAN).frame.empty


def test_a_model_that_came_is_an_event_for_the_others_only() -> None:
    times = pd.date_range(ONSET - pd.Timedelta(days=20), periods=40 * 24, freq="h")
    frame = pd.DataFrame({"title": "Q", "series": "model a", "time": times, "value": 0.9})
    came = births_and_ends(pd.concat([frame, frame[times >= ONSET].assign(series="model b")]))
    (row,) = coincidences(drift(), came, SPAN).frame.itertuples()
    assert (row.event, row.hours) == ("First reading of Q, model b", 0.0)
    assert coincidences(drift("model b"), came, SPAN).frame.empty
