"""Scenarios drawn by chance: scores that drift and disks that fill, each at another time and strength."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

#: Days from the start of the history to the first of two whole months, and of each of these. [d]
BEFORE, MONTHS = 59, (30, 31)

#: Days of history. [d]
DAYS = BEFORE + sum(MONTHS)

#: Score -> what drifts, the label that narrows it, and the least and greatest magnitude.
_SCORES = {
    "icg": ("quality_drift", "generator", (0.06, 0.16)),
    "modicf": ("quality_drift", "generator", (0.06, 0.16)),
    "age": ("bias_drift", "attribute", (-0.15, -0.06)),
    "ethnicity": ("bias_drift", "attribute", (0.05, 0.09)),
}
_DISKS: dict[str, tuple[float, dict[str, list[str]]]] = {
    "counterfactual-lab": (0.42, {"node": ["node-1:9100", "node-2:9100"], "mountpoint": ["/data"]}),
    "llm-ab-testing": (0.53, {"instance": ["app-1:9090", "app-2:9090"], "device": ["sda1"]}),
}


def write_levels(path: Path, seed: int) -> Path:
    """Write a scenario in which every month has one or two drifts, and most months a disk that fills or is full."""
    rng = np.random.default_rng(seed)
    lines = ["schema: 1", f"name: levels-{seed}", f"days: {DAYS}", "events:"]
    for number, length in enumerate(MONTHS):
        end = sum(MONTHS[number + 1 :])
        for each in (*_drifts(rng, number, end + length), *_disks(rng, number, end)):
            where = ", ".join(f'{name}: "{value}"' for name, value in each.pop("where").items())
            lines.append(f"  - {{{', '.join(f'{name}: {value}' for name, value in each.items())}, where: {{{where}}}}}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _drifts(rng: np.random.Generator, number: int, ahead: int) -> Iterator[dict[str, Any]]:
    """Draw drifts that begin in the first half of a month which begins so many days before the end of the history."""
    for name in rng.choice(list(_SCORES), int(rng.integers(1, 3)), replace=False):
        kind, label, (low, high) = _SCORES[str(name)]
        yield {
            "id": f"drift-{number}-{name}",
            "kind": kind,
            "system": "counterfactual-lab",
            "start": f"-{round((ahead - float(rng.uniform(3, 13))) * 1440)}m",
            "duration": f"{round(float(rng.uniform(3.5, 11)) * 1440)}m",
            "magnitude": round(float(rng.uniform(low, high)), 4),
            "where": {label: str(name)},
        }


def _disks(rng: np.random.Generator, number: int, end: int) -> Iterator[dict[str, Any]]:
    """Draw disks that fill at the end of a month: full before it, soon after it, or not at all."""
    for system, (used, places) in _DISKS.items():
        course = rng.choice(["full", "soon", "calm"], p=[0.3, 0.5, 0.2])
        if course == "calm":
            continue
        begun = float(rng.uniform(8, 14))
        ahead = float(rng.uniform(-1.5, -0.4) if course == "full" else rng.uniform(1, 5))
        pace = (0.9 - used) / (begun + ahead)
        lasts = (1.0 - used) / pace + 1
        yield {
            "id": f"disk-{number}-{system}",
            "kind": "filling_disk",
            "system": system,
            "start": f"-{round((end + begun) * 1440)}m",
            "duration": f"{round(lasts * 1440)}m",
            "magnitude": round(pace * lasts, 4),
            "where": {name: str(rng.choice(values)) for name, values in places.items()},
        }
