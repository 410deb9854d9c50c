"""What tokens cost at list prices of the day they were used on, and which part of them has a price."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Context, Decimal
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.cost.ledger import Account, inside
from workbench.analysis.cost.prices.book import Price, PriceBook, Rate, rate_of_class
from workbench.analysis.cost.token_classes import token_usage
from workbench.analysis.counting.amounts import summed
from workbench.core.money import PRECISION, quantised, total
from workbench.core.result import Result
from workbench.core.timerange import TimeRange

_CONTEXT = Context(prec=PRECISION)
_NOTHING = Decimal(0)
_HOUR = timedelta(hours=1)
_COLUMNS = ["provider", "model", "currency", "tokens", "priced", "amount", "low", "high", "why_not"]


@dataclass(frozen=True, eq=False, repr=False)
class ListPrices(Result):
    """Tokens of a period at list prices; one row a provider, model and currency, the largest amount first.

    Columns of ``frame``:

    =============== ==================================================================================
    provider, model as they are counted; empty where they are not (str)
    currency        of the price; empty where nothing of the model has one (str)
    tokens          used in the period, each once (Decimal) [tokens]
    priced          of these, with a price on the day of use (Decimal) [tokens]
    amount          their cost at the base tier; None where nothing is priced (Decimal) [``currency``]
    low, high       their cost at the lowest and the highest price that may apply: the size of single requests, and the
                    hour where prices differ in a day, are not counted (Decimal) [``currency``]
    why_not         why tokens have no price, else empty (str)
    =============== ==================================================================================

    ``source`` names the price book; it is empty where none is set.
    """

    period: TimeRange
    source: str

    @property
    def priced_share(self) -> float:
        """Share of all tokens that have a price; NaN where no token was counted. [ratio]"""
        tokens = total(self.frame["tokens"])
        return float(total(self.frame["priced"]) / tokens) if tokens else np.nan

    def sums(self) -> list[tuple[str, Decimal, Decimal, Decimal]]:
        """Currency, amount, low and high of all models that have a price, a currency at a time."""
        known = self.frame[self.frame["priced"] > _NOTHING]
        return [
            (str(currency), total(part["amount"]), total(part["low"]), total(part["high"]))
            for currency, part in known.groupby("currency", sort=True)
        ]


@dataclass
class _Sums:
    tokens: Decimal = _NOTHING
    priced: Decimal = _NOTHING
    amount: Decimal = _NOTHING
    low: Decimal = _NOTHING
    high: Decimal = _NOTHING
    why_not: list[str] = field(default_factory=list)


def list_prices(
    ledger: pd.DataFrame, accounts: Sequence[Account], period: TimeRange, book: PriceBook | None
) -> ListPrices:
    """Price the tokens of a period at the date of use.

    Parameters
    ----------
    ledger, accounts
        As for :func:`workbench.analysis.cost.spend.spend_totals`. [unit of the account]
    period : TimeRange
        Period to read, without its end.
    book : PriceBook, optional
        Without one there are no rows, and a note says so.

    Returns
    -------
    ListPrices

    Notes
    -----
    Each slice of the ledger (a day, or a part of one) is priced with the book's price in force then, hour by hour where
    it changes within the slice: the mean of the hours is the amount, the extremes are the interval. Amounts are the
    base tier, ``high`` the highest tier: the tier follows from the size of each request, which counters do not hold.
    Tokens without a price add nothing and are never free: they are in ``tokens`` and not in ``priced``.

    Examples
    --------
    >>> from datetime import UTC
    >>> day = TimeRange(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 2, tzinfo=UTC))
    >>> list_prices(pd.DataFrame(), [], day, None).notes
    ('Tokens are not priced: no price book is set (cost.prices in the settings).',)
    """
    if book is None:
        note = "Tokens are not priced: no price book is set (cost.prices in the settings)."
        return ListPrices(pd.DataFrame(columns=_COLUMNS, dtype=object), notes=(note,), period=period, source="")
    counted = [account for account in accounts if account.measure == "tokens"]
    usage, errors = token_usage(inside(ledger, period), counted) if counted else (pd.DataFrame(), [])
    sums: dict[tuple[str, str, str], _Sums] = {}
    for provider, model, token_class, start, end, count in _amounts(usage):
        prices = _in_force(book, provider, model, start, end)
        rates = [None if price is None else rate_of_class(price, token_class) for price in prices]
        currencies = {price.currency for price in prices if price is not None}
        known = [rate for rate in rates if rate is not None]
        priced = len(known) == len(rates) and len(currencies) == 1
        row = sums.setdefault((provider, model, next(iter(currencies)) if priced else ""), _Sums())
        row.tokens = _CONTEXT.add(row.tokens, count)
        if priced:
            row.priced = _CONTEXT.add(row.priced, count)
            for name, rate in zip(("amount", "low", "high"), _ends(known), strict=True):
                setattr(row, name, _CONTEXT.add(getattr(row, name), _CONTEXT.multiply(count, rate)))
        else:
            row.why_not.append(_why_not(provider, model, token_class, prices))
    rows = [_row(key, row) for key, row in sums.items() if row.tokens]
    frame = pd.DataFrame(rows, columns=_COLUMNS, dtype=object)
    size = frame["amount"].map(lambda amount: -1.0 if amount is None else float(amount))
    frame = frame.assign(size=size).sort_values(["size", "tokens"], ascending=False, ignore_index=True)[_COLUMNS]
    return ListPrices(frame, notes=tuple(errors), period=period, source=book.source)


def listed_rates(
    usage: pd.DataFrame, labels: Sequence[str], book: PriceBook, currency: str
) -> dict[tuple[str, ...], dict[str, tuple[Decimal, Decimal]]]:
    """Price the tokens of each item by class at the dates of use.

    Parameters
    ----------
    usage : DataFrame
        As of :func:`workbench.analysis.cost.token_classes.token_usage`. [tokens]
    labels : sequence of str
        Columns that name an item, ``provider`` and ``model`` among them.
    book : PriceBook
        Prices by date.
    currency : str
        Prices in another one do not count.

    Returns
    -------
    dict
        Values of the labels -> class -> tokens and the mean list price of one; items with a class that has no price on
        one of its days are left out. [tokens, currency]
    """
    rates: dict[tuple[str, ...], dict[str, tuple[Decimal, Decimal]]] = {}
    unknown: set[tuple[str, ...]] = set()
    for row in summed(usage, [*labels, "token_class", "start", "end"]).to_dict(orient="records"):
        name, count = tuple(str(row[label]) for label in labels), Decimal(row["amount"])
        if not count:
            continue
        prices = _in_force(book, str(row["provider"]), str(row["model"]), row["start"], row["end"])
        each = [rate_of_class(price, row["token_class"]) for price in prices if price and price.currency == currency]
        known = [rate for rate in each if rate is not None]
        if len(known) < len(prices):
            unknown.add(name)
            continue
        classes = rates.setdefault(name, {})
        used, amount = classes.get(str(row["token_class"]), (_NOTHING, _NOTHING))
        paid = _CONTEXT.multiply(count, _ends(known)[0])
        classes[str(row["token_class"])] = _CONTEXT.add(used, count), _CONTEXT.add(amount, paid)
    return {
        name: {each: (used, _CONTEXT.divide(amount, used)) for each, (used, amount) in classes.items() if used}
        for name, classes in rates.items()
        if name not in unknown
    }


def _amounts(usage: pd.DataFrame) -> Iterator[tuple[str, str, str, datetime, datetime, Decimal]]:
    if usage.empty:
        return
    labels = [name for name in ("provider", "model") if name in usage.columns]
    sums = summed(usage, [*labels, "token_class", "start", "end"])
    for row in sums.to_dict(orient="records"):
        if row["amount"]:
            names = [str(row.get(name, "")) for name in ("provider", "model", "token_class")]
            yield names[0], names[1], names[2], row["start"], row["end"], Decimal(row["amount"])


def _in_force(book: PriceBook, provider: str, model: str, start: datetime, end: datetime) -> list[Price | None]:
    """Return the price of each hour of a slice, the first alone where the model has only one."""
    entry = book.entry(provider, model)
    if entry is None:
        return [None]
    if len(entry.prices) == 1 and (only := entry.prices[0]).begins is None and only.since is None and not only.until:
        return [only]
    hours = max(1, -(-(end - start) // _HOUR))
    return [book.price(provider, model, start + _HOUR * hour) for hour in range(hours)]


def _ends(rates: Sequence[Rate]) -> tuple[Decimal, Decimal, Decimal]:
    """Mean, lowest and highest price of one token over hours and tiers. [currency]"""
    base = [_CONTEXT.divide(rate.base, Decimal(rate.per)) for rate in rates]
    tiers = [_CONTEXT.divide(price, Decimal(rate.per)) for rate in rates for _, price in rate.tiers]
    mean = base[0] if len(set(base)) == 1 else _CONTEXT.divide(sum(base, _NOTHING), Decimal(len(base)))
    return mean, min([*base, *tiers]), max([*base, *tiers])


def _why_not(provider: str, model: str, token_class: str, prices: Sequence[Price | None]) -> str:
    if not model:
        return "the model is not counted"
    if not provider:
        return "the provider is not counted"
    if all(price is None for price in prices):
        return f"no price of {provider} {model} on these days"
    if any(price is None for price in prices):
        return f"no price of {provider} {model} for a part of a day"
    return f"no price of {token_class.replace('_', ' ')} of {provider} {model}"


def _row(key: tuple[str, str, str], row: _Sums) -> dict[str, Any]:
    priced = [quantised(value) if row.priced else None for value in (row.amount, row.low, row.high)]
    why = ", ".join(dict.fromkeys(row.why_not))
    return dict(zip(_COLUMNS, (*key, row.tokens, row.priced, *priced, why), strict=True))
