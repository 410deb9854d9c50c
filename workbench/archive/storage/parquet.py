"""Our own Parquet files: written with the encodings of a layout, read by row group."""

from __future__ import annotations

import os
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from numpy.typing import NDArray

from workbench.archive.storage.layout import Layout
from workbench.archive.storage.place import Place
from workbench.core.errors import ArchiveError

Number = TypeVar("Number", bound=np.generic)

#: Inclusive bounds by column; a file or row group outside any of them is not read.
Ranges = Mapping[str, tuple[int, int]]

#: Rows that are read at once, about.
_BATCH_ROWS = 2_097_152
_LEVEL = 3

#: Column of the place of a row's file in the order of commits.
TURN = "file_turn"

#: End of the names of files whose footer has a checksum before it; earlier ones have none.
SEALED = ".sealed.parquet"

#: Length of the footer and magic bytes at the end; the checksum; what is read first. [bytes]
_END, _SEAL, _TAIL = 8, 4, 1 << 16

#: Rows to one distinct value from which on a dictionary of floats is smaller than their bytes split.
_DISTINCT = 20


@dataclass(frozen=True)
class DataFile:
    """A Parquet file of a table, with what pruning needs to know of it.

    ``path`` is relative to the table. ``sequence`` is the place in the order of commits: of two rows with one key that
    of the later commit wins; 0 until the file is committed. [ms since the epoch, rising from commit to commit]
    """

    path: str
    month: str
    size: int
    rows: int
    sequence: int
    low: Mapping[str, int] = field(default_factory=dict, hash=False)
    high: Mapping[str, int] = field(default_factory=dict, hash=False)

    @property
    def order(self) -> tuple[int, str]:
        """Sort key: the order of commits."""
        return self.sequence, self.path.rsplit("/", 1)[-1]

    def meets(self, ranges: Ranges) -> bool:
        """Say whether the file may hold rows inside all ranges."""
        return all(
            self.low.get(name, low) <= high and self.high.get(name, high) >= low for name, (low, high) in ranges.items()
        )


def write(
    folder: Place, layout: Layout, month: str, chunks: Iterable[pa.Table], *, sequence: int = 0
) -> list[DataFile]:
    """Write sorted rows of one month as a file below ``folder``; nothing sees it before it is committed.

    Parameters
    ----------
    folder : Place
        The table.
    layout : Layout
        Folders, columns and sort order of one table.
    month : str
        Partition; empty for a table without partitions.
    chunks : iterable of Table
        Columns of ``layout.schema``, sorted by ``layout.order`` over all chunks; one is in memory at a time.
    sequence : int
        Place in the order of commits, where rewritten rows keep that of their old file; 0 leaves it to the commit.

    Returns
    -------
    list of DataFile
        One, or none without rows.

    Raises
    ------
    ArchiveError
        The disk is full or the folder cannot be written.
    """
    name = f"{uuid.uuid4().hex}{SEALED}"
    path = f"month={month}/{name}" if month else name
    (rows, low, high), size = folder.write(path, lambda sink: _write_chunks(sink, layout, chunks))
    return [DataFile(path, month, size, rows, sequence, low, high)] if rows else []


def _write_chunks(sink: Any, layout: Layout, chunks: Iterable[pa.Table]) -> tuple[int, dict[str, int], dict[str, int]]:
    rows, low, high = 0, dict[str, int](), dict[str, int]()
    with ExitStack() as stack:
        for chunk in chunks:
            if not len(chunk):
                continue
            if not rows:
                repeated = [name for name in layout.floats if _is_repeated(chunk[name])]
                split = dict.fromkeys(set(layout.floats) - set(repeated), "BYTE_STREAM_SPLIT")
                writer = stack.enter_context(
                    pq.ParquetWriter(
                        sink,
                        layout.schema,
                        compression="zstd",
                        compression_level=_LEVEL,
                        use_dictionary=[*layout.dictionary, *repeated],
                        column_encoding=dict.fromkeys(layout.delta, "DELTA_BINARY_PACKED") | split,
                        write_statistics=True,
                        write_page_checksum=True,
                        store_schema=False,
                    )
                )
            writer.write_table(chunk, row_group_size=layout.group_rows)
            rows += len(chunk)
            for name in layout.order:
                bounds = pc.min_max(chunk[name]).as_py()
                low[name] = min(bounds["min"], low.get(name, bounds["min"]))
                high[name] = max(bounds["max"], high.get(name, bounds["max"]))
    if rows:
        _seal(sink)
    return rows, low, high


def _seal(sink: Any) -> None:
    """Put a checksum of the footer before it: pages have their own, and no reader looks between both."""
    with open(sink, "r+b") if isinstance(sink, Path) else nullcontext(sink) as opened:
        size = opened.seek(0, os.SEEK_END)
        opened.seek(size - _END)
        length = int.from_bytes(opened.read(4), "little")
        opened.seek(size - _END - length)
        footer = opened.read(length + _END)
        opened.seek(size - _END - length)
        opened.write(zlib.crc32(footer).to_bytes(_SEAL, "little") + footer)


