"""Lines of invoices put together to what is compared with a meter: one amount a provider, period and currency."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

import pandas as pd

from workbench.core.money import total
from workbench.core.units import day_text

#: Columns of a line; the last three may be absent.
LINE_COLUMNS = ("provider", "start", "end", "amount", "currency", "category", "invoice_id", "billing_start")

#: Categories of a line that is no charge for use: taxes are on an invoice and never on a meter.
TAXES = ("tax", "taxes", "vat", "gst", "sales tax")


@dataclass
class Invoice:
    """Lines of one provider, period and currency. [currency]

    Attributes
    ----------
    provider, currency : str
    start, end : datetime
        Hull of the lines that are no tax.
    amounts, taxes : list of Decimal
        Of its lines; credits are negative.
    repeated : list of Decimal
        Amounts of lines that another line repeats.
    ids : list of str
        Numbers of the invoices that the lines are on, as far as they are given.
    """

    provider: str
    currency: str
    start: datetime
    end: datetime
    amounts: list[Decimal] = field(default_factory=list)
    taxes: list[Decimal] = field(default_factory=list)
    repeated: list[Decimal] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    @property
    def who(self) -> str:
        """The provider without regard to case."""
        return self.provider.strip().casefold()

    @property
    def amount(self) -> Decimal:
        """Sum without taxes."""
        return total(self.amounts)

    def holds(self, other: Invoice) -> bool:
        """Whether the time of another one of the same provider and currency lies within this one's."""
        same = (self.who, self.currency) == (other.who, other.currency)
        return same and self.start <= other.start and other.end <= self.end

    def taxed_by(self, other: Invoice) -> bool:
        """Whether another one of the same provider and currency is for a part of this one's time."""
        same = (self.who, self.currency) == (other.who, other.currency)
        return same and self.overlaps(other.start, other.end)

    def overlaps(self, start: datetime, end: datetime) -> bool:
        """Whether it is for a part of a range."""
        return self.start < end and start < self.end

    def add(self, other: Invoice) -> None:
        """Take over the lines of another one."""
        for name in ("amounts", "taxes", "repeated", "ids"):
            getattr(self, name).extend(
                value for value in getattr(other, name) if name != "ids" or value not in self.ids
            )


def readable_lines(lines: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Leave out lines that say not what they are for, and say how many and why.

    Parameters
    ----------
    lines : DataFrame
        :data:`LINE_COLUMNS`: text, instants [UTC] and amounts as Decimal [currency].

    Returns
    -------
    lines : DataFrame
        Those with provider, currency, and an end after the start.
    notes : list of str
        One sentence a reason.
    """
    empty = {name: lines[name].fillna("").astype("str").str.strip() == "" for name in ("provider", "currency")}
    undated = lines["start"].isna() | lines["end"].isna()
    reasons = {
        "no start or no end": undated,
        "an end that is not after the start": ~undated & (lines["end"] <= lines["start"]),
        "no provider": empty["provider"],
        "no currency": empty["currency"],
    }
    notes, kept = [], pd.Series(True, lines.index)
    for reason, bad in reasons.items():
        bad &= kept
        kept &= ~bad
        if count := int(bad.sum()):
            phrase = "1 line of invoices has" if count == 1 else f"{count:,} lines of invoices have"
            notes.append(f"{phrase} {reason}, and {'is' if count == 1 else 'are'} left out.")
    return lines[kept], notes


def invoices_of(lines: pd.DataFrame) -> tuple[list[Invoice], list[str]]:
    """Put lines together to invoices.

    Parameters
    ----------
    lines : DataFrame
        As :func:`readable_lines` returns them.

    Returns
    -------
    invoices : list of Invoice
        In the order of their first line.
    notes : list of str
        What overlaps.

    Notes
    -----
    Lines of a provider and currency belong together that have one invoice number, else one billing period (FOCUS), else
    one period. An invoice within the time of another one of the same provider and currency, such as daily use within a
    month with a credit, is added to it, as both are for the same metered spend. Taxes never widen a period.

    Examples
    --------
    >>> from datetime import UTC
    >>> month = {"start": datetime(2026, 10, 1, tzinfo=UTC), "end": datetime(2026, 11, 1, tzinfo=UTC)}
    >>> rows = [{"provider": "p", "currency": "USD", "category": what, "amount": Decimal(amount), **month}
    ...         for what, amount in (("Usage", 120), ("Credit", -20), ("Tax", 19))]
    >>> (invoice,), _ = invoices_of(pd.DataFrame(rows))
    >>> int(invoice.amount), [int(tax) for tax in invoice.taxes]
    (100, [19])
    """
    groups: dict[tuple[object, ...], Invoice] = {}
    seen: set[tuple[object, ...]] = set()
    untaxed: dict[tuple[object, ...], bool] = {}
    for line in lines.to_dict(orient="records"):
        provider, currency = str(line["provider"]), str(line["currency"]).strip().upper()
        start, end, amount = line["start"], line["end"], line["amount"]
        number, billed = (_given(line.get(name)) for name in ("invoice_id", "billing_start"))
        key = (provider.strip().casefold(), currency, number or billed or (start, end))
        invoice = groups.setdefault(key, Invoice(provider, currency, start, end))
        if number and number not in invoice.ids:
            invoice.ids.append(number)
        if _given(line.get("category")).casefold() in TAXES:
            invoice.taxes.append(amount)
            continue
        known = untaxed.setdefault(key, False)
        invoice.start, invoice.end = (min(invoice.start, start), max(invoice.end, end)) if known else (start, end)
        untaxed[key] = True
        invoice.amounts.append(amount)
        identity = (*key, start, end, amount, *sorted((str(name), str(value)) for name, value in line.items()))
        if identity in seen:
            invoice.repeated.append(amount)
        seen.add(identity)
    kept = _nested(list(groups.values()))
    notes = [
        f"Taxes of {total(invoice.taxes):,.2f} {invoice.currency} by {invoice.provider} have no charges beside them."
        for invoice in kept
        if not invoice.amounts
    ]
    charged = [invoice for invoice in kept if invoice.amounts]
    return charged, [*notes, *_overlaps(charged)]


def _given(value: object) -> str:
    return "" if value is None or value is pd.NaT or value != value else str(value).strip()


def _nested(invoices: list[Invoice]) -> list[Invoice]:
    """Add each invoice to the longest other one that holds it, and one of taxes alone to one that it overlaps."""
    kept: list[Invoice] = []
    for invoice in sorted(invoices, key=lambda invoice: (not invoice.amounts, invoice.start - invoice.end)):
        holding = Invoice.holds if invoice.amounts else Invoice.taxed_by
        whole = next((other for other in kept if holding(other, invoice)), None)
        if whole is None:
            kept.append(invoice)
        else:
            whole.add(invoice)
    return [invoice for invoice in invoices if any(invoice is other for other in kept)]


def _overlaps(invoices: Iterable[Invoice]) -> list[str]:
    notes = []
    ordered = sorted(invoices, key=lambda invoice: (invoice.who, invoice.currency, invoice.start))
    for first, second in pairwise(ordered):
        same = (first.who, first.currency) == (second.who, second.currency)
        if same and first.overlaps(second.start, second.end):
            notes.append(
                f"Invoices of {first.provider} overlap between {day_text(f'{second.start:%Y-%m-%d}')} and "
                f"{day_text(f'{first.end:%Y-%m-%d}')}: spend of that time is compared with both."
            )
    return notes
