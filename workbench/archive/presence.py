"""Which series have samples in a range, mostly answered from memory: files never change."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from workbench.archive import groups
from workbench.archive.storage import parquet
from workbench.archive.storage.layout import SAMPLES, Layout
from workbench.archive.storage.parquet import DataFile, column_array
from workbench.archive.storage.place import Place
from workbench.archive.storage.tables import Tables

#: So few row groups are looked at by themselves, before all of a file are. [count]
_FEW = 8

Extent = tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]


def present(
    tables: Tables, ids: NDArray[np.int32], start_ms: int, end_ms: int, *, layout: Layout = SAMPLES
) -> NDArray[np.bool_]:
    """Which of the sorted ``ids`` have a row of a table of samples with ``start_ms <= t <= end_ms``."""
    seen = np.zeros(len(ids), bool)
    if not len(ids):
        return seen
    folder = tables.folder(layout)
    for file in tables.files(layout, {"ts": (start_ms, end_ms), "series_id": (int(ids[0]), int(ids[-1]))}):
        if layout == SAMPLES:
            numbers = parquet.row_groups(folder, file, layout, {"ts": (start_ms, end_ms)}, ids)
            if len(numbers) <= _FEW:
                for group in groups.decoded(folder, file, numbers):
                    mine = np.flatnonzero(np.isin(group.ids, ids))
                    lows, highs = group.within(mine, start_ms, end_ms)
                    seen |= np.isin(ids, group.ids[mine[lows < highs]])
                continue
        held, first, last = _extents(folder, file, layout)
        at = np.minimum(np.searchsorted(held, ids), len(held) - 1)
        here, first, last = held[at] == ids, first[at], last[at]
        seen |= here & (((first >= start_ms) & (first <= end_ms)) | ((last >= start_ms) & (last <= end_ms)))
        unsure = here & ~seen & (first < start_ms) & (last > end_ms)
        if unsure.any():
            seen[unsure] = _read(folder, file, layout, ids[unsure], start_ms, end_ms)
    return seen


@lru_cache(maxsize=512)
def _extents(folder: Place, file: DataFile, layout: Layout) -> Extent:
    """Series of a file with the first and last time of each."""
    ids: list[NDArray[np.int32]] = []
    ends: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    every = parquet.row_groups(folder, file, layout, {})
    for batch in parquet.batches(folder, file, layout, every, ["series_id", "ts"]):
        series, times = column_array(batch["series_id"], np.int32), column_array(batch["ts"], np.int64)
        starts = np.flatnonzero(np.append(True, series[1:] != series[:-1]))
        ids.append(series[starts])
        ends.append((times[starts], times[np.append(starts[1:], len(times)) - 1]))
    joined = np.concatenate(ids)
    starts = np.flatnonzero(np.append(True, joined[1:] != joined[:-1]))
    last = np.append(starts[1:], len(joined)) - 1
    return joined[starts], np.concatenate([a for a, _ in ends])[starts], np.concatenate([b for _, b in ends])[last]


def _read(
    folder: Place, file: DataFile, layout: Layout, ids: NDArray[np.int32], start_ms: int, end_ms: int
) -> NDArray[np.bool_]:
    """Look at the samples of series that lie on both sides of the range."""
    seen = np.zeros(len(ids), bool)
    some = parquet.row_groups(folder, file, layout, {"ts": (start_ms, end_ms)}, ids)
    for batch in parquet.batches(folder, file, layout, some, ["series_id", "ts"]):
        series, times = column_array(batch["series_id"], np.int32), column_array(batch["ts"], np.int64)
        seen |= np.isin(ids, series[(times >= start_ms) & (times <= end_ms)])
    return seen
