"""Requests of Conduit's virtual keys to models: the same events as HTTP, by key and model, tokens, money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.demo.engine.day import Counts, Day, Floats, Tally
from workbench.demo.engine.flows import Flow, diverted, drawn, multiplied, split, tokens, total
from workbench.demo.engine.season import growth, season
from workbench.demo.engine.streams import split_counts
from workbench.demo.systems.conduit.places import DEARER, MODELS, WORKER, Use

#: How requests usually end; ``invalid`` and ``overloaded`` ones reach no model.
_ENDS = {
    "success": 0.9936, "limited": 0.0026, "invalid": 0.0032, "provider": 0.00025, "timeout": 0.00015,
    "internal": 0.0001, "overloaded": 0.0,
}  # fmt: skip
#: The same without the requests that only people write wrongly.
_MACHINE_ENDS = {**_ENDS, "invalid": 0.0, "limited": 0.001, "timeout": 0.0}
REACHED = ("success", "provider", "internal", "timeout", "limited")
STATUSES = {
    "200": ("success",), "400": ("invalid",), "429": ("limited",), "500": ("internal",),
    "502": ("provider", "timeout"), "503": ("overloaded",),
}  # fmt: skip
FAILED = ("internal", "provider", "timeout", "overloaded")
_UNSUCCESSFUL = ("provider", "internal", "timeout", "limited")


@dataclass
class Line:
    """What one key asks of one model: by minute, and by scrape of the minute (``parts``).

    ``prompt``, ``completion`` and ``money`` (units) are by scrape; ``tokens`` and ``spent`` the same by minute.
    """

    use: Use
    model: str
    flow: Flow
    parts: Flow
    prompt: Counts
    completion: Counts
    money: Counts
    tokens: tuple[Counts, Counts]
    spent: Counts


def load(day: Day) -> Floats:
    """Load of Conduit: season, growth and slow noise. [1]"""
    shape: Floats = season(day.minutes, 0.42) * growth(day.minutes) * np.exp(day.wander("conduit/load", 0.06))
    return shape


def usage_lines(day: Day, use: Use, shape: Floats, tally: Tally) -> list[Line]:
    """Return the lines of a key: its usual model, and the dearer one a switch goes to."""
    name = f"conduit/{use.key}"
    ends = _ENDS if use.endpoint.endswith("completions") else _MACHINE_ENDS
    flow = drawn(day, name, use.rate * shape, ends, day.serving(use.target.instance))
    _multiplied(day, use, flow, tally)
    lines = [(use.model, flow)]
    switches = list(day.of("model_switch", key=use.key, model=use.model, provider=MODELS[use.model].provider))
    if use.model in DEARER:
        taken = {end: np.zeros_like(counts) for end, counts in flow.items()}
        for event, level in switches:
            rng = day.rng(f"event/{event.id}/{name}")
            for end, counts in flow.items():
                moved = rng.binomial(counts, level)
                flow[end], taken[end] = counts - moved, taken[end] + moved
        lines.append((DEARER[use.model], taken))
    for model, own in lines:
        _failing(day, use, model, own, tally)
    requests = [_line(day, use, model, own) for model, own in lines]
    for event, level in switches:
        for line in requests[1:]:
            elsewhere = _units(use.model, *line.tokens) * (level > 0)
            tally.inject(event.id, f"cost.model.{line.model}", line.spent * (level > 0))
            tally.inject(event.id, f"cost.model.{use.model}", -elsewhere)
            tally.inject(event.id, f"cost.key.{use.key}", line.spent * (level > 0) - elsewhere)
    return requests


def pictures(day: Day, use: Use, done: Counts, tally: Tally) -> Line:
    """Return the line of the key whose requests are tasks: those that were worked off."""
    name = f"conduit/{use.key}"
    rng = day.rng(name)
    parts = np.array([0.9945, 0.0055])
    counts = rng.multinomial(done, parts).T.astype(np.int64)
    flow = {end: np.zeros_like(done) for end in _ENDS} | {"success": counts[0], "provider": counts[1]}
    _failing(day, use, use.model, flow, tally, bad=("model.bad", "task.bad"))
    return _line(day, use, use.model, flow)


def _multiplied(day: Day, use: Use, flow: Flow, tally: Tally) -> None:
    provider = MODELS[use.model].provider
    common = {"key": use.key, "model": use.model, "provider": provider, "endpoint": use.endpoint, "method": "POST"}
    for kind in ("traffic", "runaway_key"):
        before = dict(flow)
        multiplied(day, f"conduit/{use.key}", flow, kind, **common, instance=use.target.instance)
        for event, level in day.of(kind, **common):
            inside = level > 0
            one, other = (
                _units(use.model, *_tokens(day, use, use.model, counts["success"])) for counts in (flow, before)
            )
            tally.inject(event.id, f"cost.key.{use.key}", np.where(inside, one - other, 0))
            tally.inject(event.id, f"cost.model.{use.model}", np.where(inside, one - other, 0))
            tally.inject(event.id, f"requests.{use.key}", np.where(inside, total(flow) - total(before), 0))


def _failing(day: Day, use: Use, model: str, flow: Flow, tally: Tally, bad: Sequence[str] = ()) -> None:
    name = f"conduit/{use.key}/{model}"
    common = {"key": use.key, "model": model, "provider": MODELS[model].provider}
    http = () if bad else ("http.bad",)
    reached = bad or ("model.bad",)
    if not bad:
        where = {**common, "instance": use.target.instance, "endpoint": use.endpoint, "method": "POST"}
        diverted(day, tally, name, flow, ("outage", "maintenance"), "overloaded", http, **where)
        diverted(day, tally, name, flow, "slow_burn", "internal", (*http, *reached), **where)
    diverted(day, tally, name, flow, "provider_outage", "provider", (*http, *reached), **common)
    diverted(day, tally, name, flow, "provider_limit", "limited", reached, **common)


def _tokens(day: Day, use: Use, model: str, counts: Counts) -> tuple[Counts, Counts]:
    if MODELS[model].operation == "image":
        return counts, np.zeros_like(counts)
    name = f"conduit/{use.key}/{model}"
    prompt = tokens(day, f"{name}/prompt", counts, use.prompt)
    return prompt, tokens(day, f"{name}/completion", counts, use.completion)


def _units(model: str, prompt: Counts, completion: Counts) -> Counts:
    priced = MODELS[model]
    units: Counts = prompt * priced.prompt + completion * priced.completion
    return units


def _line(day: Day, use: Use, model: str, flow: Flow) -> Line:
    name = f"conduit/{use.key}/{model}"
    prompt, completion = _tokens(day, use, model, flow["success"])
    rng = day.rng(f"{name}/tokens/parts")
    parts = split(day, name, flow)
    if MODELS[model].operation == "image":
        shown = parts["success"], np.zeros_like(parts["success"])
    else:
        shown = split_counts(rng, prompt, day.parts), split_counts(rng, completion, day.parts)
    return Line(
        use, model, flow, parts, *shown, _units(model, *shown), (prompt, completion), _units(model, prompt, completion)
    )


def count(lines: Sequence[Line], tally: Tally) -> None:
    """Tally what the lines add up to."""
    for line in lines:
        reached = total(line.flow, *REACHED)
        tally.add("model.total", reached)
        tally.add("model.bad", total(line.flow, *_UNSUCCESSFUL))
        tally.add(f"cost.model.{line.model}", line.spent)
        tally.add(f"cost.key.{line.use.key}", line.spent)
        tally.add(f"requests.{line.use.key}", reached)
        if MODELS[line.model].operation != "image":
            for kind, counted in zip(("prompt", "completion"), line.tokens, strict=True):
                tally.add(f"tokens.{line.model}.{kind}", counted)
        if line.use.target is not WORKER:
            tally.add("http.total", total(line.flow))
            tally.add("http.bad", total(line.flow, *FAILED))
