"""Levels that begin anew every month, by hand: what is unrolled, and that nothing is forecast across the beginning."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.capacity.levels import CapacityLimit, Level, capacity
from workbench.analysis.forecast.cycles import budget_cycle

FULL = (CapacityLimit(">= 100 %", 1.0),)


def budget(as_of: datetime, *, per_day: float, days: int = 63) -> np.ndarray:
    """Hourly peaks of a share that grows evenly and is 0 at the start of each month."""
    times = pd.date_range(end=as_of, periods=days * 24, freq="h")
    begun = (times - pd.Timedelta("1h")).to_period("M").start_time.tz_localize("UTC")
    return np.asarray((times - begun) / pd.Timedelta("1D") * per_day, np.float64)


def judged(as_of: datetime, values: np.ndarray) -> pd.Series:
    level = Level("budget", "Budget", "key k", "ratio", values, FULL)
    return capacity([level], as_of=as_of, horizon_days=30)[0].frame.iloc[0]


@pytest.mark.filterwarnings("ignore:Converting to PeriodArray:UserWarning")
class TestBudget:
    def test_that_lasts_the_month_has_no_date_in_the_next(self) -> None:
        as_of = datetime(2026, 10, 22, tzinfo=UTC)
        row = judged(as_of, budget(as_of, per_day=0.028))
        assert pd.isna(row["reached_at"])
        assert row["status"] == "ok"
        assert row["anew_at"] == pd.Timestamp("2026-11-01", tz="UTC")

    def test_that_does_not_last_is_spent_on_the_day_of_arithmetic(self) -> None:
        as_of = datetime(2026, 10, 20, tzinfo=UTC)
        row = judged(as_of, budget(as_of, per_day=0.04))
        assert abs(row["reached_at"] - pd.Timestamp("2026-10-26", tz="UTC")) <= pd.Timedelta("2h")
        assert row["status"] == "at_risk"

    def test_at_the_first_moment_of_a_month_begins_at_nothing(self) -> None:
        as_of = datetime(2026, 11, 1, tzinfo=UTC)
        row = judged(as_of, budget(as_of, per_day=0.05))
        assert abs(row["reached_at"] - pd.Timestamp("2026-11-21", tz="UTC")) <= pd.Timedelta("2h")

    def test_spent_already_is_reached_now(self) -> None:
        as_of = datetime(2026, 10, 20, tzinfo=UTC)
        assert judged(as_of, budget(as_of, per_day=0.08))["reached_at"] == pd.Timestamp(as_of)


def test_a_level_that_once_stayed_over_a_month_is_no_budget() -> None:
    as_of = datetime(2026, 10, 20, tzinfo=UTC)
    assert budget_cycle(np.linspace(0.1, 0.9, 63 * 24), as_of=as_of) is None


def test_a_missing_start_of_a_month_says_nothing() -> None:
    as_of = datetime(2026, 10, 3, tzinfo=UTC)
    values = np.concatenate([np.arange(1.0, 241.0), np.arange(1.0, 49.0)])
    values[236:246] = np.nan
    assert budget_cycle(values, as_of=as_of) is None


def test_the_turn_of_the_year_is_a_start_too() -> None:
    as_of = datetime(2027, 1, 2, tzinfo=UTC)
    found = budget_cycle(np.concatenate([np.arange(1.0, 241.0), np.arange(1.0, 25.0)]), as_of=as_of)
    assert found is not None
    assert (found.unrolled[-1] - found.base, found.hours) == (24.0, 30 * 24)
