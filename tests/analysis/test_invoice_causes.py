"""Why an invoice differs from the meter: another zone's midnight, time that was not observed, or nothing known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pytest

from workbench.analysis.cost.invoices import invoice_check
from workbench.analysis.cost.ledger import Account

BEGIN = datetime(2026, 9, 30, tzinfo=UTC)
DAY = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 2, tzinfo=UTC)
ACCOUNT = Account("cost", "Spend", "USD", ("provider",))

#: Half hours of three days; the n-th costs n cents.
STARTS = [BEGIN + timedelta(minutes=30 * n) for n in range(144)]


def spend(start: datetime, end: datetime) -> Decimal:
    """Cost of the half hours in a range."""
    return sum((Decimal(n) / 100 for n, at in enumerate(STARTS) if start <= at < end), Decimal(0))


def verdict(invoiced: Decimal, covered: float = 1.0) -> tuple[str, str]:
    slices = pd.DataFrame({"start": STARTS}).assign(end=lambda frame: frame["start"] + timedelta(minutes=30))
    ledger = slices.assign(role="cost", provider="p", amount=[Decimal(n) / 100 for n in range(len(STARTS))])
    seen = slices.assign(role="cost", covered=covered)
    invoice = {"provider": "P", "start": DAY[0], "end": DAY[1], "amount": invoiced, "currency": "USD"}
    check = invoice_check(pd.DataFrame([invoice]), ledger, seen, [ACCOUNT], as_of=BEGIN + timedelta(days=3))
    (row,) = check.frame.itertuples()
    return row.verdict, row.cause


@pytest.mark.slow
@pytest.mark.parametrize(("minutes", "zone"), [(330, "+05:30"), (-480, "-08:00"), (120, "+02:00")])
def test_days_cut_at_the_midnight_of_a_zone_are_known_as_such(minutes: int, zone: str) -> None:
    shift = timedelta(minutes=minutes)
    assert verdict(spend(DAY[0] - shift, DAY[1] - shift)) == ("differs", f"fits a cut at midnight of UTC{zone}")


def test_an_invoice_that_agrees_has_no_cause() -> None:
    assert verdict(spend(*DAY)) == ("agrees", "")


@pytest.mark.slow
def test_spend_that_was_not_observed_explains_more_on_an_invoice_and_never_less() -> None:
    metered = spend(*DAY)
    assert verdict(metered * Decimal("1.9"), covered=0.95) == ("differs", "unexplained")
    assert verdict(metered * Decimal("1.9")) == ("differs", "unexplained")
    assert verdict(metered * Decimal("0.2"), covered=0.95) == ("differs", "unexplained")


def test_a_gap_of_the_meter_explains_what_it_may_have_cost() -> None:
    # Shifts of a zone would explain the sum too on a ramp; on a level only the gap does.
    slices = pd.DataFrame({"start": STARTS}).assign(end=lambda frame: frame["start"] + timedelta(minutes=30))
    ledger = slices.assign(role="cost", provider="p", amount=[Decimal("0.5")] * len(STARTS))
    invoice = {"provider": "p", "start": DAY[0], "end": DAY[1], "amount": Decimal(26), "currency": "USD"}
    seen = slices.assign(role="cost", covered=0.95)
    check = invoice_check(pd.DataFrame([invoice]), ledger, seen, [ACCOUNT], as_of=BEGIN + timedelta(days=3))
    assert check.frame["cause"].tolist() == ["5.0 % of the time was not observed"]