def checked_tail(source: Any, path: str, size: int) -> bytes:
    """Read the end of a file from its footer on, held against its checksum where it has one.

    A damaged footer can end the process in the library that reads it, or move a page.

    Parameters
    ----------
    source : Path or file
        As :meth:`~workbench.archive.storage.place.Place.source` gives it.
    path : str
        Name of the file; one that ends in :data:`SEALED` has a checksum.
    size : int
        Of the file, as its commit says. [bytes]

    Raises
    ------
    OSError
        The footer is damaged, or the file has another size.
    """
    with open(source, "rb") if isinstance(source, Path) else nullcontext(source) as file:
        if file.seek(0, os.SEEK_END) != size:
            raise OSError(f"it has another size than the {size:,} bytes that were written")
        taken = min(size, _TAIL)
        file.seek(size - taken)
        tail: bytes = file.read(taken)
        needed = int.from_bytes(tail[-_END:-4], "little") + _END + _SEAL
        if taken < needed <= size:
            file.seek(size - needed)
            tail = file.read(needed)
    if path.endswith(SEALED):
        sealed = tail[-needed:] if needed <= len(tail) else b""
        if zlib.crc32(sealed[_SEAL:]) != int.from_bytes(sealed[:_SEAL], "little") or not sealed:
            raise OSError("its footer is damaged: it is not what its checksum says")
    return tail


def _is_repeated(column: pa.ChunkedArray) -> bool:
    """Whether a column of floats has so few different values that a dictionary is the smaller form."""
    values = column.drop_null()
    return len(pc.unique(values)) * _DISTINCT < len(values)


def discard(folder: Place, files: Sequence[DataFile]) -> None:
    """Delete files that were written and not committed."""
    for file in files:
        folder.delete(file.path)


def overlapping(files: Sequence[DataFile], layout: Layout) -> NDArray[np.bool_]:
    """Mask of the files that may hold a record which another of them holds too: their extremes meet."""
    meets = np.ones((len(files), len(files)), bool)
    for name in layout.order:
        low = np.array([file.low[name] for file in files], np.int64)
        high = np.array([file.high[name] for file in files], np.int64)
        meets &= (low[:, None] <= high[None, :]) & (high[:, None] >= low[None, :])
    mask: NDArray[np.bool_] = meets.sum(axis=1) > 1
    return mask


@dataclass(frozen=True)
class _Footer:
    metadata: pq.FileMetaData
    low: Mapping[str, NDArray[np.int64]]
    high: Mapping[str, NDArray[np.int64]]


@lru_cache(maxsize=1024)
def _footer(folder: Place, path: str, size: int, columns: tuple[str, ...]) -> _Footer:
    metadata = pq.read_metadata(pa.BufferReader(checked_tail(folder.source(path, size), path, size)))
    index = {metadata.schema.column(i).path: i for i in range(metadata.num_columns)}
    statistics = {
        name: [metadata.row_group(group).column(index[name]).statistics for group in range(metadata.num_row_groups)]
        for name in columns
    }
    return _Footer(
        metadata,
        {name: np.array([each.min for each in groups], np.int64) for name, groups in statistics.items()},
        {name: np.array([each.max for each in groups], np.int64) for name, groups in statistics.items()},
    )


def row_groups(
    folder: Place, file: DataFile, layout: Layout, ranges: Ranges, ids: NDArray[np.int32] | None = None
) -> list[int]:
    """Row groups of a file that may hold rows inside the ranges, and of the sorted series ``ids`` where given."""
    with reading(folder, file):
        footer = _footer(folder, file.path, file.size, layout.order)
    wanted = np.ones(footer.metadata.num_row_groups, bool)
    for name, (low, high) in ranges.items():
        if name in footer.low:
            wanted &= (footer.low[name] <= high) & (footer.high[name] >= low)
    if ids is not None:
        first, last = footer.low["series_id"], footer.high["series_id"]
        wanted &= np.searchsorted(ids, first, "left") < np.searchsorted(ids, last, "right")
    groups: list[int] = np.flatnonzero(wanted).tolist()
    return groups


def batches(
    folder: Place, file: DataFile, layout: Layout, groups: Sequence[int], columns: Sequence[str] | None = None
) -> Iterator[pa.Table]:
    """Read row groups of a file, a bounded number at a time, in the order of the file."""
    with reading(folder, file):
        footer = _footer(folder, file.path, file.size, layout.order)
        with _opened(folder, file, footer) as opened:
            wanted = list(columns or layout.schema.names)
            held = set(opened.schema_arrow.names)
            for part in _parts(groups, footer):
                rows = opened.read_row_groups(part, columns=[name for name in wanted if name in held])
                yield rows if held.issuperset(wanted) else _completed(rows, layout, wanted)


@dataclass(frozen=True)
class RowGroup:
    """One row group of an open file, of so many ``rows``; ``read`` reads columns by their ``names``.

    ``low`` and ``high`` are of the columns that a layout is sorted by. ``alike`` has those that need no reading: the
    one number that each holds, None for nothing.
    """

    rows: int
    low: Mapping[str, int]
    high: Mapping[str, int]
    alike: Mapping[str, int | None]
    names: tuple[str, ...]
    read: Callable[[Sequence[str]], pa.Table]


