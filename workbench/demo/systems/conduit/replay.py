"""Conduit under recorded traffic: the requests, tokens and money of a dataset, by minute, and what they expose.

Nothing is added to the traffic: no failures, no budgets, no pictures. Events of the scenario move what is there. Only
the durations are modelled, from the lengths of answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from workbench.core.timerange import MINUTE_MS
from workbench.demo.engine.day import MINUTES, Counts, Day, Exposure, Floats, SystemDay, Tally, Target
from workbench.demo.engine.flows import Flow, diverted, expose_durations, total
from workbench.demo.engine.records import Records
from workbench.demo.engine.streams import split_evenly
from workbench.demo.engine.volumes import UNIT, Volume, Volumes, along, spread
from workbench.demo.scenario import Event
from workbench.demo.selectors import selectors
from workbench.demo.systems.conduit import effects, infrastructure, places, telemetry
from workbench.demo.systems.conduit.exposed import BUCKETS
from workbench.demo.systems.conduit.places import API, labels
from workbench.demo.systems.conduit.traffic import FAILED, REACHED, STATUSES

ENDPOINT = "/v1/chat/completions"
_SLOW = "http.slow_10s"
_SLOW_S = 10.0
_ENDS = ("success", "limited", "invalid", "provider", "timeout", "internal", "overloaded")
_MODEL_STATUSES = {"success": ("success",), "error": ("provider", "internal"), "rate_limited": ("limited",)}
_UNSUCCESSFUL = ("provider", "internal", "limited")
_KINDS = (
    "outage", "slow_burn", "maintenance", "provider_outage", "provider_limit", "cache_drift", "stale_alert", "deploy",
    "crash", "scrape_gap",
)  # fmt: skip
#: Requests a minute of one instance at load 1, for what its process uses. [1/min]
_USUAL = MINUTE_MS


@dataclass
class _Line:
    """What one key asks of one model on a day, by minute; money in units of ``1 / UNIT`` dollars."""

    volume: Volume
    target: Target
    flow: Flow
    prompt: Counts
    completion: Counts
    units: Counts


@dataclass(frozen=True)
class Replay:
    """Model of Conduit driven by recorded volumes; see :class:`workbench.demo.engine.day.SystemModel`.

    Attributes
    ----------
    anchor_day : int
        Day to which the volumes relate. [d since the epoch]
    """

    volumes: Volumes
    anchor_day: int = 0
    name: str = places.SYSTEM
    targets: Sequence[Any] = places.TARGETS
    processes: Sequence[str] = places.PROCESSES
    kinds: Sequence[str] = _KINDS
    sliced: Sequence[str] = ("cache-aggregation", "cache-drift")

    @property
    def dimensions(self) -> Mapping[str, tuple[str, ...]]:
        """What ``where`` may name."""
        return {
            "instance": places.PROCESSES,
            "method": ("POST",),
            "endpoint": (ENDPOINT,),
            "key": self.volumes.keys,
            "model": tuple(self.volumes.models),
            "provider": tuple(dict.fromkeys(pool.provider for pool in self.volumes.models.values())),
            "job": tuple(dict.fromkeys(target.job for target in places.TARGETS)),
        }

    @property
    def objectives(self) -> Mapping[str, tuple[str, str]]:
        """SLO id -> tallies of bad events and of all."""
        return {
            "availability": ("http.bad", "http.total"),
            "latency": (_SLOW, "http.total"),
            "provider-success": ("model.bad", "model.total"),
            "cache-aggregation": ("aggregation.bad", "aggregation.total"),
            "cache-drift": ("drift.bad", "drift.total"),
        }

    @property
    def amounts(self) -> Mapping[str, float]:
        """Money, requests and tokens by key, by model, and by both."""
        names = [_names(volume.key, volume.model) for volume in self.volumes.all]
        totals: dict[str, float] = {}
        for name in dict.fromkeys(name for group in names for name in group):
            totals[f"cost.{name}"] = 1 / UNIT
            totals |= {f"{what}.{name}": 1 for what in ("requests", "tokens.prompt", "tokens.completion")}
        return totals

    def affected(self, event: Event) -> Sequence[str]:
        """Selectors of the series in which an event shows."""
        return selectors(self.name, effects.SHOWS, effects.NAMES, event)

    def expected(self, event: Event) -> Mapping[str, Any]:
        """Where readings end."""
        return effects.expected(event) if event.kind == "cache_drift" else {}

    @cached_property
    def _placed(self) -> tuple[tuple[Volume, Target], ...]:
        """Every volume with the instance that answers its key."""
        answering = {key: API[number % len(API)] for number, key in enumerate(self.volumes.keys)}
        return tuple((volume, answering[volume.key]) for volume in self.volumes.all)

    def simulate(self, day: Day) -> SystemDay:
        """Return a day of Conduit."""
        tally = Tally()
        exposures = {target: Exposure() for target in places.TARGETS}
        lines = [self._line(day, volume, target, tally) for volume, target in self._placed]
        requests = {}
        for target in API:
            own = [line for line in lines if line.target is target]
            flow = _summed(own)
            requests[target] = total(flow)
            self._expose_http(day, exposures[target], target, own, flow, tally)
            _expose_business(day, exposures[target], target, own)
        _count(lines, tally)
        shape = np.clip(np.sum(list(requests.values()), axis=0) / (_USUAL * len(API)), 0.05, 3.0)
        after = infrastructure.expose_caches(day, exposures, requests, tally)
        infrastructure.expose_processes(day, exposures, requests, shape)
        infrastructure.expose_monitoring(day, exposures)
        if not day.recorded:
            return SystemDay(exposures, tally, Records(day.index), after)
        nothing = np.zeros((len(infrastructure.TASKS.edges) + 1, MINUTES), np.int64)
        return SystemDay(exposures, tally, telemetry.record(day, [], {}, nothing, {}), after)

    def _line(self, day: Day, volume: Volume, target: Target, tally: Tally) -> _Line:
        name = f"replay/{volume.key}/{volume.model}"
        hours = volume.hours(day.index - self.anchor_day)
        if hours is None:
            nothing = np.zeros(MINUTES, np.int64)
            return _Line(volume, target, dict.fromkeys(_ENDS, nothing), nothing, nothing, nothing)
        noise = day.rng(name).standard_normal(MINUTES)
        requests = spread(volume.requests[hours], volume.cv[hours], noise, day.serving(target.instance))
        flow: Flow = {end: np.zeros_like(requests) for end in _ENDS} | {"success": requests}
        common = {"key": volume.key, "model": volume.model, "provider": volume.provider}
        where = {**common, "instance": target.instance, "endpoint": ENDPOINT, "method": "POST"}
        diverted(day, tally, name, flow, ("outage", "maintenance"), "overloaded", ("http.bad",), **where)
        diverted(day, tally, name, flow, "slow_burn", "internal", ("http.bad", "model.bad"), **where)
        diverted(day, tally, name, flow, "provider_outage", "provider", ("http.bad", "model.bad"), **common)
        diverted(day, tally, name, flow, "provider_limit", "limited", ("model.bad",), **common)
        amounts = (along(sums[hours], requests) for sums in (volume.prompt, volume.completion, volume.units))
        prompt, completion, units = (_of_answered(sums, flow["success"], requests) for sums in amounts)
        return _Line(volume, target, flow, prompt, completion, units)

    def _expose_http(
        self, day: Day, exposure: Exposure, target: Target, own: Sequence[_Line], flow: Flow, tally: Tally
    ) -> None:
        name, common = f"replay/http/{target.instance}", {"method": "POST", "endpoint": ENDPOINT}
        for status, ends in STATUSES.items():
            row = labels(target, "conduit_http_requests_total", **common, status_code=status)
            exposure.count(row, split_evenly(total(flow, *ends), day.parts), late=status != "200")
        for error, ends in (("DatabaseError", ("internal",)), ("ProviderError", ("provider",)),
                            ("Overloaded", ("overloaded",))):  # fmt: skip
            row = labels(target, "conduit_http_errors_total", endpoint=ENDPOINT, error_type=error)
            exposure.count(row, split_evenly(total(flow, *ends), day.parts), late=True)
        held = np.zeros((len(BUCKETS.edges) + 1, MINUTES), np.int64)
        busy: Floats = np.zeros(MINUTES)
        for line in own:
            volume, counts = line.volume, total(line.flow)
            shares = self.volumes.traffic.latency.shares(BUCKETS.edges, volume.mean_tokens)
            held += day.rng(f"{name}/{volume.key}/{volume.model}").multinomial(counts, shares).T
            busy += counts / 60 * float(shares @ BUCKETS.typical)
        tally.add(_SLOW, held[BUCKETS.above(_SLOW_S)].sum(axis=0))
        family = labels(target, "conduit_http_request_duration_seconds", **common)
        expose_durations(day, name, exposure, family, BUCKETS, held, split_evenly(held.sum(axis=0), day.parts))
        active = np.maximum(day.readings(f"{name}/active", busy, 1.2, 1), 0)
        exposure.gauge(labels(target, "conduit_http_requests_active"), active)


def _names(key: str, model: str) -> tuple[str, str, str]:
    return f"key.{key}", f"model.{model}", f"key-model.{key}.{model}"


def _of_answered(sums: Counts, answered: Counts, requests: Counts) -> Counts:
    """Tokens and money of the requests that were answered."""
    share = np.divide(answered, requests, out=np.zeros(len(requests)), where=requests > 0)
    return np.rint(sums * share).astype(np.int64)


def _summed(lines: Iterable[_Line]) -> Flow:
    flow: Flow = {end: np.zeros(MINUTES, np.int64) for end in _ENDS}
    for line in lines:
        for end, counts in line.flow.items():
            flow[end] = flow[end] + counts
    return flow


def _expose_business(day: Day, exposure: Exposure, target: Target, own: Sequence[_Line]) -> None:
    """Add requests by key and by model, tokens and money, each from its first increment on."""

    def count(metric: str, counts: Counts | Floats, **more: str) -> None:
        exposure.count(labels(target, metric, **more), counts, late=True)

    for line in own:
        for status, ends in _MODEL_STATUSES.items():
            counts = split_evenly(total(line.flow, *ends), day.parts)
            common = {"virtual_key_id": line.volume.key, "model": line.volume.model}
            count("conduit_virtualkey_requests_total", counts, **common, status=status)
    for key in dict.fromkeys(line.volume.key for line in own):
        money = split_evenly(np.sum([line.units for line in own if line.volume.key == key], axis=0), day.parts)
        count("conduit_virtualkey_spend_total", money / UNIT, virtual_key_id=key)
    for model in dict.fromkeys(line.volume.model for line in own):
        lines = [line for line in own if line.volume.model == model]
        common, flow = {"model": model, "provider": lines[0].volume.provider}, _summed(lines)
        for status, ends in _MODEL_STATUSES.items():
            counts = split_evenly(total(flow, *ends), day.parts)
            count("conduit_model_requests_total", counts, **common, status=status)
        for kind in ("prompt", "completion"):
            counted = split_evenly(np.sum([getattr(line, kind) for line in lines], axis=0), day.parts)
            count("conduit_model_tokens_total", counted, **common, token_type=kind)
        money = split_evenly(np.sum([line.units for line in lines], axis=0), day.parts)
        count("conduit_cost_total_dollars", money / UNIT, **common, operation_type="completion")


def _count(lines: Sequence[_Line], tally: Tally) -> None:
    for line in lines:
        reached = total(line.flow, *REACHED)
        for name in _names(line.volume.key, line.volume.model):
            tally.add(f"cost.{name}", line.units)
            tally.add(f"requests.{name}", reached)
            tally.add(f"tokens.prompt.{name}", line.prompt)
            tally.add(f"tokens.completion.{name}", line.completion)
        tally.add("http.total", total(line.flow))
        tally.add("http.bad", total(line.flow, *FAILED))
        tally.add("model.total", reached)
        tally.add("model.bad", total(line.flow, *_UNSUCCESSFUL))
