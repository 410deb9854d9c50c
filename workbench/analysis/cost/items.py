"""What is paid for in a period, item by item: its cost, tokens, requests and list prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Context, Decimal
from fractions import Fraction

import pandas as pd

from workbench.analysis.cost.ledger import Account, Periods, inside
from workbench.analysis.cost.prices.book import PriceBook, rate_of_class
from workbench.analysis.cost.prices.listed import listed_rates
from workbench.analysis.cost.sums import Sums
from workbench.analysis.cost.token_classes import token_usage
from workbench.core.money import total
from workbench.core.timerange import TimeRange

_EXACT = Context(prec=80)

#: Amounts of a period are decimals; what is left of them without a switch of models are fractions.
Amount = Decimal | Fraction

#: Labels that make an item, where both spend and tokens have them.
ITEM_LABELS = ("system", "provider", "model", "key", "team", "service")


@dataclass(frozen=True)
class Item:
    """One thing that is paid for, in one period.

    Attributes
    ----------
    name : tuple of str
        Values of the labels.
    cost : Decimal
        [currency]
    quantity : Decimal
        Tokens; 0 where none are counted. [tokens]
    requests : Decimal or None
        Where they are counted by the same labels. [requests]
    classes : mapping of str to (Decimal, Decimal)
        Tokens and cost by class of tokens, where they are priced apart; they add up to ``quantity`` and ``cost``.
    listed : mapping of str to (Decimal, Decimal)
        Tokens by class, and what one of them costs at list prices of the days of use; empty where one has no price.
        [currency]
    """

    name: tuple[str, ...]
    cost: Amount
    quantity: Amount
    requests: Amount | None = None
    classes: Mapping[str, tuple[Amount, Amount]] = field(default_factory=dict)
    listed: Mapping[str, tuple[Decimal, Decimal]] = field(default_factory=dict)

    @property
    def parts(self) -> Mapping[str, tuple[Amount, Amount]]:
        """Classes, or all tokens as one class."""
        return self.classes or {"": (self.quantity, self.cost)}


def item_labels(paid: Sequence[Account], tokens: Sequence[Account]) -> tuple[str, ...]:
    """Return the labels of items: those that all tokens have and some spend, else those that some spend has."""
    spent = {name for account in paid for name in account.dimensions}
    shared = [name for name in ITEM_LABELS if name in spent and all(name in account.dimensions for account in tokens)]
    return tuple(shared or [name for name in ITEM_LABELS if name in spent])


def items_of(sums: Sums, parts: Sequence[Sequence[Account]], labels: Sequence[str], span: TimeRange) -> list[Item]:
    """Return the items of a period; spend without any of the labels is an item under its counter's title."""
    nothing = Decimal(0)
    every: list[dict[tuple[str, ...], Decimal]] = []
    for accounts in parts:
        amounts: dict[tuple[str, ...], Decimal] = {}
        for account in accounts:
            own = [name for name in labels if name in account.dimensions]
            if not own:
                name = (account.title, *[""] * (len(labels) - 1))
                amounts[name] = total([amounts.get(name, nothing), sums.within([account.role], span)])
            for values, amount in sums.by(own, sums.rows([account.role], span)).items() if own else ():
                given = dict(zip(own, values, strict=True))
                name = tuple(given.get(label, "") for label in labels)
                amounts[name] = total([amounts.get(name, nothing), amount])
        every.append(amounts)
    costs, tokens, requests = every
    used = (name for name in {**costs, **tokens} if costs.get(name, nothing) or tokens.get(name, nothing))
    return [
        Item(name, costs.get(name, nothing), tokens.get(name, nothing), requests.get(name) if requests else None)
        for name in used
    ]


def with_list_prices(
    ledger: pd.DataFrame,
    accounts: Sequence[Account],
    sides: Sequence[list[Item]],
    labels: Sequence[str],
    periods: Periods,
    book: PriceBook,
    unit: str,
) -> list[list[Item]]:
    """Give the items of both periods their tokens by class, with the list price of one in that period."""
    if "model" not in labels or "provider" not in labels:
        return list(sides)
    usage, _ = token_usage(ledger, [account for account in accounts if account.measure == "tokens"])
    if not set(labels) <= set(usage.columns):
        return list(sides)
    rates = [listed_rates(inside(usage, span), labels, book, unit) for span in (periods.before, periods.now)]
    for name, classes in rates[1].items():
        known = rates[0].get(name, {})
        provider, model = name[labels.index("provider")], name[labels.index("model")]
        unused = [token_class for token_class in classes if token_class not in known]
        price = book.price(provider, model, periods.before.end - timedelta(milliseconds=1)) if unused else None
        for token_class in unused:
            rate = rate_of_class(price, token_class) if price is not None and price.currency == unit else None
            if rate is not None:
                rates[0].setdefault(name, {})[token_class] = Decimal(0), _EXACT.divide(rate.base, Decimal(rate.per))
    return [
        [replace(item, listed=prices.get(item.name, {})) for item in items]
        for items, prices in zip(sides, rates, strict=True)
    ]
