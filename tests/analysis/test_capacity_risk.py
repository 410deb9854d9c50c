"""Probabilities and dates of limits: seasons that are no budgets, jumps, windows, leaks, limits that change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.capacity.level import CapacityLimit, Level
from workbench.analysis.capacity.levels import capacity
from workbench.analysis.capacity.what_if import Change, capacity_what_if
from workbench.analysis.forecast.changes import leak, level_changes
from workbench.analysis.forecast.cycles import BudgetWindow, budget_cycle
from workbench.analysis.forecast.forecast import forecast
from workbench.core.errors import ParameterError

AS_OF = datetime(2026, 11, 17, tzinfo=UTC)
FULL = (CapacityLimit("full", 1.0),)
HOURS = np.arange(60 * 24)
SERIES = Path(__file__).parents[3] / "shared" / "datasets" / "forecast" / "ops_hourly.csv.gz"


def judged(values: np.ndarray, limits: tuple[CapacityLimit, ...] = FULL, *, resource: str = "cpu", **more: object):
    level = Level(resource, resource, "s", "ratio", values, limits, **more)
    return capacity([level], as_of=AS_OF, horizon_days=30)[0].frame


def budget(peak: float, *, zone: str = "UTC", length: int | None = None, days: int = 63) -> np.ndarray:
    """Hourly peaks of a budget used evenly up to ``peak``, that restarts with a month, or every so many hours."""
    begun = pd.date_range(end=AS_OF, periods=days * 24, freq="h").tz_convert(zone) - pd.Timedelta("1h")
    if length is None:
        hours = [(at - at.replace(day=1, hour=0)) / pd.Timedelta("1h") + 1 for at in begun]
        return np.array(hours) * peak / (31 * 24)
    return np.asarray(((begun - pd.Timestamp(AS_OF)) / pd.Timedelta("1h") + 240) % length + 1) * peak / length


class TestSeasonsAreNoBudgets:
    @pytest.mark.parametrize("phase", range(0, 24, 3))
    def test_a_daily_sine_at_any_phase(self, phase: int) -> None:
        values = 0.5 + 0.4 * np.sin(2 * np.pi * (HOURS + phase) / 24)
        as_of = datetime(2026, 11, 2, tzinfo=UTC)
        assert budget_cycle(values, as_of=as_of, budget=False) is None

    @pytest.mark.slow
    def test_a_disk_emptied_every_midnight_whose_peak_grows_to_its_limit_in_twelve_days(self) -> None:
        values = (HOURS % 24 + 1) / 24 * (0.3 + 0.7 * HOURS / (72 * 24))
        row = judged(values, resource="disk", accumulates=True).iloc[0]
        assert pd.isna(row["anew_at"])
        assert abs(row["reached_at"] - pd.Timestamp(AS_OF) - pd.Timedelta("12D")) <= pd.Timedelta("2D")
        assert row["status"] == "at_risk"

    @pytest.mark.slow
    def test_real_series_at_every_hour_of_a_month(self, omit) -> None:
        if not SERIES.exists():
            omit("the real series do not stand beside the checkout (shared/datasets/forecast/ops_hourly.csv.gz)")
        for name, part in pd.read_csv(SERIES, parse_dates=["ds"]).groupby("series"):
            values = part.set_index("ds")["y"].resample("h").mean().to_numpy(np.float64)
            for hour in range(0, 30 * 24, 7):
                as_of = AS_OF + timedelta(hours=hour)
                assert budget_cycle(values, as_of=as_of, budget=False) is None, (name, hour)
                assert budget_cycle(values, as_of=as_of, budget=True) is None, (name, hour)


class TestBudgetWindows:
    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("zone", "length"),
        [("America/Los_Angeles", None), ("Asia/Tokyo", None), ("UTC", 720), ("UTC", 168), ("UTC", 24)],
    )
    def test_one_that_peaks_at_three_quarters_is_fine(self, zone: str, length: int | None) -> None:
        row = judged(budget(0.75, zone=zone, length=length), resource="budget_used").iloc[0]
        assert (row["status"], pd.isna(row["reached_at"])) == ("ok", True)
        assert pd.notna(row["anew_at"])

    @pytest.mark.slow
    def test_one_that_does_not_last_has_the_date_of_arithmetic(self) -> None:
        row = judged(budget(1.5, zone="America/Los_Angeles"), resource="budget_used").iloc[0]
        month = pd.Timestamp("2026-11-01", tz="America/Los_Angeles")
        assert abs(row["reached_at"] - month - pd.Timedelta(days=31 / 1.5)) <= pd.Timedelta("3h")
        assert row["status"] == "at_risk"
        # The zone was not stated, so its winter time is not known.
        assert abs(row["anew_at"] - pd.Timestamp("2026-12-01", tz="America/Los_Angeles")) <= pd.Timedelta("1h")

    def test_a_stated_window_is_taken_before_any_fall_was_seen(self) -> None:
        values = np.linspace(0.1, 0.4, 10 * 24)
        row = judged(values, resource="budget_used", window=BudgetWindow("month", "Europe/Berlin")).iloc[0]
        assert row["anew_at"] == pd.Timestamp("2026-12-01", tz="Europe/Berlin")

    def test_what_is_no_window_or_zone_is_refused(self) -> None:
        with pytest.raises(ParameterError, match="fortnight"):
            BudgetWindow("fortnight")
        with pytest.raises(ParameterError, match="Mars"):
            BudgetWindow("month", "Mars/Olympus")


class TestJumps:
    @pytest.mark.slow
    @pytest.mark.parametrize("age", [1, 2, 3, 6, 12, 23, 30, 47])
    def test_the_present_level_is_in_the_band_one_hour_ahead(self, age: int) -> None:
        values = 0.4 + 0.01 * np.random.default_rng(1).normal(size=40 * 24)
        values[-age:] += 0.4
        ahead = forecast(values, 48, lower=0, upper=1)
        assert ahead.low[0] <= values[-1] <= ahead.high[0]
        if age >= 3:
            assert ahead.middle[0] == pytest.approx(0.8, abs=0.03)
            assert ahead.verdict == ("limited" if age < 24 else "normal")
            assert (ahead.low[0] < 0.41) == (age < 24)

    def test_a_marker_makes_two_hours_enough(self) -> None:
        values = 0.4 + 0.01 * np.random.default_rng(1).normal(size=40 * 24)
        values[-2:] += 0.4
        assert forecast(values, 24, markers=[len(values) - 2]).middle[0] == pytest.approx(0.8, abs=0.03)

    def test_a_slope_is_no_jump(self) -> None:
        values = 0.3 + 0.01 * HOURS / 24 + 0.003 * np.random.default_rng(1).normal(size=len(HOURS))
        assert forecast(values, 24).verdict == "normal"

    def test_two_days_of_growth_go_on_above_the_present_value(self) -> None:
        ahead = forecast(np.linspace(0.1, 0.3, 48), 24)
        assert (ahead.middle > 0.3).all()


class TestRisk:
    @pytest.mark.slow
    def test_a_limit_passed_in_most_fortnights_is_likely_though_no_middle_path_touches_it(self) -> None:
        rng = np.random.default_rng(3)
        values = 0.4 + 0.1 * np.sin(2 * np.pi * HOURS / 24) + 0.02 * rng.normal(size=len(HOURS))
        values[rng.choice(len(HOURS), 15, replace=False)] = 0.92
        row = judged(values, (CapacityLimit("> 90 %", 0.9),)).iloc[0]
        assert row["within_14d"] > 0.8
        assert row["status"] == "at_risk"
        assert judged(values, (CapacityLimit("> 90 %", 0.9),), hold=3).iloc[0]["status"] == "ok"

    @pytest.mark.slow
    def test_probabilities_never_fall_with_the_lead_and_dates_are_in_order(self) -> None:
        rng = np.random.default_rng(4)
        values = np.cumsum(np.abs(rng.normal(0.0005, 0.001, size=len(HOURS))))
        row = judged(values, (CapacityLimit("full", float(values[-1] * 1.1)),), resource="disk").iloc[0]
        chances = [row[f"within_{days}d"] for days in (1, 7, 14, 30)]
        assert chances == sorted(chances)
        assert row["earliest"] <= row["reached_at"] <= row["latest"]
        assert np.isnan(row["within_90d"])

    def test_use_pinned_at_the_limit_is_saturated(self) -> None:
        row = judged(np.minimum(1.0, 0.8 + 0.3 * np.sin(2 * np.pi * HOURS / 24))).iloc[0]
        assert row["saturated"] == pytest.approx(7 / 24, abs=0.05)

    @pytest.mark.slow
    def test_a_limit_that_will_be_raised_is_not_reached(self) -> None:
        values = 0.3 + 0.01 * HOURS / 24
        raised = CapacityLimit("full", 1.0, changes=((AS_OF + timedelta(days=3), 2.0),))
        assert judged(values).iloc[0]["status"] == "at_risk"
        assert judged(values, (raised,)).iloc[0]["status"] == "ok"

    @pytest.mark.slow
    def test_a_lead_time_decides_the_status(self) -> None:
        values = 0.3 + 0.01 * HOURS / 24
        assert judged(values, lead_days=14).iloc[0]["status"] == "at_risk"
        assert judged(values, lead_days=2).iloc[0]["status"] == "ok"

    def test_what_fills_by_design_is_never_at_risk(self) -> None:
        assert judged(np.full(len(HOURS), 1.0), signal=False).iloc[0]["status"] == "ok"

    def test_a_constant_level_below_its_limit_never_reaches_it(self) -> None:
        row = judged(np.full(len(HOURS), 0.5)).iloc[0]
        assert (row["at_horizon"], row["headroom"], row["oversized"]) == (0.0, 0.5, False)


class TestLeaks:
    CLIMB = np.tile(np.linspace(0.2, 0.93, 120), 12)

    def test_a_climb_that_restarts_below_the_end_reaches_only_what_it_reached(self) -> None:
        frame = judged(
            self.CLIMB, (CapacityLimit("> 90 %", 0.9), CapacityLimit("full", 1.0)), resource="memory"
        ).set_index("limit")
        assert frame.loc["> 90 %", "status"] == "at_risk"
        assert (frame.loc["full", "status"], frame.loc["full", "at_horizon"]) == ("ok", 0.0)
        assert frame.loc["full", "leak_rate"] == pytest.approx(0.73 / 119 * 24)

    def test_restarts_and_rate_are_found(self) -> None:
        climb = leak(self.CLIMB[:300])
        assert climb is not None
        assert climb.restarts == (180, 60)

    def test_a_season_and_noise_are_no_leaks(self) -> None:
        assert leak(0.5 + 0.4 * np.sin(2 * np.pi * HOURS / 24)) is None
        assert leak(np.random.default_rng(1).random(len(HOURS))) is None


def test_a_level_that_changed_has_date_and_size() -> None:
    level = np.concatenate([np.full(40, 100.0), np.full(12, 140.0)]) + np.random.default_rng(2).normal(0, 3, 52)
    (change,) = level_changes(level)
    assert change.age_days == 12
    assert change.after / change.before == pytest.approx(1.4, abs=0.05)


class TestWhatIf:
    LEVELS = (
        Level("cpu", "CPU", "a", "ratio", 0.5 + 0.2 * np.sin(2 * np.pi * HOURS / 24), FULL),
        Level("disk", "Disk", "b", "ratio", 0.3 + 0.005 * HOURS / 24, FULL, accumulates=True),
    )

    def rows(self, **change: object) -> pd.DataFrame:
        now = capacity(self.LEVELS, as_of=AS_OF, horizon_days=60)[0]
        given = Change(**change)
        return capacity_what_if(self.LEVELS, given, now, as_of=AS_OF, horizon_days=60).frame.set_index("resource")

    @pytest.mark.slow
    def test_twice_the_demand_fills_loads_at_once_and_stores_twice_as_fast(self) -> None:
        found = self.rows(demand=1.0)
        assert found.loc["cpu", "status_before"] == "ok"
        assert found.loc["cpu", "status_after"] == "at_risk"
        days = (found["reached_at_after"] - pd.Timestamp(AS_OF)) / pd.Timedelta("1D")
        assert days["disk"] == pytest.approx(0.4 / 0.01, abs=1)

    @pytest.mark.slow
    def test_a_node_of_two_lost_doubles_the_load_of_the_other(self) -> None:
        assert self.rows(nodes=2, lost=1, resource="cpu")["status_after"].tolist() == ["at_risk"]

    @pytest.mark.slow
    def test_a_higher_limit_is_reached_later_or_not(self) -> None:
        found = self.rows(demand=1.0, limit=2.0)
        assert found["status_after"].tolist() == ["ok", "ok"]

    @pytest.mark.slow
    def test_what_cannot_be_is_refused(self) -> None:
        with pytest.raises(ParameterError, match="2 of 2"):
            Change(nodes=2, lost=2)
        with pytest.raises(ParameterError, match="No level"):
            self.rows(resource="gpu")
