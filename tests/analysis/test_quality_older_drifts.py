"""A fall that is older than the hours that are read stays a drift until the level is back or accepted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.quality.drift import Quality, quality
from workbench.analysis.quality.older_drifts import older_drifts
from workbench.core.timerange import TimeRange

END = datetime(2026, 11, 1, tzinfo=UTC)
SPAN = TimeRange(END - timedelta(days=7), END)
READING = TimeRange(SPAN.start - timedelta(days=91), END)
HELD = 210
FALL = 0.05
ACCEPTED = {"role": "quality", "series": "model a"}


def scores(age: float, *, back: float | None = None, slope: int = 0) -> pd.DataFrame:
    """Hours of seven months of a score that falls so many days before the end, at once or over so many days."""
    hours = HELD * 24
    values = 0.85 + 0.01 * np.random.default_rng(4).normal(size=hours)
    days = np.arange(hours) / 24 - (HELD - age)
    values -= FALL * (np.clip(days / slope, 0, 1) if slope else days >= 0)
    if back is not None:
        values[hours - int(back * 24) :] += FALL
    times = pd.date_range(END - timedelta(days=HELD), periods=hours, freq="h").as_unit("ms")
    frame = pd.DataFrame({"role": "quality", "title": "Score", "series": "model a", "time": times, "value": values})
    return frame.assign(samples=60.0, gauge=False)


def judged(whole: pd.DataFrame, **terms: object) -> Quality:
    """Judge as the study does: days from before the reading name the hours to read as well."""
    old, hours = whole[whole["time"] < READING.start], whole[whole["time"] >= READING.start]
    days = old.assign(time=old["time"].dt.floor("D") + pd.Timedelta(hours=12))
    means = days.groupby(["role", "title", "series", "time"], as_index=False)[["value", "samples"]].mean()
    parts = [hours]
    for row in older_drifts(pd.concat([means, hours]), READING, **terms).itertuples():
        parts.append(old[(old["time"] >= row.start) & (old["time"] < row.end)])
    return quality(pd.concat(parts, ignore_index=True), SPAN, **terms)


@pytest.mark.slow
@pytest.mark.parametrize(("age", "slope"), [(100, 0), (150, 30)])
def test_an_old_fall_that_nobody_accepted_is_at_risk_since_its_own_day(age: int, slope: int) -> None:
    result = judged(scores(age, slope=slope))
    assert result.states.frame["status"].tolist() == ["at_risk"]
    (drift,) = result.drifts.frame.itertuples()
    assert drift.open
    late = pd.Timedelta(days=slope / 2) + pd.Timedelta(hours=2)
    assert (
        pd.Timestamp(END) - pd.Timedelta(days=age) <= drift.onset <= pd.Timestamp(END) - pd.Timedelta(days=age) + late
    )
    assert drift.difference == pytest.approx(-FALL, abs=0.01)
    assert result.days.frame["reference"].iloc[-1] == pytest.approx(0.85, abs=0.005)


@pytest.mark.slow
def test_an_old_fall_ends_when_the_level_is_back_and_a_recovery_is_no_drift() -> None:
    result = judged(scores(150, back=3))
    assert result.states.frame["status"].tolist() == ["ok"]
    (drift,) = result.drifts.frame.itertuples()
    assert (drift.ended, drift.end) == ("back", pd.Timestamp(END) - pd.Timedelta(days=3))
    assert judged(scores(150, back=40)).drifts.frame.empty


@pytest.mark.slow
def test_an_old_level_that_was_accepted_is_the_reference() -> None:
    at = pd.Timestamp(END) - pd.Timedelta(days=110)
    accepted = pd.DataFrame([{**ACCEPTED, "time": at}])
    result = judged(scores(150), accepted=accepted)
    assert (result.states.frame["status"].tolist(), len(result.drifts.frame)) == (["ok"], 0)


def test_a_steady_score_needs_no_older_hours() -> None:
    whole = scores(HELD + 1)
    days = whole.assign(time=whole["time"].dt.floor("D"))
    means = days.groupby(["role", "title", "series", "time"], as_index=False)[["value", "samples"]].mean()
    assert older_drifts(means, READING).empty


@pytest.mark.slow
def test_a_frozen_reference_holds_until_a_level_is_accepted() -> None:
    whole = scores(150)
    days = TimeRange(END - timedelta(days=200), END - timedelta(days=172))
    hours = whole[(whole["time"] >= READING.start) | ((whole["time"] >= days.start) & (whole["time"] < days.end))]
    (state,) = quality(hours, SPAN, frozen={"quality": days}).states.frame.itertuples()
    assert (state.status, state.reference_days) == ("at_risk", 28)
    assert state.difference == pytest.approx(-FALL, abs=0.005)
    accepted = pd.DataFrame([{**ACCEPTED, "time": pd.Timestamp(END) - pd.Timedelta(days=10)}])
    settled = quality(hours, SPAN, frozen={"quality": days}, accepted=accepted)
    assert settled.states.frame["status"].tolist() == ["ok"]
