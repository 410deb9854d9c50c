"""Raw samples by Prometheus' remote read: whole chunks as the server keeps them, decoded here.

The fastest way to raw samples, and the only one that carries stale marks. Servers without it (VictoriaMetrics, many
proxies) are told once by a small question; see :mod:`workbench.query.metrics.raw` for what they are asked instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from workbench.core.errors import AnswerUnreadable
from workbench.core.histograms import Histogram, Histograms, marks
from workbench.core.mixed import concatenated
from workbench.core.series import SeriesSet
from workbench.query.http.transport import Reply
from workbench.query.metrics.api import PrometheusApi
from workbench.query.metrics.compiled import Compiled
from workbench.query.metrics.remote import histogram_chunks, wire, xor_chunks
from workbench.query.metrics.selector import LabelMatch

_PATH = "/api/v1/read"
_HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "Accept-Encoding": "identity",
    "X-Prometheus-Remote-Read-Version": "0.1.0",
    "Accept": "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse",
}
_STREAMED = "application/x-streamed-protobuf"

#: Megabytes of chunks after which a process has earned the second that loading the compiled reader takes.
_WORTH_COMPILED = 4 << 20

Index = Callable[[bytearray], wire.ChunkIndex]


def _load() -> Index:
    from workbench.query.metrics.remote.wire_fast import chunk_index

    return chunk_index


_compiled: Compiled[Index] = Compiled(_load, worth=_WORTH_COMPILED)


def warm_up() -> bool:
    """Load the compiled reader now; False when numba is not installed."""
    return _compiled.now() is not None


def is_offered(api: PrometheusApi) -> bool:
    """Whether the server answers remote reads with streamed chunks: one question about a single millisecond.

    Raises
    ------
    SourceUnavailable
        No answer at all.
    """
    reply = _ask(api, [LabelMatch("__name__", "=", "up")], 0, 0)
    return reply.status == 200 and reply.content_type.startswith(_STREAMED)


def read(api: PrometheusApi, matchers: Sequence[LabelMatch], start_ms: int, end_ms: int, *, query: str) -> SeriesSet:
    """Read the samples with ``start_ms <= t <= end_ms``, stale marks included, each bit as it was scraped.

    Parameters
    ----------
    api : PrometheusApi
        Client of the Prometheus.
    matchers : sequence of LabelMatch
        Conditions on labels; a series must fulfil all.
    start_ms, end_ms : int
        Both belong to the range. [ms since the epoch]
    query : str
        The selector as it was written, for errors.

    Returns
    -------
    SeriesSet

    Raises
    ------
    AnswerTruncated, AnswerUnreadable
        It stops within a frame, a checksum does not fit, or the chunks contradict themselves.
    """
    reply = _ask(api, matchers, start_ms, end_ms, query=query)
    with api.naming(query):
        if not reply.content_type.startswith(_STREAMED):
            raise AnswerUnreadable(f"The server answered a remote read with {reply.content_type or 'no type'}.")
        return decode(bytearray(reply.body), start_ms, end_ms)


def decode(body: bytearray, start_ms: int, end_ms: int) -> SeriesSet:
    """Decode a whole answer and cut it to the range: chunks reach beyond it. Returns and raises as :func:`read`."""
    index = (_compiled.after(len(body)) or wire.chunk_index)(body)
    body += bytes(wire.SPARE)
    floats = index.kinds == wire.XOR
    try:
        counts, times, values = xor_chunks.decode_chunks(
            np.frombuffer(body, np.uint8), index.starts[floats], index.lengths[floats]
        )
    except ValueError as error:
        raise _unreadable(error) from None
    held = np.bincount(index.series[floats], weights=counts, minlength=len(index.labels)).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(held)]).astype(np.int64)
    whole = SeriesSet(index.labels, offsets, times, values)
    if not floats.all():
        whole = concatenated([whole, _histograms(body, index, ~floats)])
    return _cut(_in_order(whole), start_ms, end_ms)


def _histograms(body: bytearray, index: wire.ChunkIndex, native: NDArray[np.bool_]) -> SeriesSet:
    """Decode the chunks of native histograms."""
    block: list[Histogram] = []
    rows = []
    for chunk in np.flatnonzero(native).tolist():
        start = int(index.starts[chunk])
        data = bytes(body[start : start + int(index.lengths[chunk])])
        try:
            samples = histogram_chunks.decode(data, int(index.kinds[chunk]))
        except ValueError as error:
            raise _unreadable(error) from None
        held = [value for _, value in samples if isinstance(value, Histogram)]
        numbers = iter(marks(np.arange(len(block), len(block) + len(held))))
        values = np.array(
            [next(numbers) if isinstance(value, Histogram) else value for _, value in samples], np.float64
        )
        rows.append(SeriesSet.of([(index.labels[index.series[chunk]], [time for time, _ in samples], values)]))
        block += held
    return replace(concatenated(rows), histograms=Histograms.of(block))


def _unreadable(error: ValueError) -> AnswerUnreadable:
    return AnswerUnreadable(f"A chunk of the remote read cannot be decoded: {error}.")


def _ask(api: PrometheusApi, matchers: Sequence[LabelMatch], start_ms: int, end_ms: int, *, query: str = "") -> Reply:
    return api.post(_PATH, wire.read_request(matchers, start_ms, end_ms), _HEADERS, query=query)


def _in_order(series: SeriesSet) -> SeriesSet:
    """Sort the few series whose chunks overlap; of two samples of one time the later chunk's counts."""
    falls = np.flatnonzero(np.diff(series.times) <= 0) + 1
    bad = np.setdiff1d(falls, series.offsets[1:-1])
    if not len(bad):
        return series
    rows = []
    for labels, times, values in series:
        if (np.diff(times) <= 0).any():
            order = np.argsort(times, kind="stable")
            times, values = times[order], values[order]
            last = np.append(times[1:] != times[:-1], True)
            times, values = times[last], values[last]
        rows.append((labels, times, values))
    return replace(SeriesSet.of(rows), histograms=series.histograms)


def _cut(series: SeriesSet, start_ms: int, end_ms: int) -> SeriesSet:
    """Leave out what lies outside the range, and series that then have nothing."""
    inside = (series.times >= start_ms) & (series.times <= end_ms)
    kept = np.concatenate([[0], np.cumsum(inside)])[series.offsets]
    held = np.flatnonzero(np.diff(kept))
    if len(held) == len(series) and inside.all():
        return series
    return SeriesSet(
        tuple(series.labels[row] for row in held),
        np.append(kept[held], kept[-1]),
        series.times[inside],
        series.values[inside],
        series.histograms,
    )
