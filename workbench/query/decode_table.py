"""Reader over pyarrow's CSV parser: ``1795209060,"1"],[1795209120,"2"`` is a table but for its line ends."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from workbench.core.series import Labels
from workbench.query.decode import METRIC, VALUES, Sink, labels_of

_BATCH = 1 << 20
_COLUMNS = ["t", "v"]
_CONVERT = csv.ConvertOptions(
    column_types={"t": pa.float64(), "v": pa.float64()}, null_values=[], strings_can_be_null=False
)
_PARSE = csv.ParseOptions(delimiter=",", quote_char='"', double_quote=False, newlines_in_values=False)


def read_table(body: bytes | bytearray, position: int, sink: Sink) -> int:
    """Read series from ``position`` and return where the first one stands that is not read, or the closing bracket."""
    view = memoryview(body)
    waiting: list[tuple[Labels, memoryview, int]] = []
    began, size = position, 0
    while body.startswith(METRIC, position):
        opening = body.find(VALUES, position)
        closing = body.find(b'"]]', opening)
        if opening < 0 or closing < 0 or body[closing + 3 : closing + 4] != b"}":
            break
        labels = labels_of(body[position + len(METRIC) : opening])
        if labels is None:
            break
        part = view[opening + len(VALUES) : closing + 1]
        after = closing + 4
        waiting.append((labels, part, after))
        size += len(part)
        position = after + 1 if body[after : after + 1] == b"," else after
        if size >= _BATCH:
            if not _flush(waiting, sink):
                return began
            began, size, waiting = position, 0, []
    return position if _flush(waiting, sink) else began


def _flush(waiting: list[tuple[Labels, memoryview, int]], sink: Sink) -> bool:
    """Parse the waiting series as one table; False, with nothing handed on, when they are not one."""
    if not waiting:
        return True
    parts = [bytes(part).replace(b"],[", b"\n") for _, part, _ in waiting]
    counts = [part.count(b"\n") + 1 for part in parts]
    text = b"\n".join(parts)
    options = csv.ReadOptions(use_threads=False, block_size=len(text) + 1, column_names=_COLUMNS)
    try:
        table = csv.read_csv(pa.BufferReader(text), options, _PARSE, _CONVERT)
    except pa.ArrowInvalid:
        return False
    if table.num_rows != sum(counts):
        return False
    times = _milliseconds(table.column(0).to_numpy())
    values = table.column(1).to_numpy()
    start = 0
    for (labels, _, _), count in zip(waiting, counts, strict=True):
        sink(labels, times[start : start + count], values[start : start + count])
        start += count
    return True


def _milliseconds(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.rint(seconds * 1000).astype(np.int64)
