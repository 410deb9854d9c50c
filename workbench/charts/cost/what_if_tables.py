"""A scenario of cost in words."""

from __future__ import annotations

from decimal import Context, Decimal

from workbench.analysis.cost.what_if import WhatIf
from workbench.core.money import PRECISION, quantised, total
from workbench.core.units import NO_VALUE, amount_text

_CONTEXT = Context(prec=PRECISION)

#: Columns of the rows below that hold text.
WHAT_IF_TEXT = ("model", "instead", "note")


def what_if_rows(result: WhatIf) -> list[dict[str, str]]:
    """One row of text a model: spend, the range of the scenario, and the cost of a success beside both."""
    return [
        {
            "model": "/".join(filter(None, (str(row.provider), str(row.model)))),
            "instead": str(row.instead),
            "spend": amount_text(row.spend, str(row.unit)),
            "at list prices": amount_text(row.listed, str(row.unit)) if row.listed is not None else NO_VALUE,
            "would be": _range(row.low, row.high, str(row.unit)),
            "per success": _each(row.spend, row.requests, str(row.unit)),
            "would be per success": _range(_per(row.low, row.requests), _per(row.high, row.requests), str(row.unit), 6),
            "note": str(row.why_not) or NO_VALUE,
        }
        for row in result.frame.itertuples()
    ]


def what_if_sentence(result: WhatIf) -> str:
    """Say the range over all models that could be priced, currency by currency."""
    if result.frame.empty:
        return "No spend of a model with tokens was observed, so nothing can be priced."
    sentences = []
    for unit, part in result.frame.groupby("unit", sort=False):
        priced = part[part["why_not"] == ""]
        if priced.empty:
            sentences.append(f"Nothing of the spend in {unit} could be priced.")
            continue
        spend, low, high = (total(priced[name]) for name in ("spend", "low", "high"))
        left = (
            f"; {len(part) - len(priced)} of {len(part)} models could not be priced" if len(priced) < len(part) else ""
        )
        sentences.append(
            f"{amount_text(spend, str(unit))} would have been {_range(low, high, str(unit))} "
            f"({_change(low, spend)} to {_change(high, spend)}){left}."
        )
    return " ".join(sentences) + " Quality, latency and limits of another model are not in it: compare them first."


def _change(amount: Decimal, spend: Decimal) -> str:
    return f"{100 * (amount / spend - 1):+.1f} %" if spend else NO_VALUE


def _per(amount: Decimal | None, requests: Decimal | None) -> Decimal | None:
    if amount is None or not requests or requests <= 0:
        return None
    return quantised(_CONTEXT.divide(amount, requests))


def _each(amount: Decimal, requests: Decimal | None, unit: str) -> str:
    each = _per(amount, requests)
    return NO_VALUE if each is None else f"{each:,.6f} {unit}"


def _range(low: Decimal | None, high: Decimal | None, unit: str, digits: int = 2) -> str:
    if low is None or high is None:
        return NO_VALUE
    ends = f"{low:,.{digits}f}", f"{high:,.{digits}f}"
    return f"{ends[0]} {unit}" if ends[0] == ends[1] else f"{ends[0]} to {ends[1]} {unit}"
