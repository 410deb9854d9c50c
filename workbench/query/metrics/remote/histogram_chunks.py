"""Chunks of native histograms, of whole numbers and of floats, to single histograms.

A chunk opens with what its samples share: the reset header, zero threshold, schema, spans of buckets and custom bounds.
Each sample then changes time, counts, sum and every bucket a little.

References
----------
.. [1] Prometheus, TSDB chunk format, ``tsdb/docs/format/chunks.md``, "Histogram chunk data".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import accumulate

import numpy as np

from workbench.core.histograms import CUSTOM, Hint, Histogram
from workbench.core.series import STALE, is_stale

#: Encodings of a chunk.
INTEGER, FLOAT = 2, 3

#: By the number of leading ones of a varbit: bits of the number.
_SIZES = (0, 3, 6, 9, 12, 18, 25, 56, 64)
_RESET, _GAUGE = 0b10, 0b11
_WIDEST_EXPONENT = 243

Sample = tuple[int, Histogram | float]


class _Bits:
    """Bits of a chunk, read from the front."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> int:
        self.need(count)
        self._at += count
        first, last = (self._at - count) >> 3, (self._at + 7) >> 3
        return (int.from_bytes(self._data[first:last], "big") >> (last * 8 - self._at)) & ((1 << count) - 1)

    def need(self, count: int) -> None:
        """Refuse what says that more follows than there is, before room is made for it."""
        if self._at + count > len(self._data) * 8:
            raise ValueError("a chunk of histograms ends before its last sample")

    def unsigned(self) -> int:
        ones = 0
        while ones < 8 and self.take(1):
            ones += 1
        return self.take(_SIZES[ones])

    def signed(self) -> int:
        ones = 0
        while ones < 8 and self.take(1):
            ones += 1
        size = _SIZES[ones]
        value = self.take(size)
        half = 1 << size >> 1
        return value - (1 << size) if value > half or (size == 64 and value == half) else value

    def float64(self) -> float:
        return _float(self.take(64))


class _Changing:
    """A float that is written as the bits in which it differs from the one before."""

    def __init__(self, first: int) -> None:
        self.bits, self._lead, self._size = first, 0, 0

    def step(self, bits: _Bits) -> float:
        if bits.take(1):
            if bits.take(1):
                self._lead, self._size = bits.take(5), bits.take(6) or 64
            self.bits ^= bits.take(self._size) << (64 - self._lead - self._size)
        return _float(self.bits)


class _Running:
    """A whole number of 64 bits that is written as the change of its change."""

    def __init__(self, first: int) -> None:
        self.value, self._delta = first, 0

    def step(self, bits: _Bits) -> int:
        self._delta += bits.signed()
        self.value += self._delta
        if not -(2**63) <= self.value < 2**63:
            raise ValueError("a chunk of histograms holds a number beyond 64 bits")
        return self.value


def decode(data: bytes, kind: int) -> list[Sample]:
    """Read one chunk: times [ms since the epoch] with a histogram, or with a stale mark.

    Parameters
    ----------
    data : bytes
        The encoded chunk.
    kind : int
        :data:`INTEGER` or :data:`FLOAT`.

    Raises
    ------
    ValueError
        The chunk needs more bits than it has, or is of another kind.
    """
    if kind not in (INTEGER, FLOAT):
        raise ValueError(f"encoding {kind} is not known")
    count = int.from_bytes(data[:2], "big")
    bits = _Bits(data[2:])
    header = bits.take(8) >> 6
    zero_threshold = _zero_threshold(bits)
    schema = bits.signed()
    spans = [_spans(bits), _spans(bits)]
    bounds = tuple(_bound(bits) for _ in range(bits.unsigned())) if schema == CUSTOM else ()
    bits.need(sum(length for side in spans for length, _ in side))  # a bucket has a bit at least
    numbers = [list(_numbers(side)) for side in spans]
    samples = (_whole if kind == INTEGER else _floats)(bits, count, sum(map(len, numbers)))
    histograms: list[Sample] = []
    for row, (time, total, zeros, observed, buckets) in enumerate(samples):
        if is_stale(np.array([observed]))[0]:
            histograms.append((time, STALE))
            continue
        split = len(numbers[0])
        positive, negative = buckets[:split], buckets[split:]
        if kind == INTEGER:
            positive, negative = list(accumulate(positive)), list(accumulate(negative))
        histogram = Histogram(
            schema,
            float(total),
            observed,
            zero_threshold,
            float(zeros),
            _held(numbers[0], positive),
            _held(numbers[1], negative),
            bounds,
            _hint(header, row),
        )
        histograms.append((time, histogram))
    return histograms


