"""Where a month lands: level, weekdays, interval, budgets, short and missing history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.cost.budgets import Budget, budget_use
from workbench.analysis.cost.forecast import period_end
from workbench.analysis.cost.landing import spend_forecast
from workbench.analysis.cost.ledger import Account, Periods
from workbench.charts.cost.figures import forecast_figure
from workbench.core.timerange import TimeRange

WEEK = np.array([1.0, 1, 1, 1, 1, 0.3, 0.2])


def test_weekends_are_known_and_a_straight_line_is_beaten():
    days = np.tile(WEEK, 12) * 100
    end = period_end(days[:-4], 4.0)
    assert end.rest == pytest.approx(days[-4:].sum(), rel=0.02)
    assert end.verdict == "normal"
    assert end.low <= end.rest <= end.high


def test_what_the_ends_of_earlier_months_cost_is_expected_again():
    """Five days of three times the spend close each month of thirty days; on day 20 only the months before tell."""
    days = (
        100 * np.where(np.arange(150) % 30 >= 25, 3.0, 1.0) * np.exp(0.03 * np.random.default_rng(5).normal(size=150))
    )
    end = period_end(days[:140], 10.0)
    assert end.rest == pytest.approx(days[140:].sum(), rel=0.05)


def test_a_part_of_the_last_day_and_a_finished_period():
    assert period_end(np.full(40, 10.0), 1.25).rest == pytest.approx(12.5)
    assert period_end(np.full(40, 10.0), 0.0).rest == 0.0


def test_a_quiet_day_last_is_no_certainty_that_nothing_more_is_spent():
    """Three days of spend and a day off: the last day is repeated, but nothing has shown that it stays so."""
    end = period_end(np.array([100.0, 120.0, 80.0, 0.0]), 5.0)
    assert end.low == 0.0
    assert end.high >= 5 * 75.0
    assert end.overrun_probability(1e6) == 0.0
    assert 0.0 < end.overrun_probability(50.0) < 1.0


def test_thin_history_is_said_and_none_is_refused():
    assert period_end(np.full(10, 10.0), 5).verdict == "short"
    refused = period_end(np.array([1.0, np.nan]), 5)
    assert refused.verdict == "refused"
    assert np.isnan(refused.rest)
    assert np.isnan(refused.overrun_probability(10.0))
    stale = np.append(np.full(30, 10.0), [np.nan, np.nan, np.nan])
    assert period_end(stale, 5).verdict == "refused"


def test_the_probability_of_an_overrun_follows_from_past_errors():
    rng = np.random.default_rng(3)
    end = period_end(100 + 10 * rng.normal(size=90), 10)
    assert end.overrun_probability(0) == 1.0
    assert end.overrun_probability(500) > 0.9
    assert end.overrun_probability(2000) < 0.1
    assert end.overrun_day(0) == 0
    assert end.overrun_day(450) == 4
    assert end.overrun_day(5000) is None


@pytest.mark.slow
def test_the_interval_holds_what_it_says():
    inside, tries = 0, 120
    for seed in range(tries):
        rng = np.random.default_rng(seed)
        days = np.tile(WEEK, 18)[:120] * 100 * np.exp(np.cumsum(rng.normal(0, 0.03, 120)) + rng.normal(0, 0.1, 120))
        end = period_end(days[:100], 20)
        inside += end.low <= days[100:].sum() <= end.high
    assert 0.68 <= inside / tries <= 0.92


def ledger(days: int, keys: dict[str, float]) -> tuple[pd.DataFrame, pd.DataFrame]:
    start = datetime(2026, 9, 1, tzinfo=UTC)
    rows = [
        {"role": "cost", "key": key, "start": start + timedelta(days=n), "end": start + timedelta(days=n + 1)}
        | {"amount": Decimal(repr(amount))}
        for key, amount in keys.items()
        for n in range(days)
    ]
    frame = pd.DataFrame(rows).astype({"start": "datetime64[ms, UTC]", "end": "datetime64[ms, UTC]"})
    seen = frame[["role", "start", "end"]].drop_duplicates().assign(covered=1.0)
    return frame, seen


def test_the_month_is_forecast_in_all_and_by_key_with_the_day_of_the_overrun():
    book, seen = ledger(40, {"a": 6.0, "b": 4.0})
    now, october = datetime(2026, 10, 11, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)
    month = TimeRange(october, datetime(2026, 11, 1, tzinfo=UTC))
    periods = Periods(
        TimeRange(october, now), TimeRange(datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 9, 11, tzinfo=UTC)), month
    )
    budgets = pd.DataFrame([{"dimension": "key", "group": "a", "unit": "USD", "left": 45.0, "resets": np.nan}])
    accounts = [Account("cost", "Spend", "USD", ("key",))]
    result = spend_forecast(book, seen, accounts, periods, budgets, zone="UTC")
    rows = result.frame.set_index(["dimension", "group"])
    assert rows.loc[("all", ""), "so_far"] == Decimal(100)
    assert rows.loc[("all", ""), "expected"] == pytest.approx(310.0)
    assert rows.loc[("key", "a"), "expected"] == pytest.approx(186.0)
    assert rows.loc[("key", "a"), "overrun"] == "2026-10-18"
    assert rows.loc[("key", "a"), "probability"] > 0.9
    assert np.isnan(rows.loc[("key", "b"), "probability"])
    fan = forecast_figure(result).data[2]
    assert [fan.y[0], fan.y[-1]] == pytest.approx([100.0, 310.0])
    assert pd.Timestamp(fan.x[0]) == pd.Timestamp("2026-10-11")


@pytest.mark.parametrize(("hours", "left", "chance", "overrun"), [
    (5.0, 5.0, 0.0, ""), (48.0, 5.0, 1.0, "2026-10-11"), (30 * 24.0, 150.0, 1.0, "2026-11-04"),
])  # fmt: skip
def test_what_is_left_of_a_budget_is_held_against_its_own_window(
    hours: float, left: float, chance: float, overrun: str
) -> None:
    book, seen = ledger(40, {"a": 6.0})
    now, october = datetime(2026, 10, 11, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)
    month = TimeRange(october, datetime(2026, 11, 1, tzinfo=UTC))
    periods = Periods(TimeRange(october, now), TimeRange(october - timedelta(days=10), october), month)
    stated = budget_use([Budget("key", "a", limit=300.0, left=left, unit="USD", resets=hours)], as_of=now).frame
    result = spend_forecast(book, seen, [Account("cost", "Spend", "USD", ("key",))], periods, stated, zone="UTC")
    row = result.frame.set_index("dimension").loc["key"]
    assert row["expected"] == pytest.approx(186.0)
    assert (row["probability"], row["overrun"]) == (pytest.approx(chance, abs=0.1), overrun)
    assert len(result.overruns) == round(chance)


def test_a_month_that_was_hardly_observed_is_not_forecast():
    book, seen = ledger(40, {"a": 6.0})
    seen.loc[seen["start"] >= pd.Timestamp("2026-10-05", tz="UTC"), "covered"] = 0.1
    now, october = datetime(2026, 10, 11, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)
    month = TimeRange(october, datetime(2026, 11, 1, tzinfo=UTC))
    periods = Periods(TimeRange(october, now), TimeRange(october - timedelta(days=10), october), month)
    budgets = pd.DataFrame(columns=["dimension", "group", "unit", "left", "resets"])
    result = spend_forecast(book, seen, [Account("cost", "Spend", "USD", ("key",))], periods, budgets, zone="UTC")
    assert result.frame.empty
    assert "too little of the month was observed" in result.notes[0]
