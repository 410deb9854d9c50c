"""Tokens and cost of traces, from the attributes of their spans."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

import numpy as np
import pandas as pd

from workbench.analysis.counting.sampled import weighted_quantiles
from workbench.analysis.traces.origin import NO_ROW
from workbench.analysis.traces.population import Population
from workbench.core.result import Result

#: Attributes with tokens, by class; the first that is there counts.
TOKENS = {
    "input": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "prompt_tokens"),
    "output": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion",
               "completion_tokens"),
    "total": ("gen_ai.usage.total_tokens", "llm.token_count.total", "llm.usage.total_tokens", "tokens_used"),
}  # fmt: skip

MODELS = ("gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "model")
PROVIDERS = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "provider", "model_provider")

#: Attributes with the cost that the system itself computed.
COSTS = ("gen_ai.usage.cost", "llm.usage.cost", "cost_usd")

#: Cost of (provider, model, input tokens, output tokens, instant); None where no price is known.
PriceOf = Callable[[str, str, int, int, datetime], Decimal | None]


@dataclass(frozen=True, eq=False, repr=False)
class TraceTokens(Result):
    """Tokens and cost per trace by provider and model; one row each, most tokens first.

    Columns of ``frame``: ``provider``, ``model`` (str), ``traces`` (kept traces with such a call), ``calls`` [count],
    ``input``, ``output``, ``total`` (tokens of the kept traces), ``estimate`` (tokens of all traces, each weighed by
    what it stands for), ``per_trace``, ``p95`` (tokens per trace) [tokens], ``cost`` (of the kept traces) and
    ``cost_per_trace`` (Decimal, None where a price or the split of tokens is missing) [currency], ``priced`` (calls
    with a cost). [ratio]
    """

    currency: str


def trace_tokens(of: Population, price: PriceOf | None = None, *, currency: str = "USD") -> TraceTokens:
    """Add up the tokens of the model calls of traces.

    Parameters
    ----------
    of : Population
        Whole traces of the window.
    price : callable, optional
        Cost of a call by a price book, for calls that do not say their cost.
    currency : str
        Of the prices.

    Notes
    -----
    A call is a span with tokens of which no span below has any: a parent that repeats the sum of its calls is left out.
    """
    spans = of.forest.spans
    read = [_tokens(attributes or {}) for attributes in spans["attributes"]]
    holds = np.array([any(each is not None for each in values) for values in read], np.bool_)
    repeats = np.zeros(len(read), np.bool_)
    parent = of.forest.parent
    for row in of.forest.order[::-1].tolist():
        if (holds[row] or repeats[row]) and parent[row] != NO_ROW:
            repeats[parent[row]] = True
    rows = []
    for row in np.flatnonzero(holds & ~repeats).tolist():
        attributes, (given, made, whole) = spans["attributes"].iloc[row], read[row]
        provider, model = _first(attributes, PROVIDERS), _first(attributes, MODELS)
        cost = _decimal(_first(attributes, COSTS))
        if cost is None and price is not None and given is not None and made is not None:
            at = datetime.fromtimestamp(int(of.forest.start[row]) / 1e9, UTC)
            cost = price(provider, model, given, made, at)
        total = whole if whole is not None else (given or 0) + (made or 0)
        rows.append((provider, model, int(of.trace[row]), given or 0, made or 0, total, cost))
    calls = pd.DataFrame(rows, columns=["provider", "model", "trace", "input", "output", "total", "cost"])
    table = [_row(of, provider, model, group) for (provider, model), group in calls.groupby(["provider", "model"])]
    columns = ["provider", "model", "traces", "calls", "input", "output", "total", "estimate", "per_trace", "p95",
               "cost", "cost_per_trace", "priced"]  # fmt: skip
    frame = pd.DataFrame(table, columns=columns).sort_values("total", ascending=False, kind="stable", ignore_index=True)
    return TraceTokens(frame, currency=currency)


def _row(of: Population, provider: str, model: str, calls: pd.DataFrame) -> tuple[object, ...]:
    per_trace = calls.groupby("trace")["total"].sum()
    weight = of.weight[per_trace.index.to_numpy()]
    known = calls["cost"].notna()
    cost = sum(calls["cost"][known], Decimal(0)) if known.all() else None
    return (
        provider, model, len(per_trace), len(calls), *(int(calls[name].sum()) for name in ("input", "output", "total")),
        float((weight * per_trace.to_numpy()).sum()) if of.rates_known else float("nan"),
        float(np.average(per_trace, weights=weight)),
        float(weighted_quantiles(per_trace.to_numpy(np.float64), weight, np.array([0.95]))[0]),
        cost, None if cost is None else cost / len(per_trace), float(known.mean()),
    )  # fmt: skip


def _first(attributes: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((attributes[name] for name in names if attributes.get(name)), "")


def _tokens(attributes: Mapping[str, str]) -> tuple[int | None, int | None, int | None]:
    held = [_decimal(_first(attributes, names)) for names in TOKENS.values()]
    whole = [int(each) if each is not None and each >= 0 else None for each in held]
    return whole[0], whole[1], whole[2]


def _decimal(text: str) -> Decimal | None:
    try:
        value = Decimal(text) if text else None
    except InvalidOperation:
        return None
    return value if value is not None and value.is_finite() and abs(value) < Decimal(10) ** 15 else None
