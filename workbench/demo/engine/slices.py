"""Objectives that are judged by readings of a gauge in slices of time."""

from __future__ import annotations

import numpy as np

from workbench.demo.engine.day import MINUTES, Floats, Tally


def judge(tally: Tally, name: str, readings: Floats, minutes: int, *, above: float) -> None:
    """Tally the slices of a day (``name.total``) and those in which a full minute reads above a limit (``name.bad``).

    A slice holds the readings after its start up to its end; the last of a day lacks the one at midnight.

    Parameters
    ----------
    readings : float64 array, (MINUTES,)
        Value in each minute.
    minutes : int
        Length of a slice. [min]
    above : float
        Limit; a reading of the limit itself is good.
    """
    after = np.append(readings[1:], -np.inf).reshape(-1, minutes)
    starts = np.arange(MINUTES) % minutes == 0
    tally.add(f"{name}.total", starts)
    tally.add(f"{name}.bad", np.repeat((after > above).any(axis=1), minutes) & starts)
