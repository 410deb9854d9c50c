"""What the calls of a trace cost by the price book of the settings."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from workbench.analysis.cost.prices.book import charge, unpriced_units
from workbench.analysis.traces.population import Population
from workbench.analysis.traces.tokens import TraceTokens, trace_tokens
from workbench.studies.cost.price_file import chosen_book
from workbench.studies.sources.context import Context

_NO_BOOK = (
    "Tokens are not priced where spans do not say their cost: no price book is set (`cost.prices` in the settings)."
)


def priced_tokens(ctx: Context, traces: Population) -> TraceTokens:
    """Add up the tokens of traces, with the cost of each call at the price of its day.

    Parameters
    ----------
    ctx : Context
        Settings with the price book.
    traces : Population
        Whole traces.

    Returns
    -------
    TraceTokens
        In the currency of the settings, USD by default; prices in another one count as unknown, and a note says so.
    """
    book, notes = chosen_book(ctx)
    currency = ctx.cost.currency or "USD"
    others: set[str] = set()

    def price(provider: str, model: str, given: int, made: int, at: datetime) -> Decimal | None:
        listed = book.price(provider, model, at) if book else None
        usage = {"input_tokens": given, "output_tokens": made}
        if listed is None or unpriced_units(usage, listed):
            return None
        if listed.currency != currency:
            others.add(listed.currency)
            return None
        return charge(usage, listed).total

    tokens = trace_tokens(traces, price, currency=currency)
    if book is None and (tokens.frame["priced"] < 1).any():
        notes = notes or [_NO_BOOK]
    if others:
        notes = [*notes, f"Prices in {', '.join(sorted(others))} are left out: the settings ask for {currency}."]
    return replace(tokens, notes=(*tokens.notes, *notes))
