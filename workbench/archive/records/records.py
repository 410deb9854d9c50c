"""Log lines, spans and alert episodes as rows of their tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.archive.records import filters
from workbench.archive.storage import parquet
from workbench.archive.storage.layout import EPISODES, LOGS, SPANS, Layout, month_edges, month_of
from workbench.archive.storage.parquet import DataFile
from workbench.archive.storage.replacement import replace_files
from workbench.archive.storage.tables import Tables
from workbench.core import frames
from workbench.core.errors import FrameError, ParameterError
from workbench.core.filters import LogFilter, SpanFilter
from workbench.core.timerange import TimeRange

_CONTRACTS = {LOGS.name: frames.LOGS, SPANS.name: frames.SPANS, EPISODES.name: frames.EPISODES}

_MAPS = {LOGS.name: "attributes", SPANS.name: "attributes", EPISODES.name: "labels"}
_INSTANTS = ("active_at", "starts_at", "ends_at")
_INT64 = np.iinfo(np.int64)


def logs(tables: Tables, wanted: LogFilter, span: TimeRange) -> pd.DataFrame:
    """Lines of ``[start, end)`` that pass the filter: LOGS, oldest first."""
    low, high = _bounds(LOGS, span)
    return _read(tables, LOGS, (low, high - 1), filters.log_expression(wanted))


def spans(tables: Tables, wanted: SpanFilter, span: TimeRange) -> pd.DataFrame:
    """Spans that start in ``[start, end)`` and pass the filter: SPANS, oldest first."""
    low, high = _bounds(SPANS, span)
    return _read(tables, SPANS, (low, high - 1), filters.span_expression(wanted))


def episodes(tables: Tables, span: TimeRange) -> pd.DataFrame:
    """Episodes that overlap ``[start, end)``, by start; one without an end is still open."""
    ends = pc.field("ends_at")
    return _read(
        tables, EPISODES, (int(_INT64.min), span.end_ms - 1), ends.is_null() | (ends > pc.scalar(span.start_ms))
    )


def append(tables: Tables, layout: Layout, frame: pd.DataFrame) -> None:
    """Add the rows of a frame that keeps its contract."""
    files = _write(tables, layout, _rows(layout, frame))
    if files:
        tables.append(layout, files)


def replace(tables: Tables, layout: Layout, frame: pd.DataFrame, span: TimeRange) -> None:
    """Delete the rows whose time lies in ``[start, end)`` and add those of the frame, in one commit."""
    rows = _rows(layout, frame)
    low, high = _bounds(layout, span)
    if len(rows):
        bounds = pc.min_max(rows[layout.time]).as_py()
        if bounds["min"] < low or bounds["max"] >= high:
            raise ParameterError(
                f"A replacement of {span} in {layout.name} has rows outside the range.",
                hint="Cut the frame to the range, or widen the range.",
            )
    folder = tables.folder(layout)

    def change() -> tuple[list[DataFile], list[DataFile]]:
        removed, added = [], []
        for file in tables.files(layout, {layout.time: (low, high - 1)}):
            held = _file(tables, layout, file)
            times = held[layout.time]
            kept = held.filter(pc.or_(pc.less(times, low), pc.greater_equal(times, high)))
            if len(kept) < file.rows:
                removed.append(file)
                added += parquet.write(folder, layout, file.month, [kept], sequence=file.sequence)
        return removed, added + _write(tables, layout, rows)

    replace_files(tables, layout, change)


def _bounds(layout: Layout, span: TimeRange) -> tuple[int, int]:
    """Both ends in units of the time column; int64 nanoseconds end in the year 2262."""
    low, high = (min(max(ms * layout.per_ms, int(_INT64.min)), int(_INT64.max)) for ms in (span.start_ms, span.end_ms))
    return low, high


def _read(tables: Tables, layout: Layout, bounds: tuple[int, int], passes: pc.Expression | None) -> pd.DataFrame:
    """Rows inside inclusive bounds that pass; of two records with one identity the later written."""
    low, high = bounds
    time = pc.field(layout.time)
    inside = (time >= pc.scalar(low)) & (time <= pc.scalar(high))
    files = tables.files(layout, {layout.time: bounds})
    shared = bool(parquet.overlapping(files, layout).any())
    parts = [layout.schema.empty_table()]
    for file in files:
        part = _file(tables, layout, file, bounds).filter(inside)
        parts.append(part if shared or passes is None else part.filter(passes))
    rows = pa.concat_tables(parts)
    if shared:
        rows = _latest(rows, layout, np.repeat(np.arange(len(parts)), [len(part) for part in parts]))
        rows = rows if passes is None else rows.filter(passes)
    order = pc.array_sort_indices(rows[layout.time]) if not len(rows) else np.argsort(rows[layout.time], kind="stable")
    return _frame(layout, rows.take(order))


def _file(tables: Tables, layout: Layout, file: DataFile, bounds: tuple[int, int] | None = None) -> pa.Table:
    folder = tables.folder(layout)
    groups = parquet.row_groups(folder, file, layout, {layout.time: bounds} if bounds else {})
    return pa.concat_tables([layout.schema.empty_table(), *parquet.batches(folder, file, layout, groups)])


def _latest(rows: pa.Table, layout: Layout, file: NDArray[np.int64]) -> pa.Table:
    """Leave out records that a later row holds too; equal log lines of one file are several lines."""
    names = list(layout.identity or layout.schema.names)
    keys = rows.select(names).to_pandas()
    if _MAPS[layout.name] in names:
        keys[_MAPS[layout.name]] = [json.dumps(sorted(pairs)) for pairs in keys[_MAPS[layout.name]]]
    if not layout.identity:
        keys["copy"] = keys.assign(file=file).groupby([*names, "file"]).cumcount()
    return rows.filter(pa.array(~keys.duplicated(keep="last").to_numpy()))


def _write(tables: Tables, layout: Layout, rows: pa.Table) -> list[DataFile]:
    if not len(rows):
        return []
    times = rows[layout.time].to_numpy()
    edges = month_edges(int(times[0] // layout.per_ms), int(times[-1] // layout.per_ms))
    cuts = np.searchsorted(times, [edge * layout.per_ms for edge in edges])
    files: list[DataFile] = []
    for edge, first, last in zip(edges, cuts, cuts[1:], strict=False):
        if first < last:
            part = rows.slice(int(first), int(last - first))
            files += parquet.write(tables.folder(layout), layout, month_of(edge), [part])
    return files


def _rows(layout: Layout, frame: pd.DataFrame) -> pa.Table:
    """Rows in the columns of the table, by time."""
    frames.check(frame, _CONTRACTS[layout.name], where="the archive's caller")
    columns = {}
    for field in layout.schema:
        column = frame[field.name]
        if field.name in _INSTANTS:
            instants = column.dt.tz_convert(None).dt.as_unit("ms")
            columns[field.name] = pa.array(instants.to_numpy().view(np.int64), mask=instants.isna().to_numpy())
        elif field.name == _MAPS[layout.name]:
            columns[field.name] = _maps(column, field.type)
        elif field.type == pa.string():
            columns[field.name] = pc.fill_null(pa.array(column.astype("str"), pa.string(), from_pandas=True), "")
        else:
            columns[field.name] = pa.array(column.to_numpy(), field.type)
    if columns[layout.time].null_count:
        raise FrameError(f"A row of the {layout.name} frame has no {layout.time}.", hint="Leave such rows out.")
    rows = pa.table(columns, schema=layout.schema)
    rows = rows.take(np.argsort(columns[layout.time], kind="stable"))
    return _latest(rows, layout, np.zeros(len(rows), np.int64)) if layout.identity else rows


def _maps(column: Iterable[Mapping[str, Any] | None], form: pa.MapType) -> pa.Array:
    """Make maps of texts; where all are texts already, as most are, without a look at each."""
    maps = [each or {} for each in column]
    names, values = list(chain.from_iterable(maps)), list(chain.from_iterable(each.values() for each in maps))
    if {*map(type, names), *map(type, values)} == {str}:
        with suppress(UnicodeEncodeError):
            ends = np.cumsum([0, *map(len, maps)])
            return pa.MapArray.from_arrays(ends, pa.array(names, pa.string()), pa.array(values, pa.string()), form)
    return pa.array([_pairs(each) for each in maps], form)


def _pairs(attributes: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(_text(name), _text(value)) for name, value in attributes.items() if value is not None]


def _text(value: object) -> str:
    """Text of a value; half characters, which UTF-8 cannot hold, become question marks."""
    text = (
        value if isinstance(value, str) else json.dumps(value) if isinstance(value, bool | dict | list) else str(value)
    )
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _frame(layout: Layout, rows: pa.Table) -> pd.DataFrame:
    mapped = _MAPS[layout.name]
    frame = rows.drop_columns([mapped, *(name for name in _INSTANTS if name in rows.column_names)]).to_pandas()
    frame[mapped] = pd.Series([dict(pairs) for pairs in rows[mapped].to_pylist()], index=frame.index, dtype=object)
    for name in _INSTANTS:
        if name in rows.column_names:
            frame[name] = pd.Series(rows[name].cast(pa.timestamp("ms", "UTC")).to_pandas(), index=frame.index)
    return frames.check(frame[layout.schema.names], _CONTRACTS[layout.name], where=f"the archive's {layout.name}")
