"""Price books of others, read into ours: genai-prices, LiteLLM's catalogue, and plain tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
            prices = tuple(_genai_price(*who, one, source) for one in listed)
            entries.append(Entry(*who, model.get("match", {}), prices))
        providers[provider["id"]] = Provider(
            provider["id"],
            tuple(entries),
            provider.get("provider_match") or {},
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
                if key.startswith(f"{name}_above_") and key.endswith("k_tokens"):
                    price = _number(value, provider, model)
                    threshold = int(key.removeprefix(f"{name}_above_").removesuffix("k_tokens")) * 1000
                    tiers += [(threshold, price)] if price is not None else []
            rates[unit] = Rate(base, 1, tuple(sorted(tiers)))
        if not rates:
            continue
        batch = None
        plain, batched = rates.get("input_tokens"), _number(facts.get("input_cost_per_token_batches"), provider, model)
        if plain is not None and batched is not None and plain.base:
            batch = batched / plain.base
        listed = Price(provider, model, rates, batch=batch, source=source)
        entries.setdefault(provider.lower(), []).append(Entry(provider, model, {}, (listed,)))
    return PriceBook({name: Provider(name, tuple(models)) for name, models in entries.items()}, source)


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
        A price or date cannot be read: with its row.

    Examples
    --------
    >>> row = {"provider": "p", "model": "m", "unit": "input_tokens", "price": "3", "since": "2026-01-01"}
    >>> table_prices([row]).entry("p", "m").prices[0].since
    datetime.date(2026, 1, 1)
    """
    spans: dict[tuple[str, str, date | None, date | None, str, Decimal | None], dict[str, Rate]] = {}
    for number, row in enumerate(rows, start=1):
        try:
            since, until = (
                date.fromisoformat(str(row[name])) if row.get(name) else None for name in ("since", "until")
            )
            rate = Rate(Decimal(str(row["price"])), int(row.get("per") or 1_000_000))
            batch = Decimal(str(row["batch"])) if row.get("batch") else None
        except (KeyError, ValueError, InvalidOperation) as error:
            raise ParameterError(f"Row {number} of the prices cannot be read: {error}.") from None
        who = str(row["provider"]).strip(), str(row["model"]).strip()
        key = (*who, since, until, str(row.get("currency") or "USD"), batch)
        spans.setdefault(key, {})[str(row.get("unit") or "input_tokens")] = rate
    models: dict[tuple[str, str], list[Price]] = {}
    for (provider, model, since, until, currency, batch), rates in spans.items():
        price = Price(provider, model, rates, since, until, batch=batch, currency=currency, source=source)
        models.setdefault((provider, model), []).append(price)
    providers: dict[str, list[Entry]] = {}
    for (provider, model), prices in models.items():
        ordered = tuple(sorted(prices, key=lambda one: one.since or date.min))
        providers.setdefault(provider.lower(), []).append(Entry(provider, model, {}, ordered))
    return PriceBook({name: Provider(name, tuple(entries)) for name, entries in providers.items()}, source)


def _genai_price(provider: str, model: str, part: Mapping[str, Any], source: str) -> Price:
    limits = part.get("constraint") or {}
    rates = {}
    for key, value in part["prices"].items():
        suffix = next((one for one in _SUFFIXES if key.endswith(one)), None)
        if suffix is None:
            raise ParameterError(f"{provider} {model}: {key!r} is no unit that is known.")
        ending, per = _SUFFIXES[suffix]
        tiers: tuple[tuple[int, Decimal], ...] = ()
        base = value
        if isinstance(value, Mapping):
            base = value["base"]
            tiers = tuple((int(one["start"]), _decimal(one["price"])) for one in value["tiers"])
        rates[key.removesuffix(suffix) + ending] = Rate(_decimal(base), per, tuple(sorted(tiers)))
    since = date.fromisoformat(limits["start_date"]) if "start_date" in limits else None
    begins, ends = (
        time.fromisoformat(str(limits[name]).removesuffix("Z")) if name in limits else None
        for name in ("start_time", "end_time")
    )
    return Price(provider, model, rates, since, None, begins, ends, source=source)


def _number(value: Any, provider: str, model: str) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        return _decimal(value)
    except InvalidOperation:
        raise ParameterError(f"{provider} {model}: {value!r} is no price.") from None


def _decimal(value: Any) -> Decimal:
    number = value if isinstance(value, Decimal) else Decimal(repr(value) if isinstance(value, float) else str(value))
    return Decimal(f"{number:f}")
