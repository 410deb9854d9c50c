"""Tokens at list prices, in words: an estimate beside the system's own spend, or in place of it."""

from __future__ import annotations

from workbench.analysis.cost.prices.in_force import BookPrices
from workbench.analysis.cost.prices.listed import ListPrices
from workbench.charts.tables import Sentence, Table
from workbench.core.result import Result
from workbench.core.units import NO_VALUE, amount_text, day_text, ratio_text

#: Columns of :func:`list_price_rows` that hold text.
LIST_PRICE_TEXT = ("model", "not priced because")

#: Columns of :func:`book_price_rows` that hold text.
BOOK_PRICE_TEXT = ("model", "unit", "from", "until", "hours", "larger requests")

CAPTION = (
    "Tokens times the price book's prices on the day of use: an estimate, no invoice. Discounts are not in it. The "
    "interval spans the tiers, as counters do not know the size of single requests."
)


def list_price_rows(result: Result) -> list[dict[str, str]]:
    """One row of text a model: ``model, tokens, with a price, at list prices, interval, not priced because``."""
    return [
        {
            "model": "/".join(filter(None, (str(row.provider), str(row.model)))) or NO_VALUE,
            "tokens": amount_text(row.tokens, "tokens"),
            "with a price": ratio_text(float(row.priced / row.tokens), digits=1),
            "at list prices": amount_text(row.amount, str(row.currency)),
            "interval": NO_VALUE
            if row.low is None or row.low == row.high
            else f"{row.low:,.2f} to {row.high:,.2f} {row.currency}",
            "not priced because": str(row.why_not) or NO_VALUE,
        }
        for row in result.frame.itertuples()
    ]


def list_price_sentence(result: Result) -> str:
    """Say what the tokens cost at list prices, and which share of them has a price."""
    if not isinstance(result, ListPrices) or result.frame.empty:
        return " ".join(result.notes) or "No tokens were counted in this period, so nothing is priced."
    share = ratio_text(result.priced_share, digits=1)
    sums = result.sums()
    if not sums:
        return f"No token has a price in {result.source}: their cost is unknown."
    amounts = " and ".join(
        amount_text(amount, currency) + ("" if low == high else f" ({low:,.2f} to {high:,.2f} {currency})")
        for currency, amount, low, high in sums
    )
    rest = "" if result.priced_share >= 1 else " The rest is unknown, not free."
    return f"At list prices of {result.source} the tokens cost {amounts}; {share} of them have a price.{rest}"


def list_prices_table(result: Result) -> Table | Sentence:
    """Table of :func:`list_price_rows` that renders itself."""
    if result.frame.empty:
        return Sentence(list_price_sentence(result))
    return Table(list_price_rows(result), caption=f"{list_price_sentence(result)} {CAPTION}", left=LIST_PRICE_TEXT)


def book_price_rows(result: Result) -> list[dict[str, str]]:
    """One row of text a price: ``model, unit, price, from, until, hours, larger requests, batch``."""
    return [
        {
            "model": "/".join(filter(None, (str(row.provider), str(row.model)))) or NO_VALUE,
            "unit": str(row.unit).replace("_", " "),
            "price": f"{row.price:f} {row.currency} per {row.per:,}",
            "from": day_text(row.since),
            "until": day_text(row.until),
            "hours": str(row.hours) or NO_VALUE,
            "larger requests": str(row.tiers) or NO_VALUE,
            "batch": NO_VALUE if row.batch is None else f"x {row.batch.normalize():f}",
        }
        for row in result.frame.itertuples()
    ]


def book_price_sentence(result: BookPrices) -> str:
    """Say which book the prices are of, and which models have none."""
    if not result.source:
        return "No price book is set (cost.prices in the settings)."
    head = f"Prices of {result.source} that were in force in this period; until is the first day no longer."
    return " ".join([head, *result.notes])


def book_prices_table(result: BookPrices) -> Table | Sentence:
    """Table of :func:`book_price_rows` that renders itself."""
    if result.frame.empty:
        return Sentence(book_price_sentence(result))
    return Table(book_price_rows(result), caption=book_price_sentence(result), left=BOOK_PRICE_TEXT)
