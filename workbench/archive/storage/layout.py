"""The tables of an archive: their columns, and how each column is ordered and encoded.

Plain Parquet with plain column types, so that DuckDB, Spark, Trino, ClickHouse or Dask read the files as they are.
A sample whose value is a decimal of few places stands as a whole number in ``value_int`` with its places in ``scale``,
and every other in ``value``: whole numbers take a third of the space as deltas. -0.0, NaN and stale marks are no
decimals and keep their bits, and so does every value that the division does not give back to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

#: Rows of one row group.
ROW_GROUP_ROWS = 131_072

#: Rows of one row group of samples, where a question reads a few of many series: about a day of four series at one
#: sample every 15 s, or four to five series of five days at one a minute. Half as many again cost more to find than
#: they save; four times as many are read for three times the processor time.
SAMPLE_ROW_GROUP_ROWS = 32_768

_LABELS = pa.map_(pa.string(), pa.string())


@dataclass(frozen=True)
class Layout:
    """One table.

    Attributes
    ----------
    name : str
        Folder below the root of the archive.
    schema : Schema
        Columns of the files.
    order : tuple of str
        Integer columns that sort the rows of a file; their extremes are kept for pruning.
    delta, dictionary, floats : tuple of str
        Columns written as deltas, with a dictionary, and as whichever of dictionary and split bytes suits them.
    identity : tuple of str
        Columns that make two rows the same record, of which the later written is read; empty for all.
    time : str
        Column whose month partitions the table; empty for a table without partitions.
    per_ms : int
        Units of ``time`` in a millisecond.
    since : int
        Schema of the archive that has it first; where it is absent, it is empty.
    group_rows : int
        Rows of one row group. [count]
    """

    name: str
    schema: pa.Schema
    order: tuple[str, ...]
    delta: tuple[str, ...]
    dictionary: tuple[str, ...] = ()
    floats: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()
    time: str = ""
    per_ms: int = 1
    since: int = 1
    group_rows: int = ROW_GROUP_ROWS

    @property
    def partitions(self) -> list[str]:
        """Partition columns, which are not part of the files."""
        return ["month"] if self.time else []

    @property
    def table_schema(self) -> pa.Schema:
        """Columns of the table, partitions included."""
        return self.schema.append(pa.field("month", pa.string())) if self.time else self.schema


SERIES = Layout(
    "series",
    pa.schema(
        [("series_id", pa.int32()), ("metric", pa.string()), ("labels", _LABELS), ("fingerprint", pa.int64())],
    ),
    order=("series_id",),
    delta=("series_id",),
    dictionary=("metric", "labels.key_value.key", "labels.key_value.value"),
)
SAMPLES = Layout(
    "samples",
    pa.schema(
        [
            ("series_id", pa.int32()),
            ("ts", pa.int64()),
            ("value_int", pa.int64()),
            ("scale", pa.int8()),
            ("value", pa.float64()),
        ],
    ),
    order=("series_id", "ts"),
    delta=("series_id", "ts", "value_int"),
    dictionary=("scale",),
    floats=("value",),
    identity=("series_id", "ts"),
    time="ts",
    group_rows=SAMPLE_ROW_GROUP_ROWS,
)
LOGS = Layout(
    "logs",
    pa.schema(
        [
            ("time_ns", pa.int64()),
            ("severity", pa.string()),
            ("message", pa.string()),
            ("service", pa.string()),
            ("trace_id", pa.string()),
            ("span_id", pa.string()),
            ("event_type", pa.string()),
            ("attributes", _LABELS),
        ]
    ),
    order=("time_ns",),
    delta=("time_ns",),
    dictionary=(
        "severity",
        "message",
        "service",
        "event_type",
        "attributes.key_value.key",
        "attributes.key_value.value",
    ),
    time="time_ns",
    per_ms=1_000_000,
)
SPANS = Layout(
    "spans",
    pa.schema(
        [
            ("trace_id", pa.string()),
            ("span_id", pa.string()),
            ("parent_id", pa.string()),
            ("service", pa.string()),
            ("operation", pa.string()),
            ("kind", pa.string()),
            ("start_ns", pa.int64()),
            ("duration_ns", pa.int64()),
            ("status", pa.string()),
            ("weight", pa.float64()),
            ("attributes", _LABELS),
        ]
    ),
    order=("start_ns",),
    delta=("start_ns", "duration_ns"),
    dictionary=(
        "trace_id",
        "service",
        "operation",
        "kind",
        "status",
        "weight",
        "attributes.key_value.key",
        "attributes.key_value.value",
    ),
    identity=("trace_id", "span_id"),
    time="start_ns",
    per_ms=1_000_000,
)
EPISODES = Layout(
    "episodes",
    pa.schema(
        [
            ("alertname", pa.string()),
            ("severity", pa.string()),
            ("labels", _LABELS),
            ("active_at", pa.int64()),
            ("starts_at", pa.int64()),
            ("ends_at", pa.int64()),
            ("left_censored", pa.bool_()),
            ("right_censored", pa.bool_()),
            ("unknown_s", pa.float64()),
        ]
    ),
    order=("starts_at",),
    delta=("active_at", "starts_at", "ends_at"),
    dictionary=("alertname", "severity", "labels.key_value.key", "labels.key_value.value"),
    identity=("alertname", "labels", "active_at", "starts_at"),
    time="starts_at",
)

COVERAGE = Layout(
    "coverage",
    pa.schema([("source", pa.string()), ("subject", pa.string()), ("start_ms", pa.int64()), ("end_ms", pa.int64())]),
    order=("start_ms", "end_ms"),
    delta=("start_ms", "end_ms"),
    dictionary=("source", "subject"),
    since=2,
)


def _slices(name: str) -> Layout:
    """Slices of the samples, ``ts`` being their end; see :mod:`workbench.archive.tiers.rollup`."""
    values = ("first", "last", "increase", "low", "high", "total")
    numbers = [("series_id", pa.int32()), *((each, pa.int64()) for each in ("ts", "first_ms", "last_ms", "count"))]
    return Layout(
        name,
        pa.schema([*numbers, *((value, pa.float64()) for value in values)]),
        order=("series_id", "ts"),
        delta=("series_id", "ts", "first_ms", "last_ms", "count"),
        floats=values,
        identity=("series_id", "ts"),
        time="ts",
        since=2,
    )


#: Native histograms; buckets are numbered by their value, see ``ORIGIN`` of :mod:`workbench.core.histograms`. The table
#: is made when the first one comes.
HISTOGRAMS = Layout(
    "histograms",
    pa.schema(
        [
            ("series_id", pa.int32()),
            ("ts", pa.int64()),
            ("schema", pa.int8()),
            ("hint", pa.int8()),
            ("zero_threshold", pa.float64()),
            ("count", pa.float64()),
            ("sum", pa.float64()),
            ("buckets", pa.list_(pa.int32())),
            ("observations", pa.list_(pa.float64())),
            ("bounds", pa.list_(pa.float64())),
        ]
    ),
    order=("series_id", "ts"),
    delta=("series_id", "ts", "buckets.list.element"),
    dictionary=("schema", "hint", "zero_threshold", "bounds.list.element", "observations.list.element"),
    floats=("count", "sum"),
    identity=("series_id", "ts"),
    time="ts",
    since=2,
)

SLICES_5M = _slices("samples_5m")
SLICES_1H = _slices("samples_1h")

LAYOUTS = (SERIES, SAMPLES, LOGS, SPANS, EPISODES, COVERAGE, SLICES_5M, SLICES_1H, HISTOGRAMS)


def month_of(ms: int) -> str:
    """Name of the partition that holds an instant; a month in UTC.

    Examples
    --------
    >>> month_of(1_793_491_200_000)
    '2026-11'
    """
    return f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m}"


def month_edges(first_ms: int, last_ms: int) -> list[int]:
    """List the starts of the months that cover two instants, and of the month after. [ms]

    Examples
    --------
    >>> [month_of(edge) for edge in month_edges(1_793_491_200_000, 1_793_491_200_000)]
    ['2026-11', '2026-12']
    """
    first = datetime.fromtimestamp(first_ms // 1000, UTC)
    year, month, edges = first.year, first.month, []
    while True:
        edges.append(int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * 1000)
        if edges[-1] > last_ms:
            return edges
        year, month = year + month // 12, month % 12 + 1
