"""Reads a file of prices in any of the known forms."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path

from workbench.analysis.cost.prices.book import PriceBook
from workbench.analysis.cost.prices.imports import catalogue_prices, genai_prices
from workbench.analysis.cost.prices.table import table_prices
from workbench.core.errors import ParameterError
from workbench.studies.sources.context import Context

_FORMS = "Give genai-prices or a gateway's catalogue in JSON, or CSV with provider, model, unit, price."


#: What a document of another shape raises where it is read.
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, csv.Error)


def read_book(path: Path) -> PriceBook:
    """Read a ``PriceBook``: a list in JSON is genai-prices, an object a gateway's catalogue, CSV a table.

    Raises
    ------
    ParameterError
        The file is none of these; with its name.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        book = _parsed(text, path)
    except (OSError, *_UNREADABLE) as error:
        raise ParameterError(f"{path.name} cannot be read as prices: {error}.", hint=_FORMS) from None
    if not book.providers:
        raise ParameterError(f"{path.name} holds no price.", hint=_FORMS)
    return book


def _parsed(text: str, path: Path) -> PriceBook:
    if path.suffix.lower() == ".csv":
        return table_prices(csv.DictReader(text.splitlines()), source=path.name)
    document = json.loads(text, parse_float=Decimal)
    if isinstance(document, list):
        return genai_prices(document, source=path.name)
    return catalogue_prices(document, source=path.name)


def chosen_book(ctx: Context) -> tuple[PriceBook | None, list[str]]:
    """Return the price book of the settings; None and a sentence where it cannot be read, None alone without one."""
    if ctx.cost.prices is None:
        return None, []
    try:
        return read_book(ctx.cost.prices), []
    except ParameterError as error:
        return None, [f"Tokens are not priced: {error.message}"]
