"""The LLM A/B Testing Platform as a whole: one day of all its targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.catalog import load_catalog
from workbench.demo.engine.day import Day, Exposure, SystemDay, Tally
from workbench.demo.engine.records import Records
from workbench.demo.scenario import Event
from workbench.demo.selectors import selectors
from workbench.demo.systems.abtesting import effects, places, requests, surroundings, telemetry


@dataclass(frozen=True)
class ABTesting:
    """Model of the LLM A/B Testing Platform; see :class:`workbench.demo.engine.day.SystemModel`."""

    name: str = places.SYSTEM
    targets: Sequence[Any] = places.TARGETS
    processes: Sequence[str] = places.PROCESSES
    kinds: Sequence[str] = tuple(effects.SHOWS)
    sliced: Sequence[str] = ("database",)

    @property
    def dimensions(self) -> Mapping[str, tuple[str, ...]]:
        """What ``where`` may name."""
        return {
            "instance": places.PROCESSES,
            "method": ("GET", "POST"),
            "endpoint": tuple(endpoint.path for endpoint in places.ENDPOINTS),
            "provider": tuple(places.MODELS),
            "model": tuple(model for model, *_ in places.MODELS.values()),
            "device": tuple(places.DISKS),
            "alertname": tuple(rule.name for rule in load_catalog().profiles[self.name].alert_rules),
            "job": tuple(dict.fromkeys(target.job for target in places.TARGETS)),
        }

    @property
    def objectives(self) -> Mapping[str, tuple[str, str]]:
        """SLO id -> tallies of bad events and of all."""
        return {
            "error-rate": ("http.bad", "http.total"),
            "latency": ("http.slow_5s", "http.total"),
            "provider-success": ("model.bad", "model.total"),
            "database": ("database.bad", "database.total"),
        }

    @property
    def amounts(self) -> Mapping[str, float]:
        """Tokens by provider, and the attempts of attackers."""
        tokens = {f"tokens.{provider}.{kind}": 1 for provider in places.MODELS for kind in ("input", "output")}
        return {**tokens, "attempts.failed": 1, "attempts.refused": 1}

    def affected(self, event: Event) -> Sequence[str]:
        """Selectors of the series in which an event shows."""
        return selectors(self.name, effects.SHOWS, {}, event)

    def expected(self, event: Event) -> Mapping[str, Any]:
        """When a disk is full, how many attempts an attack makes."""
        return effects.expected(event)

    def simulate(self, day: Day) -> SystemDay:
        """Return a day of the platform."""
        shape = requests.load(day)
        tally = Tally()
        exposures = {target: Exposure() for target in places.TARGETS}
        answered, _ = requests.answer(day, shape, exposures, tally)
        surroundings.expose_machines(day, exposures, shape)
        surroundings.expose_health(day, exposures[places.HEALTH], tally)
        surroundings.expose_people(day, exposures, shape)
        records = telemetry.record(day, answered) if day.recorded else Records(day.index)
        return SystemDay(exposures, tally, records)


ABTESTING = ABTesting()
