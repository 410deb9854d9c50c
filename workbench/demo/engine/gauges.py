"""What processes of several systems expose alike: processor time, memory, and counts that go on between restarts."""

from __future__ import annotations

import numpy as np

from workbench.core.series import Labels
from workbench.demo.engine.day import MINUTES, Counts, Day, Exposure, Floats
from workbench.demo.engine.streams import split_evenly

GIB = 2**30
_SECOND = 1024


def cpu_seconds(day: Day, name: str, exposure: Exposure, labels: Labels, cores: Floats, process: str) -> None:
    """Add a counter of processor time, in multiples of 2**-10 s.

    Parameters
    ----------
    cores : float64 array, (MINUTES,)
        Cores in use. [1]
    """
    noise = np.exp(0.05 * day.rng(f"{name}/cpu").standard_normal(MINUTES)) * day.serving(process)
    units = (np.clip(cores * noise, 0.001, 64) * 60 * _SECOND).astype(np.int64)
    exposure.count(labels, split_evenly(units, day.parts) / _SECOND)


def memory(day: Day, name: str, exposure: Exposure, labels: Labels, gib: Floats, **where: str) -> None:
    """Add a gauge of memory in whole pages; ``stale_alert`` events raise it by GiB."""
    course = gib + day.wander(f"{name}/memory", 0.02 * float(gib.mean()))
    for _, level in day.of("stale_alert", **where):
        course = course + level
    pages = day.readings(f"{name}/memory/readings", course * GIB / 4096, 300, 1)
    exposure.gauge(labels, np.maximum(pages, 1) * 4096)


def whole(day: Day, name: str, exposure: Exposure, labels: Labels, course: Floats, sd: float) -> None:
    """Add a gauge of whole numbers of things."""
    exposure.gauge(labels, np.maximum(day.readings(f"{name}/{labels['__name__']}", course, sd, 1), 0))


def steady(day: Day, exposure: Exposure, labels: Labels, value: float) -> None:
    """Add a gauge that does not move."""
    exposure.gauge(labels, np.full(MINUTES * day.parts, value))


def held(day: Day, exposure: Exposure, labels: Labels, readings: Floats) -> None:
    """Add a gauge that is set once a minute."""
    exposure.gauge(labels, np.repeat(readings, day.parts))


def since_restart(day: Day, process: str, counts: Counts, before: float) -> tuple[Floats, float]:
    """Sum counts up since the process started.

    Returns
    -------
    (float64 array of MINUTES, float)
        The sum each full minute reads, and what the next midnight starts from.
    """
    sums = before + np.concatenate([[0.0], np.cumsum(counts, dtype=np.float64)])
    for restart in day.restarts.get(process, ()):
        minute = restart.reset - day.index * MINUTES
        if 0 <= minute < MINUTES:
            sums[minute + 1 :] -= sums[minute]
    return sums[:-1], float(sums[-1])
