"""Compiled reader: one pass over the bytes, decimal text to the nearest double.

Notes
-----
A number is read as an integer of at most 19 digits times a power of ten. Up to 2**53 and 10**22 one rounding of the
processor is exact (Clinger); otherwise the product with a 128-bit power of five decides (Eisel-Lemire); the few
numbers whose further digits could change the last bit are given back to Python's own ``float``.

References
----------
.. [1] W. D. Clinger, How to read floating point numbers accurately, PLDI 1990.
.. [2] D. Lemire, Number parsing at a gigabyte per second, Software: Practice and Experience 51 (8), 2021.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from workbench.core.series import SeriesSet
from workbench.query.metrics.decode_parts import METRIC, VALUES, Sink, labels_of

_SMALLEST, _LARGEST = -342, 308
_FULL, _STRANGE = -1, -2
_QUOTE, _BACKSLASH, _BRACE = 34, 92, 125

#: Columns of the table of series: its first byte, those of its labels and their end, its first point.
_BEGIN, _LABELS, _LABELS_END, _POINT = 0, 1, 2, 3


def _powers_of_five() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Upper and lower halves of 5**q for q in -342..308, as 128 bits with the highest one set (Lemire, section 5)."""
    table = []
    for q in range(_SMALLEST, 0):
        power = 5**-q
        bits = (power - 1).bit_length()
        value = (1 << (bits + 127)) // power + 1 if q >= -27 else (1 << (2 * bits + 128)) // power + 1
        table.append(value >> max(value.bit_length() - 128, 0))
    for q in range(_LARGEST + 1):
        power = 5**q
        surplus = power.bit_length() - 128
        table.append(power >> surplus if surplus > 0 else power << -surplus)
    mask = (1 << 64) - 1
    return np.array([v >> 64 for v in table], np.uint64), np.array([v & mask for v in table], np.uint64)


_HIGH, _LOW = _powers_of_five()
_METRIC, _VALUES = np.frombuffer(METRIC, np.uint8), np.frombuffer(VALUES, np.uint8)
_EXACT_TENS = np.array([10.0**k for k in range(23)])

_bytes = types.Array(types.uint8, 1, "C", readonly=True)
_u64, _i64, _f64 = types.uint64, types.int64, types.float64
_times, _values, _table = types.Array(_i64, 1, "C"), types.Array(_f64, 1, "C"), types.Array(_i64, 2, "C")


@njit(types.UniTuple(_u64, 2)(_u64, _u64), cache=True, nogil=True, inline="always")  # type: ignore[untyped-decorator]
def _multiply(a: Any, b: Any) -> Any:
    """Return upper and lower 64 bits of a product."""
    mask, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    a1, a0, b1, b0 = a >> half, a & mask, b >> half, b & mask
    low, middle1, middle2 = a0 * b0, a1 * b0, a0 * b1
    carry = ((low >> half) + (middle1 & mask) + (middle2 & mask)) >> half
    return a1 * b1 + (middle1 >> half) + (middle2 >> half) + carry, a * b


@njit(_f64(_u64, _i64), cache=True, nogil=True)  # type: ignore[untyped-decorator]
def decimal(digits: Any, ten: Any) -> Any:
    """Return the double nearest to ``digits * 10**ten``, ties to even; ``digits`` is exact."""
    zero, one = np.uint64(0), np.uint64(1)
    if digits == zero or ten < _SMALLEST:
        return 0.0
    if ten > _LARGEST:
        return np.inf
    leading = 0
    shifted = digits
    while shifted >> np.uint64(63) == zero:
        shifted <<= one
        leading += 1
    high, low = _multiply(shifted, _HIGH[ten - _SMALLEST])
    if high & np.uint64(0x1FF) == np.uint64(0x1FF):
        carry, _ = _multiply(shifted, _LOW[ten - _SMALLEST])
        low += carry
        if carry > low:
            high += one
    upper = np.int64(high >> np.uint64(63))
    shift = np.uint64(upper + 9)
    mantissa = high >> shift
    exponent = (((152170 + 65536) * ten) >> 16) + 63 + upper - leading + 1023
    if exponent <= 0:
        if 1 - exponent >= 64:
            return 0.0
        mantissa >>= np.uint64(1 - exponent)
        mantissa = (mantissa + (mantissa & one)) >> one
        exponent = 0 if mantissa < np.uint64(1 << 52) else 1
    else:
        tie = low <= one and -4 <= ten <= 23 and mantissa & np.uint64(3) == one
        if tie and mantissa << shift == high:
            mantissa &= ~one
        mantissa = (mantissa + (mantissa & one)) >> one
        if mantissa >= np.uint64(1 << 53):
            mantissa = np.uint64(1 << 52)
            exponent += 1
        if exponent >= 0x7FF:
            return np.inf
    mantissa &= ~np.uint64(1 << 52)
    bits = np.empty(1, np.uint64)
    bits[0] = mantissa | (np.uint64(exponent) << np.uint64(52))
    return bits.view(np.float64)[0]


