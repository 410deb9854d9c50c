"""One UTC day of a simulated system: what a model is given and what it gives back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from workbench.core.series import Labels
from workbench.demo.engine.processes import Restart
from workbench.demo.engine.records import Records
from workbench.demo.engine.streams import stream
from workbench.demo.scenario import Event

#: Minutes of a day; the simulator draws whole days, so a day is the same however much of it is kept.
MINUTES = 1440

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Target:
    """One scraped endpoint; ``started`` is the name under which its process says when it started."""

    job: str
    instance: str
    started: str = "process_start_time_seconds"

    @property
    def name(self) -> str:
        """Return ``job/instance``."""
        return f"{self.job}/{self.instance}"


@dataclass
class Exposure:
    """What one target exposes over a day, before it is scraped.

    Increments and gauge values have ``MINUTES * parts`` columns. Increments of column ``i`` happen between scrape ``i``
    and scrape ``i + 1``; a gauge's column ``i`` is what scrape ``i`` reads.
    """

    counters: list[Labels] = field(default_factory=list)
    increments: list[Floats] = field(default_factory=list)
    gauges: list[Labels] = field(default_factory=list)
    readings: list[Floats] = field(default_factory=list)
    late: set[int] = field(default_factory=set)

    def count(self, labels: Labels, increments: NDArray[np.float64] | NDArray[np.int64], *, late: bool = False) -> None:
        """Add a counter; a ``late`` one is exposed from its first increment on, as client libraries do with labels."""
        if late:
            self.late.add(len(self.counters))
        self.counters.append(labels)
        self.increments.append(np.asarray(increments, np.float64))

    def gauge(self, labels: Labels, readings: Floats) -> None:
        """Add a gauge."""
        self.gauges.append(labels)
        self.readings.append(readings)


@dataclass
class Tally:
    """The simulator's own counts of a day by minute: what the truth is made of.

    ``totals`` holds the classes of an objective (``http.total``, ``http.bad``); ``injected`` the same by event.
    """

    totals: dict[str, Floats] = field(default_factory=dict)
    injected: dict[tuple[str, str], Floats] = field(default_factory=dict)

    def add(self, name: str, counts: NDArray[np.int64] | NDArray[np.bool_] | Floats) -> None:
        """Add events of a class, by minute."""
        self.totals[name] = self.totals.get(name, np.zeros(MINUTES)) + counts

    def inject(self, event: str, name: str, counts: NDArray[np.int64] | Floats) -> None:
        """Add events of a class that would not be in it without the scenario's event."""
        key = (event, name)
        self.injected[key] = self.injected.get(key, np.zeros(MINUTES)) + counts


@dataclass(frozen=True)
class Day:
    """A day as a model sees it.

    Attributes
    ----------
    seed : int
    index : int
        Days since the epoch. [d]
    parts : int
        Scrapes a minute: 1, or 4 for the recent days.
    events : tuple of Event
        Events of this system that touch the day.
    restarts : mapping of process to restarts of this day
    recorded : bool
        Whether logs and traces are wanted.
    before : mapping of str to float
        What the system handed over at midnight, e.g. the length of a queue; empty at the start of the history.
    """

    seed: int
    index: int
    parts: int
    events: tuple[Event, ...]
    restarts: Mapping[str, tuple[Restart, ...]]
    recorded: bool
    before: Mapping[str, float] = field(default_factory=dict)

    @property
    def minutes(self) -> Counts:
        """Minutes since the epoch, shape (MINUTES,)."""
        return self.index * MINUTES + np.arange(MINUTES)

    def rng(self, name: str) -> Generator:
        """Return the stream ``name`` of this day."""
        return stream(self.seed, name, self.index)

    def of(self, *kinds: str, **labels: str) -> Iterator[tuple[Event, Floats]]:
        """Yield the events of these kinds that concern these labels, with their level in each minute."""
        for event in self.events:
            if event.kind in kinds and event.concerns(**labels):
                level = event.level(self.minutes)
                if level.any():
                    yield event, level

    def serving(self, process: str) -> NDArray[np.bool_]:
        """Mask of the minutes in which the process answers requests."""
        mask = np.ones(MINUTES, np.bool_)
        for restart in self.restarts.get(process, ()):
            mask &= ~restart.idle(self.minutes)
        return mask

    def wander(self, name: str, sd: float) -> Floats:
        """Slow noise: normal at each full hour, linear between, continuous over midnight; shape (MINUTES,)."""
        nodes = self.rng(name).standard_normal(24)
        following = stream(self.seed, name, self.index + 1).standard_normal(24)[:1]
        hours: Floats = np.arange(MINUTES) / 60
        noise: Floats = sd * np.interp(hours, np.arange(25), np.concatenate([nodes, following]))
        return noise

    def readings(self, name: str, values: Floats, sd: float, step: float) -> Floats:
        """Add noise to a gauge and round it to multiples of ``1 / step``.

        The readings of full minutes do not depend on the readings between them.

        Parameters
        ----------
        values : float64 array, (MINUTES,)
            Course of the gauge.
        sd : float
            Standard deviation of the noise of one reading.
        step : float
            Readings per unit, e.g. 1000 for three decimals.
        """
        full = values + sd * self.rng(name).standard_normal(MINUTES)
        if self.parts > 1:
            between = values[:, None] + sd * self.rng(f"{name}/between").standard_normal((MINUTES, self.parts - 1))
            full = np.concatenate([full[:, None], between], axis=1).ravel()
        rounded: Floats = np.round(full * step) / step
        return rounded


@dataclass(frozen=True)
class SystemDay:
    """What a model gives back: what every target exposes, the counts behind it, logs and traces.

    ``after`` is what the next day is given as ``before``; it must not depend on the resolution.
    """

    exposures: Mapping[Target, Exposure]
    tally: Tally
    records: Records
    after: Mapping[str, float] = field(default_factory=dict)


class SystemModel(Protocol):
    """A simulated system: a package of ``workbench.demo.systems``, named in ``workbench.demo.engine.systems``."""

    @property
    def name(self) -> str:
        """Name of the system, as in its profile."""
        ...

    @property
    def targets(self) -> Sequence[Target]:
        """Everything that is scraped."""
        ...

    @property
    def processes(self) -> Sequence[str]:
        """Instances whose counters start at 0 when they restart."""
        ...

    @property
    def dimensions(self) -> Mapping[str, tuple[str, ...]]:
        """Values that an event's ``where`` may name, by label."""
        ...

    @property
    def objectives(self) -> Mapping[str, tuple[str, str]]:
        """SLO id -> names of the tallies (bad, total)."""
        ...

    @property
    def kinds(self) -> Sequence[str]:
        """Kinds of events that do something to this system."""
        ...

    @property
    def amounts(self) -> Mapping[str, float]:
        """Tally of money or tokens -> what one unit of it is worth; both stand in the truth."""
        ...

    @property
    def sliced(self) -> Sequence[str]:
        """SLO ids that are judged by readings in slices of time, not by counted events."""
        ...

    def affected(self, event: Event) -> Sequence[str]:
        """Selectors of the series in which an event shows."""
        ...

    def expected(self, event: Event) -> Mapping[str, Any]:
        """Return what an event leads to beyond counts, as plain JSON values."""
        ...

    def simulate(self, day: Day) -> SystemDay:
        """Return one day of the system."""
        ...
