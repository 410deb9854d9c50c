"""Compiled form of :mod:`workbench.archive.tiers.rollup`: one pass over the samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from workbench.archive.tiers.columns import Slices
from workbench.core.series import STALE_BITS, SeriesSet

_i64, _f64 = types.int64, types.float64
_numbers, _floats = types.Array(_i64, 1, "C"), types.Array(_f64, 1, "C")
_rows = types.Array(types.int32, 1, "C")
_STALE = np.int64(STALE_BITS)


@njit(_i64(_numbers, _numbers, _i64), cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _room(offsets: Any, times: Any, step: Any) -> Any:
    """Most slices that the samples can have."""
    total = 0
    for row in range(len(offsets) - 1):
        low, high = offsets[row], offsets[row + 1]
        if high > low:
            total += min(high - low, (times[high - 1] - times[low]) // step + 2)
    return total


@njit(  # type: ignore[untyped-decorator]
    _i64(
        _numbers, _numbers, _floats, _i64, _rows, _numbers, _numbers, _numbers, _numbers, _floats, _floats, _floats,
        _floats, _floats, _floats,
    ),
    cache=True,
    nogil=True,
)  # fmt: skip
def _fill(
    offsets: Any, times: Any, values: Any, step: Any, rows: Any, ends: Any, first_ms: Any, last_ms: Any, counts: Any,
    first: Any, last: Any, increase: Any, low: Any, high: Any, total: Any,
) -> Any:  # fmt: skip
    at = -1
    bits = values.view(np.int64)
    for row in range(len(offsets) - 1):
        end = np.int64(0)
        opened = False
        for i in range(offsets[row], offsets[row + 1]):
            if bits[i] == _STALE:
                continue
            time, value = times[i], values[i]
            if not opened or time > end:
                opened = True
                at += 1
                end = -((-time) // step) * step
                rows[at] = row
                ends[at] = end
                first_ms[at] = time
                counts[at] = 1
                first[at] = low[at] = high[at] = total[at] = last[at] = value
                increase[at] = 0.0
            else:
                change = value - last[at]
                increase[at] += value if change < 0 else change
                counts[at] += 1
                total[at] += value
                last[at] = value
                if value < low[at] or low[at] != low[at]:
                    low[at] = value
                if value > high[at] or high[at] != high[at]:
                    high[at] = value
            last_ms[at] = time
    return at + 1


def compiled(series: SeriesSet, step_ms: int) -> Slices:
    """Cut every series into slices, as :func:`workbench.archive.tiers.rollup.in_arrays` does."""
    offsets, times = np.ascontiguousarray(series.offsets), np.ascontiguousarray(series.times)
    room = int(_room(offsets, times, step_ms))
    rows = np.empty(room, np.int32)
    ends, first_ms, last_ms, counts = (np.empty(room, np.int64) for _ in range(4))
    first, last, increase, low, high, total = (np.empty(room) for _ in range(6))
    columns = (rows, ends, first_ms, last_ms, counts, first, last, increase, low, high, total)
    held = int(_fill(offsets, times, np.ascontiguousarray(series.values), step_ms, *columns))
    return Slices(
        rows[:held],
        ends[:held],
        first_ms[:held],
        last_ms[:held],
        counts[:held],
        first[:held],
        last[:held],
        increase[:held],
        low[:held],
        high[:held],
        total[:held],
    )
