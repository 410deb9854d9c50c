"""From increments and readings to the samples a Prometheus would have stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.core.series import STALE, Labels
from workbench.core.timerange import DAY_MS, MINUTE_MS
from workbench.demo.engine.day import MINUTES, Exposure, Floats, Target
from workbench.demo.engine.processes import Restart
from workbench.demo.engine.scraping import FAILED, LOST, PARTS
from workbench.demo.engine.streams import stream


@dataclass
class Carry:
    """What a target hands over at midnight.

    Attributes
    ----------
    levels : float64 array
        Value of each counter.
    born : bool array
        Whether each counter is exposed yet.
    started_s : float
        Start of the process. [s since the epoch]
    failed : bool
        Whether the last scrape of the day before failed.
    """

    levels: Floats
    born: NDArray[np.bool_]
    started_s: float
    failed: bool = False

    @classmethod
    def first(cls, seed: int, target: Target, exposure: Exposure, day: int) -> Carry:
        """State at the start of the history: processes run since up to 20 days, counters of machines are older."""
        count = len(exposure.counters)
        rng = stream(seed, f"start/{target.name}", 0)
        born = np.ones(count, np.bool_)
        born[list(exposure.late)] = False
        return cls(np.zeros(count), born, round(day * 86_400 - float(rng.uniform(1, 20)) * 86_400, 2))

    def to_json(self) -> dict[str, Any]:
        """Plain values; floats survive JSON exactly."""
        return {
            "levels": self.levels.tolist(),
            "born": self.born.tolist(),
            "started_s": self.started_s,
            "failed": self.failed,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Carry:
        """Read what :meth:`to_json` wrote."""
        return cls(np.array(data["levels"]), np.array(data["born"], np.bool_), data["started_s"], data["failed"])


@dataclass
class Block:
    """Samples of series that share their scrapes.

    Attributes
    ----------
    labels : list of Labels, length n
    times : int64 array, (m,)
        [ms since the epoch]
    values : float64 array, (n, m)
    present : bool array, (n, m), or None
        None when every series has a sample at every time.
    """

    labels: Sequence[Labels]
    times: NDArray[np.int64]
    values: Floats
    present: NDArray[np.bool_] | None = field(default=None)

    @property
    def count(self) -> int:
        """Number of samples. [count]"""
        return self.values.size if self.present is None else int(self.present.sum())

    def until(self, end_ms: int) -> Block:
        """Leave out what is later than ``end_ms``."""
        count = int(np.searchsorted(self.times, end_ms, side="right"))
        present = None if self.present is None else self.present[:, :count]
        return Block(self.labels, self.times[:count], self.values[:, :count], present)


def scraped(
    exposure: Exposure,
    day: int,
    parts: int,
    *,
    common: Labels,
    states: NDArray[np.int8],
    restarts: Sequence[Restart] | None,
    carry: Carry,
    start_metric: str = "process_start_time_seconds",
) -> tuple[list[Block], Carry]:
    """Return the samples of one target and day, and what it hands over to the next.

    Parameters
    ----------
    exposure : Exposure
        Increments and readings, ``MINUTES * parts`` columns.
    day : int
        Days since the epoch. [d]
    parts : int
        Scrapes a minute.
    common : Labels
        Labels of every series of the target.
    states : int8 array, (MINUTES * PARTS,)
        From :func:`workbench.demo.engine.scraping.scrape_states`.
    restarts : sequence of Restart, or None
        Restarts of the target's process that touch the day; None for a target that is no process of the system.
    carry : Carry
        State at the start of the day.
    start_metric : str
        Name of the gauge that tells when the process started.

    Returns
    -------
    (list of Block, Carry)
        ``up`` in a block of its own: it is written when the other series are not.
    """
    own = [restart for restart in restarts or () if day * MINUTES <= restart.reset < (day + 1) * MINUTES]
    columns = MINUTES * parts
    kept = states.reshape(MINUTES, PARTS)[:, :: PARTS // parts].ravel()
    times = day * DAY_MS + np.arange(columns, dtype=np.int64) * (MINUTE_MS // parts)

    increments = np.stack(exposure.increments) if exposure.increments else np.zeros((0, columns))
    levels = np.concatenate([carry.levels[:, None], carry.levels[:, None] + np.cumsum(increments, axis=1)], axis=1)
    started = np.full(columns + 1, carry.started_s)
    for restart in own:
        column = (restart.reset - day * MINUTES) * parts
        levels[:, column + 1 :] -= levels[:, column][:, None]
        started[column + 1 :] = round(restart.started_s, 2)
    born = carry.born[:, None] | (np.maximum.accumulate(levels, axis=1) > 0)

    labels = [*exposure.counters, *exposure.gauges]
    rows = [levels[:, :-1], *(reading[None, :] for reading in exposure.readings)]
    if restarts is not None:
        labels.append({**common, "__name__": start_metric})
        rows.append(started[None, :-1])
    values = np.concatenate(rows, axis=0)
    handed = Carry(levels[:, -1].copy(), born[:, -1].copy(), float(started[-1]), False)

    attempted = np.flatnonzero(kept != LOST)
    failed = kept[attempted] == FAILED
    before = np.concatenate([[carry.failed], failed[:-1]])
    handed.failed = bool(failed[-1]) if len(failed) else carry.failed
    up = Block([{**common, "__name__": "up"}], times[attempted], np.where(failed, 0.0, 1.0)[None, :])
    written = attempted[~(failed & before)]
    marks = kept[written] == FAILED
    values = values[:, written]
    values[:, marks] = STALE
    present = None
    if not born[:, 0].all():
        present = np.ones(values.shape, np.bool_)
        present[: len(born)] = born[:, written]
    return [up, Block(labels, times[written], values, present)], handed