_Read = Iterator[tuple[int, float, float, float, list[float]]]


def _whole(bits: _Bits, count: int, width: int) -> _Read:
    """Read samples of whole numbers; buckets are differences from bucket to bucket. A stale sample has none."""
    for row in range(count):
        if not row:
            time, total = _Running(bits.signed()), _Running(bits.unsigned())
            zeros, observed = _Running(bits.unsigned()), _Changing(bits.take(64))
            buckets = [_Running(bits.signed()) for _ in range(width)]
        else:
            time.step(bits), total.step(bits), zeros.step(bits)
            if is_stale(np.array([observed.step(bits)]))[0]:
                yield time.value, total.value, zeros.value, _float(observed.bits), []
                continue
            for bucket in buckets:
                bucket.step(bits)
        own: list[float] = [bucket.value for bucket in buckets]
        yield time.value, total.value, zeros.value, _float(observed.bits), own


def _floats(bits: _Bits, count: int, width: int) -> _Read:
    """Read samples of floats; every number stands for itself."""
    for row in range(count):
        if not row:
            time = _Running(bits.signed())
            total, zeros, observed = (_Changing(bits.take(64)) for _ in range(3))
            buckets = [_Changing(bits.take(64)) for _ in range(width)]
        else:
            time.step(bits), total.step(bits), zeros.step(bits)
            if is_stale(np.array([observed.step(bits)]))[0]:
                yield time.value, _float(total.bits), _float(zeros.bits), _float(observed.bits), []
                continue
            for bucket in buckets:
                bucket.step(bits)
        own = [_float(bucket.bits) for bucket in buckets]
        yield time.value, _float(total.bits), _float(zeros.bits), _float(observed.bits), own


def _zero_threshold(bits: _Bits) -> float:
    """Read a power of two in one byte, or any float after a byte of ones."""
    code = bits.take(8)
    if code == 0:
        return 0.0
    return bits.float64() if code == 255 else 0.5 * 2.0 ** (code - _WIDEST_EXPONENT)


def _spans(bits: _Bits) -> list[tuple[int, int]]:
    """Length and offset of the stretches of buckets on one side of zero."""
    return [(bits.unsigned(), bits.signed()) for _ in range(bits.unsigned())]


def _numbers(spans: list[tuple[int, int]]) -> Iterator[int]:
    """Numbers of the buckets of spans."""
    at = 0
    for length, offset in spans:
        at += offset
        yield from range(at, at + length)
        at += length


def _bound(bits: _Bits) -> float:
    """Read a bound of a custom bucket: one more than its thousandths, or after a zero the float."""
    code = bits.unsigned()
    return (code - 1) / 1000 if code else bits.float64()


def _held(numbers: list[int], populations: list[float]) -> dict[int, float]:
    return {number: float(each) for number, each in zip(numbers, populations, strict=True) if each}


def _hint(header: int, row: int) -> Hint:
    """Only the first sample of a chunk can follow a reset; whether it does is not always known."""
    if header == _GAUGE:
        return "gauge"
    if row:
        return "not_reset"
    return "reset" if header == _RESET else "unknown"


def _float(bits: int) -> float:
    value: float = struct.unpack(">d", bits.to_bytes(8, "big"))[0]
    return value