def each_group(folder: Place, file: DataFile, layout: Layout, groups: Sequence[int]) -> Iterator[RowGroup]:
    """Give row groups of a file one by one, in the order given; over a network several are read at a time."""
    if not groups:
        return
    with reading(folder, file):
        footer = _footer(folder, file.path, file.size, layout.order)
        with _opened(folder, file, footer) as opened:
            places = {name: place for place, name in enumerate(opened.schema_arrow.names)}
            held = [name for name in layout.schema.names if name in places]
            for part in _parts(groups, footer):
                rows = opened.read_row_groups(part, columns=held) if folder.remote else None
                first = 0
                for number in part:
                    length = footer.metadata.row_group(number).num_rows
                    low, high = ({name: int(ends[name][number]) for name in ends} for ends in (footer.low, footer.high))
                    if rows is None:
                        alike = _alike(footer, number, places)
                        read = partial(_read, opened, number)
                    else:
                        alike, read = {}, rows.slice(first, length).select
                    yield RowGroup(length, low, high, alike, tuple(name for name in held if name not in alike), read)
                    first += length


def _read(opened: pq.ParquetFile, number: int, names: Sequence[str]) -> pa.Table:
    return opened.read_row_groups([number], columns=list(names), use_threads=False)


def _alike(footer: _Footer, number: int, places: Mapping[str, int]) -> dict[str, int | None]:
    """Columns of a row group that hold one number, or nothing, by the statistics of the file: they need no reading."""
    group, alike = footer.metadata.row_group(number), dict[str, int | None]()
    for name, place in places.items():
        if name in footer.low:
            low = int(footer.low[name][number])
            if low == footer.high[name][number]:
                alike[name] = low
        elif (statistics := group.column(place).statistics) is not None and statistics.null_count == group.num_rows:
            alike[name] = None
    return alike


def checked_rows(folder: Place, layout: Layout, files: Sequence[DataFile]) -> ds.Dataset:
    """Return files as one set of rows for another engine; pages are held against their checksums as they are read.

    Parameters
    ----------
    folder : Place
        The table.
    layout : Layout
        Columns; those that a file of an older schema lacks are null.
    files : sequence of DataFile
        In the order of commits; a column :data:`TURN` has the place of the row's file in it.

    Raises
    ------
    ArchiveError
        A file is missing, has another size, or its footer is damaged.
    """
    for file in files:
        with reading(folder, file):
            checked_tail(folder.source(file.path, file.size), file.path, file.size)
    options = ds.ParquetFragmentScanOptions(page_checksum_verification=True)
    return ds.FileSystemDataset.from_paths(
        [f"{folder}/{file.path}" for file in files],
        schema=layout.schema.append(pa.field(TURN, pa.int64())),
        format=ds.ParquetFileFormat(default_fragment_scan_options=options),
        filesystem=folder.as_arrow(),
        partitions=[ds.field(TURN) == number for number in range(len(files))],
    )


def _parts(groups: Sequence[int], footer: _Footer) -> Iterator[list[int]]:
    """Cut row groups into parts that are read at once."""
    held = footer.metadata
    at_once = max(_BATCH_ROWS * held.num_row_groups // max(held.num_rows, 1), 1)
    for start in range(0, len(groups), at_once):
        yield list(groups[start : start + at_once])


def _opened(folder: Place, file: DataFile, footer: _Footer) -> pq.ParquetFile:
    """Open a file whose pages are held against their checksums: a bit that tipped over would be another number."""
    source = folder.source(file.path, file.size)
    return pq.ParquetFile(source, metadata=footer.metadata, pre_buffer=folder.remote, page_checksum_verification=True)


def _completed(rows: pa.Table, layout: Layout, wanted: Sequence[str]) -> pa.Table:
    """Add the columns that a file of an older schema lacks."""
    fields = [layout.schema.field(name) for name in wanted]
    columns = [
        rows[field.name] if field.name in rows.column_names else pa.nulls(len(rows), field.type) for field in fields
    ]
    return pa.table(columns, schema=pa.schema(fields))


def column_array(column: pa.ChunkedArray, dtype: type[Number]) -> NDArray[Number]:
    """Values of a column of numbers as one array; what stands at a null is undefined."""
    chunks = [
        np.frombuffer(chunk.buffers()[1], dtype)[chunk.offset : chunk.offset + len(chunk)]
        if chunk.buffers()[1]
        else np.zeros(len(chunk), dtype)
        for chunk in column.chunks
    ]
    return chunks[0] if len(chunks) == 1 else np.concatenate([*chunks, np.zeros(0, dtype)])


@contextmanager
def reading(folder: Place, file: DataFile) -> Iterator[None]:
    """Turn what goes wrong while a file is read into an error that names the file."""
    try:
        yield
    except (OSError, pa.ArrowException, KeyError, AttributeError) as error:
        raise ArchiveError(
            f"The file {folder}/{file.path} of the archive cannot be read: {error}.",
            hint="It is damaged, missing or foreign. Restore it from a backup, or build the archive again.",
        ) from error
