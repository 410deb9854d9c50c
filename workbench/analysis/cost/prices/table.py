"""Price books as plain tables: one row a unit and span of days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from workbench.analysis.cost.prices.book import Entry, Price, PriceBook, Provider, Rate
from workbench.core.errors import ParameterError


@dataclass(frozen=True)
class _Row:
    number: int
    provider: str
    model: str
    unit: str
    rate: Rate
    since: date | None
    until: date | None
    currency: str
    batch: Decimal | None

    def holds(self, day: date | None) -> bool:
        """Whether it is in force from a day on; None is before every day."""
        begun = self.since is None or (day is not None and day >= self.since)
        return begun and (self.until is None or day is None or day < self.until)


def table_prices(rows: Iterable[Mapping[str, Any]], *, source: str = "table") -> PriceBook:
    """Read a table of prices: ``provider, model, unit, price, per, currency, since, until``, one row a unit and span.

    Parameters
    ----------
    rows : iterable of mapping
        ``per`` is 1,000,000 by default; ``since`` and ``until`` are ISO 8601 dates, the latter excluded; ``batch`` is a
        factor. Numbers are text or Decimal.

    Raises
    ------
    ParameterError
        A price or date cannot be read, two rows give one unit two prices on a day, or the units of a model have
        different currencies or batch factors: with their rows.

    Notes
    -----
    Each unit has its own dates: a row without ``until`` holds to the next one of its unit. Days that no row of a unit
    covers have no price of that unit, which is unknown and never free.

    Examples
    --------
    >>> row = {"provider": "p", "model": "m", "unit": "input_tokens", "price": "3"}
    >>> later = {**row, "unit": "output_tokens", "price": "9", "since": "2026-01-01"}
    >>> prices = table_prices([row, later]).entry("p", "m").prices
    >>> [(price.since, sorted(price.rates)) for price in prices]
    [(None, ['input_tokens']), (datetime.date(2026, 1, 1), ['input_tokens', 'output_tokens'])]
    """
    models: dict[tuple[str, str], list[_Row]] = {}
    for number, row in enumerate(rows, start=1):
        read = _row(number, row)
        models.setdefault((read.provider.lower(), read.model), []).append(read)
    providers: dict[str, list[Entry]] = {}
    for (provider, model), own in models.items():
        entry = Entry(own[0].provider, model, {}, tuple(_spans(_superseded(own), source)))
        providers.setdefault(provider, []).append(entry)
    return PriceBook({name: Provider(name, tuple(entries)) for name, entries in providers.items()}, source)


def _row(number: int, row: Mapping[str, Any]) -> _Row:
    try:
        since, until = (date.fromisoformat(str(row[name])) if row.get(name) else None for name in ("since", "until"))
        rate = Rate(Decimal(str(row["price"])), int(row.get("per") or 1_000_000))
        batch = Decimal(str(row["batch"])) if row.get("batch") else None
        provider, model = (str(row[name]).strip() for name in ("provider", "model"))
    except (KeyError, ValueError, InvalidOperation) as error:
        raise ParameterError(f"Row {number} of the prices cannot be read: {error}.") from None
    amounts = [rate.base, *([batch] if batch is not None else [])]
    wrong = {
        "has a price or batch factor that is no amount": not all(amount.is_finite() for amount in amounts),
        "has a negative price": any(amount.is_finite() and amount < 0 for amount in amounts),
        "has a price for no unit at all (per)": rate.per <= 0,
        "ends before it begins": bool(since and until and until <= since),
        "names no provider or no model": not (provider and model),
    }
    for reason, holds in wrong.items():
        if holds:
            raise ParameterError(f"Row {number} of the prices {reason}.")
    unit = str(row.get("unit") or "input_tokens").strip()
    currency = str(row.get("currency") or "USD").strip().upper()
    return _Row(number, provider, model, unit, rate, since, until, currency, batch)


def _superseded(rows: Sequence[_Row]) -> list[_Row]:
    """Let each row without an end hold to the next one of its unit; two prices of a unit on one day are an error."""
    ended: list[_Row] = []
    for unit in dict.fromkeys(row.unit for row in rows):
        own = sorted((row for row in rows if row.unit == unit), key=lambda row: row.since or date.min)
        for row, following in zip(own, [*own[1:], None], strict=True):
            if following is None or (row.until is not None and row.until <= (following.since or date.min)):
                ended.append(row)
                continue
            if row.until is not None or row.since == following.since:
                first, second = sorted((row.number, following.number))
                day = following.since or "their beginning"
                raise ParameterError(
                    f"Rows {first} and {second} of the prices give two prices of {unit} of {row.provider} {row.model} "
                    f"from {day} on.",
                    hint="Let one end (until, that day excluded) before the other begins (since).",
                )
            ended.append(replace(row, until=following.since))
    return ended


def _spans(rows: Sequence[_Row], source: str) -> list[Price]:
    """Prices of a model: one a span of days on which no unit changes."""
    edges = sorted({day for row in rows for day in (row.since, row.until) if day is not None})
    prices = []
    for since, until in zip([None, *edges], [*edges, None], strict=True):
        held = [row for row in rows if row.holds(since)]
        if not held:
            continue
        for what, values in (("currencies", {row.currency for row in held}), ("batches", {row.batch for row in held})):
            if len(values) > 1:
                numbers = ", ".join(str(row.number) for row in held)
                phrase = "different currencies" if what == "currencies" else "different batch factors"
                raise ParameterError(
                    f"Rows {numbers} of the prices give {held[0].provider} {held[0].model} {phrase} at one time.",
                    hint="The units of a model have one currency and one batch factor, or none.",
                )
        rates = {row.unit: row.rate for row in held}
        first = held[0]
        prices.append(
            Price(
                first.provider, first.model, rates, since, until, batch=first.batch, currency=first.currency,
                source=source,
            )
        )  # fmt: skip
    return prices
