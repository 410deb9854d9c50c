"""Which scrapes succeed: single ones fail or are lost, targets are down, the monitoring itself has gaps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from workbench.demo.engine.day import MINUTES, Target
from workbench.demo.engine.processes import Restart
from workbench.demo.engine.streams import stream
from workbench.demo.scenario import Event

OK: Final = 0
#: The scrape was made and failed: ``up`` is 0 and the series of the target are marked stale.
FAILED: Final = 1
#: Nothing was written, not even ``up``.
LOST: Final = 2

#: Parts of a minute; the recent days keep all four scrapes, older ones the first.
PARTS: Final = 4

_FAIL_RATE = 0.0002
_LOSE_RATE = 0.0004
#: Minutes around windows and restarts in which no scrape fails by chance, so that a restart is never hidden.
_CALM = 4


def scrape_states(
    seed: int, day: int, target: Target, restarts: Sequence[Restart], gaps: Sequence[Event]
) -> NDArray[np.int8]:
    """State of every scrape of a day at four a minute; every fourth is a scrape of the full minute.

    Failures by chance hit even minutes, losses odd ones, and never the first minute of an hour: neighbouring
    scrapes do not fail together, and the counts of whole hours stay complete. Both resolutions of a day then agree
    on every full minute, stale marks included.

    Returns
    -------
    int8 array, (MINUTES * PARTS,)
    """
    chance = stream(seed, f"scrape/{target.name}", day).random((MINUTES, PARTS))
    minute = np.arange(MINUTES)
    minutes = day * MINUTES + minute
    states = np.zeros((MINUTES, PARTS), np.int8)
    states[(chance < _FAIL_RATE) & (minute % 2 == 0)[:, None]] = FAILED
    states[(chance < _LOSE_RATE) & (minute % 2 == 1)[:, None]] = LOST
    states[minute % 60 == 0, 0] = OK
    # A part scrape beside a full one that failed would change where the stale mark stands.
    spoilt = states[:, 0] != OK
    states[spoilt, 1:] = OK
    states[:-1][spoilt[1:], 1:] = OK
    states[-1, 1:] = OK
    states[:, 1:][:, 1:][states[:, 1:][:, :-1] != OK] = OK
    calm = np.zeros(MINUTES, np.bool_)
    windows: list[tuple[int, int, int]] = [
        (restart.down, restart.up, FAILED) for restart in restarts if restart.process == target.instance
    ]
    for event in gaps:
        if event.mode == "monitoring" or event.concerns(job=target.job):
            windows.append((event.start, event.end, LOST if event.mode == "monitoring" else FAILED))
    for down, up, _ in windows:
        calm |= (minutes >= down - _CALM) & (minutes < up + _CALM)
    states[calm] = OK
    for down, up, state in windows:
        states[(minutes >= down) & (minutes < up)] = state
    return states.ravel()