@njit(types.Tuple((_i64, _i64, _i64))(_bytes, _i64, _times, _values, _i64, _table, _i64), cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _points(text: Any, start: Any, times: Any, values: Any, begin: Any, doubtful: Any, doubts: Any) -> Any:
    """Read ``[t,"v"],[t,"v"]...]`` from the first bracket; the text ends with a brace, which stops every loop.

    Points are written from ``begin`` on, rows of ``doubtful`` (point, first byte, end) from ``doubts`` on: these are
    numbers to be read again by Python. Returns the end of either (or ``_FULL``, ``_STRANGE``) and the position after
    the closing bracket.
    """
    end = len(text) - 1
    position = start
    count = begin
    while True:
        if position >= end or text[position] != 91:
            return _STRANGE, start, 0
        if count == len(times):
            return _FULL, start, 0
        position += 1
        before_epoch = text[position] == 45
        if before_epoch:
            position += 1
        first = position
        ms = 0
        while 48 <= text[position] <= 57:
            ms = ms * 10 + (text[position] - 48)
            position += 1
        if position == first or position - first > 15:
            return _STRANGE, start, 0
        ms *= 1000
        if text[position] == 46:
            position += 1
            weight = 100
            while 48 <= text[position] <= 57:
                if weight == 0 and text[position] != 48:
                    return _STRANGE, start, 0
                ms += weight * (text[position] - 48)
                weight //= 10
                position += 1
        times[count] = -ms if before_epoch else ms
        if text[position] != 44 or text[position + 1] != 34:
            return _STRANGE, start, 0
        position += 2
        first = position
        negative = text[position] == 45
        if negative or text[position] == 43:
            position += 1
        if 48 <= text[position] <= 57:
            digits = np.uint64(0)
            significant = 0
            ten = 0
            cut = False
            point = False
            while True:
                byte = text[position]
                if 48 <= byte <= 57:
                    if significant < 19:
                        digits = digits * np.uint64(10) + np.uint64(byte - 48)
                        if digits != np.uint64(0):
                            significant += 1
                        if point:
                            ten -= 1
                    else:
                        if byte != 48:
                            cut = True
                        if not point:
                            ten += 1
                elif byte == 46 and not point:
                    point = True
                else:
                    break
                position += 1
            if text[position] == 101 or text[position] == 69:
                position += 1
                below = text[position] == 45
                if below or text[position] == 43:
                    position += 1
                written = 0
                exponent_at = position
                while 48 <= text[position] <= 57:
                    if written < 100_000:
                        written = written * 10 + (text[position] - 48)
                    position += 1
                if position == exponent_at:
                    return _STRANGE, start, 0
                ten += -written if below else written
            if cut:
                if doubts == len(doubtful):
                    return (_FULL if begin > 0 else _STRANGE), start, 0
                doubtful[doubts, 0] = count
                doubtful[doubts, 1] = first
                doubtful[doubts, 2] = position
                doubts += 1
                value = 0.0
            elif digits <= np.uint64(9007199254740992) and -22 <= ten <= 22:
                value = np.float64(np.int64(digits))
                if ten < 0:
                    value /= _EXACT_TENS[-ten]
                else:
                    value *= _EXACT_TENS[ten]
            else:
                value = decimal(digits, ten)
        elif text[position] == 78 and text[position + 1] == 97 and text[position + 2] == 78:
            value = np.nan
            position += 3
        elif text[position] == 73 and text[position + 1] == 110 and text[position + 2] == 102:
            value = np.inf
            position += 3
        else:
            return _STRANGE, start, 0
        values[count] = -value if negative else value
        if text[position] != 34 or text[position + 1] != 93:
            return _STRANGE, start, 0
        count += 1
        position += 2
        if text[position] == 44:
            position += 1
        elif text[position] == 93:
            return count, position + 1, doubts
        else:
            return _STRANGE, start, 0


@njit(types.boolean(_bytes, _i64, _bytes), cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _stands(text: Any, position: Any, word: Any) -> Any:
    """Whether a word stands at a position."""
    if position + len(word) > len(text):
        return False
    same = 0
    while same < len(word) and text[position + same] == word[same]:
        same += 1
    return same == len(word)


@njit(_i64(_bytes, _i64), cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _closing(text: Any, position: Any) -> Any:
    """Return the first closing brace outside of quotes, or the length of the text."""
    quoted = False
    while position < len(text):
        byte = text[position]
        if quoted and byte == _BACKSLASH:
            position += 1
        elif byte == _QUOTE:
            quoted = not quoted
        elif byte == _BRACE and not quoted:
            return position
        position += 1
    return len(text)


@njit(types.UniTuple(_i64, 5)(_bytes, _i64, _times, _values, _table, _table), cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _series(text: Any, start: Any, times: Any, values: Any, table: Any, doubtful: Any) -> Any:
    """Read series while there is room.

    Returns the number of rows of ``table`` and of points and doubtful numbers written, the position after them, and
    whether it was room that was wanting.
    """
    position, series, points, doubts, before = start, 0, 0, 0, 0
    while _stands(text, position, _METRIC):
        if series == len(table) or len(times) - points < before:
            return series, points, doubts, position, 1
        opening = _closing(text, position + len(_METRIC))
        if not _stands(text, opening, _VALUES):
            break
        last, after, doubted = _points(text, opening + len(_VALUES) - 1, times, values, points, doubtful, doubts)
        if last == _FULL:
            return series, points, doubts, position, 1
        if last == _STRANGE or text[after] != _BRACE:
            break
        table[series, _BEGIN], table[series, _LABELS] = position, position + len(_METRIC)
        table[series, _LABELS_END], table[series, _POINT] = opening, points
        before = last - points
        series, points, doubts, position = series + 1, last, doubted, after + 1
        if position < len(text) and text[position] == 44:
            position += 1
    return series, points, doubts, position, 0


class _Room:
    """Arrays that receive some series; they grow to the longest series of an answer."""

    def __init__(self) -> None:
        self.table, self.doubtful = np.empty((256, 4), np.int64), np.empty((4096, 3), np.int64)
        self.resize(1 << 16)

    def resize(self, points: int) -> None:
        self.times, self.values = np.empty(points, np.int64), np.empty(points)


def read_scan(body: bytes | bytearray, position: int, sink: Sink) -> int:
    """Read series from ``position`` and return where the first one stands that is not read, or the closing bracket."""
    if not body.endswith((b"}", b"}\n")):
        return position
    text = np.frombuffer(body, np.uint8)
    text.flags.writeable = False
    room, more = _Room(), True
    while more:
        series, points, doubts, after, more = _series(
            text, position, room.times, room.values, room.table, room.doubtful
        )
        if more and not series:
            room.resize(4 * len(room.times))
            continue
        for point, a, b in room.doubtful[:doubts].tolist():
            room.values[point] = float(body[a:b])
        rows = room.table[:series].tolist()
        labels = labels_of([body[row[_LABELS] : row[_LABELS_END]] for row in rows]) if rows else []
        offsets = np.append(room.table[:series, _POINT], points)[: len(labels) + 1]
        if labels:
            sink(SeriesSet(tuple(labels), offsets, room.times[: offsets[-1]], room.values[: offsets[-1]]))
        if len(labels) < series:
            return int(rows[len(labels)][_BEGIN])
        position = after
    return int(position)
