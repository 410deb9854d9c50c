"""Rows of answers as Arrow: Parquet in batches, CSV, a table of the settings; their times, numbers and names."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from workbench.core.errors import ParameterError, QueryTooExpensive
from workbench.studies.quality.record_rows import recent_answers
from workbench.studies.sources.context import Context

#: Largest CSV that is read; Parquet is read in batches and has no limit. [byte]
MOST_CSV = 2_000_000_000

#: Smallest number that counts as a time: 1973. [s since 1970]
EARLIEST = 1e8

#: Rows of a batch, and of the sample that cells and types are taken from. [count]
BATCH, SAMPLE = 500_000, 200_000


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows that can be read more than once.

    Attributes
    ----------
    name : str
    columns : tuple of str
    count : int
        Rows. [count]
    """

    name: str
    columns: tuple[str, ...]
    count: int
    _files: tuple[Path, ...] = ()
    _table: pa.Table | None = None

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Give the rows in batches."""
        if self._table is not None:
            yield from self._table.select(list(columns)).to_batches(max_chunksize=BATCH)
        for file in self._files:
            with _opened(file) as parquet:
                yield from _batches(parquet, BATCH, columns)

    def sample(self, columns: Sequence[str]) -> pa.Table:
        """Give all rows where they are few, else some of every part of the files."""
        if self._table is not None and self.count <= SAMPLE:
            return self._table.select(list(columns))
        if self._table is not None:
            return self._table.select(list(columns)).take(np.linspace(0, self.count - 1, SAMPLE).astype(np.int64))
        parts: list[pa.RecordBatch] = []
        for file in self._files:
            with _opened(file) as parquet:
                groups = np.unique(np.linspace(0, parquet.num_row_groups - 1, 8).astype(int)).tolist()
                whole = self.count <= SAMPLE
                for group in range(parquet.num_row_groups) if whole else groups:
                    share = max(1, SAMPLE // (len(self._files) * len(groups)))
                    size = parquet.metadata.row_group(group).num_rows if whole else share
                    parts += islice(_batches(parquet, max(1, size), columns, row_groups=[group]), 1)
        return pa.Table.from_batches(parts) if parts else pa.table({name: pa.nulls(0) for name in columns})


def open_rows(ctx: Context, rows: str | Path) -> Rows:
    """Open rows by the name of a table of the settings, or by a path or pattern of CSV or Parquet files.

    Raises
    ------
    ParameterError
        There is no such file, it cannot be read, or it has no rows.
    SourceError
        The table of the settings cannot be read.
    QueryTooExpensive
        A CSV of more than 2 GB.
    """
    known = ctx.tables.get(str(rows))
    if known is not None and known.records:
        return _held(known.name, _typed(recent_answers(ctx, known)))
    if known is not None and (known.path is None or known.fields):
        return _held(known.name, pa.Table.from_pandas(known.read(), preserve_index=False))
    path = known.path if known is not None and known.path is not None else Path(rows)
    files = [Path(name) for name in sorted(glob.glob(str(path)))]
    if not files:
        tables = ", ".join(sorted(ctx.tables)) or "none"
        raise ParameterError(f"There is no file and no table {str(rows)!r}.", hint=f"Tables of the settings: {tables}.")
    if all(".parquet" in file.suffixes or file.suffix == ".pq" for file in files):
        return _parquet(files)
    with _named_faults(path):
        return _held(path.name, pa.concat_tables([_csv(file) for file in files], promote_options="permissive"))


@contextmanager
def _named_faults(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0][:200]
        raise ParameterError(
            f"{path.name} cannot be read: {reason}", hint="It must be CSV (UTF-8, with a header) or Parquet."
        ) from None


@contextmanager
def _opened(file: Path) -> Iterator[pq.ParquetFile]:
    with _named_faults(file), pq.ParquetFile(file, memory_map=True) as parquet:
        yield parquet


def _batches(
    parquet: pq.ParquetFile, size: int, columns: Sequence[str], row_groups: Sequence[int] | None = None
) -> Iterator[pa.RecordBatch]:
    """Read batches, and look whether their texts are UTF-8: it is no error to Arrow until one is used."""
    for batch in parquet.iter_batches(size, row_groups=row_groups, columns=list(columns)):
        batch.validate(full=True)
        yield batch


def _parquet(files: Sequence[Path]) -> Rows:
    count, names = 0, None
    for file in files:
        with _opened(file) as parquet:
            count += parquet.metadata.num_rows
            own = parquet.schema_arrow.names
        names = own if names is None else [name for name in names if name in own]
    if not count:
        raise ParameterError(f"{files[0].name} has no rows.", hint="Give a file with rows.")
    return Rows(files[0].name, tuple(names or ()), count, tuple(files))


def _csv(file: Path) -> pa.Table:
    if file.stat().st_size > MOST_CSV:
        raise QueryTooExpensive(
            f"{file.name} has {file.stat().st_size / 1e9:.1f} GB; a CSV may have {MOST_CSV / 1e9:g}.",
            source=file.name, hint="Write it as Parquet, which is read in batches.",
        )  # fmt: skip
    with pa.input_stream(str(file), compression="detect") as stream:
        head = stream.read(65_536).split(b"\n", 1)[0]
    delimiter = max((";", "\t", ","), key=lambda sign: head.count(sign.encode()))
    with pa.input_stream(str(file), compression="detect") as stream:
        return pa.csv.read_csv(
            stream,
            read_options=pa.csv.ReadOptions(block_size=8 << 20),
            parse_options=pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pa.csv.ConvertOptions(strings_can_be_null=True),
        )


def _held(name: str, table: pa.Table) -> Rows:
    if not table.num_rows:
        raise ParameterError(f"{name} has no rows.", hint="Give a file with rows.")
    return Rows(name, tuple(table.column_names), table.num_rows, (), table)


def _typed(frame: pd.DataFrame) -> pa.Table:
    """Take a column of texts that are all numbers as numbers, and empty texts as missing."""
    columns = {}
    for name in frame.columns:
        column = frame[name]
        if name not in ("time", "score"):
            column = column.where(column != "", None)
            number = pd.to_numeric(column, errors="coerce")
            column = number if number.notna().equals(column.notna()) and number.notna().any() else column
        columns[name] = pa.Array.from_pandas(column)
    return pa.table(columns)


def is_number(kind: pa.DataType) -> bool:
    """Whether a column holds numbers or true and false."""
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
        or pa.types.is_decimal(kind)
    )  # fmt: skip


def is_name(kind: pa.DataType) -> bool:
    """Whether a column holds text."""
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner) or pa.types.is_string_view(inner))


def numbers_of(column: pa.Array) -> NDArray[np.float64]:
    """Take numbers; missing ones are NaN."""
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))


def codes_of(column: pa.Array, labels: pa.Array) -> NDArray[np.int64]:
    """Place of each name among ``labels``; -1 where it is none of them."""
    if pa.types.is_dictionary(column.type):
        places = pc.fill_null(pc.index_in(column.dictionary.cast(pa.string()), labels), -1).to_numpy(False)
        own = pc.fill_null(column.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
        return np.where(own >= 0, np.append(places, -1)[own], -1).astype(np.int64)
    places = pc.index_in(column.cast(pa.string()), value_set=labels)
    return np.asarray(pc.fill_null(places, -1).to_numpy(zero_copy_only=False), np.int64)


def times_of(column: pa.Array, name: str) -> NDArray[np.int64]:
    """Milliseconds since 1970; times without a zone are UTC, missing ones are the smallest number.

    Raises
    ------
    ParameterError
        A value is no time.
    """
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        whole = column.cast(pa.timestamp("ms", getattr(kind, "tz", None)), safe=False).cast(pa.int64())
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        largest = float(np.nanmax(np.abs(numbers_of(column)), initial=0.0))
        if 0 < largest < EARLIEST:
            raise ParameterError(
                f"{name} holds {largest:g}, which is no time.", hint="Use ISO 8601 or seconds of 1970."
            )
        scale = 1e3 if largest < 1e11 else 1.0 if largest < 1e14 else 1e-3 if largest < 1e17 else 1e-6
        whole = pc.cast(pc.multiply(column.cast(pa.float64(), safe=False), scale), pa.int64(), safe=False)
    else:
        text = column.cast(pa.string()).to_pandas()
        parsed = pd.to_datetime(text, format="ISO8601", utc=True, errors="coerce")
        wrong = text[parsed.isna() & text.notna()]
        if len(wrong):
            raise ParameterError(f"{str(wrong.iloc[0])[:40]!r} in {name} is no time.", hint="Use ISO 8601 or seconds.")
        numbers = parsed.dt.as_unit("ms").astype("int64").to_numpy(copy=True)
        numbers[parsed.isna().to_numpy()] = np.iinfo(np.int64).min
        return np.asarray(numbers, np.int64)
    return np.asarray(pc.fill_null(whole, np.iinfo(np.int64).min).to_numpy(zero_copy_only=False), np.int64)
