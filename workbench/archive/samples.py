"""Samples of series as rows of the ``samples`` table: written by month, read straight into a :class:`SeriesSet`.

One key, (series, time), has one sample: of two that were written the later wins. Writing skips what the archive
holds already, and reading settles what two writers added at the same moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.archive import groups
from workbench.archive.storage import decimals, parquet
from workbench.archive.storage.layout import ROW_GROUP_ROWS, SAMPLES, Layout, month_edges, month_of
from workbench.archive.storage.parquet import DataFile, Ranges, column_array
from workbench.archive.storage.replacement import replace_files
from workbench.archive.storage.tables import Tables
from workbench.core.errors import FrameError, ParameterError
from workbench.core.series import Labels, SeriesSet, is_stale, left_out

#: Rows of one file, about 10 MB.
FILE_ROWS = 32 * ROW_GROUP_ROWS
_CHUNK_ROWS = 4 * ROW_GROUP_ROWS

#: Rows ``[low, high)`` of one series in a row group.
Run = tuple[groups.SampleGroup, int, int]


def read(
    tables: Tables,
    ids: NDArray[np.int32],
    labels: Sequence[Labels],
    start_ms: int,
    end_ms: int,
    *,
    files: Sequence[DataFile] | None = None,
    marks: bool = True,
) -> SeriesSet:
    """Read the samples with ``start_ms <= t <= end_ms`` of the sorted ``ids``; series without any are left out.

    With ``files``, only those are read; with ``marks`` False, no stale marks.
    """
    runs: list[list[Run]] = [[] for _ in ids]
    if len(ids) and start_ms <= end_ms:
        ranges = {"ts": (start_ms, end_ms), "series_id": (int(ids[0]), int(ids[-1]))}
        for file in tables.files(SAMPLES, ranges) if files is None else files:
            for row, run in _runs(tables, file, ranges, ids):
                runs[row].append(run)
    rows = [row for row, parts in enumerate(runs) if parts]
    if not rows:
        return SeriesSet.empty()
    size = sum(high - low for row in rows for _, low, high in runs[row])
    times, values, offsets = np.empty(size, np.int64), np.empty(size), np.zeros(len(rows) + 1, np.int64)
    for number, row in enumerate(rows):
        at = int(offsets[number])
        end = at + _written(runs[row], times[at:], values[at:])
        if not marks and any(group.marked for group, _, _ in runs[row]):
            end = at + _unmarked(times[at:end], values[at:end])
        offsets[number + 1] = end
    size = int(offsets[-1])
    series = SeriesSet(tuple(labels[row] for row in rows), offsets, times[:size], values[:size])
    return series if marks else series.sampled()


def estimate(tables: Tables, ids: NDArray[np.int32], start_ms: int, end_ms: int, *, layout: Layout = SAMPLES) -> int:
    """About how many samples of the sorted ``ids`` lie in the range, from the statistics of the files. [count]"""
    files = tables.files(layout, {"ts": (start_ms, end_ms)})
    low, high = (
        {name: np.array([getattr(file, end)[name] for file in files], np.int64) for name in ("series_id", "ts")}
        for end in ("low", "high")
    )
    held = np.searchsorted(ids, high["series_id"], "right") - np.searchsorted(ids, low["series_id"], "left")
    covered = (np.minimum(end_ms, high["ts"]) - np.maximum(start_ms, low["ts"]) + 1) / (high["ts"] - low["ts"] + 1)
    rows = np.array([file.rows for file in files], np.float64)
    parts: list[float] = (rows * held / (high["series_id"] - low["series_id"] + 1) * covered).tolist()
    return round(sum(parts))


def write(tables: Tables, ids: NDArray[np.int32], samples: SeriesSet) -> None:
    """Add samples; those that the archive holds with the same bits are skipped, other values win from now on."""
    check(ids, samples)
    fresh = _unknown(tables, ids, samples)
    files = written(tables, ids, fresh)
    if files:
        tables.append(SAMPLES, files)


def rewrite(
    tables: Tables, ids: NDArray[np.int32], samples: SeriesSet, doomed: NDArray[np.int32], start_ms: int, end_ms: int
) -> None:
    """Delete the series in ``doomed`` (sorted) within ``[start_ms, end_ms)`` and add the samples, in one commit."""
    check(ids, samples)
    if samples.samples and not (samples.times.min() >= start_ms and samples.times.max() < end_ms):
        raise ParameterError(
            f"A replacement of [{start_ms}, {end_ms}) ms has samples from {samples.times.min()} "
            f"to {samples.times.max()} ms.",
            hint="Cut the samples to the range, or widen the range.",
        )
    folder = tables.folder(SAMPLES)

    def change() -> tuple[list[DataFile], list[DataFile]]:
        removed, kept = [], []
        for file in tables.files(SAMPLES, {"ts": (start_ms, end_ms - 1)}):
            gone = sum(
                int(mask.sum()) for _, mask in _doomed(tables, file, doomed, start_ms, end_ms, ["series_id", "ts"])
            )
            if gone:
                removed.append(file)
            if 0 < gone < file.rows:
                left = (
                    batch.filter(pa.array(~mask)) for batch, mask in _doomed(tables, file, doomed, start_ms, end_ms)
                )
                kept += parquet.write(folder, SAMPLES, file.month, left, sequence=file.sequence)
        return removed, kept + written(tables, ids, samples)

    replace_files(tables, SAMPLES, change)


def check(ids: NDArray[np.int32], samples: SeriesSet) -> None:
    """Raise :class:`FrameError` for two series of one label set, and for times that do not rise."""
    distinct, counts = np.unique(ids, return_counts=True)
    if len(distinct) < len(ids):
        twice = samples.labels[int(np.flatnonzero(ids == distinct[counts > 1][0])[0])]
        raise FrameError(f"Two series have the labels {dict(twice)}.", hint="Join them before they are archived.")
    rising = np.diff(samples.times) > 0
    inner = samples.offsets[1:-1]
    rising[inner[(inner > 0) & (inner < samples.samples)] - 1] = True
    if not rising.all():
        at = int(np.flatnonzero(~rising)[0])
        series = int(np.searchsorted(samples.offsets, at, "right")) - 1
        raise FrameError(
            f"Times of {dict(samples.labels[series])} do not rise: {samples.times[at]} ms is followed by "
            f"{samples.times[at + 1]} ms.",
            hint="Sort the samples of each series by time and keep one of each time.",
        )


def _unknown(tables: Tables, ids: NDArray[np.int32], samples: SeriesSet) -> SeriesSet:
    """Leave out samples that the archive holds bit for bit; free when no file overlaps."""
    if not samples.samples:
        return samples
    low, high = int(samples.times.min()), int(samples.times.max())
    order = np.argsort(ids)
    held = read(tables, ids[order], [{"row": str(row)} for row in order], low, high)
    if not held.samples:
        return samples
    fresh = np.ones(samples.samples, bool)
    for labels, times, values in held:
        row = int(labels["row"])
        part = slice(int(samples.offsets[row]), int(samples.offsets[row + 1]))
        at = np.minimum(np.searchsorted(times, samples.times[part]), len(times) - 1)
        same_bits = values.view(np.int64)[at] == np.ascontiguousarray(samples.values[part]).view(np.int64)
        fresh[part] = ~((times[at] == samples.times[part]) & same_bits)
    counts = np.concatenate([[0], np.cumsum(fresh)])
    return SeriesSet(samples.labels, counts[samples.offsets], samples.times[fresh], samples.values[fresh])


def written(tables: Tables, ids: NDArray[np.int32], samples: SeriesSet, *, sequence: int = 0) -> list[DataFile]:
    """Write the samples of each month, whole series to a file; nothing is committed."""
    if not samples.samples:
        return []
    files: list[DataFile] = []
    edges = month_edges(int(samples.times.min()), int(samples.times.max()))
    order = np.argsort(ids)
    bounds = np.stack([samples.offsets[row] + np.searchsorted(times, edges) for row, times in _times(samples, order)])
    for column, month in enumerate(map(month_of, edges[:-1])):
        first, last = bounds[:, column], bounds[:, column + 1]
        file_of = (np.cumsum(last - first) - 1) // FILE_ROWS
        for number in range(int(file_of[-1]) + 1):
            part = np.flatnonzero((file_of == number) & (last > first))
            chunks = _chunks(ids[order[part]], first[part], last[part], samples)
            files += parquet.write(tables.folder(SAMPLES), SAMPLES, month, chunks, sequence=sequence)
    return files


def _times(samples: SeriesSet, order: NDArray[np.intp]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    for row in order.tolist():
        yield row, samples.times[samples.offsets[row] : samples.offsets[row + 1]]


def _chunks(
    ids: NDArray[np.int32], first: NDArray[np.int64], last: NDArray[np.int64], samples: SeriesSet
) -> Iterator[pa.Table]:
    """Rows of series, each a stretch of the samples, some row groups at a time."""
    ends = np.cumsum(last - first)
    total = int(ends[-1]) if len(ends) else 0
    for start in range(0, total, _CHUNK_ROWS):
        stop = min(start + _CHUNK_ROWS, total)
        series = slice(int(np.searchsorted(ends, start, "right")), int(np.searchsorted(ends, stop, "left")) + 1)
        low = np.maximum(first[series], last[series] - (ends[series] - start))
        high = np.minimum(last[series], last[series] - (ends[series] - stop))
        stretches = [slice(a, b) for a, b in zip(low.tolist(), high.tolist(), strict=True)]
        yield _table(
            ids[series],
            high - low,
            np.concatenate([samples.times[stretch] for stretch in stretches]),
            np.concatenate([samples.values[stretch] for stretch in stretches]),
        )


def _table(
    ids: NDArray[np.int32], counts: NDArray[np.int64], times: NDArray[np.int64], values: NDArray[np.float64]
) -> pa.Table:
    """Split values into decimals and others; a series of mostly other values stays whole."""
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    scale = np.repeat(decimals.places(values, starts, counts), counts)
    integers, exact = decimals.scaled(values, scale)
    mostly = np.add.reduceat(exact, starts, dtype=np.int64) * 2 >= counts
    exact &= np.repeat(mostly, counts)
    return pa.table(
        [
            pa.array(np.repeat(ids, counts)),
            pa.array(times),
            pa.array(integers, mask=None if exact.all() else ~exact),
            pa.array(scale, mask=~exact | (scale == 0)),
            pa.array(values, mask=exact) if exact.any() else pa.array(values),
        ],
        schema=SAMPLES.schema,
    )


def _runs(tables: Tables, file: DataFile, ranges: Ranges, ids: NDArray[np.int32]) -> Iterator[tuple[int, Run]]:
    """Stretches of one file, one a wanted series and row group, cut to the range."""
    folder = tables.folder(SAMPLES)
    for group in groups.decoded(folder, file, parquet.row_groups(folder, file, SAMPLES, ranges, ids)):
        rows = np.searchsorted(ids, group.ids)
        held = np.flatnonzero(ids[np.minimum(rows, len(ids) - 1)] == group.ids)
        lows, highs = group.within(held, *ranges["ts"])
        for row, low, high in zip(rows[held].tolist(), lows.tolist(), highs.tolist(), strict=True):
            if low < high:
                yield row, (group, low, high)


def _doomed(
    tables: Tables,
    file: DataFile,
    doomed: NDArray[np.int32],
    start_ms: int,
    end_ms: int,
    columns: Sequence[str] | None = None,
) -> Iterator[tuple[pa.Table, NDArray[np.bool_]]]:
    """Read a file with a mask of the rows that a replacement deletes."""
    folder = tables.folder(SAMPLES)
    every = parquet.row_groups(folder, file, SAMPLES, {})
    for batch in parquet.batches(folder, file, SAMPLES, every, columns):
        series, times = column_array(batch["series_id"], np.int32), column_array(batch["ts"], np.int64)
        yield batch, (times >= start_ms) & (times < end_ms) & np.isin(series, doomed)


def _written(runs: list[Run], times: NDArray[np.int64], values: NDArray[np.float64]) -> int:
    """Write the runs of one series by time; where two overlap, merge them, and the later written wins. [samples]"""
    ends = [group.ends_ms(low, high) for group, low, high in runs]
    order = sorted(range(len(runs)), key=lambda number: ends[number][0])
    overlap = any(ends[after][0] <= ends[before][1] for before, after in pairwise(order))
    size = 0
    for group, low, high in runs if overlap else [runs[number] for number in order]:
        part = slice(size, size + high - low)
        group.write(low, high, times[part], values[part])
        size += high - low
    if overlap:
        by_time = np.argsort(times[:size], kind="stable")
        sorted_times, sorted_values = times[by_time], values[by_time]
        last = np.append(sorted_times[1:] != sorted_times[:-1], True)
        size = int(last.sum())
        times[:size], values[:size] = sorted_times[last], sorted_values[last]
    return size


def _unmarked(times: NDArray[np.int64], values: NDArray[np.float64]) -> int:
    """Move the samples of a series together that are no stale marks. [samples]"""
    places = np.flatnonzero(is_stale(values))
    if len(places):
        first, size = int(places[0]), len(values) - len(places)
        for array in (times, values):
            array[first:size] = left_out(array[first:], places - first)
    return len(values) - len(places)
