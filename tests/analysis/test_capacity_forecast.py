"""Forecasts of levels: lines, seasons, changes, cleaned disks, thin data, and dates that are never made up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench.analysis.capacity.levels import CapacityLimit, Level, capacity
from workbench.analysis.forecast.forecast import first_reached, forecast, refusal
from workbench.analysis.forecast.growth import growth_paths
from workbench.analysis.forecast.lines import theil_sen

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
FULL = (CapacityLimit("full", 1.0),)


def line(days: int, *, start: float = 0.2, per_day: float = 0.0, noise: float = 0.0, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return start + per_day * np.arange(days * 24) / 24 + noise * rng.normal(size=days * 24)


def judged(values: np.ndarray, limits: tuple[CapacityLimit, ...] = FULL, horizon: int = 30):
    level = Level("disk", "Disk", "mount /", "ratio", values, limits)
    limits_, forecasts = capacity([level], as_of=AS_OF, horizon_days=horizon)
    return limits_.frame.iloc[0], forecasts.frame


def test_a_straight_line_reaches_its_limit_on_the_day_that_arithmetic_gives():
    row, _ = judged(line(30, start=0.2, per_day=0.02))
    last = 0.2 + 0.02 * (30 * 24 - 1) / 24
    hours = (1 - last) / 0.02 * 24
    assert abs((row["reached_at"] - AS_OF).total_seconds() / 3600 - hours) < 1.5
    assert row["trend"] == pytest.approx(0.02)
    assert row["error"] < 1e-9


def test_theil_sen_is_the_one_of_scipy_and_holds_against_outliers():
    values = np.random.default_rng(2).normal(size=40) + 0.3 * np.arange(40)
    assert theil_sen(values) == pytest.approx(stats.theilslopes(values).slope)
    spoilt = values.copy()
    spoilt[[3, 17, 30]] = 500
    assert abs(theil_sen(spoilt) - 0.3) < 0.05


def test_a_flat_level_has_no_date():
    row, _ = judged(line(60, start=0.5, noise=0.002))
    assert pd.isna(row["reached_at"])
    assert row["status"] == "ok"


def test_a_level_that_falls_has_no_date_and_never_goes_below_zero():
    row, daily = judged(line(30, start=0.9, per_day=-0.029))
    assert pd.isna(row["reached_at"])
    assert daily["middle"].min() >= 0
    assert daily["low"].min() >= 0


def test_a_level_above_its_limit_reaches_it_now_and_not_earlier():
    row, _ = judged(line(30, start=0.2, per_day=0.03))
    assert row["reached_at"] == row["earliest"] == row["latest"] == pd.Timestamp(AS_OF)
    assert row["status"] == "at_risk"


def test_the_season_of_the_day_is_carried_on():
    hours = np.arange(20 * 24)
    values = 0.5 + 0.2 * np.sin(2 * np.pi * hours / 24)
    found = forecast(values, 48)
    ahead = np.arange(20 * 24, 22 * 24)
    np.testing.assert_allclose(found.middle, 0.5 + 0.2 * np.sin(2 * np.pi * ahead / 24), atol=0.01)


def test_the_season_of_the_week_is_carried_on_where_four_weeks_are_known():
    hours = np.arange(42 * 24)
    weekend = (hours // 24) % 7 >= 5
    values = np.where(weekend, 0.2, 0.6)
    found = forecast(values, 7 * 24)
    expected = np.where((np.arange(42 * 24, 49 * 24) // 24) % 7 >= 5, 0.2, 0.6)
    assert np.abs(found.middle - expected).mean() < 0.02


@pytest.mark.slow
def test_a_trend_that_changed_is_followed_from_the_change_on():
    values = np.concatenate([line(40, start=0.3, noise=0.001), line(8, start=0.3, per_day=0.04, noise=0.001, seed=2)])
    row, _ = judged(values)
    truth = AS_OF + timedelta(days=(1 - values[-1]) / 0.04)
    assert row["earliest"] <= pd.Timestamp(truth) <= row["latest"]
    assert abs(row["changed_at"] - pd.Timestamp(AS_OF - timedelta(days=8))) <= pd.Timedelta(days=1)
    assert row["error"] < row["naive_error"]


def test_a_new_trend_is_not_taken_for_a_season_of_the_week():
    values = np.concatenate([line(53, start=0.3, noise=0.002), line(10, start=0.3, per_day=0.03, noise=0.002, seed=2)])
    assert forecast(values, 24).slope == pytest.approx(0.03, rel=0.05)


def test_a_disk_that_is_cleaned_goes_on_from_its_new_level():
    values = line(30, start=0.3, per_day=0.02)
    values[20 * 24 :] -= 0.4
    row, _ = judged(values)
    truth = AS_OF + timedelta(days=(1 - values[-1]) / 0.02)
    assert abs(row["reached_at"] - pd.Timestamp(truth)) < pd.Timedelta(days=2)
    assert row["latest"] - row["earliest"] < pd.Timedelta(days=4)


def test_two_days_at_another_rate_may_be_a_burst():
    rates = np.repeat([1.0] * 28 + [8.0, 8.0], 24) + 0.05 * np.random.default_rng(1).standard_normal(30 * 24)
    grown = growth_paths(np.cumsum(rates), 72)[:, -1] - rates.sum()
    assert np.median(grown) == pytest.approx(8 * 72, rel=0.05)
    assert 0.1 <= np.mean(grown < 3 * 72) <= 0.25


@pytest.mark.slow
def test_a_jump_alone_is_no_trend():
    values = line(40, start=0.3, noise=0.001)
    values[-60:] += 0.3
    row, _ = judged(values)
    assert pd.isna(row["reached_at"]) or row["reached_at"] - pd.Timestamp(AS_OF) > pd.Timedelta(days=7)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (np.full(30 * 24, np.nan), "less than 2 days"),
        (line(1), "less than 2 days"),
        (np.concatenate([line(10), np.full(5, np.nan)]), "older than two hours"),
        (np.where(np.arange(20 * 24) % 2 == 1, line(20), np.nan), "missing"),
    ],
)
def test_thin_data_is_refused_with_the_reason(values: np.ndarray, why: str):
    assert why in refusal(values)
    row, daily = judged(values)
    assert (row["status"], why in row["verdict"]) == ("no_data", True)
    assert pd.isna(row["reached_at"])
    assert daily["middle"].isna().all()


def test_a_short_history_is_forecast_no_further_than_it_is_long_and_says_limited():
    row, daily = judged(line(5, per_day=0.01))
    assert row["verdict"] == "limited"
    assert pd.isna(row["reached_at"])
    assert daily["day"].max() <= pd.Timestamp(AS_OF) + pd.Timedelta(days=5)


@pytest.mark.slow
def test_gaps_move_no_date():
    whole = line(30, start=0.2, per_day=0.02)
    holed = whole.copy()
    holed[100:130] = holed[400:420] = np.nan
    assert abs(judged(whole)[0]["reached_at"] - judged(holed)[0]["reached_at"]) <= pd.Timedelta(hours=12)


@pytest.mark.slow
def test_the_band_holds_about_what_it_goals():
    inside, total = 0, 0
    for seed in range(25):
        rng = np.random.default_rng(seed)
        values = 0.4 + np.cumsum(rng.normal(0, 0.002, size=33 * 24))
        found = forecast(values[: 30 * 24], 72)
        truth = values[30 * 24 :]
        inside += int(((truth >= found.low) & (truth <= found.high)).sum())
        total += 72
    assert 0.65 <= inside / total <= 0.97


@pytest.mark.slow
@given(st.floats(0.001, 1000.0), st.integers(3, 30))
@settings(max_examples=20, deadline=None)
def test_the_scale_of_a_level_changes_no_date(scale: float, days: int):
    values = line(days, start=0.2, per_day=0.02, noise=0.003)
    first = judged(values)[0]
    second = judged(values * scale, (CapacityLimit("full", scale),))[0]
    for name in ("reached_at", "earliest", "latest"):
        both = [row[name] for row in (first, second)]
        assert pd.isna(both[0]) == pd.isna(both[1])
        assert pd.isna(both[0]) or abs(both[0] - both[1]) <= pd.Timedelta(hours=1)


@pytest.mark.slow
@given(st.lists(st.floats(0, 2), min_size=1, max_size=60), st.floats(0, 2))
def test_the_first_hour_at_a_limit_is_the_first(path: list[float], limit: float):
    place = first_reached(np.array(path), limit)
    assert place == next((i for i, value in enumerate(path) if value >= limit), None)


@pytest.mark.slow
def test_dates_are_in_order_and_never_before_now():
    row, _ = judged(line(40, start=0.3, per_day=0.012, noise=0.004))
    assert pd.Timestamp(AS_OF) <= row["earliest"] <= row["reached_at"]
    assert pd.isna(row["latest"]) or row["reached_at"] <= row["latest"]
