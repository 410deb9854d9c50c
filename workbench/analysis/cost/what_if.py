"""What a period would have cost with another model, more cache reads or batches: a range, not an objective."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Context, Decimal
from typing import Any

import pandas as pd

from workbench.analysis.cost.ledger import Account, inside
from workbench.analysis.cost.prices.book import Price, PriceBook, rate_of_class
from workbench.analysis.cost.token_classes import CLASSES, token_usage
from workbench.analysis.counting.amounts import summed
from workbench.core.errors import ParameterError
from workbench.core.money import PRECISION, quantised, total
from workbench.core.result import Result
from workbench.core.timerange import TimeRange

_CONTEXT = Context(prec=PRECISION)
_NOTHING, _ONE = Decimal(0), Decimal(1)

#: Classes that are output; another model writes more or less of them.
_OUTPUT = ("visible_output", "reasoning", "audio_output", "image_output")

#: How much longer or shorter the answers of another model may be. [ratio]
OUTPUT_RANGE = (Decimal("0.8"), Decimal("1.25"))


@dataclass(frozen=True)
class Scenario:
    """What is changed.

    Attributes
    ----------
    models : mapping of str to (str, str)
        Model of the period -> provider and model in its place; an empty provider stays as it is.
    cached : Decimal, optional
        Share of the input tokens read from the cache at best. [ratio]
    batch : Decimal, optional
        Share of the requests sent as a batch. [ratio]
    batch_factor : Decimal, optional
        What a request in a batch costs of one that is not, where the price book does not say it. [ratio]
    output_range : tuple of Decimal
        Output tokens of another model for one of today's, least and most. [ratio]
    """

    models: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    cached: Decimal | None = None
    batch: Decimal | None = None
    batch_factor: Decimal | None = None
    output_range: tuple[Decimal, Decimal] = OUTPUT_RANGE


@dataclass(frozen=True, eq=False, repr=False)
class WhatIf(Result):
    """One row a provider, model and currency, most spend first.

    Columns of ``frame``:

    ============= ==================================================================================
    provider, model, unit   of the period (str)
    instead       provider / model in its place; the same where only cache or batch change (str)
    spend         of the period, by the system's own counter (Decimal) [``unit``]
    listed        its tokens at list prices (Decimal) [``unit``]
    low, high     spend under the scenario; None where it cannot be priced (Decimal) [``unit``]
    requests      successful requests; None where not counted (Decimal) [count]
    why_not       why it is not priced, else empty (str)
    ============= ==================================================================================

    ``spend`` is scaled by the ratio of the list prices of scenario and today, so discounts are kept.
    """

    period: TimeRange
    source: str


def what_if(
    ledger: pd.DataFrame,
    accounts: Sequence[Account],
    period: TimeRange,
    book: PriceBook,
    scenario: Scenario,
    *,
    at: datetime,
) -> WhatIf:
    """Price the tokens of a period under a scenario.

    Parameters
    ----------
    ledger, accounts
        As for :func:`workbench.analysis.cost.spend.spend_totals`. [unit of the account]
    period : TimeRange
        Period to read, without its end.
    book : PriceBook
        Prices with the dates from which they hold.
    scenario : Scenario
        Prices, models or volumes that are assumed to change.
    at : datetime
        Prices in force then are taken for both sides.

    Returns
    -------
    WhatIf

    Raises
    ------
    ParameterError
        Tokens and spend share no model, or a model of the scenario was not used.

    Notes
    -----
    Prices are those of the base tier. The range spans the output of another model (``output_range``) and, for cache
    reads, today's share to the given account. Quality, latency and limits of another model are not in it: compare them
    first.
    """
    paid = [
        account for account in accounts if account.measure == "cost" and account.added and "model" in account.dimensions
    ]
    usage, notes = token_usage(inside(ledger, period), [account for account in accounts if account.measure == "tokens"])
    if not paid or "model" not in usage.columns:
        raise ParameterError(
            "Spend and tokens are not both counted by model.", hint="Give both roles the label model in the profile."
        )
    labels = [name for name in ("provider", "model") if name in usage.columns and name in paid[0].dimensions]
    tokens = _by_model(usage, labels)
    if unknown := [model for model in scenario.models if not any(model == names[-1] for names in tokens)]:
        used = ", ".join(sorted({names[-1] for names in tokens}))
        raise ParameterError(f"No tokens of model {unknown[0]!r} were counted.", hint=f"Models: {used}.")
    requests = _successes(ledger, accounts, labels, period)
    rows = []
    for account in paid:
        spend = summed(inside(ledger[ledger["role"] == account.role], period), labels)
        for names, amount in zip(_names(spend, labels), spend["amount"], strict=True):
            if names not in tokens and amount:
                notes.append(f"{amount:,.2f} {account.unit} of {'/'.join(names)} has no tokens and stays as it is.")
            elif amount:
                rows.append(_row(names, account.unit, amount, tokens[names], requests.get(names), book, scenario, at))
    frame = pd.DataFrame(
        rows,
        columns=["provider", "model", "unit", "instead", "spend", "listed", "low", "high", "requests", "why_not"],
        dtype=object,
    )
    frame = frame.sort_values("spend", ascending=False, ignore_index=True)
    return WhatIf(frame, notes=tuple(notes), period=period, source=book.source)


def _row(
    names: tuple[str, ...],
    unit: str,
    spend: Decimal,
    classes: Mapping[str, Decimal],
    requests: Decimal | None,
    book: PriceBook,
    scenario: Scenario,
    at: datetime,
) -> dict[str, Any]:
    provider, model = names if len(names) == 2 else ("", names[0])
    seller, other = scenario.models.get(model, (provider, model))
    seller = seller or provider
    row: dict[str, Any] = {"provider": provider, "model": model, "unit": unit, "instead": f"{seller}/{other}"}
    row |= {"spend": spend, "listed": None, "low": None, "high": None, "requests": requests, "why_not": ""}
    today, then = book.price(provider, model, at), book.price(seller, other, at)
    if today is None or then is None:
        missing = f"{provider} {model}" if today is None else f"{seller} {other}"
        return row | {"why_not": f"no price of {missing}"}
    if today.currency != then.currency:
        return row | {"why_not": f"prices in {today.currency} and {then.currency}"}
    listed = _cost(classes, today)
    changed = other != model or seller != provider
    bounds = scenario.output_range if changed else (_ONE, _ONE)
    share = _cached_share(classes)
    shares = (share, share) if scenario.cached is None else (max(share, scenario.cached), share)
    ends = [_cost(_moved(classes, factor, cached), then) for factor, cached in zip(bounds, shares, strict=True)]
    if not listed or any(end is None for end in ends):
        return row | {"why_not": "a class of tokens has no price"}
    batched = then.batch if then.batch is not None else scenario.batch_factor
    if scenario.batch is not None and batched is None:
        why = f"the price of {other} says nothing of batches: give --batch-factor"
        return row | {"listed": quantised(listed), "why_not": why}
    factor = _ONE - (scenario.batch or _NOTHING) * (_ONE - (batched or _NOTHING))
    low, high = (
        quantised(_CONTEXT.divide(_CONTEXT.multiply(_CONTEXT.multiply(spend, end or _NOTHING), factor), listed))
        for end in ends
    )
    return row | {"listed": quantised(listed), "low": min(low, high), "high": max(low, high)}


def _moved(classes: Mapping[str, Decimal], output: Decimal, cached: Decimal) -> dict[str, Decimal]:
    """Tokens by class with output times a factor, and a share of plain input read from the cache."""
    moved = {name: _CONTEXT.multiply(count, output if name in _OUTPUT else _ONE) for name, count in classes.items()}
    plain, read = moved.get("uncached_input", _NOTHING), moved.get("cache_read", _NOTHING)
    if plain + read and cached != _cached_share(classes):
        moved |= {"cache_read": (plain + read) * cached, "uncached_input": (plain + read) * (_ONE - cached)}
    return moved


def _cached_share(classes: Mapping[str, Decimal]) -> Decimal:
    plain, read = classes.get("uncached_input", _NOTHING), classes.get("cache_read", _NOTHING)
    return _CONTEXT.divide(read, plain + read) if plain + read else _NOTHING


def _cost(classes: Mapping[str, Decimal], price: Price) -> Decimal | None:
    """Cost at list prices of the base tier; None where a class has no price."""
    parts = []
    for name in (*CLASSES, *sorted(set(classes) - set(CLASSES))):
        count = classes.get(name, _NOTHING)
        rate = rate_of_class(price, name) if count else None
        if count and rate is None:
            return None
        if rate is not None:
            parts.append(_CONTEXT.divide(_CONTEXT.multiply(count, rate.base), Decimal(rate.per)))
    return sum(parts, _NOTHING)


def _by_model(usage: pd.DataFrame, labels: Sequence[str]) -> dict[tuple[str, ...], dict[str, Decimal]]:
    sums = summed(usage, [*labels, "token_class"])
    tokens: dict[tuple[str, ...], dict[str, Decimal]] = {}
    for names, token_class, amount in zip(_names(sums, labels), sums["token_class"], sums["amount"], strict=True):
        tokens.setdefault(names, {})[str(token_class)] = amount
    return tokens


def _successes(
    ledger: pd.DataFrame, accounts: Sequence[Account], labels: Sequence[str], period: TimeRange
) -> dict[tuple[str, ...], Decimal]:
    """Count requests less those that failed, by the same labels; empty where they are not counted so."""
    having = [account for account in accounts if all(name in account.dimensions for name in labels)]
    done = next((account for account in having if account.measure == "requests" and account.added), None)
    if done is None:
        return {}
    sums: dict[tuple[str, ...], Decimal] = {}
    failed = [account for account in having if account.measure == "errors" and account.inside == done.role]
    for account, sign in ((done, 1), *((account, -1) for account in failed)):
        part = summed(inside(ledger[ledger["role"] == account.role], period), labels)
        for names, amount in zip(_names(part, labels), part["amount"], strict=True):
            sums[names] = total((sums.get(names, _NOTHING), amount * sign))
    return sums


def _names(frame: pd.DataFrame, labels: Sequence[str]) -> list[tuple[str, ...]]:
    return list(zip(*(frame[name].astype("str") for name in labels), strict=True))
