"""Reader over pyarrow's CSV parser: ``1795209060,"1"],[1795209120,"2"`` is a table but for its line ends."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from workbench.core.series import SeriesSet
from workbench.query.metrics.decode_parts import METRIC, VALUES, Sink, labels_of

_BATCH = 1 << 20
_COLUMNS = ["t", "v"]
_CONVERT = csv.ConvertOptions(
    column_types={"t": pa.float64(), "v": pa.float64()}, null_values=[], strings_can_be_null=False
)
_PARSE = csv.ParseOptions(delimiter=",", quote_char='"', double_quote=False, newlines_in_values=False)


def read_table(body: bytes | bytearray, position: int, sink: Sink) -> int:
    """Read series from ``position`` and return where the first one stands that is not read, or the closing bracket."""
    view = memoryview(body)
    labels: list[bytes | bytearray] = []
    parts: list[memoryview] = []
    places, size = [position], 0
    while body.startswith(METRIC, position):
        opening = body.find(VALUES, position)
        closing = body.find(b'"]]', opening)
        if opening < 0 or closing < 0 or body[closing + 3 : closing + 4] != b"}":
            break
        labels.append(body[position + len(METRIC) : opening])
        parts.append(view[opening + len(VALUES) : closing + 1])
        position = closing + 5 if body[closing + 4 : closing + 5] == b"," else closing + 4
        places.append(position)
        size += len(parts[-1])
        if size >= _BATCH:
            if (read := _flush(labels, parts, sink)) < len(parts):
                return places[read]
            labels, parts, places, size = [], [], [position], 0
    return places[_flush(labels, parts, sink)]


def _flush(labels: list[bytes | bytearray], parts: list[memoryview], sink: Sink) -> int:
    """Parse series as one table and hand them on; return how many, none when they are no table."""
    known = labels_of(labels) if labels else []
    if not known:
        return 0
    lines = [bytes(part).replace(b"],[", b"\n") for part in parts[: len(known)]]
    offsets = np.cumsum([0, *(part.count(b"\n") + 1 for part in lines)], dtype=np.int64)
    text = b"\n".join(lines)
    options = csv.ReadOptions(use_threads=False, block_size=len(text) + 1, column_names=_COLUMNS)
    try:
        table = csv.read_csv(pa.BufferReader(text), options, _PARSE, _CONVERT)
    except pa.ArrowInvalid:
        return 0
    if table.num_rows != offsets[-1]:
        return 0
    times = _milliseconds(table.column(0).to_numpy())
    sink(SeriesSet(tuple(known), offsets, times, table.column(1).to_numpy()))
    return len(known)


def _milliseconds(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.rint(seconds * 1000).astype(np.int64)
