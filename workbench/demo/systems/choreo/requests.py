"""Requests of ChoreoAI: answered ones and raised ones, what the providers said, tokens and estimated costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.demo.engine.day import MINUTES, Counts, Day, Exposure, Floats, Tally, Target
from workbench.demo.engine.flows import (
    MONEY,
    Flow,
    diverted,
    drawn,
    durations,
    expose_durations,
    multiplied,
    split,
    tokens,
    total,
)  # fmt: skip
from workbench.demo.engine.season import growth, season
from workbench.demo.engine.streams import split_counts
from workbench.demo.systems.choreo.places import BUCKETS, ENDPOINT, Model, Provider, labels

Exposures = Mapping[Target, Exposure]

SLOW = {"http.slow_5s": 5.0}
#: How requests usually end. What begins with a digit is answered with that status, the others raise an exception.
_ENDS = {"200": 0.9835, "400": 0.006, "429": 0.0025, "500": 0.001, "502": 0.0045, "raised": 0.0025}
ANSWERED = ("200", "400", "429", "500", "502")
#: Ends that come from the provider -> type of its error.
PROVIDER_ERRORS = {"429": "RateLimitError", "502": "ProviderError", "raised": "ReadTimeout"}
#: Ends that reach no provider.
_EARLY = ("400", "500")
BAD = ("500", "502", "raised")
_STREAMED = 0.3


@dataclass
class ProviderCall:
    """One provider's requests: by model and end, by minute and by scrape; durations by minute."""

    provider: Provider
    flows: dict[str, Flow]
    parts: dict[str, Flow]
    held: Counts


def load(day: Day) -> Floats:
    """Load of ChoreoAI: season, growth and slow noise. [1]"""
    shape: Floats = season(day.minutes, 0.48) * growth(day.minutes, 0.5) * np.exp(day.wander("choreo/load", 0.07))
    return shape


def ask(day: Day, provider: Provider, shape: Floats, exposures: Exposures, tally: Tally) -> ProviderCall:
    """Add the requests to one provider; return them for the logs and traces."""
    name = f"choreo/{provider.name}"
    flow = drawn(day, name, provider.rate * shape, _ENDS, day.serving(provider.target.instance))
    where = {"provider": provider.name, "endpoint": ENDPOINT, "instance": provider.target.instance}
    multiplied(day, name, flow, "traffic", **where, model=provider.usual.name)
    flows = _switched(day, provider, flow)
    for used, own in flows.items():
        full = f"{name}/{used}"
        diverted(
            day, tally, full, own, ("outage", "maintenance", "slow_burn"), "500", ("http.bad",), **where, model=used
        )
        narrow = {"provider": provider.name, "model": used}
        diverted(day, tally, full, own, "provider_outage", "502", ("http.bad", "provider.bad"), **narrow)
        diverted(day, tally, full, own, "provider_limit", "429", ("provider.bad",), **narrow)
    parts = {model: split(day, f"{name}/{model}", own) for model, own in flows.items()}
    held = _expose(day, provider, flows, parts, exposures[provider.target], tally)
    for model in _models(provider):
        _expose_model(day, provider, model, flows[model.name], parts[model.name], exposures[provider.target], tally)
    for event, level in day.of("model_switch", provider=provider.name, model=provider.usual.name):
        if provider.dearer:
            served = flows[provider.dearer.name]["200"]
            spent, elsewhere = (
                _units(model, *_tokens(day, provider, provider.dearer, served)) * (level > 0)
                for model in (provider.dearer, provider.usual)
            )
            tally.inject(event.id, f"cost.model.{provider.dearer.name}", spent)
            tally.inject(event.id, f"cost.model.{provider.usual.name}", -elsewhere)
            tally.inject(event.id, f"cost.provider.{provider.name}", spent - elsewhere)
    return ProviderCall(provider, flows, parts, held)


def _models(provider: Provider) -> list[Model]:
    return [model for model in (provider.usual, provider.dearer) if model]


def _switched(day: Day, provider: Provider, flow: Flow) -> dict[str, Flow]:
    if provider.dearer is None:
        return {provider.usual.name: flow}
    taken = {end: np.zeros_like(counts) for end, counts in flow.items()}
    for event, level in day.of("model_switch", provider=provider.name, model=provider.usual.name):
        rng = day.rng(f"event/{event.id}/choreo/{provider.name}")
        for end, counts in flow.items():
            moved = rng.binomial(counts, level)
            flow[end], taken[end] = counts - moved, taken[end] + moved
    return {provider.usual.name: flow, provider.dearer.name: taken}


