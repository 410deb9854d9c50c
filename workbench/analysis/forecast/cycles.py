"""Levels that begin anew with every calendar month, such as budgets, unrolled so that a line fits them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: A level began anew when it fell by at least this share of itself within REACH_H hours of the start of a month.
FALL = 0.5
REACH_H = 3


@dataclass(frozen=True)
class Cycle:
    """A level as if it had never begun anew.

    Attributes
    ----------
    unrolled : float64 array
        The values, every fall at the start of a month added back to what follows. [as given]
    base : float
        What is to be taken off ``unrolled`` for the level of the month that runs now. [as given]
    hours : int
        Up to its end. [h]
    """

    unrolled: Floats
    base: float
    hours: int


def monthly_cycle(values: Floats, *, as_of: datetime) -> Cycle | None:
    """Unroll a level that begins anew with every calendar month, UTC; None for any other.

    Parameters
    ----------
    values : float64 array
        Hourly values, the last one at ``as_of``; NaN is missing. [any]
    as_of : datetime
        Aware instant on a full hour.

    Notes
    -----
    A level is one of these when it fell by half or more at every start of a month that its history holds, and holds
    one. A month that begins at ``as_of`` itself counts as begun: its level is 0.

    Examples
    --------
    >>> month = np.arange(1.0, 241.0)
    >>> found = monthly_cycle(np.concatenate([month, month[:48]]), as_of=datetime(2026, 11, 3, tzinfo=UTC))
    >>> float(found.unrolled[-1] - found.base), found.hours
    (48.0, 672)
    >>> monthly_cycle(month, as_of=datetime(2026, 11, 3, tzinfo=UTC)) is None
    True
    """
    now = as_of.astimezone(UTC)
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    unrolled, base, seen = values.copy(), 0.0, 0
    start = month
    while (place := len(values) - 1 - int((now - start).total_seconds()) // 3600) >= REACH_H:
        before = values[place - REACH_H : place + 1]
        after = values[place + 1 : place + 1 + REACH_H]
        start = (start.replace(day=1, month=start.month - 1) if start.month > 1
                 else start.replace(year=start.year - 1, month=12))  # fmt: skip
        if not np.isfinite(before).any() or (len(after) and not np.isfinite(after).any()):
            continue
        top = float(np.nanmax(before))
        low = float(np.nanmin(after)) if len(after) else 0.0
        if not len(after):
            base += top
            continue
        if not top > 0 or top - low < FALL * top:
            return None
        unrolled[place + 1 :] += top
        base += top
        seen += 1
    if not seen:
        return None
    following = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
    return Cycle(unrolled, base, int((following - now).total_seconds()) // 3600)
