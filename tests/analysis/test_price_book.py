"""Prices: real usages, a real invoice, tiers at their edges, dates, time of day, batches, and books of others."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest

from workbench.analysis.cost.prices.book import Price, PriceBook, Provider, Rate, charge
from workbench.analysis.cost.prices.imports import catalogue_prices, genai_prices
from workbench.analysis.cost.prices.table import table_prices
from workbench.core.errors import ParameterError

PRICES = Path(__file__).parents[3] / "shared" / "datasets" / "llm_prices"

#: Anthropic's rates of claude-3-7-sonnet, of which an invoice is known. [USD per million]
SONNET = {"input_tokens": "3", "cache_write_tokens": "3.75", "cache_read_tokens": "0.30", "output_tokens": "15"}
TIERED = {
    "input_tokens": Rate(Decimal(3), tiers=((200_000, Decimal(6)),)),
    "output_tokens": Rate(Decimal(15), tiers=((200_000, Decimal("22.5")),)),
}


def flat(rates: dict[str, str]) -> Price:
    return Price("p", "m", {unit: Rate(Decimal(rate)) for unit, rate in rates.items()})


@pytest.mark.slow
def test_every_priced_usage_of_the_public_set_is_exact(omit):
    if not PRICES.exists():
        omit("datasets/llm_prices is not beside this clone")
    document = json.loads((PRICES / "genai_prices_v2_data.json").read_text(), parse_float=Decimal)
    book, recorded = genai_prices(document), datetime(2026, 7, 29, 12, tzinfo=UTC)
    checked = 0
    for record in json.loads((PRICES / "genai_prices_usages.json").read_text()):
        for extracted in record["extracted"]:
            for expected in extracted["extractors"]:
                if "input_price" not in expected:
                    continue
                price = book.price(expected["provider_id"], record["model"], recorded)
                assert price is not None, record["model"]
                cost = charge(extracted["usage"], price)
                assert cost.input == Decimal(expected["input_price"])
                assert cost.output == Decimal(expected.get("output_price", "0"))
                checked += 1
    assert checked == 3474


def test_a_real_invoice_is_met_and_cached_tokens_are_not_billed_twice():
    usage = {"input_tokens": 3 + 12_304, "cache_write_tokens": 12_304, "cache_read_tokens": 0, "output_tokens": 550}
    assert charge(usage, flat(SONNET)).total == Decimal("0.054399")
    hour = flat({"input_tokens": "10", "cache_write_tokens": "12.5", "cache_write_1h_tokens": "20"})
    short = {"input_tokens": 37_175, "cache_write_tokens": 37_175}
    assert charge(short, hour).total == Decimal("0.4646875")
    assert charge({**short, "cache_write_1h_tokens": 37_175}, hour).total == Decimal("0.7435")


@pytest.mark.parametrize(
    ("read", "written", "cost"),
    [
        (200_000, 0, "0.600000"),
        (200_001, 0, "1.200006"),
        (300_000, 100_000, "4.05"),
        (100_000, 100_000, "1.80"),
    ],
)
def test_a_tier_begins_above_its_threshold_and_holds_for_all_tokens(read: int, written: int, cost: str):
    price = Price("anthropic", "claude-sonnet-4-5", TIERED)
    assert charge({"input_tokens": read, "output_tokens": written}, price).total == Decimal(cost)


def test_a_long_context_with_cache_and_a_plain_request_are_the_numbers_worked_by_hand():
    long = flat({"input_tokens": "10", "cache_write_tokens": "12.5", "cache_read_tokens": "1", "output_tokens": "45"})
    usage = {
        "input_tokens": 300_000,
        "cache_write_tokens": 100_000,
        "cache_read_tokens": 50_000,
        "output_tokens": 10_000,
    }
    assert charge(usage, long).total == Decimal("3.25")
    gpt = flat({"input_tokens": "2.5", "output_tokens": "10"})
    assert charge({"input_tokens": 1000, "output_tokens": 100}, gpt).total == Decimal("0.0035")


def test_parts_larger_than_their_whole_are_refused_and_batches_need_a_factor():
    with pytest.raises(ParameterError, match="smaller than its parts"):
        charge({"input_tokens": 10, "cache_read_tokens": 20}, flat(SONNET))
    with pytest.raises(ParameterError, match="nothing of batches"):
        charge({"input_tokens": 10}, flat(SONNET), batch=True)
    halved = Price("p", "m", {"input_tokens": Rate(Decimal(3))}, batch=Decimal("0.5"))
    assert charge({"input_tokens": 1_000_000}, halved, batch=True).total == Decimal("1.5")


def test_prices_are_those_in_force_and_a_gap_is_unknown_not_zero():
    rows = [
        {"provider": "openai", "model": "o3", "unit": "input_tokens", "price": "10", "until": "2025-06-10"},
        {"provider": "openai", "model": "o3", "unit": "input_tokens", "price": "2", "since": "2025-06-11"},
    ]
    book = table_prices(rows)
    found = {day: book.price("OpenAI", "o3", datetime(2025, 6, day, 12, tzinfo=UTC)) for day in (9, 10, 11)}
    assert found[9] is not None
    assert found[9].rates["input_tokens"].base == 10
    assert found[10] is None
    assert found[11] is not None
    assert found[11].rates["input_tokens"].base == 2
    assert book.price("openai", "o4", datetime(2025, 6, 9, tzinfo=UTC)) is None


def test_a_time_of_day_may_cross_midnight():
    night = Price("p", "m", {}, since=date(2026, 1, 1), begins=time(22), ends=time(6))
    assert [night.holds(datetime(2026, 1, 2, hour, tzinfo=UTC)) for hour in (5, 6, 21, 22)] == [
        True,
        False,
        False,
        True,
    ]
    assert not night.holds(datetime(2025, 12, 31, 23, tzinfo=UTC))


def test_the_catalogue_of_a_gateway_is_read_with_tiers_and_batches():
    facts = {
        "litellm_provider": "openai",
        "input_cost_per_token": 2.5e-06,
        "input_cost_per_token_above_200k_tokens": 5e-06,
        "input_cost_per_token_batches": 1.25e-06,
        "cache_read_input_token_cost": "1.25e-06",
    }
    price = catalogue_prices({"gpt-4o": facts}).price("openai", "openai/gpt-4o", datetime(2026, 1, 1, tzinfo=UTC))
    assert price is not None
    assert price.batch == Decimal("0.5")
    assert charge({"input_tokens": 1000, "cache_read_tokens": 400}, price).total == Decimal("0.0020")
    assert charge({"input_tokens": 200_001}, price).total == Decimal("1.000005")


def test_an_empty_book_knows_nothing():
    assert PriceBook({"p": Provider("p", ())}).price("p", "m", datetime(2026, 1, 1, tzinfo=UTC)) is None
    with pytest.raises(ParameterError, match="Row 1"):
        table_prices([{"provider": "p", "model": "m", "price": "cheap"}])


@pytest.mark.parametrize("clause", ["x", ["x"], {"equals": 1}, {"or": {"equals": "x"}}, {"regex": "("}, {"and": 7}])
def test_a_clause_of_another_shape_is_refused_where_it_is_read(clause) -> None:
    model = {"id": "m", "match": clause, "prices": {"input_mtok": 1}}
    with pytest.raises(ParameterError, match="no clause that names are compared with"):
        genai_prices([{"id": "p", "models": [model]}])
