"""Native histograms as rows of their own table: every bucket, bound and hint as it came, read beside the floats."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.archive.storage import parquet
from workbench.archive.storage.layout import HISTOGRAMS, month_edges, month_of
from workbench.archive.storage.parquet import DataFile, column_array
from workbench.archive.storage.replacement import replace_files
from workbench.archive.storage.tables import CommitConflict, Tables
from workbench.core.histograms import CUSTOM, Histograms, marked_rows, marks
from workbench.core.mixed import histogram_samples, without_empty
from workbench.core.series import Labels, SeriesSet


def read(
    tables: Tables, ids: NDArray[np.int32], labels: Sequence[Labels], start_ms: int, end_ms: int
) -> SeriesSet | None:
    """Read the histograms with ``start_ms <= t <= end_ms`` of the sorted ``ids``; None without any."""
    rows = _held(tables, ids, start_ms, end_ms)
    if not len(rows):
        return None
    row = np.searchsorted(ids, column_array(rows["series_id"], np.int32))
    offsets = np.searchsorted(row, np.arange(len(ids) + 1)).astype(np.int64)
    times, values = column_array(rows["ts"], np.int64), marks(np.arange(len(rows)))
    return without_empty(SeriesSet(tuple(labels), offsets, times, values, _block(rows)))


def series_with(tables: Tables) -> NDArray[np.int32]:
    """Numbers of the series that hold histograms, rising."""
    ids = [np.zeros(0, np.int32)]
    folder = tables.folder(HISTOGRAMS)
    for file in tables.files(HISTOGRAMS):
        groups = parquet.row_groups(folder, file, HISTOGRAMS, {})
        for batch in parquet.batches(folder, file, HISTOGRAMS, groups, ["series_id"]):
            ids.append(np.unique(column_array(batch["series_id"], np.int32)))
    return np.unique(np.concatenate(ids))


def write(tables: Tables, ids: NDArray[np.int32], samples: SeriesSet) -> None:
    """Add the histograms among the samples; those held with the same bits are skipped, other ones win from now on."""
    rows = _rows(ids, samples)
    if not len(rows):
        return
    tables.create(HISTOGRAMS)
    times = rows["ts"]
    held = _held(tables, np.unique(ids), pc.min(times).as_py(), pc.max(times).as_py())
    if files := _written(tables, rows.filter(pa.array(~_known(rows, held)))):
        tables.append(HISTOGRAMS, files)


def rewrite(
    tables: Tables, ids: NDArray[np.int32], samples: SeriesSet, doomed: NDArray[np.int32], start_ms: int, end_ms: int
) -> None:
    """Delete the histograms of ``doomed`` within ``[start_ms, end_ms)`` and add those among the samples."""
    fresh = _rows(ids, samples)
    if len(fresh):
        tables.create(HISTOGRAMS)
    folder = tables.folder(HISTOGRAMS)

    def change() -> tuple[list[DataFile], list[DataFile]]:
        removed, added = [], []
        for file in tables.files(HISTOGRAMS, {"ts": (start_ms, end_ms - 1)}):
            rows = _file(tables, file)
            series, times = column_array(rows["series_id"], np.int32), column_array(rows["ts"], np.int64)
            gone = (times >= start_ms) & (times < end_ms) & np.isin(series, doomed)
            if gone.any():
                removed.append(file)
                kept = rows.filter(pa.array(~gone))
                added += parquet.write(folder, HISTOGRAMS, file.month, [kept], sequence=file.sequence)
        return removed, added + _written(tables, fresh)

    replace_files(tables, HISTOGRAMS, change)


def compact(tables: Tables) -> None:
    """Write the months that lie in several files anew as one, each histogram once."""
    months: dict[str, list[DataFile]] = {}
    for file in tables.files(HISTOGRAMS):
        months.setdefault(file.month, []).append(file)
    for month, files in months.items():
        if len(files) > 1:
            rows = _latest(pa.concat_tables(_file(tables, file) for file in files))
            last = max(file.sequence for file in files)
            fresh = parquet.write(tables.folder(HISTOGRAMS), HISTOGRAMS, month, [rows], sequence=last)
            try:
                tables.replace(HISTOGRAMS, files, fresh)
            except CommitConflict:
                parquet.discard(tables.folder(HISTOGRAMS), fresh)


def _file(tables: Tables, file: DataFile) -> pa.Table:
    folder = tables.folder(HISTOGRAMS)
    groups = parquet.row_groups(folder, file, HISTOGRAMS, {})
    return pa.concat_tables(parquet.batches(folder, file, HISTOGRAMS, groups))


def _held(tables: Tables, ids: NDArray[np.int32], start_ms: int, end_ms: int) -> pa.Table:
    """Rows of the sorted ``ids`` in the range by series and time, each key once."""
    parts = [HISTOGRAMS.schema.empty_table()]
    if len(ids):
        ranges = {"ts": (start_ms, end_ms), "series_id": (int(ids[0]), int(ids[-1]))}
        folder = tables.folder(HISTOGRAMS)
        for file in tables.files(HISTOGRAMS, ranges):
            groups = parquet.row_groups(folder, file, HISTOGRAMS, ranges, ids)
            for batch in parquet.batches(folder, file, HISTOGRAMS, groups):
                series, times = column_array(batch["series_id"], np.int32), column_array(batch["ts"], np.int64)
                parts.append(batch.filter(pa.array((times >= start_ms) & (times <= end_ms) & np.isin(series, ids))))
    return _latest(pa.concat_tables(parts)) if len(parts) > 1 else parts[0]


def _latest(rows: pa.Table) -> pa.Table:
    """Rows by series and time; of two with one key the later."""
    series, times = column_array(rows["series_id"], np.int32), column_array(rows["ts"], np.int64)
    order = np.lexsort((times, series))
    series, times = series[order], times[order]
    last = np.append((series[1:] != series[:-1]) | (times[1:] != times[:-1]), True)[: len(order)]
    return rows.take(order[last]).combine_chunks()


def _rows(ids: NDArray[np.int32], samples: SeriesSet) -> pa.Table:
    if samples.histograms is None:
        return HISTOGRAMS.schema.empty_table()
    native = histogram_samples(samples)
    series = np.repeat(ids, np.diff(native.offsets))
    order = np.lexsort((native.times, series))
    block = samples.histograms.take(marked_rows(native.values)[order])
    places = pa.array(block.offsets, pa.int32())
    columns = {
        "series_id": series[order],
        "ts": native.times[order],
        "schema": block.schema,
        "hint": block.hint,
        "zero_threshold": block.zero_threshold,
        "count": block.count,
        "sum": block.sum,
        "buckets": pa.ListArray.from_arrays(places, pa.array(block.keys, pa.int32())),
        "observations": pa.ListArray.from_arrays(places, pa.array(block.populations)),
        "bounds": pa.array(_bounds(block), pa.list_(pa.float64())),
    }
    return pa.table(columns).cast(HISTOGRAMS.schema)


def _written(tables: Tables, rows: pa.Table) -> list[DataFile]:
    """Write the rows of each month; nothing is committed."""
    if not len(rows):
        return []
    times = rows["ts"].to_numpy()
    edges = month_edges(int(times.min()), int(times.max()))
    files: list[DataFile] = []
    for low, high in pairwise(edges):
        part = rows.filter(pa.array((times >= low) & (times < high)))
        if len(part):
            files += parquet.write(tables.folder(HISTOGRAMS), HISTOGRAMS, month_of(low), [part])
    return files


def _block(rows: pa.Table) -> Histograms:
    layouts: dict[tuple[float, ...], int] = {}
    schema = rows["schema"].to_numpy().astype(np.int64)
    custom = np.full(len(rows), -1, np.int64)
    own = np.flatnonzero(schema == CUSTOM)
    for row, bounds in zip(own.tolist(), rows["bounds"].take(own).to_pylist(), strict=True):
        custom[row] = layouts.setdefault(tuple(bounds or ()), len(layouts))
    buckets = rows["buckets"].combine_chunks()
    sizes = pc.list_value_length(buckets).to_numpy(zero_copy_only=False).astype(np.int64)
    return Histograms(
        schema,
        rows["hint"].to_numpy().astype(np.int64),
        custom,
        rows["zero_threshold"].to_numpy(),
        rows["count"].to_numpy(),
        rows["sum"].to_numpy(),
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        pc.list_flatten(buckets).to_numpy(zero_copy_only=False).astype(np.int64),
        pc.list_flatten(rows["observations"].combine_chunks()).to_numpy(zero_copy_only=False),
        tuple(layouts),
    )


def _known(rows: pa.Table, held: pa.Table) -> NDArray[np.bool_]:
    """Mask of the rows that are held bit for bit."""
    known = np.zeros(len(rows), bool)
    if not len(held):
        return known
    names = ["series_id", "ts"]
    place = {key: at for at, key in enumerate(zip(*(held[name].to_pylist() for name in names), strict=True))}
    at = np.array([place.get(key, -1) for key in zip(*(rows[name].to_pylist() for name in names), strict=True)])
    mine = np.flatnonzero(at >= 0)
    ours, theirs = _block(rows.take(mine)), _block(held.take(at[mine]))
    same = (ours.schema == theirs.schema) & (ours.hint == theirs.hint)
    for name in ("zero_threshold", "count", "sum"):
        same &= _bits(getattr(ours, name)) == _bits(getattr(theirs, name))
    same &= np.diff(ours.offsets) == np.diff(theirs.offsets)
    same &= np.array([a == b for a, b in zip(_bounds(ours), _bounds(theirs), strict=True)], bool)
    both = np.flatnonzero(same)
    left, right = ours.take(both), theirs.take(both)
    differs = (left.keys != right.keys) | (_bits(left.populations) != _bits(right.populations))
    owner = np.repeat(np.arange(len(both)), np.diff(left.offsets))
    same[both] = np.bincount(owner, weights=differs, minlength=len(both)) == 0
    known[mine] = same
    return known


def _bits(values: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.ascontiguousarray(values).view(np.int64)


def _bounds(block: Histograms) -> list[tuple[float, ...] | None]:
    """Bounds of each histogram; None for an exponential schema."""
    return [block.bounds[row] if row >= 0 else None for row in block.custom.tolist()]
