"""Slices as columns: one entry per slice, by series and time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Slices:
    """Slices of several series, by series and time; each array has one entry per slice.

    Attributes
    ----------
    row : int32 array
        Index of the series.
    end, first_ms, last_ms : int64 array
        End of the slice, and times of its first and last sample. [ms since the epoch]
    count : int64 array
        Samples. [count]
    first, last, increase, low, high, total : float64 array
        Values; ``low`` and ``high`` pass over NaN, ``total`` is the sum.
    """

    row: NDArray[np.int32]
    end: NDArray[np.int64]
    first_ms: NDArray[np.int64]
    last_ms: NDArray[np.int64]
    count: NDArray[np.int64]
    first: NDArray[np.float64]
    last: NDArray[np.float64]
    increase: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    total: NDArray[np.float64]


def empty() -> Slices:
    """Return no slices."""
    row, number, value = np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0)
    return Slices(row, number, number, number, number, value, value, value, value, value, value)
