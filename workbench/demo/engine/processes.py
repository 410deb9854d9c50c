"""Restarts of processes: by deploys, maintenance, crashes of the scenario, and now and then by themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from workbench.demo.engine.streams import stream
from workbench.demo.scenario import Event

#: Chance that a process crashes on a day without any event.
CRASH_PER_DAY = 0.01
#: Minutes between the restarts of two instances in one deploy.
STAGGER = 2

#: Minutes around other restarts and gaps in which no process crashes by chance.
_CALM = 30
_DAY = 1440


@dataclass(frozen=True)
class Restart:
    """A process ends and another one starts.

    The scrapes of the minutes in ``[down, up)`` find nobody; ``down == up`` for a restart between two scrapes.

    Attributes
    ----------
    process : str
        Instance label.
    down, up : int
        Minutes since the epoch. [min]
    reason : str
        ``deploy``, ``maintenance``, ``crash``.
    event : str
        Id of the scenario's event, empty for a crash of the background.
    """

    process: str
    down: int
    up: int
    reason: str
    event: str

    @property
    def reset(self) -> int:
        """Minute after whose scrape the counters are at 0. [min]"""
        return self.down

    @property
    def started_s(self) -> float:
        """Start of the new process. [s since the epoch]"""
        second = 3 + crc32(f"{self.process}/{self.down}".encode()) % 900 / 100
        return self.down * 60 + second if self.down == self.up else (self.up - 1) * 60 + 46 + second / 2

    def idle(self, minutes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Mask of the minutes without requests: drained before the end, warming up after the start.

        The first scrape of the new process therefore reads 0: no reset can hide behind a larger value.
        """
        return (minutes >= self.down - (self.up > self.down)) & (minutes < max(self.up, self.down + 1))


def restarts(
    seed: int, day: int, processes: Sequence[str], events: Sequence[Event]
) -> Mapping[str, tuple[Restart, ...]]:
    """Return the restarts that touch a day, by process.

    Parameters
    ----------
    seed : int
        Start of the random numbers; the same seed gives the same result.
    day : int
        Days since the epoch. [d]
    processes : sequence of str
        Instances, in the order in which deploys reach them.
    events : sequence of Event
        Events of the processes' system, and gaps of the monitoring.
    """
    first = day * _DAY
    restarts_by_pool: dict[str, tuple[Restart, ...]] = {}
    for process in processes:
        own = [restart for event in events for restart in _planned(event, process, processes)]
        rng = stream(seed, f"crash/{process}", day)
        strikes, minute = rng.random() < CRASH_PER_DAY, first + int(rng.integers(60, 1380))
        length = 1 + int(rng.integers(0, 3))
        busy = [(restart.down, restart.up) for restart in own]
        busy += [(event.start, event.end) for event in events if event.kind == "scrape_gap"]
        if strikes and all(minute + _CALM < down or minute - _CALM > up for down, up in busy):
            own.append(Restart(process, minute, minute + length, "crash", ""))
        restarts_by_pool[process] = tuple(
            restart for restart in _separate(own) if restart.up + 1 >= first and restart.down - 1 < first + _DAY
        )
    return restarts_by_pool


def _planned(event: Event, process: str, processes: Sequence[str]) -> Iterator[Restart]:
    concerned = [process for process in processes if event.concerns(instance=process)]
    if process not in concerned:
        return
    if event.kind == "deploy":
        at = event.start + concerned.index(process) * STAGGER
        yield Restart(process, at, at, "deploy", event.id)
    elif event.kind == "crash":
        yield Restart(process, event.start, event.end, "crash", event.id)
    elif event.kind == "maintenance":
        middle = event.start + (event.end - event.start) // 2
        yield Restart(process, middle, middle + min(8, event.end - middle), "maintenance", event.id)


def _separate(restarts: Sequence[Restart]) -> list[Restart]:
    """Order the restarts of a process; those that overlap or touch are one, named after the first."""
    ordered: list[Restart] = []
    for restart in sorted(restarts, key=lambda restart: (restart.down, -restart.up, restart.event)):
        if ordered and restart.down <= ordered[-1].up:
            ordered[-1] = replace(ordered[-1], up=max(ordered[-1].up, restart.up))
        else:
            ordered.append(restart)
    return ordered
