"""The price book of a page: what was in force in the period, a row a span, and models that it does not know."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from workbench.analysis.cost.prices.imports import genai_prices
from workbench.analysis.cost.prices.in_force import book_prices
from workbench.charts.cost.list_price_tables import book_price_rows, book_price_sentence
from workbench.core.timerange import TimeRange

JUNE = TimeRange(datetime(2025, 6, 1, tzinfo=UTC), datetime(2025, 7, 1, tzinfo=UTC))
BOOK = genai_prices([
    {"id": "openai", "models": [
        {"id": "o3", "match": {"equals": "o3"}, "prices": [
            {"prices": {"input_mtok": 10}},
            {"constraint": {"start_date": "2025-06-10"}, "prices": {"input_mtok": 2}},
            {"constraint": {"start_date": "2025-07-01"}, "prices": {"input_mtok": 1}},
        ]},
        {"id": "big", "match": {"equals": "big"}, "prices": {
            "input_mtok": {"base": 3, "tiers": [{"start": 200000, "price": 6}]}}},
    ]},
])  # fmt: skip


def test_each_price_of_the_period_is_a_row_with_its_days() -> None:
    rows = book_prices([("openai", "o3"), ("openai", "big"), ("openai", "o9")], BOOK, JUNE)
    assert [(row.model, row.price, row.since, row.until) for row in rows.frame.itertuples()] == [
        ("o3", 10, None, date(2025, 6, 10)),
        ("o3", 2, date(2025, 6, 10), date(2025, 7, 1)),
        ("big", Decimal(3), None, None),
    ]
    assert rows.notes == ("No price in this period: openai/o9. Their cost is unknown, not free.",)
    assert book_price_rows(rows)[2]["larger requests"] == "6 above 200,000 input tokens"
    assert book_price_rows(rows)[0]["price"] == "10 USD per 1,000,000"


def test_without_a_book_nothing_is_in_force() -> None:
    rows = book_prices([("openai", "o3")], None, JUNE)
    assert rows.frame.empty
    assert book_price_sentence(rows) == "No price book is set (cost.prices in the settings)."
