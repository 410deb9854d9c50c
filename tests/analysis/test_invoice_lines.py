"""Lines of invoices in odd forms: credits, taxes, nested and adjacent periods, repeats, lines that say nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd

from workbench.analysis.cost.finance.invoice_lines import readable_lines
from workbench.analysis.cost.invoices import InvoiceCheck, invoice_check
from workbench.analysis.cost.ledger import Account

FIRST = datetime(2026, 9, 1, tzinfo=UTC)
DAYS = [FIRST + timedelta(days=n) for n in range(91)]
ACCOUNTS = [Account("cost", "Spend", "USD", ("provider",)), Account("cost.storage", "Storage", "USD", ())]


def at(day: int, month: int = 10) -> datetime:
    return datetime(2026, month, day, tzinfo=UTC)


def line(provider: str, start: datetime, end: datetime, amount: str, **more: Any) -> dict[str, Any]:
    fields = {"provider": provider, "start": start, "end": end, "amount": Decimal(amount), "currency": "USD"}
    return {"category": "", "invoice_id": "", "billing_start": pd.NaT, **fields, **more}


def check(*lines: dict[str, Any], as_of: datetime = DAYS[-1]) -> InvoiceCheck:
    """Two providers of 10 and 3 USD a day, storage of 1 USD a day without a provider."""
    daily = [("cost", "p", 10), ("cost", "q", 3), ("cost.storage", "", 1)]
    slices = pd.DataFrame({"start": DAYS}).assign(end=lambda frame: frame["start"] + timedelta(days=1))
    ledger = pd.concat(
        [slices.assign(role=role, provider=who, amount=[Decimal(each)] * len(DAYS)) for role, who, each in daily]
    )
    seen = pd.concat([slices.assign(role=one.role, covered=1.0) for one in ACCOUNTS])
    frame, notes = readable_lines(pd.DataFrame(lines))
    return invoice_check(frame, ledger, seen, ACCOUNTS, as_of=as_of, system="lab", notes=notes)


def rows(result: InvoiceCheck) -> list[tuple[str, int, int, str, str]]:
    amounts = ["-" if amount is None else str(int(amount)) for amount in result.frame["invoiced"]]
    return [
        (row.provider, row.start.day, row.end.day, amount, row.verdict)
        for row, amount in zip(result.frame.itertuples(), amounts, strict=True)
    ]


def test_taxes_are_apart_and_credits_are_not() -> None:
    result = check(
        line("p", at(1), at(1, 11), "330"),
        line("p", at(1), at(1, 11), "-20", category="Credit"),
        line("p", at(1), at(1, 11), "58.9", category="Tax"),
        line("q", at(1), at(1, 11), "93"),
    )
    assert rows(result) == [("p", 1, 1, "310", "agrees"), ("q", 1, 1, "93", "agrees")]
    assert result.frame["tax"].tolist() == [Decimal("58.9"), Decimal(0)]


def test_a_credit_for_the_month_belongs_to_its_daily_lines_and_spend_is_compared_once() -> None:
    days = [line("p", at(day), at(day) + timedelta(days=1), "12") for day in range(1, 32)]
    result = check(*days, line("p", at(1), at(1, 11), "-62"), line("q", at(1), at(1, 11), "93"))
    assert rows(result) == [("p", 1, 1, "310", "agrees"), ("q", 1, 1, "93", "agrees")]


def test_a_tax_for_the_month_does_not_widen_ten_days_of_use() -> None:
    days = [line("p", at(day), at(day) + timedelta(days=1), "10", invoice_id="A-1") for day in range(1, 11)]
    result = check(*days, line("p", at(1), at(1, 11), "19", category="Tax", invoice_id="A-1"))
    assert rows(result)[0] == ("p", 1, 11, "100", "agrees")
    assert result.frame["invoice_id"].iloc[0] == "A-1"


def test_a_provider_with_another_rhythm_of_invoices_is_not_called_without_invoice() -> None:
    days = [line("p", at(day), at(day) + timedelta(days=1), "10") for day in (1, 2, 3)]
    assert {row[4] for row in rows(check(*days, line("q", at(1), at(1, 11), "93")))} == {"agrees"}
    assert ("q", 1, 4, "-", "no invoice") in rows(check(*days)), "adjacent days are one row"
    september = check(
        line("p", at(1, 9), at(1), "300"), line("q", at(1, 9), at(1), "90"), line("p", at(1), at(1, 11), "310")
    )
    assert ("q", 1, 1, "-", "no invoice") in rows(september), "one invoice of two is no invoice of the other"


def test_lines_that_do_not_say_what_they_are_for_are_named() -> None:
    result = check(
        line("p", at(1), at(1, 11), "310"),
        line("Total", pd.NaT, pd.NaT, "310"),
        line("p", at(1, 11), at(1), "1"),
        line("", at(1), at(1, 11), "5"),
        line("p", at(1), at(1, 11), "5", currency=" "),
    )
    assert rows(result)[0] == ("p", 1, 1, "310", "agrees")
    assert result.notes[:4] == (
        "1 line of invoices has no start or no end, and is left out.",
        "1 line of invoices has an end that is not after the start, and is left out.",
        "1 line of invoices has no provider, and is left out.",
        "1 line of invoices has no currency, and is left out.",
    )


def test_causes_name_lines_that_are_there_twice_and_a_last_day_that_is_meant_to_be_within() -> None:
    twice = check(line("p", at(1), at(1, 11), "210"), *[line("p", at(1), at(1, 11), "100")] * 2)
    assert twice.frame["cause"].iloc[0] == "1 line of 100.00 USD in the table twice"
    week = check(line("p", at(5), at(11), "70"))
    assert week.frame["cause"].iloc[0] == 'its last day is within it: set ends = "inclusive"'


def test_what_no_provider_counts_is_invoiced_by_the_system_itself() -> None:
    assert ("lab", 1, 1, "31", "agrees") in rows(check(line("lab", at(1), at(1, 11), "31")))


def test_invoices_that_overlap_are_said_to() -> None:
    result = check(line("p", at(1), at(1, 11), "310"), line("p", at(15), at(15, 11), "310"))
    assert result.notes[-1] == (
        "Invoices of p overlap between 15 Oct 2026 and 1 Nov 2026: spend of that time is compared with both."
    )
