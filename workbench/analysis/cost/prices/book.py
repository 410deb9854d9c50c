"""A price book: what a provider charges for a model, by unit, date, time of day and size of the request.

Counts hold each other: all input tokens hold cached ones, cached ones hold cached audio. A price for a part is paid by
the part, the price of the whole by what is left of it, so no token is paid twice and none is forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any, Literal

from workbench.core.errors import ParameterError
from workbench.core.money import PRECISION

_CONTEXT = Context(prec=PRECISION)

#: Counts of a request by unit, e.g. ``{"input_tokens": 1000, "cache_read_tokens": 200}``; wholes hold their parts.
Usage = Mapping[str, Decimal | int]

Direction = Literal["input", "output", ""]

#: Words of a unit's name -> the fact that they state.
_FACTS = {
    "input": "input", "output": "output", "text": "text", "audio": "audio", "image": "image", "video": "video",
    "read": "cache_read", "write": "cache_write", "5m": "5m", "1h": "1h", "tool": "tool", "reasoning": "reasoning",
    "citation": "citation",
}  # fmt: skip


#: Class of tokens -> unit of the price book.
CLASS_UNITS = {
    "uncached_input": "input_tokens",
    "cache_read": "cache_read_tokens",
    "cache_write": "cache_write_tokens",
    "cache_write_1h": "cache_write_1h_tokens",
    "audio_input": "input_audio_tokens",
    "image_input": "input_image_tokens",
    "visible_output": "output_tokens",
    "reasoning": "output_reasoning_tokens",
    "audio_output": "output_audio_tokens",
    "image_output": "output_image_tokens",
}


@dataclass(frozen=True)
class Rate:
    """Price of one unit.

    Attributes
    ----------
    base : Decimal
        Price per ``per`` units. [currency]
    per : int
        Units that one price covers. [count]
    tiers : tuple of (int, Decimal)
        Ascending thresholds of input tokens of one request, and the price of *all* units above each. [currency]
    """

    base: Decimal
    per: int = 1_000_000
    tiers: tuple[tuple[int, Decimal], ...] = ()

    def at(self, input_tokens: Decimal | int) -> Decimal:
        """Price per ``per`` units for a request of so many input tokens; at a threshold itself the lower one.

        Examples
        --------
        >>> rate = Rate(Decimal(3), tiers=((200_000, Decimal(6)),))
        >>> rate.at(200_000), rate.at(200_001)
        (Decimal('3'), Decimal('6'))
        """
        return next((price for start, price in reversed(self.tiers) if input_tokens > start), self.base)


@dataclass(frozen=True)
class Price:
    """What one model costs in one span of time.

    Attributes
    ----------
    provider, model : str
        As the book writes them.
    rates : mapping of str to Rate
        By unit, e.g. ``input_tokens``, ``cache_read_tokens``, ``requests``.
    since, until : date, optional
        First day, and the first day no longer; UTC.
    begins, ends : time, optional
        Part of the day, end excluded; it may cross midnight. UTC.
    batch : Decimal, optional
        Factor of a request that is sent as a batch; None where the book knows none. [ratio]
    currency, source : str
        Where the price was read.
    """

    provider: str
    model: str
    rates: Mapping[str, Rate]
    since: date | None = None
    until: date | None = None
    begins: time | None = None
    ends: time | None = None
    batch: Decimal | None = None
    currency: str = "USD"
    source: str = ""

    def holds(self, at: datetime) -> bool:
        """Whether it is in force at an instant."""
        moment = at.astimezone(UTC)
        if (self.since and moment.date() < self.since) or (self.until and moment.date() >= self.until):
            return False
        if self.begins is None or self.ends is None:
            return True
        clock = moment.time()
        if self.begins <= self.ends:
            return self.begins <= clock < self.ends
        return clock >= self.begins or clock < self.ends


@dataclass(frozen=True)
class Entry:
    """A model of a book: which names mean it, and its prices, the later of two that hold counting."""

    provider: str
    model: str
    match: Mapping[str, Any]
    prices: tuple[Price, ...]

    def means(self, name: str) -> bool:
        """Whether a name means this model."""
        return name == self.model or matches(self.match, name)


@dataclass(frozen=True)
class Provider:
    """A provider of a book."""

    name: str
    entries: tuple[Entry, ...]
    match: Mapping[str, Any] = field(default_factory=dict)
    fallbacks: tuple[str, ...] = ()


@dataclass(frozen=True)
class PriceBook:
    """Prices by provider; ``source`` is said beside every amount that they made."""

    providers: Mapping[str, Provider]
    source: str = ""
    _known: dict[tuple[str, str], Entry | None] = field(default_factory=dict, compare=False, repr=False)

    def entry(self, provider: str, model: str) -> Entry | None:
        """Return the entry of a model, from the provider itself or those whose models it serves; None if unknown."""
        key = (provider, model)
        if key not in self._known:
            self._known[key] = self._search(provider, model)
        return self._known[key]

    def _search(self, provider: str, model: str) -> Entry | None:
        prices = self._provider(provider)
        if prices is None:
            return None
        for name in (prices.name, *prices.fallbacks):
            entries = self.providers[name].entries if name in self.providers else ()
            for spelled in _spellings(model):
                entry = next((entry for entry in entries if entry.model == spelled), None)
                entry = entry or next((entry for entry in entries if entry.means(spelled)), None)
                if entry is not None:
                    return entry
        return None

    def price(self, provider: str, model: str, at: datetime) -> Price | None:
        """Return the price in force at an instant; None where the book has none, which is never zero."""
        entry = self.entry(provider, model)
        return None if entry is None else next((price for price in reversed(entry.prices) if price.holds(at)), None)

    def _provider(self, name: str) -> Provider | None:
        lower = name.strip().lower()
        prices = self.providers.get(lower)
        return prices or next(
            (provider for provider in self.providers.values() if provider.match and matches(provider.match, lower)),
            None,
        )


@dataclass(frozen=True)
class Charge:
    """Cost of a usage. [currency]"""

    input: Decimal
    output: Decimal
    other: Decimal
    price: Price

    @property
    def total(self) -> Decimal:
        """Cost of all units. [currency]"""
        return _CONTEXT.add(_CONTEXT.add(self.input, self.output), self.other)


def charge(usage: Usage, price: Price, *, batch: bool = False) -> Charge:
    """Price the usage of one request.

    Parameters
    ----------
    usage : mapping of str to int or Decimal
        Counts by unit; a whole holds its parts (``input_tokens`` holds ``cache_read_tokens``). [units]
    price : Price
        In force when the request was made.
    batch : bool
        Whether the request was sent as a batch.

    Returns
    -------
    Charge
        Exact, never rounded. [currency]

    Raises
    ------
    ParameterError
        A part is larger than its whole, or the price knows no batches.

    Notes
    -----
    Of each priced unit are paid: its count less what its priced parts were paid for. The tier of every unit follows
    from the input tokens of the request, and holds for all of them. Units without a price of their own are paid as
    their whole.

    Examples
    --------
    >>> rates = {"input_tokens": Rate(Decimal(3)), "cache_write_tokens": Rate(Decimal("3.75"))}
    >>> price = Price("anthropic", "claude", {**rates, "output_tokens": Rate(Decimal(15))})
    >>> charge({"input_tokens": 12_307, "cache_write_tokens": 12_304, "output_tokens": 550}, price).total
    Decimal('0.054399')
    """
    if batch and price.batch is None:
        raise ParameterError(f"The price of {price.model} says nothing of batches.", hint="Give its batch factor.")
    factor = price.batch if batch and price.batch is not None else Decimal(1)
    size = _count(usage, "input_tokens")
    paid: dict[str, Decimal] = {}
    sums = {"input": Decimal(0), "output": Decimal(0), "": Decimal(0)}
    for unit in sorted(price.rates, key=lambda name: -len(facts(name))):
        rate = price.rates[unit]
        parts = sum((count for other, count in paid.items() if facts(unit) < facts(other)), Decimal(0))
        left = _count(usage, unit) - parts
        if left < 0:
            if unit in usage:
                raise ParameterError(
                    f"{unit} ({usage[unit]}) is smaller than its parts ({parts}).", hint="Check the usage record."
                )
            left = Decimal(0)
        paid[unit] = left
        cost = _CONTEXT.divide(_CONTEXT.multiply(_CONTEXT.multiply(left, rate.at(size)), factor), Decimal(rate.per))
        sums[direction(unit)] = _CONTEXT.add(sums[direction(unit)], cost)
    return Charge(sums["input"].normalize(), sums["output"].normalize(), sums[""].normalize(), price)


@lru_cache(maxsize=4096)
def facts(unit: str) -> frozenset[str]:
    """Return what a unit's name states; a unit whose facts are a superset of another's is a part of it.

    Examples
    --------
    >>> facts("input_tokens") < facts("cache_read_tokens") < facts("cache_audio_read_tokens")
    True
    """
    family = unit.rpartition("_")[2]
    stated = {_FACTS[word] for word in unit.split("_") if word in _FACTS}
    if unit.startswith("cache"):
        stated.add("input")
    return frozenset({family, *stated} if family == "tokens" else {unit})


def rate_of_class(price: Price, token_class: str) -> Rate | None:
    """Price of a class of tokens, or of the smallest whole that holds it; None where there is neither.

    Writes to the cache for an hour are never priced as those for five minutes, which cost less.

    Parameters
    ----------
    price : Price
        One line of a price book.
    token_class : str
        One of :data:`workbench.analysis.cost.token_classes.CLASSES`.

    Examples
    --------
    >>> price = Price("p", "m", {"input_tokens": Rate(Decimal(3)), "output_tokens": Rate(Decimal(15))})
    >>> rate_of_class(price, "cache_read").base, rate_of_class(price, "reasoning").base, rate_of_class(price, "other")
    (Decimal('3'), Decimal('15'), None)
    """
    unit = CLASS_UNITS.get(token_class, "")
    if unit == "cache_write_1h_tokens" and unit not in price.rates and "cache_write_tokens" in price.rates:
        return None
    holding = [name for name in price.rates if facts(name) and facts(name) <= facts(unit)] if unit else []
    return price.rates[max(holding, key=lambda name: len(facts(name)))] if holding else None


def direction(unit: str) -> Direction:
    """Return whether a unit is paid as input, as output, or as neither."""
    stated = facts(unit)
    if "input" in stated or unit.startswith("input"):
        return "input"
    return "output" if "output" in stated or unit.startswith("output") else ""


def matches(clause: Mapping[str, Any], name: str) -> bool:
    """Whether a clause of a book (``equals``, ``starts_with``, ``contains``, ``regex``, ``or``, ``and``) fits a name.

    Examples
    --------
    >>> matches({"or": [{"starts_with": "gpt-4"}, {"equals": "o1"}]}, "gpt-4-0613")
    True
    """
    for kind, value in clause.items():
        match kind:
            case "equals":
                fits = name == value
            case "starts_with":
                fits = name.startswith(value)
            case "ends_with":
                fits = name.endswith(value)
            case "contains":
                fits = value in name
            case "regex":
                fits = re.search(value, name) is not None
            case "or":
                fits = any(matches(part, name) for part in value)
            case "and":
                fits = all(matches(part, name) for part in value)
            case _:
                fits = False
        if not fits:
            return False
    return bool(clause)


def _spellings(model: str) -> Sequence[str]:
    """Ways in which gateways write a model: as it is, in lower case, without the prefix of a route."""
    lower = model.strip().lower()
    return tuple(dict.fromkeys((model, lower, lower.partition("/")[2] or lower, lower.rpartition("/")[2])))


def unpriced_units(usage: Usage, price: Price) -> list[str]:
    """Units that were used and that no price covers, neither their own nor that of a whole; their cost is unknown.

    Examples
    --------
    >>> price = Price("p", "m", {"input_tokens": Rate(Decimal(3))})
    >>> unpriced_units({"input_tokens": 10, "cache_read_tokens": 5, "output_tokens": 7, "requests": 0}, price)
    ['output_tokens']
    """
    return [
        unit for unit in usage if _count(usage, unit) and not any(facts(name) <= facts(unit) for name in price.rates)
    ]


def _count(usage: Usage, unit: str) -> Decimal:
    """Count of a unit; one that is not reported was not used."""
    count = Decimal(usage.get(unit, 0))
    if not count.is_finite() or count < 0:
        raise ParameterError(f"{unit} ({count}) is no count.", hint="Give 0 or more.")
    return count
