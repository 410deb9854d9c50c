"""Samples, native histograms too, pushed into a Prometheus by remote write (protobuf, snappy in literal form)."""

from __future__ import annotations

import struct
import urllib.request
from collections.abc import Iterable, Iterator

import numpy as np

from workbench.core.histograms import Histogram, is_mark, marked_rows
from workbench.core.series import Labels, SeriesSet

RECEIVES = ("--web.enable-remote-write-receiver", "--enable-feature=native-histograms")
_HINTS = {"unknown": 0, "reset": 1, "not_reset": 2, "gauge": 3}
Sample = tuple[int, Labels, float | Histogram]


def push(url: str, series: SeriesSet, *, batch: int = 2_000) -> None:
    """Send all samples in the order of their times, as a receiver wants them."""
    ordered = sorted(_samples(series), key=lambda sample: sample[0])
    for top in range(0, len(ordered), batch):
        body = b"".join(_field(1, _time_series(*sample)) for sample in ordered[top : top + batch])
        headers = {
            "Content-Encoding": "snappy",
            "Content-Type": "application/x-protobuf",
            "X-Prometheus-Remote-Write-Version": "0.1.0",
        }
        request = urllib.request.Request(f"{url}/api/v1/write", _snappy(body), headers)
        urllib.request.urlopen(request, timeout=30).close()


def _samples(series: SeriesSet) -> Iterator[Sample]:
    for labels, times, values in series:
        for time, value, native in zip(times.tolist(), values, is_mark(values), strict=True):
            if native:
                assert series.histograms is not None
                yield time, labels, series.histograms.at(int(marked_rows(np.array([value]))[0]))
            else:
                yield time, labels, float(value)


def _time_series(time: int, labels: Labels, value: float | Histogram) -> bytes:
    body = b"".join(
        _field(1, _field(1, name.encode()) + _field(2, text.encode())) for name, text in sorted(labels.items())
    )
    if isinstance(value, Histogram):
        return body + _field(4, _histogram(time, value, whole=labels["__name__"].startswith("whole_")))
    return body + _field(2, _double(1, value) + _number(2, time))


def _histogram(time: int, one: Histogram, *, whole: bool) -> bytes:
    """A histogram of floats, or of whole numbers: those of series whose name begins with ``whole_``."""
    body = (_number(1, int(one.count)) if whole else _double(2, one.count)) + _double(3, one.sum)
    body += _number(4, _zigzag(one.schema)) + _double(5, one.zero_threshold)
    body += _number(6, int(one.zero_count)) if whole else _double(7, one.zero_count)
    for spans, deltas, counts, buckets in ((8, 9, 10, one.negative), (11, 12, 13, one.positive)):
        for span in _spans(sorted(buckets)):
            body += _field(spans, _number(1, _zigzag(span[0])) + _number(2, span[1]))
        if whole:
            numbers = [int(buckets[i]) for i in sorted(buckets)]
            steps = [after - before for before, after in zip([0, *numbers], numbers, strict=False)]
            body += _field(deltas, b"".join(_varint(_zigzag(step)) for step in steps))
        elif buckets:
            body += _field(counts, struct.pack(f"<{len(buckets)}d", *(buckets[i] for i in sorted(buckets))))
    body += _number(14, _HINTS[one.hint]) + _number(15, time)
    if one.custom_bounds:
        body += _field(16, struct.pack(f"<{len(one.custom_bounds)}d", *one.custom_bounds))
    return body


def _spans(numbers: Iterable[int]) -> list[list[int]]:
    """Runs of neighbouring buckets: how far after the run before, and how long."""
    spans: list[list[int]] = []
    following = 0
    for number in numbers:
        if spans and number == following:
            spans[-1][1] += 1
        else:
            spans.append([number - following, 1])
        following = number + 1
    return spans


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | 1) + struct.pack("<d", value)


def _field(field: int, body: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(body)) + body


def _snappy(body: bytes) -> bytes:
    """A snappy block of literals alone."""
    parts = [body[at : at + 60_000] for at in range(0, len(body), 60_000)]
    return _varint(len(body)) + b"".join(b"\xf4" + struct.pack("<H", len(part) - 1) + part for part in parts)
