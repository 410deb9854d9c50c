"""What a plan costs by quarter, by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.capacity.level import CapacityLimit, Level
from workbench.analysis.capacity.levels import CapacityLimits, capacity
from workbench.analysis.capacity.money import capacity_money

NOV = datetime(2026, 11, 1, tzinfo=UTC)


def limits(*rows: dict[str, object]) -> CapacityLimits:
    usual = {"resource": "disk", "title": "Disk", "series": "a", "signal": True, "oversized": False, "value": 1.0,
             "earliest": pd.NaT, "cost_change": None, "currency": "EUR"}  # fmt: skip
    frame = pd.DataFrame([usual | row for row in rows])
    frame["earliest"] = pd.to_datetime(frame["earliest"], utc=True)
    return CapacityLimits(frame, as_of=NOV, horizon_days=30)


def test_a_limit_that_is_raised_in_december_costs_a_month_of_this_quarter_and_three_of_the_next() -> None:
    at = datetime(2026, 12, 1, 7, tzinfo=UTC)
    soft = {"value": 0.9, "earliest": datetime(2026, 12, 5, tzinfo=UTC), "cost_change": Decimal(150)}
    money = capacity_money(limits(soft, {"earliest": at, "cost_change": Decimal("92.00")}))
    assert money.frame["quarter"].tolist() == ["2026-Q4", "2027-Q1", "2027-Q2", "2027-Q3"]
    assert money.frame["added"].tolist() == [Decimal("93.00"), Decimal(276), Decimal(276), Decimal(276)]
    assert money.frame["saved"].tolist() == [Decimal("0.00")] * 4
    assert money.frame["raised"].tolist() == [1] * 4


def test_what_is_too_large_saves_from_now_on_and_currencies_are_not_added() -> None:
    money = capacity_money(
        limits(
            {"oversized": True, "cost_change": Decimal("-46.00")},
            {"series": "b", "currency": "USD", "oversized": True, "cost_change": Decimal("-1.00")},
            {"series": "c", "oversized": True},
            {"series": "d", "signal": False, "oversized": True, "cost_change": Decimal(-5)},
        )
    )
    euros = money.frame[money.frame["currency"] == "EUR"]
    assert euros["saved"].tolist() == [Decimal("-91.50"), Decimal(-138), Decimal(-138), Decimal(-138)]  # 61 of 92 days
    assert len(money.frame) == 8
    assert money.unpriced == ("Disk of c",)


def test_quarters_are_those_of_the_zone() -> None:
    newyear = CapacityLimits(limits({"oversized": True, "cost_change": Decimal(-1)}).frame,
                             as_of=datetime(2026, 12, 31, 20, tzinfo=UTC), horizon_days=30)  # fmt: skip
    assert capacity_money(newyear).frame["quarter"].iloc[0] == "2026-Q4"
    assert capacity_money(newyear, zone="Asia/Tokyo").frame["quarter"].iloc[0] == "2027-Q1"


@pytest.mark.slow
@pytest.mark.parametrize("cost", [None, Decimal(300)])
def test_a_forecast_disk_is_priced_where_its_cost_is_known(cost: Decimal | None) -> None:
    grows = np.linspace(0.3, 0.8, 24 * 40)
    disk = Level("disk", "Disk", "a", "ratio", grows, (CapacityLimit("full", 1.0),), accumulates=True,
                 monthly_cost=cost, currency="EUR" if cost else "")  # fmt: skip
    forecast, _ = capacity([disk], as_of=NOV, horizon_days=30)
    money = capacity_money(forecast)
    assert bool(money.unpriced) is (cost is None)
    if cost is not None:
        (change,) = forecast.frame["cost_change"]
        assert change > 0
        assert money.frame["added"].iloc[1] == 3 * change
