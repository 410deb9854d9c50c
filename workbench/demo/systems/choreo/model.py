"""ChoreoAI as a whole: one day of both instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.demo.engine.day import Day, Exposure, SystemDay, Tally
from workbench.demo.engine.flows import MONEY
from workbench.demo.engine.records import Records
from workbench.demo.scenario import Event
from workbench.demo.selectors import selectors
from workbench.demo.systems.choreo import effects, places, processes, requests, telemetry


@dataclass(frozen=True)
class Choreo:
    """Model of ChoreoAI; see :class:`workbench.demo.engine.day.SystemModel`."""

    name: str = places.SYSTEM
    targets: Sequence[Any] = places.TARGETS
    processes: Sequence[str] = places.PROCESSES
    kinds: Sequence[str] = tuple(effects.SHOWS)
    sliced: Sequence[str] = ()

    @property
    def dimensions(self) -> Mapping[str, tuple[str, ...]]:
        """What ``where`` may name."""
        return {
            "instance": places.PROCESSES,
            "endpoint": (places.ENDPOINT,),
            "provider": tuple(provider.name for provider in places.PROVIDERS),
            "model": tuple(model.name for model in places.MODELS),
            "job": ("choreoai",),
        }

    @property
    def objectives(self) -> Mapping[str, tuple[str, str]]:
        """SLO id -> tallies of bad events and of all."""
        return {
            "success": ("http.bad", "http.total"),
            "latency": ("http.slow_5s", "answered.total"),
            "provider-success": ("provider.bad", "provider.total"),
        }

    @property
    def amounts(self) -> Mapping[str, float]:
        """Money by model and provider, tokens by model."""
        names = [model.name for model in places.MODELS]
        return {
            **{f"cost.model.{name}": 1 / MONEY for name in names},
            **{f"cost.provider.{provider.name}": 1 / MONEY for provider in places.PROVIDERS},
            **{f"tokens.{name}.{kind}": 1 for name in names for kind in ("input", "output")},
        }

    def affected(self, event: Event) -> Sequence[str]:
        """Selectors of the series in which an event shows."""
        return selectors(self.name, effects.SHOWS, {}, event)

    def expected(self, event: Event) -> Mapping[str, Any]:
        """Return what a switch goes to."""
        return effects.expected(event)

    def simulate(self, day: Day) -> SystemDay:
        """Return a day of ChoreoAI."""
        shape = requests.load(day)
        tally = Tally()
        exposures = {target: Exposure() for target in places.TARGETS}
        calls = [requests.ask(day, provider, shape, exposures, tally) for provider in places.PROVIDERS]
        processes.expose_processes(day, exposures, requests.everything(calls))
        records = telemetry.record(day, calls) if day.recorded else Records(day.index)
        return SystemDay(exposures, tally, records)


CHOREO = Choreo()
