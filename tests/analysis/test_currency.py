"""Spend in one currency: each day at the rate of that day, and what has no rate is named and never guessed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.analysis.cost.finance.currency import MAX_AGE, ConvertedSpend, RateBook, converted_spend, read_rates
from workbench.analysis.cost.ledger import Account, Periods
from workbench.charts.cost.budget_tables import converted_rows, converted_sentence
from workbench.core.timerange import TimeRange

BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
DAYS = [BEGIN + timedelta(days=n) for n in range(4)]
ACCOUNTS = [Account("cost", "Spend", "USD"), Account("cost.eu", "Spend EU", "EUR")]
NOW, BEFORE = TimeRange(DAYS[2], DAYS[2] + timedelta(days=2)), TimeRange(DAYS[0], DAYS[2])


def converted(rates: dict[int, str], covered: float = 1.0, zone: str = "UTC") -> ConvertedSpend:
    """10 USD and 7 EUR on each of four days; rates of EUR in USD by day of October."""
    slices = pd.DataFrame({"start": DAYS}).assign(end=lambda frame: frame["start"] + timedelta(days=1))
    ledger = pd.concat([
        slices.assign(role=role, amount=[Decimal(each)] * 4) for role, each in (("cost", "10"), ("cost.eu", "7"))
    ])  # fmt: skip
    seen = pd.concat([slices.assign(role=account.role, covered=covered) for account in ACCOUNTS])
    book = RateBook(
        {("EUR", "USD"): [(date(2026, 10, day), Decimal(rate)) for day, rate in sorted(rates.items())]}, "ecb"
    )
    return converted_spend(ledger, seen, ACCOUNTS, Periods(NOW, BEFORE), book, "USD", zone=zone)


def test_each_day_has_its_own_rate_and_the_sum_is_exact() -> None:
    result = converted({1: "1.10", 2: "1.12", 3: "1.2345", 4: "1.2"})
    rows = result.frame.set_index("unit")
    assert rows.loc["EUR", "converted"] == 7 * Decimal("1.2345") + 7 * Decimal("1.2")
    assert rows.loc["EUR", "before"] == 7 * Decimal("1.10") + 7 * Decimal("1.12")
    assert rows.loc["USD", "converted"] == 20
    assert result.whole == 20 + 7 * Decimal("2.4345")
    assert converted_sentence(result) == "Spend is 37.04 USD in all, each day at its rate in ecb."
    assert converted_rows(result)[-1]["in USD"] == "37.04 USD"


def test_a_later_rate_is_never_taken_and_what_has_none_is_named() -> None:
    result = converted({4: "1.2", 30: "9"})
    rows = result.frame.set_index("unit")
    assert (rows.loc["EUR", "converted"], rows.loc["EUR", "unconverted"]) == (7 * Decimal("1.2"), 7)
    assert rows.loc["EUR", "before"] is None
    assert result.whole is None
    assert result.notes == (
        "7.00 EUR are not in the converted sum: 1 day without a rate in USD, the first is 2026-10-03.",
    )
    assert converted_sentence(result).startswith("Spend in USD is not known in all.")


def test_a_period_that_was_not_observed_is_not_zero() -> None:
    result = converted({1: "1.1"}, covered=0.0)
    assert result.whole is None
    assert result.frame["converted"].tolist() == [None, None]


@pytest.mark.slow
@given(st.dictionaries(st.integers(0, 60), st.integers(1, 999), min_size=1), st.integers(-5, 80))
def test_a_rate_is_the_newest_up_to_the_day_and_not_too_old(rates: dict[int, int], day: int) -> None:
    first = date(2026, 1, 1)
    book = RateBook({("EUR", "USD"): [(first + timedelta(days=n), Decimal(rate)) for n, rate in sorted(rates.items())]})
    usable = [n for n in rates if n <= day and timedelta(days=day - n) <= MAX_AGE]
    assert book.rate("EUR", "USD", first + timedelta(days=day)) == (Decimal(rates[max(usable)]) if usable else None)


def test_rows_that_are_no_rate_are_left_out_and_said_to_be() -> None:
    rows = [
        {"date": "2026-10-01", "base": "EUR", "quote": "USD", "rate": rate} for rate in ("1.1", "1.2", "0", "x", "NaN")
    ]
    book, notes = read_rates([*rows, {"date": "1 Oct", "base": "EUR", "quote": "USD", "rate": "1.1"}])
    assert book.rate("EUR", "USD", date(2026, 10, 1)) is None
    assert len(notes) == 5
    assert "two rates in USD on 2026-10-01" in notes[-1]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_days_are_those_of_the_zone(zone: str) -> None:
    whole = converted({1: "1", 2: "1", 3: "1", 4: "1"}, zone=zone).whole
    assert whole == 34
