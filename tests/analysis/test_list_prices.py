"""Tokens at list prices against sums by hand: price of the day, what has none, tiers."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pandas as pd

from workbench.analysis.cost.ledger import Account
from workbench.analysis.cost.prices.book import Entry, Price, PriceBook, Provider, Rate
from workbench.analysis.cost.prices.listed import ListPrices, list_prices
from workbench.core.timerange import TimeRange

BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
PERIOD = TimeRange(BEGIN, BEGIN + timedelta(days=2))
WHO = ("provider", "model")
ACCOUNTS = [
    Account("tokens.in", "Input", "tokens", WHO, token_class="input"),
    Account("tokens.hit", "Cached", "tokens", WHO, token_class="cache_read", inside="tokens.in"),
    Account("tokens.out", "Output", "tokens", WHO, token_class="output"),
]


def rates(input_: str, read: str, output: str) -> dict[str, Rate]:
    prices = {"input_tokens": input_, "cache_read_tokens": read, "output_tokens": output}
    return {unit: Rate(Decimal(text)) for unit, text in prices.items()}


def priced(*prices: Price, model: str = "large") -> ListPrices:
    rows = [
        (role, "p", model, Decimal(count), day)
        for day in (0, 1)
        for role, count in (("tokens.in", 1_000_000), ("tokens.hit", 200_000), ("tokens.out", 100_000))
    ]
    frame = pd.DataFrame(rows, columns=["role", "provider", "model", "amount", "day"])
    start = frame["day"].map(lambda day: pd.Timestamp(BEGIN + timedelta(days=day)))
    ledger = frame.drop(columns="day").assign(start=start, end=start + timedelta(days=1))
    book = PriceBook({"p": Provider("p", (Entry("p", "large", {"equals": "large"}, prices),))}, "book")
    return list_prices(ledger, ACCOUNTS, PERIOD, book)


def test_each_day_has_the_price_in_force_on_it() -> None:
    cut = date(2026, 10, 2)
    result = priced(
        Price("p", "large", rates("4", "1", "10"), until=cut), Price("p", "large", rates("2", "0.5", "5"), since=cut)
    )
    # 0.8 M at 4 + 0.2 M at 1 + 0.1 M at 10 = 4.4; the second day half of it
    assert result.sums() == [("USD", Decimal("6.6"), Decimal("6.6"), Decimal("6.6"))]
    assert result.priced_share == 1


def test_tokens_without_a_price_are_unknown_and_not_free() -> None:
    late = priced(Price("p", "large", rates("4", "1", "10"), since=date(2026, 10, 2)))
    assert late.sums()[0][:2] == ("USD", Decimal("4.4"))
    assert late.priced_share == 0.5
    unpriced = late.frame[late.frame["currency"] == ""].iloc[0]
    assert (unpriced["amount"], unpriced["why_not"]) == (None, "no price of p large on these days")
    other = priced(Price("p", "large", rates("4", "1", "10")), model="never heard of")
    assert (other.sums(), other.priced_share) == ([], 0)


def test_a_class_without_a_price_is_unpriced_alone() -> None:
    result = priced(Price("p", "large", {"input_tokens": Rate(Decimal(4))}))
    assert result.sums()[0][1] == Decimal(8)
    assert result.priced_share == 2_000_000 / 2_200_000
    assert result.frame.iloc[-1]["why_not"] == "no price of visible output of p large"


def test_tiers_and_hours_of_the_day_are_an_interval() -> None:
    tiered = {**rates("4", "1", "10"), "input_tokens": Rate(Decimal(4), tiers=((200_000, Decimal(8)),))}
    assert priced(Price("p", "large", tiered)).sums() == [("USD", Decimal("8.8"), Decimal("8.8"), Decimal("15.2"))]
    night = Price("p", "large", rates("2", "0.5", "5"), begins=time(12), ends=time(0))
    both = priced(Price("p", "large", rates("4", "1", "10")), night).sums()
    assert both == [("USD", Decimal("6.6"), Decimal("4.4"), Decimal("8.8"))]
