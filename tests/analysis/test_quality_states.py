"""Where a score stands when its readings stop, come on another scale, grow better, or come once a night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.quality.drift import Quality, quality
from workbench.core.timerange import TimeRange

END = datetime(2026, 11, 29, tzinfo=UTC)
SPAN = TimeRange(END - timedelta(days=30), END)
HOURS = 121 * 24


def scores(values: np.ndarray, series: str = "a", role: str = "quality") -> pd.DataFrame:
    times = pd.date_range(END - timedelta(hours=HOURS), periods=HOURS, freq="h").as_unit("ms")
    frame = pd.DataFrame({"role": role, "title": "Score", "series": series, "time": times, "value": values})
    return frame.assign(samples=60.0, gauge=False).dropna(subset=["value"])


def noise(seed: int = 1) -> np.ndarray:
    return 0.85 + 0.01 * np.random.default_rng(seed).normal(size=HOURS)


def state(result: Quality) -> dict[str, Any]:
    (row,) = result.states.frame.to_dict(orient="records")
    return {str(name): value for name, value in row.items()}


@pytest.mark.slow
@pytest.mark.parametrize("days", [2, 3, 20])
def test_a_score_without_readings_on_the_last_days_is_no_ok(days: int) -> None:
    values = noise()
    values[-days * 24 :] = np.nan
    row = state(quality(scores(values), SPAN))
    assert (row["status"], row["verdict"], row["hours"]) == ("no_data", "no_samples", 0)
    assert row["judged_days"] == 30 - days


@pytest.mark.slow
def test_a_period_after_the_last_reading_has_no_verdict() -> None:
    later = TimeRange(END + timedelta(days=2), END + timedelta(days=3))
    row = state(quality(scores(noise()), later))
    assert (row["status"], row["verdict"], row["coverage"]) == ("no_data", "no_samples", 0.0)


@pytest.mark.slow
def test_a_day_that_has_just_begun_stands_back_behind_the_day_before() -> None:
    span = TimeRange(END - timedelta(days=30), END + timedelta(hours=2))
    row = state(quality(scores(noise()), span))
    assert (row["status"], row["verdict"], row["hours"]) == ("ok", "none", 24)


@pytest.mark.slow
def test_a_nightly_score_is_observed_and_judged() -> None:
    values = noise()
    values[np.arange(HOURS) % 24 != 2] = np.nan
    row = state(quality(scores(values), SPAN))
    assert (row["status"], row["coverage"], row["judged_days"]) == ("ok", 1.0, 30)
    values[-15 * 24 : -5 * 24] = np.nan
    row = state(quality(scores(values), SPAN))
    assert row["coverage"] == pytest.approx(20 / 30)


@pytest.mark.slow
def test_a_score_on_another_scale_is_at_risk_though_it_is_higher() -> None:
    values = noise()
    values[-20 * 24 :] *= 100
    result = quality(scores(values), SPAN)
    assert state(result)["status"] == "at_risk"
    assert result.drifts.frame["rescaled"].tolist() == [True]
    assert not result.drifts.frame["better"].any()


@pytest.mark.slow
def test_a_fall_from_a_better_level_is_seen_though_it_stays_above_the_old_one() -> None:
    values = noise()
    values[-60 * 24 :] += 0.08
    values[-5 * 24 :] -= 0.06
    result = quality(scores(values), SPAN)
    assert state(result)["status"] == "at_risk"
    last = result.drifts.frame.iloc[-1]
    assert (last["direction"], last["open"], last["better"]) == ("lower", True, False)
    assert last["difference"] == pytest.approx(-0.06, abs=0.01)


@pytest.mark.slow
def test_a_better_level_is_the_reference_after_four_weeks() -> None:
    values = noise()
    values[-40 * 24 :] += 0.08
    result = quality(scores(values), SPAN)
    (drift,) = result.drifts.frame.itertuples()
    assert (drift.ended, drift.open) == ("adopted", False)
    assert drift.end == pd.Timestamp(END) - pd.Timedelta(days=12)
    assert state(result)["status"] == "ok"


@pytest.mark.slow
def test_a_score_of_which_less_is_better_is_at_risk_when_it_rises() -> None:
    values = noise()
    values[-10 * 24 :] += 0.08
    assert state(quality(scores(values), SPAN))["status"] == "ok"
    row = state(quality(scores(values), SPAN, better={"quality": "lower"}))
    assert row["status"] == "at_risk"
    values = noise()
    values[-10 * 24 :] -= 0.08
    assert state(quality(scores(values), SPAN, better={"quality": "lower"}))["status"] == "ok"
    assert state(quality(scores(values), SPAN, better={"quality": "neither"}))["status"] == "at_risk"
