"""Prices from plain tables: each unit has its own dates, overlaps are refused, and what has no price is never free."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.analysis.cost.prices.book import Price, Rate, charge, rate_of_class, unpriced_units
from workbench.analysis.cost.prices.imports import catalogue_prices
from workbench.analysis.cost.prices.table import table_prices
from workbench.core.errors import ParameterError


def row(price: str = "3", unit: str = "input_tokens", **more: Any) -> dict[str, Any]:
    return {"provider": "p", "model": "m", "unit": unit, "price": price, **more}


def on(rows: list[dict[str, Any]], month: int) -> Price | None:
    return table_prices(rows).price("p", "m", datetime(2026, month, 15, tzinfo=UTC))


def test_a_new_price_of_input_leaves_the_price_of_output_in_force() -> None:
    rows = [row("3"), row("15", "output_tokens"), row("2", since="2026-03-01")]
    before, after = on(rows, 2), on(rows, 4)
    assert before is not None
    assert after is not None
    assert {unit: rate.base for unit, rate in before.rates.items()} == {"input_tokens": 3, "output_tokens": 15}
    assert {unit: rate.base for unit, rate in after.rates.items()} == {"input_tokens": 2, "output_tokens": 15}
    usage = {"input_tokens": 1_000_000, "output_tokens": 1_000_000}
    assert charge(usage, after).total == 17


def test_a_unit_whose_price_ended_is_unknown_and_not_free() -> None:
    price = on([row("3"), row("15", "output_tokens", until="2026-03-01")], 4)
    assert price is not None
    assert unpriced_units({"input_tokens": 1, "output_tokens": 1}, price) == ["output_tokens"]
    assert rate_of_class(price, "visible_output") is None


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([row("3"), row("4")], "Rows 1 and 2 of the prices give two prices of input_tokens of p m from their"),
        ([row("3", since="2026-01-01"), row("4", since="2026-01-01")], "two prices of input_tokens of p m from 2026"),
        ([row("3", since="2026-01-01", until="2026-06-01"), row("4", since="2026-03-01")], "from 2026-03-01 on"),
        ([row("3"), row("4", "output_tokens", currency="EUR")], "different currencies"),
        ([row("3", batch="0.5"), row("4", "output_tokens")], "different batch factors"),
        ([row("NaN")], "no amount"),
        ([row("Infinity")], "no amount"),
        ([row("-3")], "negative"),
        ([row("3", per="0")], "no unit at all"),
        ([row("3", since="2026-03-01", until="2026-03-01")], "ends before it begins"),
        ([{**row(), "model": " "}], "names no provider or no model"),
    ],
)  # fmt: skip
def test_a_table_that_could_mean_two_prices_or_none_is_refused(rows: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        table_prices(rows)


def test_currencies_are_the_same_in_any_case() -> None:
    price = on([row("3", currency="usd"), row("4", "output_tokens", currency="USD ")], 1)
    assert price is not None
    assert price.currency == "USD"


@given(
    st.lists(
        st.tuples(st.sampled_from(["input_tokens", "output_tokens"]), st.integers(1, 300), st.integers(1, 99)),
        min_size=1, max_size=12, unique_by=lambda change: change[:2],
    ),
    st.integers(0, 320),
)  # fmt: skip
def test_each_unit_has_the_newest_of_its_own_prices(changes: list[tuple[str, int, int]], day: int) -> None:
    rows = [row(str(price), unit, since=str(date.fromordinal(739_000 + at))) for unit, at, price in changes]
    wanted: dict[str, int] = {}
    for unit, at, price in sorted(changes, key=lambda change: change[1]):
        wanted |= {unit: price} if at <= day else {}
    moment = datetime.combine(date.fromordinal(739_000 + day), datetime.min.time(), UTC)
    held = table_prices(rows).price("p", "m", moment)
    assert ({unit: int(rate.base) for unit, rate in held.rates.items()} if held else {}) == wanted


def test_writes_for_an_hour_are_never_priced_as_those_for_five_minutes() -> None:
    rates = {"input_tokens": Rate(Decimal(3)), "cache_write_tokens": Rate(Decimal("3.75"))}
    assert rate_of_class(Price("p", "m", rates), "cache_write_1h") is None
    hour = Price("p", "m", {**rates, "cache_write_1h_tokens": Rate(Decimal(6))})
    assert rate_of_class(hour, "cache_write_1h") == Rate(Decimal(6))


def test_a_catalogue_with_tiers_of_one_hour_writes_is_read_and_batches_need_one_factor() -> None:
    facts = {
        "litellm_provider": "anthropic", "input_cost_per_token": 3e-6, "output_cost_per_token": 15e-6,
        "cache_creation_input_token_cost": 3.75e-6, "cache_creation_input_token_cost_above_1hr": 6e-6,
        "cache_creation_input_token_cost_above_1hr_above_200k_tokens": 12e-6,
        "cache_creation_input_token_cost_above_200k_tokens": 7.5e-6,
        "input_cost_per_token_batches": 1.5e-6, "output_cost_per_token_batches": 9e-6,
    }  # fmt: skip
    price = catalogue_prices({"c": facts}).price("anthropic", "c", datetime(2026, 1, 1, tzinfo=UTC))
    assert price is not None
    assert price.rates["cache_write_tokens"].tiers == ((200_000, Decimal("0.0000075")),)
    assert price.rates["cache_write_1h_tokens"].tiers == ((200_000, Decimal("0.000012")),)
    assert price.batch is None
    with pytest.raises(ParameterError, match="negative"):
        catalogue_prices({"c": {**facts, "output_cost_per_token": -1}})
    with pytest.raises(ParameterError, match="is no price"):
        catalogue_prices({"c": {**facts, "output_cost_per_token": float("nan")}})


@pytest.mark.parametrize("count", [Decimal("NaN"), -5])
def test_a_usage_that_is_no_count_is_refused(count: Decimal | int) -> None:
    with pytest.raises(ParameterError, match="is no count"):
        charge({"input_tokens": count}, Price("p", "m", {"input_tokens": Rate(Decimal(3))}))
