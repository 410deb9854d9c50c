"""The tables of slices: a day is rolled up from its samples as a whole, and read back by series and column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.archive.storage import parquet
from workbench.archive.storage.layout import SAMPLES, SLICES_1H, SLICES_5M, Layout, month_of
from workbench.archive.storage.parquet import DataFile, column_array
from workbench.archive.storage.replacement import replace_files
from workbench.archive.storage.tables import Tables
from workbench.archive.tiers.columns import Slices
from workbench.archive.tiers.verdicts import FIVE_MINUTES, HOUR, Tier
from workbench.core.series import Labels, SeriesSet
from workbench.core.timerange import DAY_MS

Column = Literal["last", "low", "high", "total", "count", "counter"]

TABLES: dict[str, Layout] = {FIVE_MINUTES.name: SLICES_5M, HOUR.name: SLICES_1H}
#: A counter that keeps at least this part of its value over a fall did not start again. [ratio]
_KEPT = 0.9

#: What a restarted counter may have counted at most, in multiples of the fastest rise of its series. [x]
_FAR = 10.0


def stale_days(tables: Tables, tier: Tier, start_ms: int, end_ms: int) -> list[int]:
    """Days in the range whose slices are absent, or older than some of their samples: their starts. [ms]

    A day holds the samples in ``(start, start + 24 h]``, as slices hold their ends.
    """
    raw, rolled = tables.files(SAMPLES), tables.files(TABLES[tier.name])
    stale = []
    for day in range(start_ms // DAY_MS * DAY_MS, end_ms, DAY_MS):
        inside = {"ts": (day + 1, day + DAY_MS)}
        newest = max((file.sequence for file in raw if file.meets(inside)), default=0)
        own = [file.sequence for file in rolled if file.meets(inside)]
        if newest and (not own or max(own) < newest):
            stale.append(day)
    return stale


def newest_sequence(tables: Tables, day: int) -> int:
    """Return the newest commit of samples of a day; slices made from these samples carry it."""
    inside = {"ts": (day + 1, day + DAY_MS)}
    return max((file.sequence for file in tables.files(SAMPLES, inside)), default=0)


def replace_day(
    tables: Tables, tier: Tier, ids: NDArray[np.int32], slices: Slices, day: int, *, sequence: int = 0
) -> None:
    """Put the slices of one day in the place of those the archive holds of it, in one commit.

    ``sequence`` is that of the samples they were made from, read before these were; see :func:`newest_sequence`.
    """
    layout = TABLES[tier.name]
    folder = tables.folder(layout)
    rows = _rows(ids, slices, layout)
    low, high = day + 1, day + DAY_MS

    def change() -> tuple[list[DataFile], list[DataFile]]:
        removed, added = [], []
        for file in tables.files(layout, {"ts": (low, high)}):
            held = pa.concat_tables(parquet.batches(folder, file, layout, parquet.row_groups(folder, file, layout, {})))
            kept = held.filter(pc.or_(pc.less(held["ts"], low), pc.greater(held["ts"], high)))
            if len(kept) < file.rows:
                removed.append(file)
                added += parquet.write(folder, layout, file.month, [kept], sequence=file.sequence)
        return removed, added + parquet.write(folder, layout, month_of(day), [rows], sequence=sequence)

    replace_files(tables, layout, change)


def _rows(ids: NDArray[np.int32], slices: Slices, layout: Layout) -> pa.Table:
    columns = {"series_id": ids[slices.row], "ts": slices.end}
    columns |= {name: getattr(slices, name) for name in layout.schema.names if name not in columns}
    return pa.table(columns, schema=layout.schema).sort_by([("series_id", "ascending"), ("ts", "ascending")])


def read(tables: Tables, tier: Tier, ids: NDArray[np.int32], start_ms: int, end_ms: int) -> Slices:
    """Read the slices that end in ``[start_ms, end_ms]`` of the sorted ``ids``; rows index into ``ids``."""
    layout = TABLES[tier.name]
    folder, parts = tables.folder(layout), [layout.schema.empty_table()]
    if len(ids):
        ranges = {"ts": (start_ms, end_ms), "series_id": (int(ids[0]), int(ids[-1]))}
        for file in tables.files(layout, ranges):
            groups = parquet.row_groups(folder, file, layout, ranges, ids)
            for batch in parquet.batches(folder, file, layout, groups):
                series, ends = column_array(batch["series_id"], np.int32), column_array(batch["ts"], np.int64)
                parts.append(batch.filter(pa.array((ends >= start_ms) & (ends <= end_ms) & np.isin(series, ids))))
    rows = pa.concat_tables(parts)
    series, ends = column_array(rows["series_id"], np.int32), column_array(rows["ts"], np.int64)
    order = np.lexsort((ends, series))
    rows = rows.take(order)
    return Slices(
        np.searchsorted(ids, series[order]).astype(np.int32),
        ends[order],
        column_array(rows["first_ms"], np.int64),
        column_array(rows["last_ms"], np.int64),
        column_array(rows["count"], np.int64),
        *(rows[name].to_numpy() for name in layout.floats),
    )


def joined(older: Slices, newer: Slices) -> Slices:
    """Slices of two stretches of time, the newer wholly after the older, by series and time."""
    names = Slices.__dataclass_fields__
    both = {name: np.concatenate([getattr(older, name), getattr(newer, name)]) for name in names}
    order = np.lexsort((both["end"], both["row"]))
    return Slices(**{name: column[order] for name, column in both.items()})


def kept(slices: Slices, mask: NDArray[np.bool_]) -> Slices:
    """Slices that a mask keeps."""
    return Slices(**{name: getattr(slices, name)[mask] for name in Slices.__dataclass_fields__})


def renamed(slices: Slices, rows: Sequence[int]) -> Slices:
    """Slices whose series stand at other rows."""
    return replace(slices, row=np.array(rows, np.int32)[slices.row] if len(slices.row) else slices.row)


def as_series(slices: Slices, labels: Sequence[Labels], column: Column) -> SeriesSet:
    """One column of the slices as samples.

    ``counter`` is a counter without resets that rises by the stored increases, from the first sample on; it and
    ``last`` stand at the time of the last sample of a slice, the others at its end.
    """
    if column == "counter":
        return _counter(slices, labels)
    held, counts = np.unique(slices.row, return_counts=True)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    times = slices.last_ms if column == "last" else slices.end
    values = np.asarray(getattr(slices, column), np.float64)
    return SeriesSet(tuple(labels[row] for row in held), offsets, times, values)


def _counter(slices: Slices, labels: Sequence[Labels]) -> SeriesSet:
    """Add up from the first value of the first slice: rises within slices, and from each slice to the next.

    From one slice to the next a counter that keeps nine tenths of what it counted did not start again.
    """
    begins = np.flatnonzero(np.append(True, slices.row[1:] != slices.row[:-1])) if len(slices.row) else slices.end
    between = slices.first - np.append(0.0, slices.last)[: len(slices.first)]
    restarted = (between < 0) & ~_misread(slices, between, begins)
    rise = np.where(restarted, slices.first, np.maximum(between, 0.0))
    rise[begins] = slices.first[begins]
    rise += slices.increase
    rise = np.where(np.isfinite(rise), rise, 0.0)
    total = np.cumsum(rise)
    counts = np.diff(np.append(begins, len(total)))
    total -= np.repeat(np.append(0.0, total)[begins], counts)
    opened = begins[slices.first_ms[begins] < slices.last_ms[begins]]
    times = np.insert(slices.last_ms, opened, slices.first_ms[opened])
    values = np.insert(total, opened, slices.first[opened])
    counts += np.isin(begins, opened)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return SeriesSet(tuple(labels[row] for row in slices.row[begins]), offsets, times, values)


def _misread(slices: Slices, between: NDArray[np.float64], begins: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a first value is far more than its series counts in as long, and hardly less than the value before it."""
    before = np.append(0.0, slices.last)[: len(slices.first)]
    kept = (between < 0) & (slices.first >= _KEPT * before)
    kept[begins] = False
    if not kept.any():
        return kept
    gap = (slices.first_ms - np.append(0, slices.last_ms)[: len(slices.first)]).astype(np.float64)
    length = (slices.last_ms - slices.first_ms).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        pace = np.fmax(np.where(length > 0, slices.increase / length, 0.0), np.where(between > 0, between / gap, 0.0))
    pace[begins] = np.where(length > 0, slices.increase / np.maximum(length, 1.0), 0.0)[begins]
    fastest = np.repeat(np.fmax.reduceat(pace, begins), np.diff(np.append(begins, len(pace))))
    far: NDArray[np.bool_] = slices.first > _FAR * (fastest * gap + 1.0)
    return kept & far
