"""Price books of others, read into ours: genai-prices and LiteLLM's catalogue."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, time
from decimal import Decimal, InvalidOperation
from typing import Any

from workbench.analysis.cost.prices.book import Entry, Price, PriceBook, Provider, Rate
from workbench.core.errors import ParameterError

#: Suffix of a price in genai-prices -> unit suffix and how many units one price covers.
_SUFFIXES = {
    "_mtok": ("_tokens", 1_000_000),
    "_kcount": ("", 1_000),
    "_mchars": ("_characters", 1_000_000),
    "_kpages": ("_pages", 1_000),
    "_gpixels": ("_pixels", 1_000_000_000),
    "_hours": ("_seconds", 3_600),
}

#: Field of LiteLLM's catalogue -> unit.
_CATALOGUE = {
    "input_cost_per_token": "input_tokens",
    "output_cost_per_token": "output_tokens",
    "cache_read_input_token_cost": "cache_read_tokens",
    "cache_creation_input_token_cost": "cache_write_tokens",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h_tokens",
    "input_cost_per_audio_token": "input_audio_tokens",
    "output_cost_per_audio_token": "output_audio_tokens",
    "output_cost_per_reasoning_token": "output_reasoning_tokens",
}


def genai_prices(document: Sequence[Mapping[str, Any]], *, source: str = "genai-prices") -> PriceBook:
    """Read the data file of genai-prices (v2).

    Parameters
    ----------
    document : sequence of mapping
        Parsed JSON, numbers as Decimal (``parse_float=Decimal``) or as JSON gives them.
    source : str
        Said beside every price.

    Raises
    ------
    ParameterError
        A price is no number, or its unit is unknown: with provider and model.

    Examples
    --------
    >>> model = {"id": "m", "match": {"equals": "m"}, "prices": {"input_mtok": 2.5}}
    >>> genai_prices([{"id": "p", "models": [model]}]).entry("p", "m").prices[0].rates["input_tokens"].base
    Decimal('2.5')
    """
    providers = {}
    for provider in document:
        entries = []
        for model in provider["models"]:
            listed = model["prices"] if isinstance(model["prices"], list) else [{"prices": model["prices"]}]
            who = str(provider["id"]), str(model["id"])
            prices = tuple(_genai_price(*who, entry, source) for entry in listed)
            entries.append(Entry(*who, _clause(model.get("match", {}), who), prices))
        providers[provider["id"]] = Provider(
            provider["id"],
            tuple(entries),
            _clause(provider.get("provider_match") or {}, provider["id"]),
            tuple(provider.get("fallback_model_providers") or ()),
        )
    return PriceBook(providers, source)


def catalogue_prices(document: Mapping[str, Mapping[str, Any]], *, source: str = "LiteLLM") -> PriceBook:
    """Read LiteLLM's catalogue of model prices: per token, with tiers ``above_200k`` and batch prices.

    Examples
    --------
    >>> book = catalogue_prices({"gpt-4o": {"any_provider": "openai", "input_cost_per_token": 2.5e-06}})
    >>> book.entry("openai", "gpt-4o").prices[0].rates["input_tokens"].base
    Decimal('0.0000025')
    """
    entries: dict[str, list[Entry]] = {}
    for model, facts in document.items():
        provider = next((str(value) for key, value in facts.items() if key.endswith("_provider")), "")
        rates = {}
        for name, unit in _CATALOGUE.items():
            if (base := _number(facts.get(name), provider, model)) is None:
                continue
            tiers = []
            for key, value in facts.items():
                if tier := re.fullmatch(rf"{name}_above_(\d+)k_tokens", key):
                    price = _number(value, provider, model)
                    tiers += [(int(tier[1]) * 1000, price)] if price is not None else []
            rates[unit] = Rate(base, 1, tuple(sorted(tiers)))
        if not rates:
            continue
        listed = Price(provider, model, rates, batch=_batch(facts, rates, provider, model), source=source)
        entries.setdefault(provider.lower(), []).append(Entry(provider, model, {}, (listed,)))
    return PriceBook({name: Provider(name, tuple(models)) for name, models in entries.items()}, source)


def _batch(facts: Mapping[str, Any], rates: Mapping[str, Rate], provider: str, model: str) -> Decimal | None:
    """Factor of a batched request; None where input and output have different ones, or none is stated."""
    factors = set()
    for word in ("input", "output"):
        batched, plain = (
            _number(facts.get(f"{word}_cost_per_token_batches"), provider, model),
            rates.get(f"{word}_tokens"),
        )
        if batched is not None and plain is not None and plain.base:
            factors.add(batched / plain.base)
    return factors.pop() if len(factors) == 1 else None


def _genai_price(provider: str, model: str, part: Mapping[str, Any], source: str) -> Price:
    limits = part.get("constraint") or {}
    rates = {}
    for key, value in part["prices"].items():
        suffix = next((suffix for suffix in _SUFFIXES if key.endswith(suffix)), None)
        if suffix is None:
            raise ParameterError(f"{provider} {model}: {key!r} is no unit that is known.")
        ending, per = _SUFFIXES[suffix]
        tiers: tuple[tuple[int, Decimal], ...] = ()
        base = value
        if isinstance(value, Mapping):
            base = value["base"]
            tiers = tuple((int(tier["start"]), _price(tier["price"], provider, model)) for tier in value["tiers"])
        rates[key.removesuffix(suffix) + ending] = Rate(_price(base, provider, model), per, tuple(sorted(tiers)))
    since = date.fromisoformat(limits["start_date"]) if "start_date" in limits else None
    begins, ends = (
        time.fromisoformat(str(limits[name]).removesuffix("Z")) if name in limits else None
        for name in ("start_time", "end_time")
    )
    return Price(provider, model, rates, since, None, begins, ends, source=source)


def _clause(clause: Any, who: object) -> Mapping[str, Any]:
    """Check a clause that names are compared with, and those inside it."""
    try:
        for kind, value in clause.items():
            if kind in ("or", "and"):
                for part in value:
                    _clause(part, who)
            else:
                re.compile(value if kind == "regex" else re.escape(value))
    except (AttributeError, TypeError, re.error):
        raise ParameterError(f"{who}: {clause!r:.60} is no clause that names are compared with.") from None
    checked: Mapping[str, Any] = clause
    return checked


#: No price has more digits before or behind its point; written out, 1e999999999 fills the memory. [count]
_DIGITS = 40


def _price(value: Any, provider: str, model: str) -> Decimal:
    price = _number(value, provider, model)
    if price is None:
        raise ParameterError(f"{provider} {model}: {value!r} is no price.")
    return price


def _number(value: Any, provider: str, model: str) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        price = _decimal(value)
    except (InvalidOperation, ValueError):
        raise ParameterError(f"{provider} {model}: {value!r} is no price.") from None
    if price < 0:
        raise ParameterError(f"{provider} {model}: {value} is a negative price.")
    return price


def _decimal(value: Any) -> Decimal:
    number = value if isinstance(value, Decimal) else Decimal(repr(value) if isinstance(value, float) else str(value))
    if not number.is_finite() or abs(number.adjusted()) > _DIGITS:
        raise InvalidOperation(f"{value!r} is no number")
    return Decimal(f"{number:f}")
