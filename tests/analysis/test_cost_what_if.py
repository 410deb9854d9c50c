"""Scenarios of cost against sums by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pytest

from workbench.analysis.cost.ledger import Account
from workbench.analysis.cost.prices.book import Entry, Price, PriceBook, Provider, Rate
from workbench.analysis.cost.what_if import Scenario, what_if
from workbench.core.errors import ParameterError
from workbench.core.timerange import TimeRange

BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
PERIOD = TimeRange(BEGIN, BEGIN + timedelta(days=1))
WHO = ("provider", "model")
ACCOUNTS = [
    Account("cost", "Spend", "USD", WHO),
    Account("tokens.in", "Input", "tokens", WHO, token_class="input"),
    Account("tokens.hit", "Cached", "tokens", WHO, token_class="cache_read", inside="tokens.in"),
    Account("tokens.out", "Output", "tokens", WHO, token_class="output"),
    Account("requests", "Requests", "requests", WHO),
    Account("errors", "Errors", "requests", WHO, inside="requests"),
]


def price(model: str, input_: str, read: str, output: str, batch: str | None = None) -> Entry:
    rates = {"input_tokens": input_, "cache_read_tokens": read, "output_tokens": output}
    listed = Price(
        "p", model, {unit: Rate(Decimal(text)) for unit, text in rates.items()}, batch=batch and Decimal(batch)
    )
    return Entry("p", model, {"equals": model}, (listed,))


BOOK = PriceBook({"p": Provider("p", (price("large", "4", "1", "10", "0.5"), price("small", "1", "0.5", "2")))})


def ledger() -> pd.DataFrame:
    amounts = {"cost": 4.5, "tokens.in": 1_000_000, "tokens.hit": 200_000, "tokens.out": 100_000}
    amounts |= {"requests": 110, "errors": 10}
    rows = [(role, "p", "large", Decimal(str(amount))) for role, amount in amounts.items()]
    rows.append(("cost", "p", "pictures", Decimal(3)))
    frame = pd.DataFrame(rows, columns=["role", "provider", "model", "amount"])
    return frame.assign(start=pd.Timestamp(PERIOD.start), end=pd.Timestamp(PERIOD.end))


def asked(scenario: Scenario) -> dict[str, object]:
    result = what_if(ledger(), ACCOUNTS, PERIOD, BOOK, scenario, at=PERIOD.end)
    assert result.notes == ("3.00 USD of p/pictures has no tokens and stays as it is.",)
    return result.frame.iloc[0].to_dict()


def test_another_model_is_priced_by_its_list_and_keeps_the_discount() -> None:
    row = asked(Scenario(models={"large": ("", "small")}))
    assert row["listed"] == Decimal("4.4")
    listed = [Decimal("0.9") + Decimal("0.2") * factor for factor in (Decimal("0.8"), Decimal("1.25"))]
    ends = [(Decimal("4.5") * cost / Decimal("4.4")).quantize(Decimal("1e-12")) for cost in listed]
    assert (row["low"], row["high"], row["requests"]) == (*ends, Decimal(100))


@pytest.mark.slow
def test_cache_reads_give_a_range_from_todays_share_to_the_given_one() -> None:
    row = asked(Scenario(cached=Decimal("0.7")))
    assert (row["low"], row["high"]) == (
        (Decimal("4.5") * Decimal("2.9") / Decimal("4.4")).quantize(Decimal("1e-12")),
        Decimal("4.5"),
    )
    assert asked(Scenario(cached=Decimal("0.1")))["low"] == Decimal("4.5")


@pytest.mark.slow
def test_batches_cost_their_factor_and_an_unknown_one_is_not_priced() -> None:
    assert asked(Scenario(batch=Decimal("0.4")))["high"] == Decimal("3.6")
    row = asked(Scenario(models={"large": ("", "small")}, batch=Decimal("0.4")))
    assert row["low"] is None
    assert row["why_not"] == "the price of small says nothing of batches: give --batch-factor"
    assert asked(Scenario(models={"large": ("p", "unknown")}))["why_not"] == "no price of p unknown"


def test_a_model_that_was_not_used_is_an_error_that_names_those_that_were() -> None:
    with pytest.raises(ParameterError, match="fish"):
        asked(Scenario(models={"fish": ("", "small")}))