def summed(flows: Mapping[str, Flow]) -> Flow:
    """All models of a provider together."""
    return {end: np.sum([flow[end] for flow in flows.values()], axis=0) for end in _ENDS}


def _expose(
    day: Day, provider: Provider, flows: Mapping[str, Flow], parts: Mapping[str, Flow], exposure: Exposure, tally: Tally
) -> Counts:
    name, target = f"choreo/{provider.name}", provider.target
    every, shown = summed(flows), summed(parts)
    common = {"provider": provider.name}
    row = labels(target, "choreoai_errors_total", **common, error_type=PROVIDER_ERRORS["raised"])
    exposure.count(row, shown["raised"], late=True)
    for end, error in PROVIDER_ERRORS.items():
        row = labels(target, "choreoai_provider_errors_total", **common, error_type=error)
        exposure.count(row, shown[end], late=True)
    reached = [end for end in _ENDS if end not in _EARLY]
    exposure.count(labels(target, "choreoai_provider_requests_total", **common), total(shown, *reached))
    tally.add("http.total", total(every))
    tally.add("http.bad", total(every, *BAD))
    tally.add("provider.total", total(every, *reached))
    tally.add("provider.bad", total(every, *PROVIDER_ERRORS))
    tally.add("answered.total", total(every, *ANSWERED))
    where = {"provider": provider.name, "endpoint": ENDPOINT, "instance": target.instance, "model": ""}
    course = provider.median * np.ones(MINUTES), provider.sigma
    held = durations(day, tally, name, total(every, *ANSWERED), BUCKETS, course, SLOW, **where)
    family = labels(target, "choreoai_request_duration_seconds", **common, endpoint=ENDPOINT)
    expose_durations(day, name, exposure, family, BUCKETS, held, total(shown, *ANSWERED))
    course = provider.median * 0.94 * np.ones(MINUTES), provider.sigma
    inner = durations(day, tally, f"{name}/latency", total(every, *reached), BUCKETS, course, {}, **where)
    family = labels(target, "choreoai_provider_latency_seconds", **common)
    expose_durations(day, f"{name}/latency", exposure, family, BUCKETS, inner, total(shown, *reached))
    return held


def _expose_model(
    day: Day, provider: Provider, model: Model, flow: Flow, parts: Flow, exposure: Exposure, tally: Tally
) -> None:
    target, late = provider.target, model is not provider.usual
    common = {"provider": provider.name, "model": model.name}
    for status in ANSWERED:
        row = labels(target, "choreoai_requests_total", **common, endpoint=ENDPOINT, status=status)
        exposure.count(row, parts[status], late=late or status not in ("200", "400"))
    name = f"choreo/{provider.name}/{model.name}"
    streamed = day.rng(f"{name}/streamed").binomial(flow["200"], _STREAMED).astype(np.int64)
    row = labels(target, "choreoai_streaming_requests_total", **common)
    exposure.count(row, split_counts(day.rng(f"{name}/streamed/parts"), streamed, day.parts), late=late)
    read, written = _tokens(day, provider, model, flow["200"])
    rng = day.rng(f"{name}/tokens/parts")
    shown = split_counts(rng, read, day.parts), split_counts(rng, written, day.parts)
    for kind, counts, minutes in (("input", shown[0], read), ("output", shown[1], written)):
        exposure.count(labels(target, "choreoai_tokens_total", **common, type=kind), counts, late=late)
        tally.add(f"tokens.{model.name}.{kind}", minutes)
    row = labels(target, "choreoai_estimated_cost_total", **common)
    exposure.count(row, _units(model, *shown) / MONEY, late=late)
    spent = _units(model, read, written)
    tally.add(f"cost.model.{model.name}", spent)
    tally.add(f"cost.provider.{provider.name}", spent)


def _tokens(day: Day, provider: Provider, model: Model, counts: Counts) -> tuple[Counts, Counts]:
    name = f"choreo/{provider.name}/{model.name}"
    return tokens(day, f"{name}/input", counts, model.read), tokens(day, f"{name}/output", counts, model.written)


def _units(model: Model, read: Counts, written: Counts) -> Counts:
    units: Counts = read * model.read_price + written * model.write_price
    return units


def everything(calls: list[ProviderCall]) -> dict[Target, Counts]:
    """Return the requests by instance and minute."""
    exposed: dict[Target, Counts] = {}
    for call in calls:
        counts = total(summed(call.flows))
        exposed[call.provider.target] = exposed.get(call.provider.target, np.zeros(MINUTES, np.int64)) + counts
    return exposed
