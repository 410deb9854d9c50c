"""Reads a file of prices in any of the known forms."""

from __future__ import annotations

import csv
import json
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from workbench.core.errors import ParameterError


def read_book(path: Path) -> Any:
    """Read a ``PriceBook``: a list in JSON is genai-prices, an object a gateway's catalogue, CSV a table.

    Raises
    ------
    ParameterError
        The file is none of these; with its name.
    """
    from workbench.analysis.cost.price_imports import catalogue_prices, genai_prices, table_prices

    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix.lower() == ".csv":
            return table_prices(csv.DictReader(text.splitlines()), source=path.name)
        document = json.loads(text, parse_float=Decimal)
        if isinstance(document, list):
            return genai_prices(document, source=path.name)
        return catalogue_prices(document, source=path.name)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ParameterError(
            f"{path.name} cannot be read as prices: {error}.",
            hint="Give genai-prices or a gateway's catalogue in JSON, or CSV with provider, model, unit, price.",
        ) from None


def share(text: str, option: str, *, most: int = 1) -> Decimal:
    """Read a share of an option, from 0 to ``most``. [ratio]"""
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(-1)
    if not 0 <= value <= most:
        raise ParameterError(f"{option} {text!r} is no number from 0 to {most}.", hint=f"E.g. {option} 0.4.")
    return value
