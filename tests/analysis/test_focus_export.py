"""Charges as FOCUS 1.2 writes them: exact sums, quantities where they are counted, list prices by class of tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pytest

from workbench.analysis.cost.focus import focus_export
from workbench.analysis.cost.ledger import Account
from workbench.analysis.cost.prices.book import Entry, Price, PriceBook, Provider, Rate
from workbench.core.errors import ParameterError
from workbench.core.money import total
from workbench.core.timerange import TimeRange

BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
PERIOD = TimeRange(BEGIN, BEGIN + timedelta(days=2))
SPEND = Account("cost", "Spend on models", "USD", ("provider", "model", "region"))
STORAGE = Account("cost.storage", "Storage", "EUR", ("bucket",))
KEYS = Account("cost.key", "Spend by key", "USD", ("key",), view_of="cost")
INPUT = Account("tokens.in", "Input", "tokens", ("provider", "model"), token_class="input")
CACHED = Account("tokens.hit", "Cached", "tokens", ("provider", "model"), token_class="cache_read", inside="tokens.in")
OUTPUT = Account("tokens.out", "Output", "tokens", ("provider", "model"), token_class="output")
ACCOUNTS = [SPEND, STORAGE, KEYS, INPUT, CACHED, OUTPUT]


def row(role: str, day: int, amount: str, **labels: str) -> dict[str, object]:
    names = {"provider": "", "model": "", "region": "", "bucket": "", "key": ""} | labels
    start = BEGIN + timedelta(days=day)
    return {"role": role, **names, "start": start, "end": start + timedelta(days=1), "amount": Decimal(amount)}


def ledger() -> tuple[pd.DataFrame, pd.DataFrame]:
    large = {"provider": "p1", "model": "large"}
    rows = [
        row("cost", 0, "1.000000000001", region="eu", **large),
        row("cost", 0, "2", region="us", **large),
        row("cost", 1, "0.5", region="eu", **large),
        row("cost", 0, "0.25", provider="p2", model="pictures", region="eu"),
        row("cost.storage", 0, "7", bucket="b"),
        row("cost.key", 0, "3.250000000001", key="=cmd()"),
        row("tokens.in", 0, "1000", **large),
        row("tokens.hit", 0, "400", **large),
        row("tokens.out", 0, "100", **large),
        row("tokens.in", 1, "10", **large),
    ]
    frame = pd.DataFrame(rows)
    for name in ("start", "end"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("ms")
    slices = frame[["start", "end"]].drop_duplicates()
    seen = pd.concat([slices.assign(role=account.role, covered=0.75) for account in ACCOUNTS], ignore_index=True)
    return frame, seen


def export(**options: object) -> pd.DataFrame:
    return focus_export(*ledger(), ACCOUNTS, PERIOD, system="gateway", zone="UTC", **options).frame


def test_billed_cost_is_the_spend_to_the_last_digit_and_views_are_not_added() -> None:
    frame = export()
    sums = {unit: total(part["BilledCost"]) for unit, part in frame.groupby("BillingCurrency")}
    assert sums == {"USD": Decimal("3.750000000001"), "EUR": Decimal(7)}


def test_quantities_are_tokens_where_they_are_counted_and_the_charge_itself_where_not() -> None:
    frame = export().set_index(["ServiceName", "ChargePeriodStart", "ProviderName"])
    first = frame.loc[("Spend on models", "2026-10-01T00:00:00Z", "p1")]
    assert (first["ConsumedQuantity"], first["ConsumedUnit"]) == (Decimal(1100), "Tokens")
    assert first["BilledCost"] == Decimal("3.000000000001")
    pictures = frame.loc[("Spend on models", "2026-10-01T00:00:00Z", "p2")]
    assert (pictures["PricingQuantity"], pictures["PricingUnit"]) == (Decimal("0.25"), "USD")
    assert frame.loc[("Storage", "2026-10-01T00:00:00Z", "gateway")]["ServiceCategory"] == "Other"


def test_a_price_book_splits_a_charge_by_class_and_the_parts_add_up() -> None:
    rates = {
        "input_tokens": Rate(Decimal(3)),
        "cache_read_tokens": Rate(Decimal("0.3")),
        "output_tokens": Rate(Decimal(15)),
    }
    price = Price("p1", "large", rates)
    book = PriceBook({"p1": Provider("p1", (Entry("p1", "large", {"equals": "large"}, (price,)),))})
    frame = export(book=book)
    first = frame[(frame["ProviderName"] == "p1") & (frame["ChargePeriodStart"] == "2026-10-01T00:00:00Z")]
    assert first.set_index("x_TokenClass")["PricingQuantity"].to_dict() == {
        "uncached_input": Decimal(600),
        "cache_read": Decimal(400),
        "visible_output": Decimal(100),
    }
    listed = first.set_index("x_TokenClass")["ListCost"]
    assert listed.to_dict() == {
        "uncached_input": Decimal("0.0018"),
        "cache_read": Decimal("0.00012"),
        "visible_output": Decimal("0.0015"),
    }
    assert (first["ListUnitPrice"] * first["PricingQuantity"] == first["ListCost"]).all()
    assert total(first["BilledCost"]) == Decimal("3.000000000001")
    assert (frame["SkuPriceId"].notna()).all()
    assert total(frame[frame["BillingCurrency"] == "USD"]["BilledCost"]) == Decimal("3.750000000001")


def test_a_showback_by_key_reads_the_view_and_an_unknown_label_says_which_there_are() -> None:
    frame = export(by="key")
    assert frame[["SubAccountId", "BilledCost"]].values.tolist() == [["=cmd()", Decimal("3.250000000001")]]
    with pytest.raises(ParameterError, match="fish"):
        export(by="fish")


def test_days_and_billing_months_of_a_zone_are_written_in_utc() -> None:
    frame, seen = ledger()
    shift = timedelta(hours=2)
    for part in (frame, seen):
        part[["start", "end"]] -= shift
    period = TimeRange(PERIOD.start - shift, PERIOD.end - shift)
    result = focus_export(frame, seen, ACCOUNTS, period, system="gateway", zone="Europe/Berlin")
    first = result.frame.iloc[0]
    assert (first["ChargePeriodStart"], first["BillingPeriodStart"]) == ("2026-09-30T22:00:00Z",) * 2
    assert first["BillingPeriodEnd"] == "2026-10-31T23:00:00Z"


def test_numbers_are_written_without_exponent_and_nulls_as_nothing() -> None:
    result = focus_export(*ledger(), ACCOUNTS, PERIOD, system="gateway", zone="UTC")
    texts = result.texts()[0]
    assert (texts["ConsumedQuantity"], texts["BilledCost"], texts["ChargeClass"]) == ("1100.0", "3.000000000001", "")


def test_labels_in_another_order_find_their_tokens_and_tokens_without_spend_are_named() -> None:
    frame, seen = ledger()
    frame = pd.concat([frame, frame[frame["role"] == "tokens.out"].assign(model="free")], ignore_index=True)
    turned = Account("cost", "Spend on models", "USD", ("region", "model", "provider"))
    result = focus_export(frame, seen, [turned, *ACCOUNTS[1:]], PERIOD, system="gateway", zone="UTC")
    first = result.frame[result.frame["ProviderName"] == "p1"].iloc[0]
    assert (first["ConsumedQuantity"], first["ConsumedUnit"]) == (Decimal(1100), "Tokens")
    assert "100 tokens have no spend under their labels and are left out." in result.notes
