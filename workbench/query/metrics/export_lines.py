"""Raw samples by ``/api/v1/export`` of VictoriaMetrics: JSON lines with two arrays each.

The arrays hold a bare ``+Inf`` now and then, which is not JSON, so they are read as columns of text.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
from numpy.typing import NDArray

from workbench.core.errors import AnswerTruncated, AnswerUnreadable
from workbench.core.series import LabelKey, Labels, SeriesSet, label_key
from workbench.query.metrics.api import PrometheusApi
from workbench.query.metrics.plan import seconds_text

_PATH = "/api/v1/export"
_ROWS_A_LINE = 10_000
_HEAD, _VALUES, _TIMES, _TAIL = b'{"metric":', b',"values":[', b'],"timestamps":[', b"]}"
_EXACT_FLOATS = csv.ConvertOptions(column_types={"x": pa.float64()}, null_values=["null"])
_EXACT_TIMES = csv.ConvertOptions(column_types={"x": pa.int64()})
_ONE_COLUMN = csv.ReadOptions(column_names=["x"])


def export(api: PrometheusApi, selector: str, start_ms: int, end_ms: int) -> SeriesSet:
    """Read the samples with ``start_ms <= t <= end_ms`` as the server keeps them.

    Raises
    ------
    AnswerTruncated, AnswerUnreadable
        A line is cut off, or not of this kind.
    """
    fields = [
        ("match[]", selector),
        ("start", seconds_text(start_ms)),
        ("end", seconds_text(end_ms)),
        ("max_rows_per_line", str(_ROWS_A_LINE)),
    ]
    reply = api.succeeded(_PATH, fields, query=selector)
    with api.naming(selector):
        return decode_lines(bytes(reply.body))


def decode_lines(body: bytes) -> SeriesSet:
    r"""Read the lines of an export; lines of one series are joined in order of time.

    Examples
    --------
    >>> decode_lines(b'{"metric":{"a":"b"},"values":[1,+Inf],"timestamps":[5,6]}\n').values.tolist()
    [1.0, inf]
    """
    heads, values, times = [], [], []
    for line in body.splitlines():
        if not line.strip():
            continue
        head, first, rest = line.partition(_VALUES)
        texts, second, stamps = rest.partition(_TIMES)
        if not (first and second and stamps.endswith(_TAIL) and head.startswith(_HEAD)):
            raise _not_a_line(line)
        try:
            heads.append(json.loads(head[len(_HEAD) :]))
        except ValueError:
            raise _not_a_line(line) from None
        values.append(texts.replace(b",", b"\n"))
        times.append(stamps[: -len(_TAIL)].replace(b",", b"\n"))
    if not heads:
        return SeriesSet.empty()
    numbers, stamps_ms = _column(values, _EXACT_FLOATS), _column(times, _EXACT_TIMES)
    counts = [part.count(b"\n") + 1 for part in times]
    if len(numbers) != len(stamps_ms) or len(stamps_ms) != sum(counts):
        raise AnswerUnreadable("An export has lines with more values than times.")
    return _joined(heads, np.cumsum(counts)[:-1], stamps_ms, numbers)


def _column(parts: Sequence[bytes], options: csv.ConvertOptions) -> NDArray[np.generic]:
    try:
        read = csv.read_csv(io.BytesIO(b"\n".join(parts)), read_options=_ONE_COLUMN, convert_options=options)
    except pa.ArrowInvalid as error:
        raise AnswerUnreadable(f"An export holds what is no number: {error}.") from None
    column = read["x"]
    array: NDArray[np.generic] = (column.fill_null(np.nan) if column.null_count else column).to_numpy()
    return array


def _joined(
    heads: Sequence[Labels], cuts: NDArray[np.int64], times: NDArray[np.generic], values: NDArray[np.generic]
) -> SeriesSet:
    """Join the parts of each series; of two samples of one time the later counts."""
    parts: dict[LabelKey, list[int]] = {}
    for row, labels in enumerate(heads):
        parts.setdefault(label_key(labels), []).append(row)
    all_times, all_values = np.split(times, cuts), np.split(values, cuts)
    rows = []
    for key, numbers in parts.items():
        own = np.concatenate([all_times[i] for i in numbers])
        numbers_of = np.concatenate([all_values[i] for i in numbers])
        if (np.diff(own) <= 0).any():
            order = np.argsort(own, kind="stable")
            own, numbers_of = own[order], numbers_of[order]
            last = np.append(own[1:] != own[:-1], True)
            own, numbers_of = own[last], numbers_of[last]
        rows.append((dict(key), own, numbers_of))
    return SeriesSet.of(rows)


def _not_a_line(line: bytes) -> AnswerUnreadable:
    if line.startswith(_HEAD) and not line.endswith(_TAIL):
        return AnswerTruncated("The export stops in the middle of a line.")
    return AnswerUnreadable(f"A line of the export cannot be understood: {line[:80]!r}.")
