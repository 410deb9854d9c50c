"""Decoded row groups give back every time and value, in four bytes where they fit and in eight where not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from workbench.archive.groups import _group
from workbench.archive.storage.layout import SAMPLES

FIRST_MS = 1_700_000_000_000


@pytest.mark.parametrize("late_ms", [0, 5_000])
@pytest.mark.parametrize("step_ms", [15_000, 2**31, 2**33])
@pytest.mark.parametrize("largest", [100, 2**31, 2**52])
def test_times_values_and_edges_are_those_that_were_written(step_ms: int, largest: int, late_ms: int):
    times = FIRST_MS + np.arange(5) * step_ms
    times[3:] += late_ms
    whole = np.linspace(-largest, largest, 5).astype(np.int64)
    rows = pa.table(
        [
            pa.array(np.repeat(np.array([3, 9], np.int32), [2, 3])),
            pa.array(times),
            pa.array(whole),
            pa.array([None, None, 1, 1, 1], pa.int8()),
            pa.array([None] * 5, pa.float64()),
        ],
        schema=SAMPLES.schema,
    )
    group = _group(rows, {})
    expected = whole / np.array([1.0, 1.0, 10.0, 10.0, 10.0])
    filled = np.zeros(5, np.int64), np.zeros(5)
    for low, high in ((0, 2), (2, 3), (3, 5)):
        group.write(low, high, *(part[low:high] for part in filled))
        assert group.ends_ms(low, high) == (times[low], times[high - 1])
    assert filled[0].tolist() == times.tolist()
    assert filled[1].tolist() == expected.tolist()
    if late_ms:
        assert group.since.itemsize == (4 if 4 * step_ms < 2**32 else 8)
    else:
        assert (group.since, group.step_ms) == (None, step_ms)
    for first, last, number in ((0, 2, 0), (2, 5, 1)):
        for start_ms in (0, *times.tolist(), *(times + 1).tolist(), 2**60):
            for end_ms in (0, *times.tolist(), *(times - 1).tolist(), 2**60):
                (low,), (high,) = group.within(np.array([number]), start_ms, end_ms)
                wanted = [at for at in range(first, last) if start_ms <= times[at] <= end_ms]
                assert list(range(low, high)) == wanted
