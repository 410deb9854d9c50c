"""Restarts of processes: by deploys, maintenance, crashes of the scenario, and now and then by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from workbench.demo.scenario import Event
from workbench.demo.streams import stream

#: Chance that a process crashes on a day without any event.
CRASH_PER_DAY = 0.01
#: Minutes between the restarts of two instances in one deploy.
STAGGER = 2

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
    day : int
        Days since the epoch. [d]
    processes : sequence of str
        Instances, in the order in which deploys reach them.
    events : sequence of Event
        Events of the processes' system.
    """
    first = day * _DAY
    found: dict[str, list[Restart]] = {process: [] for process in processes}
    for event in events:
        concerned = [process for process in processes if event.concerns(instance=process)]
        for place, process in enumerate(concerned):
            if event.kind == "deploy":
                at = event.start + place * STAGGER
                found[process].append(Restart(process, at, at, "deploy", event.id))
            elif event.kind == "crash":
                found[process].append(Restart(process, event.start, event.end, "crash", event.id))
            elif event.kind == "maintenance":
                middle = event.start + (event.end - event.start) // 2
                found[process].append(
                    Restart(process, middle, middle + min(8, event.end - middle), "maintenance", event.id)
                )
    for process, list_ in found.items():
        rng = stream(seed, f"crash/{process}", day)
        strikes, minute = rng.random() < CRASH_PER_DAY, first + int(rng.integers(60, 1380))
        quiet = all(minute + 30 < known.down or minute - 30 > known.up for known in list_)
        if strikes and quiet:
            list_.append(Restart(process, minute, minute + 1 + int(rng.integers(0, 3)), "crash", ""))
    return {
        process: tuple(
            sorted((r for r in list_ if r.up + 1 >= first and r.down - 1 < first + _DAY), key=lambda r: r.down)
        )
        for process, list_ in found.items()
    }
