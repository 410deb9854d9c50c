"""The pool of forecasts: weights, deviations that fade; and paths no wider than their history."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from workbench.analysis.forecast.forecast import forecast
from workbench.analysis.forecast.growth import growth_paths
from workbench.analysis.forecast.peaks import peak_paths
from workbench.analysis.forecast.pool import DAILY, HOURLY, combined, median_known, members, weights

Floats = NDArray[np.float64]

HOURS = np.arange(40 * 24)
DAY = 10 + 3 * np.sin(2 * np.pi * HOURS / 24)


def test_a_member_that_was_always_right_is_the_forecast() -> None:
    paths = {"right": np.array([3.0, 4.0]), "a": np.array([9.0, 9.0]), "b": np.array([8.0, 8.0])}
    found = combined(paths, weights({"right": 0.0, "a": 2.0, "b": 1.0}))
    np.testing.assert_allclose(found, [3.0, 4.0], atol=1e-6)


def test_one_wild_member_does_not_move_the_median() -> None:
    shares = weights(dict.fromkeys("abcdefg", 1.0))
    paths = {name: np.array([1.0]) for name in "abcdefg"} | {"f": np.array([1e9]), "g": np.array([-1e9])}
    assert combined(paths, shares)[0] == pytest.approx(1.0)


def test_members_that_a_short_history_lacks_are_left_out_of_the_weights() -> None:
    shares = {"a": 0.5, "b": 0.3, "long": 0.2}
    assert combined({"a": np.array([2.0]), "b": np.array([2.0])}, shares)[0] == pytest.approx(2.0)


@pytest.mark.parametrize("seed", range(3))
def test_a_deviation_fades_as_deviations_did(seed: int) -> None:
    rng = np.random.default_rng(seed)
    off = np.zeros(len(HOURS))
    for hour in range(1, len(off)):
        off[hour] = 0.9 * off[hour - 1] + 0.2 * rng.normal()
    off[-48:] = 0.0
    off[-3:] = 2.0
    path = members(DAY + off, 24, HOURLY)["fading deviation"]
    left = path - DAY[:24]
    assert left[0] > 1.0
    assert abs(left[18:].mean()) < 0.7 * left[:3].mean()


def test_daily_levels_go_back_to_where_they_used_to_be() -> None:
    level = np.full(196, 100.0) + np.random.default_rng(1).normal(0, 1, 196)
    level[60:102] += 40
    level[-14:] += 40
    back = members(level, 56, DAILY)["returning level"]
    weeks = back.reshape(8, 7).mean(axis=1)
    assert 115 < weeks[0] < 140
    assert (np.diff(weeks) < 0).all()
    assert abs(weeks[-1] - 100) < 15


def test_the_median_of_known_values_is_that_of_numpy() -> None:
    rng = np.random.default_rng(2)
    for rows in (1, 2, 5, 8):
        table = rng.normal(size=(rows, 50))
        table[rng.random(table.shape) < 0.4] = np.nan
        seen = np.isfinite(table).any(axis=0)
        np.testing.assert_array_equal(median_known(table)[seen], np.nanmedian(table[:, seen], axis=0))
        assert np.isnan(median_known(table)[~seen]).all()


def test_what_is_shown_is_never_worse_in_its_backtest_than_seasonal_naive() -> None:
    for seed in range(0, 6, 2):
        values = DAY + np.random.default_rng(seed).normal(0, 0.2 + seed, len(HOURS))
        found = forecast(values, 24, lower=0.0)
        assert found.error <= found.naive_error


@pytest.mark.parametrize("skew", [False, True])
def test_a_new_highest_day_is_as_likely_as_among_days_that_know_no_order(skew: bool) -> None:
    chances = []
    for seed in range(8):
        drawn = np.random.default_rng(seed).normal(size=63)
        values = np.repeat(np.exp(drawn / 2) if skew else 10 + drawn, 24)
        chances.append(float((peak_paths(values, 14).max(axis=1) >= values.max()).mean()))
    assert np.mean(chances) == pytest.approx(14 / (63 + 14), abs=0.07)


def test_one_episode_of_high_days_is_one_and_not_many() -> None:
    values = np.full(63 * 24, 0.7) + np.random.default_rng(1).normal(0, 0.01, 63 * 24)
    values[-8 * 24 : -4 * 24] = 3.3
    chance = float((peak_paths(values, 14).max(axis=1) >= 3.0).mean())
    assert 0.1 < chance < 0.4


def test_one_burst_does_not_make_every_rate_likely() -> None:
    daily = np.full(28, 10.0) + np.random.default_rng(1).normal(0, 2, 28)
    daily[9] = 300.0
    level = np.cumsum(np.repeat(daily / 24, 24))
    grown = growth_paths(level, 72)[:, -1] - level[-1]
    assert ((grown > 120) & (grown < 250)).mean() < 0.05
    assert 0.03 < (grown >= 250).mean() < 0.2
