"""Clocks: that of the machine, and one that begins where it is told and runs faster, for rehearsals."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def wall_clock() -> datetime:
    """Return the instant now, aware, in UTC."""
    return datetime.now(UTC)


def rehearsal_clock(start: datetime, speed: float) -> Callable[[], datetime]:
    """Return a clock that begins at an instant now and runs ``speed`` times as fast as the machine's.

    Parameters
    ----------
    start : datetime
        Aware.
    speed : float
        Seconds of the clock in a second. [1]
    """
    began = time.monotonic()
    return lambda: start + timedelta(seconds=(time.monotonic() - began) * speed)
