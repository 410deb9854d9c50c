"""What a build leaves for the next one: where every day starts from, and the simulator's counts of every day."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FILE = "demo-state.json"
#: Raised when the same scenario and seed give other samples than before.
GENERATOR = 2


@dataclass
class State:
    """State of a demo folder; private to this package, unlike ``truth.json``.

    Attributes
    ----------
    fingerprint : str
        Hash of everything the samples depend on besides the end.
    anchor_ms, end_ms : int
        [ms since the epoch]
    starts : mapping of day to carries
        What the targets and alerts hand over to the days a later build may start at.
    days : mapping of day to counts
        The simulator's own counts, for the truth.
    """

    fingerprint: str
    anchor_ms: int
    end_ms: int
    starts: dict[int, dict[str, Any]] = field(default_factory=dict)
    days: dict[int, dict[str, Any]] = field(default_factory=dict)
    open_episodes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def episodes(self) -> list[dict[str, Any]]:
        """Alert episodes of the whole history, by start."""
        ended = [episode for day in self.days.values() for system in day.values() for episode in system["episodes"]]
        return sorted(
            [*ended, *self.open_episodes], key=lambda episode: (episode["starts_ms"], sorted(episode["labels"].items()))
        )

    @property
    def samples(self) -> int:
        """Samples of all days. [count]"""
        return sum(int(system["samples"]) for day in self.days.values() for system in day.values())

    def save(self, directory: Path) -> None:
        """Write the state in one step."""
        write_json(directory / FILE, asdict(self), indent=None)

    @classmethod
    def load(cls, directory: Path) -> State | None:
        """Read the state of a folder; None where there is none that can be used."""
        try:
            data = json.loads((directory / FILE).read_text(encoding="utf-8"))
            return cls(
                data["fingerprint"],
                data["anchor_ms"],
                data["end_ms"],
                {int(day): start for day, start in data["starts"].items()},
                {int(day): counts for day, counts in data["days"].items()},
                data["open_episodes"],
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None


def write_json(path: Path, data: Any, *, indent: int | None) -> None:
    """Write JSON beside the file and exchange the two, so that a reader never sees half of it."""
    sibling = path.with_name(f".{path.name}.{os.getpid()}")
    with sibling.open("w", encoding="utf-8") as file:
        json.dump(data, file, indent=indent, allow_nan=False)
        file.flush()
        os.fsync(file.fileno())
    os.replace(sibling, path)
