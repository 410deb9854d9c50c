"""The prices of a book that were in force in a period, for the models that were used in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Any

import pandas as pd

from workbench.analysis.cost.prices.book import Price, PriceBook
from workbench.core.result import Result
from workbench.core.timerange import TimeRange

_COLUMNS = ["provider", "model", "unit", "price", "per", "currency", "since", "until", "hours", "tiers", "batch"]


@dataclass(frozen=True, eq=False, repr=False)
class BookPrices(Result):
    """Prices in force in a period; one row a model, unit and span of days or hours.

    Columns of ``frame``:

    =============== =================================================================================
    provider, model as they are counted (str)
    unit            what is priced, e.g. ``input_tokens`` (str)
    price, per      price of so many units, of the base tier (Decimal, int) [``currency``]
    currency        (str)
    since, until    first day, and the first day no longer; None where the book does not say (date) [UTC]
    hours           part of the day, empty for all of it (str) [UTC]
    tiers           prices above a size of one request, e.g. ``6 above 200,000 input tokens`` (str)
    batch           factor of a batched request; None where the book knows none (Decimal) [ratio]
    =============== =================================================================================

    ``source`` names the price book; it is empty where none is set.
    """

    period: TimeRange
    source: str


def book_prices(models: Iterable[tuple[str, str]], book: PriceBook | None, period: TimeRange) -> BookPrices:
    """Look up the prices of models that were in force in a period.

    Parameters
    ----------
    models : iterable of (str, str)
        Provider and model as they are counted.
    book : PriceBook, optional
        Without one there are no rows.
    period : TimeRange
        A price of any day of it has a row.

    Returns
    -------
    BookPrices
        Models without a price have no row; a note names them.
    """
    if book is None:
        return BookPrices(pd.DataFrame(columns=_COLUMNS, dtype=object), period=period, source="")
    first, last = period.start.astimezone(UTC).date(), (period.end - timedelta(milliseconds=1)).astimezone(UTC).date()
    rows: list[dict[str, Any]] = []
    unknown = []
    for provider, model in dict.fromkeys(models):
        entry = book.entry(provider, model)
        spans = [] if entry is None else _spans(entry.prices)
        held = [
            (price, until)
            for price, until in spans
            if (price.since is None or price.since <= last) and (until is None or until > first)
        ]
        if not held:
            unknown.append("/".join(filter(None, (provider, model))) or "(not given)")
        rows += [row for price, until in held for row in _rows(provider, model, price, until)]
    notes = (f"No price in this period: {', '.join(unknown)}. Their cost is unknown, not free.",) if unknown else ()
    return BookPrices(
        pd.DataFrame(rows, columns=_COLUMNS, dtype=object), notes=notes, period=period, source=book.source
    )


def _spans(prices: Sequence[Price]) -> list[tuple[Price, date | None]]:
    """Prices with their ends; one of the whole day ends at the latest where a later one of the whole day begins."""
    spans = []
    for place, price in enumerate(prices):
        later = [
            other.since
            for other in prices[place + 1 :]
            if other.since is not None and (other.begins, other.ends) in ((None, None), (price.begins, price.ends))
        ]
        ends = [day for day in (price.until, *later) if day is not None]
        spans.append((price, min(ends, default=None)))
    return [(price, until) for price, until in spans if until is None or price.since is None or until > price.since]


def _rows(provider: str, model: str, price: Price, until: date | None) -> list[dict[str, Any]]:
    hours = "" if price.begins is None or price.ends is None else f"{price.begins:%H:%M} to {price.ends:%H:%M}"
    rows = []
    for unit, rate in price.rates.items():
        tiers = ", ".join(f"{amount:f} above {size:,} input tokens" for size, amount in rate.tiers)
        head = (provider, model, unit, rate.base, rate.per, price.currency)
        values = (*head, price.since, until, hours, tiers, price.batch)
        rows.append(dict(zip(_COLUMNS, values, strict=True)))
    return rows
