"""Drift by hand: what is a drift, what is noise, what is an echo, and what is not enough data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench.analysis.quality.drift import (
    LEAST_PAIRS,
    drift_days,
    mean_and_error,
    quality_drifts,
    quality_hours,
    quality_states,
    split_hour,
)
from workbench.core.timerange import TimeRange

START = datetime(2026, 10, 8, tzinfo=UTC)
DAYS = 14
SPAN = TimeRange(START, START + timedelta(days=DAYS))
HOURS = (DAYS + 7) * 24


def hours(values: np.ndarray, *, role: str = "quality", series: str = "method a") -> pd.DataFrame:
    """Hourly values from a week before START on; NaN is an hour without samples."""
    times = pd.date_range(START - timedelta(days=7), periods=len(values), freq="h").as_unit("ms")
    frame = pd.DataFrame({"role": role, "title": "Score", "series": series, "time": times, "value": values})
    return frame.assign(samples=60.0).dropna(subset=["value"])


def noise(seed: int = 1, spread: float = 0.01) -> np.ndarray:
    return 0.85 + spread * np.random.default_rng(seed).normal(size=HOURS)


def judged(*frames: pd.DataFrame, span: TimeRange = SPAN):
    pairs = quality_hours(pd.concat(frames), span)
    days = drift_days(pairs)
    drifts = quality_drifts(pairs, days)
    return pairs, days, drifts, quality_states(pairs, days, drifts)


def test_every_hour_stands_beside_the_same_hour_a_week_before():
    pairs = judged(hours(np.arange(HOURS, dtype=float)))[0].frame
    assert len(pairs) == DAYS * 24
    assert (pairs["difference"] == 168).all()
    assert pairs["time"].iloc[0] == pd.Timestamp(START)


def test_the_test_of_a_day_is_the_paired_t_test_where_nothing_correlates():
    values = np.zeros(48)
    rng = np.random.default_rng(3)
    values = rng.normal(size=24)
    mean, error, freedom = mean_and_error(values, 0.0)
    line = np.polyval(np.polyfit(np.arange(24), values, 1), np.arange(24))
    rest = values - line
    assert mean == pytest.approx(values.mean())
    assert error == pytest.approx(np.sqrt((rest @ rest) / 22 / 24))
    assert freedom == 22
    _, wider, fewer = mean_and_error(values, 0.5)
    assert wider == pytest.approx(error * np.sqrt(3))
    assert fewer == 24 / 3 - 2


def test_a_step_is_found_with_its_hour_its_size_and_its_end():
    values = noise()
    began, ended = 7 * 24 + 3 * 24 + 5, 7 * 24 + 6 * 24
    values[began:ended] -= 0.05
    _, _, drifts, states = judged(hours(values))
    own = drifts.frame[~drifts.frame["echo"]]
    assert len(own) == 1
    drift = own.iloc[0]
    assert drift["direction"] == "lower"
    assert drift["onset"] == pd.Timestamp(START) + pd.Timedelta(hours=3 * 24 + 5)
    assert drift["end"] == pd.Timestamp(START) + pd.Timedelta(days=6)
    assert drift["difference"] == pytest.approx(-0.05, abs=0.01)
    assert states.frame["status"].tolist() == ["ok"]


def test_the_week_after_a_drift_is_an_echo_and_no_recovery():
    values = noise()
    values[7 * 24 + 24 : 7 * 24 + 4 * 24] -= 0.05
    drifts = judged(hours(values))[2].frame
    assert drifts["direction"].tolist() == ["lower", "higher"]
    assert drifts["echo"].tolist() == [False, True]


def test_a_drift_up_to_the_end_puts_a_quality_score_at_risk_and_a_bias_score_either_way():
    down, up = noise(), noise(2)
    down[-48:] -= 0.05
    up[-48:] += 0.05
    states = judged(hours(down), hours(up, series="method b"), hours(up, role="bias", series="attribute age"))[
        3
    ].frame.set_index(["role", "series"])
    assert states["status"].to_dict() == {
        ("quality", "method a"): "at_risk",
        ("quality", "method b"): "ok",
        ("bias", "attribute age"): "at_risk",
    }
    assert (states["verdict"] == "drift").all()


def test_a_significant_difference_that_does_not_matter_is_no_drift():
    rng = np.random.default_rng(5)
    daily = np.tile(0.2 * np.sin(np.arange(24) / 24 * 2 * np.pi), DAYS + 7)
    values = 0.7 + daily + 0.001 * rng.normal(size=HOURS)
    values[-24:] -= 0.01
    last = judged(hours(values))[1].frame.iloc[-1]
    assert last["q"] < 1e-6
    assert abs(last["effect"]) < 0.5
    assert last["verdict"] == "none"


@pytest.mark.parametrize(("left", "verdict"), [(LEAST_PAIRS - 1, "not_enough"), (LEAST_PAIRS, "none")])
def test_few_hours_are_not_enough_data_and_never_no_drift(left: int, verdict: str):
    values = noise()
    values[-24 : HOURS - left] = np.nan
    _, days, _, states = judged(hours(values))
    assert days.frame["verdict"].iloc[-1] == verdict
    assert days.frame["pairs"].iloc[-1] == left
    assert states.frame["status"].iloc[0] == ("no_data" if verdict == "not_enough" else "ok")


def test_a_constant_score_that_falls_is_a_drift_and_one_that_stays_is_none():
    same, fell = np.full(HOURS, 0.9), np.full(HOURS, 0.9)
    fell[-24:] = 0.8
    days = judged(hours(same), hours(fell, series="method b"))[1].frame
    last = days.groupby("series").last()
    assert last["verdict"].to_dict() == {"method a": "none", "method b": "drift"}
    assert last.loc["method b", "p"] == 0.0


def test_a_method_that_is_new_has_no_partner():
    values = noise()
    values[: 7 * 24 + 7 * 24 - 1] = np.nan
    _, days, _, states = judged(hours(values))
    assert (days.frame["verdict"].iloc[:-7] == "not_enough").all()
    assert states.frame["coverage"].iloc[0] == pytest.approx((7 * 24 + 1) / (14 * 24))


def test_no_series_at_all_gives_empty_results():
    _, days, drifts, states = judged(hours(np.full(HOURS, np.nan)))
    assert days.frame.empty
    assert drifts.frame.empty
    assert states.frame.empty


@pytest.mark.slow
def test_noise_gives_few_false_alarms_and_honest_p_values():
    rng = np.random.default_rng(11)
    alarms, low, tests = 0, 0, 0
    for correlation in (0.0, 0.6):
        frames = []
        for number in range(12):
            shocks, values = rng.normal(size=HOURS), np.zeros(HOURS)
            for hour in range(1, HOURS):
                values[hour] = correlation * values[hour - 1] + shocks[hour]
            frames.append(hours(values, series=f"method {number}"))
        days = judged(*frames)[1].frame
        alarms += int((days["verdict"] == "drift").sum())
        low += int((days["p"] < 0.05).sum())
        tests += len(days)
    assert alarms == 0
    assert stats.binom.sf(low, tests, 0.08) > 0.001


@given(st.integers(1, 46), st.floats(0.5, 5.0))
@settings(max_examples=40)
def test_the_split_of_a_clean_step_is_its_place(place: int, height: float):
    values = np.where(np.arange(48) >= place, -height, 0.0)
    assert split_hour(values) == place


@pytest.mark.slow
@given(st.floats(-0.5, 0.5), st.floats(0.1, 10.0))
@settings(max_examples=25, deadline=None)
def test_moving_and_stretching_a_score_changes_no_verdict(moved: float, stretched: float):
    values = noise()
    values[-72:] -= 0.03
    plain = judged(hours(values))[1].frame
    other = judged(hours(moved + stretched * values))[1].frame
    assert other["verdict"].tolist() == plain["verdict"].tolist()
    np.testing.assert_allclose(other["effect"], plain["effect"], rtol=1e-6)
