"""Settings of spend."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from pydantic import Field

from workbench.core.settings.secrets import Frozen


class CostSettings(Frozen):
    """How spend is judged.

    ``invoice_tolerance`` is the share of an invoice by which the meter may be off; ``prices`` is the price book, the
    data file of genai-prices, the catalogue of a gateway, or a CSV. ``currency`` is the one that spend in several
    currencies is also shown in, by the tables of rates.
    """

    invoice_tolerance: Decimal = Field(default=Decimal("0.01"), ge=0, lt=1)
    prices: Path | None = None
    currency: str = Field(default="", pattern="^([A-Z]{3})?$")
