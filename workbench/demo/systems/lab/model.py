"""The Lab as a whole: one day of all its targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.demo.engine.day import Day, Exposure, SystemDay, Tally, Target
from workbench.demo.engine.records import Records
from workbench.demo.scenario import Event
from workbench.demo.systems.lab import effects, generation, machines, places, requests, telemetry


@dataclass(frozen=True)
class Lab:
    """Model of the Multimodal Counterfactual Lab."""

    name: str = places.SYSTEM

    @property
    def targets(self) -> Sequence[Target]:
        """Three replicas, two machines with their cAdvisors, three exporters."""
        return places.TARGETS

    @property
    def processes(self) -> Sequence[str]:
        """Instances of the replicas."""
        return tuple(target.instance for target in places.REPLICAS)

    @property
    def dimensions(self) -> Mapping[str, tuple[str, ...]]:
        """What ``where`` may name."""
        return {
            "instance": tuple(self.processes),
            "method": tuple(method.name for method in requests.METHODS),
            "generator": tuple(generation.METHODS),
            "attribute": tuple(generation.ATTRIBUTES),
            "node": tuple(node.instance for node in places.NODES),
            "mountpoint": tuple(machines.MOUNTS),
            "container": tuple(name for names in places.CONTAINERS.values() for name in names),
            "job": tuple(dict.fromkeys(target.job for target in places.TARGETS)),
        }

    @property
    def objectives(self) -> Mapping[str, tuple[str, str]]:
        """SLO id -> tallies of bad events and of all."""
        return {
            "availability": ("http.bad", "http.total"),
            "latency-p95": ("http.slow_2s", "http.total"),
            "latency-p99": ("http.slow_5s", "http.total"),
            "generation-success": ("generation.bad", "generation.total"),
            "quality": ("quality.bad", "quality.total"),
        }

    @property
    def kinds(self) -> Sequence[str]:
        """Kinds of events that act on the Lab."""
        return tuple(effects.SHOWS)

    @property
    def amounts(self) -> Mapping[str, float]:
        """Nothing; calls and costs of the Lab follow from its generations."""
        return {}

    @property
    def sliced(self) -> Sequence[str]:
        """Quality, a score."""
        return ("quality",)

    def affected(self, event: Event) -> Sequence[str]:
        """Selectors of the series in which an event shows."""
        return effects.affected(event)

    def expected(self, event: Event) -> Mapping[str, Any]:
        """When a disk is full, where a score ends, how often an alert comes back."""
        return effects.expected(event)

    def simulate(self, day: Day) -> SystemDay:
        """Return a day of the Lab."""
        shape = requests.load(day)
        tally = Tally()
        exposures = {target: Exposure() for target in places.TARGETS}
        answered = {
            target: requests.simulate_requests(day, target, shape, exposures[target], tally)
            for target in places.REPLICAS
        }
        generations = generation.simulate_generation(day, places.GENERATOR, shape, exposures[places.GENERATOR], tally)
        generation.simulate_business(day, places.REPLICAS[0], shape, exposures[places.REPLICAS[0]])
        for target in places.NODES:
            machines.simulate_node(day, target, shape, exposures[target])
        for target in places.CADVISORS:
            machines.simulate_containers(day, target, shape, exposures[target])
        machines.simulate_backups(day, places.POSTGRES, exposures[places.POSTGRES])
        records = telemetry.record(day, answered, generations) if day.recorded else Records(day.index)
        return SystemDay(exposures, tally, records)


LAB = Lab()
