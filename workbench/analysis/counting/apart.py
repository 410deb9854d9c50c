"""A part and its whole that were scraped apart: an event in one slice of the part and in the next of the whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def settled(part: Floats, total: Floats) -> tuple[Floats, int, float]:
    """Count what a part has more than the whole of a slice in the slice beside it, where the whole has room.

    Parameters
    ----------
    part, total : float64 array, length n_slices
        Events of the slice; the part is contained in the total. [events/slice]

    Returns
    -------
    part : float64 array, length n_slices
        With the same sum.
    slices : int
        In which the part was larger. [count]
    left : float
        What the part has more that no slice beside has room for. [events]

    Examples
    --------
    >>> part, slices, left = settled(np.array([9.0, 12.0, 10.0]), np.array([10.0, 10.0, 11.0]))
    >>> part.tolist(), slices, left
    ([10.0, 10.0, 11.0], 1, 0.0)
    """
    over = np.flatnonzero(part > total + 1e-6)
    if not len(over):
        return part, 0, 0.0
    moved = part.astype(np.float64).copy()
    for at in over.tolist():
        for beside in (at - 1, at + 1):
            if 0 <= beside < len(moved):
                amount = min(max(moved[at] - total[at], 0.0), max(total[beside] - moved[beside], 0.0))
                moved[at] -= amount
                moved[beside] += amount
    return moved, len(over), float(np.maximum(moved - total, 0.0).sum())
