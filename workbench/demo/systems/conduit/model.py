"""Conduit as a whole: one day of all its targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.demo.engine.day import Day, Exposure, SystemDay, Tally
from workbench.demo.engine.flows import MONEY, total
from workbench.demo.engine.records import Records
from workbench.demo.scenario import Event
from workbench.demo.selectors import selectors
from workbench.demo.systems.conduit import effects, exposed, infrastructure, places, telemetry, traffic


@dataclass(frozen=True)
class Conduit:
    """Model of Conduit; see :class:`workbench.demo.engine.day.SystemModel`."""

    name: str = places.SYSTEM
    targets: Sequence[Any] = places.TARGETS
    processes: Sequence[str] = places.PROCESSES
    kinds: Sequence[str] = tuple(effects.SHOWS)
    sliced: Sequence[str] = ("cache-aggregation", "cache-drift")

    @property
    def dimensions(self) -> Mapping[str, tuple[str, ...]]:
        """What ``where`` may name."""
        return {
            "instance": places.PROCESSES,
            "method": ("POST",),
            "endpoint": tuple(places.ENDPOINTS),
            "key": places.KEYS,
            "model": tuple(places.MODELS),
            "provider": tuple(dict.fromkeys(model.provider for model in places.MODELS.values())),
            "queue": (places.QUEUE,),
            "job": tuple(dict.fromkeys(target.job for target in places.TARGETS)),
        }

    @property
    def objectives(self) -> Mapping[str, tuple[str, str]]:
        """SLO id -> tallies of bad events and of all."""
        return {
            "availability": ("http.bad", "http.total"),
            "latency": ("http.slow_10s", "http.total"),
            "provider-success": ("model.bad", "model.total"),
            "task-success": ("task.bad", "task.total"),
            "cache-aggregation": ("aggregation.bad", "aggregation.total"),
            "cache-drift": ("drift.bad", "drift.total"),
        }

    @property
    def amounts(self) -> Mapping[str, float]:
        """Money by model and key, tokens by model, requests by key."""
        return {
            **{f"cost.model.{model}": 1 / MONEY for model in places.MODELS},
            **{f"cost.key.{key}": 1 / MONEY for key in places.KEYS},
            **{f"tokens.{model}.{kind}": 1 for model in places.MODELS for kind in ("prompt", "completion")},
            **{f"requests.{key}": 1 for key in places.KEYS},
        }

    def affected(self, event: Event) -> Sequence[str]:
        """Selectors of the series in which an event shows."""
        return selectors(self.name, effects.SHOWS, effects.NAMES, event)

    def expected(self, event: Event) -> Mapping[str, Any]:
        """Where readings end and what a switch goes to."""
        return effects.expected(event)

    def simulate(self, day: Day) -> SystemDay:
        """Return a day of Conduit."""
        shape = traffic.load(day)
        tally = Tally()
        exposures = {target: Exposure() for target in places.TARGETS}
        *people, painter = places.USES
        lines = [line for use in people for line in traffic.usage_lines(day, use, shape, tally)]
        moved = infrastructure.queue(day, painter, shape)
        drawn = traffic.pictures(day, painter, moved[1], tally)
        answered = exposed.expose_http(day, exposures, lines, shape, tally)
        worker = exposures[places.WORKER]
        tasks = infrastructure.expose_tasks(day, worker, tally, moved, drawn.flow, drawn.parts)
        lines.append(drawn)
        exposed.expose_business(exposures, lines)
        traffic.count(lines, tally)
        requests = {
            target: np.sum([total(line.flow) for line in lines if line.use.target is target], axis=0)
            for target in places.API
        }
        spent, percent = exposed.expose_budgets(day, exposures, lines)
        after = {
            "queue": moved[3],
            **spent,
            **infrastructure.expose_caches(day, exposures, requests, tally),
        }
        infrastructure.expose_connections(day, worker, shape)
        infrastructure.expose_processes(day, exposures, requests, shape)
        infrastructure.expose_monitoring(day, exposures)
        if not day.recorded:
            return SystemDay(exposures, tally, Records(day.index), after)
        return SystemDay(exposures, tally, telemetry.record(day, lines, answered, tasks, percent), after)


CONDUIT = Conduit()
