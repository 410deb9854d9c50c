"""Charges in the columns of FOCUS 1.2, which finance tools read: a row a day, label set and class of tokens."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Context, Decimal
from typing import Any

import pandas as pd

from workbench.analysis.cost.finance.invoice_lines import Invoice
from workbench.analysis.cost.ledger import Account, inside, observed
from workbench.analysis.cost.prices.book import Price, PriceBook, rate_of_class
from workbench.analysis.cost.token_classes import CLASSES, token_usage
from workbench.analysis.counting.amounts import summed
from workbench.core.errors import ParameterError
from workbench.core.money import quantised, total
from workbench.core.result import Result
from workbench.core.timerange import TimeRange, calendar_range, named_zone

_EXACT = Context(prec=60)
_NOTHING = Decimal(0)

#: Digits of a price that was divided out of a cost.
_PRICE = Context(prec=18)

#: Columns of the export that FOCUS 1.2 requires or recommends, in its order.
COLUMNS = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd",
    "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd",
    "ChargePeriodStart", "CommitmentDiscountStatus", "ConsumedQuantity", "ConsumedUnit", "ContractedCost",
    "EffectiveCost", "InvoiceId", "InvoiceIssuerName", "ListCost", "PricingCategory", "PricingQuantity",
    "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName", "ServiceSubcategory",
    "SubAccountId", "SubAccountName", "Tags",
)  # fmt: skip

#: Columns that are there only with a price book.
PRICE_COLUMNS = (
    "ListUnitPrice", "PricingCurrency", "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice", "SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId",
)  # fmt: skip

#: Our own columns, marked as FOCUS asks.
OWN_COLUMNS = ("x_Coverage", "x_TokenClass")

#: Labels that have a column of their own and are no tag.
_NO_TAGS = ("provider",)

Key = tuple[str, ...]


@dataclass(frozen=True, eq=False, repr=False)
class FocusExport(Result):
    """Charges of a period; ``frame`` has the columns of FOCUS 1.2, amounts as Decimal, times as text in UTC.

    ``BilledCost`` adds up to the spend of the period exactly, currency by currency. ``x_Coverage`` is the share of the
    day in which the counter was observed, ``x_TokenClass`` the class of a row that a price book split.
    """

    system: str
    period: TimeRange
    zone: str

    def texts(self) -> list[dict[str, str]]:
        """Return the rows as FOCUS writes them: numbers without exponent or separators, nothing where null."""
        return [{str(name): _text(value) for name, value in row.items()} for row in self.frame.to_dict("records")]


def focus_export(
    ledger: pd.DataFrame,
    seen: pd.DataFrame,
    accounts: Sequence[Account],
    period: TimeRange,
    *,
    system: str,
    zone: str,
    book: PriceBook | None = None,
    by: str = "",
    invoices: Sequence[Invoice] = (),
) -> FocusExport:
    """Write the charges of a system as rows of FOCUS 1.2.

    Parameters
    ----------
    ledger, seen, accounts
        As for :func:`workbench.analysis.cost.spend.spend_totals`. [unit of the account]
    period : TimeRange
        Whole slices of the ledger.
    system : str
        Billing account.
    zone : str
        IANA zone of days and billing months; FOCUS writes their edges in UTC.
    book : PriceBook, optional
        Splits each charge by class of tokens in proportion to list prices, which become ``ListCost``.
    by : str
        Label that rows must have, such as ``key``; then a counter that is a view of spend may serve.
    invoices : sequence of Invoice
        Known invoices: ``InvoiceId`` is the number of the one of the same provider and currency that holds the day.

    Returns
    -------
    FocusExport
        A row a day, values of the labels and class; notes say what a reader must know.

    Raises
    ------
    ParameterError
        No counter of spend has the label ``by``.

    Notes
    -----
    Quantities are tokens where these are counted by labels that the spend has too; then rows have those labels. Else
    the charge is its own quantity (unit: the currency). Billed, effective and contracted cost are what the system's own
    counter says. Tiers of a price need the size of single requests, so list costs are at the base price.

    References
    ----------
    .. [1] FinOps Foundation, FOCUS specification 1.2, Cost and Usage dataset.
    """
    paid = _paid(accounts, by)
    usage, notes = token_usage(inside(ledger, period), [account for account in accounts if account.measure == "tokens"])
    counted = [str(name) for name in usage.columns if name not in ("token_class", "start", "end", "amount")]
    tokens = _tokens(usage, counted)
    rows: list[dict[str, Any]] = []
    with_model = {account.role for account in accounts if "model" in account.dimensions}
    for account in paid:
        of_models = account.role in with_model or account.view_of in with_model
        part = inside(ledger[ledger["role"] == account.role], period)
        if part.empty:
            continue
        shared = counted if tokens and not by and set(counted) <= set(account.dimensions) else []
        labels = shared or list(account.dimensions)
        if dropped := [name for name in account.dimensions if name not in labels]:
            notes.append(f"{account.title}: tokens are not counted by {', '.join(dropped)}, so rows do not have it.")
        spend = summed(part, [*labels, "start", "end"])
        for values in spend.itertuples(index=False):
            names = {name: str(getattr(values, name)) for name in labels}
            classes = tokens.pop((*names.values(), values.start, values.end), {}) if shared else {}
            if values.amount or any(classes.values()):
                charge = _Charge(account, names, values.start, values.end, values.amount, classes, of_models)
                coverage = observed(seen, account.role, TimeRange(values.start, values.end))
                number = {"InvoiceId": _invoice_number(invoices, names.get("provider") or system, account.unit, charge)}
                rows += [number | row for row in charge.rows(system, zone, coverage, book, notes)]
    if not by and (unpaid := total(sum(classes.values(), _NOTHING) for classes in tokens.values())):
        notes.append(f"{unpaid:,.0f} tokens have no spend under their labels and are left out.")
    with_keys = any("key" in account.dimensions for account in paid)
    columns = [name for name in COLUMNS if with_keys or not name.startswith("SubAccount")]
    columns += [*(PRICE_COLUMNS if book else ()), *OWN_COLUMNS]
    frame = pd.DataFrame(rows, columns=columns, dtype=object)
    return FocusExport(frame, notes=tuple(dict.fromkeys(notes)), system=system, period=period, zone=zone)


@dataclass(frozen=True)
class _Charge:
    """Spend of account label set in account slice, with its tokens by class."""

    account: Account
    labels: Mapping[str, str]
    start: datetime
    end: datetime
    amount: Decimal
    classes: Mapping[str, Decimal]
    of_models: bool

    @property
    def model(self) -> str:
        return self.labels.get("model", "")

    def rows(
        self, system: str, zone: str, coverage: float, book: PriceBook | None, notes: list[str]
    ) -> list[dict[str, Any]]:
        common = self._common(system, zone, coverage)
        tokens = total(self.classes.values())
        price = book.price(self.labels.get("provider", ""), self.model, self.start) if book and self.classes else None
        if price is not None and price.currency != self.account.unit:
            notes.append(f"The price of {self.model} is in {price.currency}, spend in {self.account.unit}: not used.")
            price = None
        split = self._split(price) if price is not None else []
        if book and not split and self.classes:
            notes.append(f"{self.model or self.account.title}: the price book has no price, so its rows are not split.")
        if not split:
            return [common | self._plain(tokens, priced=book is not None)]
        sku = f"{price.provider}/{price.model}" if price else ""
        rows = []
        for name, quantity, unit_price, billed in split:
            words = name.replace("_", " ")
            rows.append(
                common
                | _costs(billed, _EXACT.multiply(unit_price, quantity))
                | {
                    "ChargeDescription": f"{self.model}: {words} tokens",
                    "ConsumedQuantity": quantity,
                    "ConsumedUnit": "Tokens",
                    "PricingQuantity": quantity,
                    "PricingUnit": "Tokens",
                    "PricingCurrencyContractedUnitPrice": _PRICE.divide(billed, quantity),
                    **_list_price(unit_price, billed, self.account.unit),
                    "SkuId": sku,
                    "SkuMeter": f"{words.capitalize()} tokens",
                    "SkuPriceId": f"{sku}/{name}/{price.since if price and price.since else 'undated'}",
                    "x_TokenClass": name,
                }
            )
        return rows

    def _common(self, system: str, zone: str, coverage: float) -> dict[str, Any]:
        month = calendar_range(f"{self.start.astimezone(named_zone(zone)):%Y-%m}", zone=zone, now=self.start)
        seller = self.labels.get("provider") or system
        tags = {name: value for name, value in self.labels.items() if value and name not in _NO_TAGS}
        key = self.labels.get("key") or None
        return {
            "BillingAccountId": system,
            "BillingAccountName": system,
            "BillingCurrency": self.account.unit,
            "BillingPeriodStart": _instant(month.start),
            "BillingPeriodEnd": _instant(month.end),
            "ChargeCategory": "Usage",
            "ChargeDescription": f"{self.account.title}: {' / '.join(filter(None, self.labels.values()))}".rstrip(": "),
            "ChargeFrequency": "Usage-Based",
            "ChargePeriodStart": _instant(self.start),
            "ChargePeriodEnd": _instant(self.end),
            "InvoiceIssuerName": seller,
            "ProviderName": seller,
            "PublisherName": seller,
            "PricingCategory": "Standard",
            "ServiceCategory": "AI and Machine Learning" if self.of_models else "Other",
            "ServiceSubcategory": "Generative AI" if self.of_models else "Other (Other)",
            "ServiceName": self.account.title,
            "SubAccountId": key,
            "SubAccountName": key,
            "Tags": json.dumps(tags, ensure_ascii=False) if tags else None,
            "x_Coverage": round(coverage, 6),
        }

    def _plain(self, tokens: Decimal, *, priced: bool) -> dict[str, Any]:
        counted = tokens > 0
        own_unit = priced or not counted
        name = "/".join(filter(None, (self.labels.get("provider"), self.model))) or self.account.title
        row: dict[str, Any] = _costs(self.amount, self.amount) | {
            "ConsumedQuantity": tokens if counted else self.amount,
            "ConsumedUnit": "Tokens" if counted else self.account.unit,
            "PricingQuantity": self.amount if own_unit else tokens,
            "PricingUnit": self.account.unit if own_unit else "Tokens",
        }
        if priced:
            row |= _list_price(Decimal(1), self.amount, self.account.unit)
            row |= {"PricingCurrencyContractedUnitPrice": Decimal(1), "SkuId": name, "SkuMeter": "Spend"}
            row["SkuPriceId"] = f"{name}/unpriced"
        return row

    def _split(self, price: Price) -> list[tuple[str, Decimal, Decimal, Decimal]]:
        """Class, tokens, list price of a token and billed cost; nothing where a class has no price."""
        parts = []
        for name in (*CLASSES, *sorted(set(self.classes) - set(CLASSES))):
            quantity = self.classes.get(name, _NOTHING)
            rate = rate_of_class(price, name) if quantity else None
            if quantity and (rate is None or quantity < 0):
                return []
            if rate is not None:
                parts.append((name, quantity, _EXACT.divide(rate.base, Decimal(rate.per))))
        listed = sum((_EXACT.multiply(each, quantity) for _, quantity, each in parts), _NOTHING)
        if not listed:
            return []
        shares = [
            quantised(_EXACT.divide(_EXACT.multiply(_EXACT.multiply(each, quantity), self.amount), listed))
            for _, quantity, each in parts
        ]
        most = max(range(len(shares)), key=lambda place: shares[place])
        shares[most] = total((self.amount, *(-share for place, share in enumerate(shares) if place != most)))
        return [(*part, share) for part, share in zip(parts, shares, strict=True)]


def _invoice_number(invoices: Sequence[Invoice], provider: str, currency: str, charge: _Charge) -> str | None:
    """Return the number of the one invoice that holds a charge; None without one, or where several do."""
    day = Invoice(provider, currency.upper(), charge.start, charge.end)
    numbers = {number for invoice in invoices if invoice.holds(day) for number in invoice.ids}
    return numbers.pop() if len(numbers) == 1 else None


def _paid(accounts: Sequence[Account], by: str) -> list[Account]:
    spending = [account for account in accounts if account.measure == "cost"]
    if not by:
        return [account for account in spending if account.added]
    having = [account for account in spending if by in account.dimensions]
    if not having:
        known = sorted({name for account in spending for name in account.dimensions})
        raise ParameterError(
            f"No counter of spend has the label {by!r}.", hint=f"Labels: {', '.join(known) or 'none'}."
        )
    return [account for account in having if account.added] or having[:1]


def _tokens(usage: pd.DataFrame, counted: Sequence[str]) -> dict[Any, dict[str, Decimal]]:
    tokens: dict[Any, dict[str, Decimal]] = {}
    for row in usage.to_dict("records"):
        key = (*(str(row[name]) for name in counted), row["start"], row["end"])
        tokens.setdefault(key, {})[str(row["token_class"])] = row["amount"]
    return tokens


def _costs(billed: Decimal, listed: Decimal) -> dict[str, Decimal]:
    return {"BilledCost": billed, "ContractedCost": billed, "EffectiveCost": billed, "ListCost": listed}


def _list_price(unit_price: Decimal, billed: Decimal, currency: str) -> dict[str, Decimal | str]:
    """List price, once in the currency that is billed and once in that of the price list: they are the same."""
    return {
        "ListUnitPrice": unit_price,
        "PricingCurrency": currency,
        "PricingCurrencyEffectiveCost": billed,
        "PricingCurrencyListUnitPrice": unit_price,
    }


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        text = f"{value.normalize():f}"
        return text if "." in text else f"{text}.0"
    return "" if value is None or value is pd.NaT or value != value else str(value)
