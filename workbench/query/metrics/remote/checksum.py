"""CRC-32C (Castagnoli) of a buffer, in whole numpy arrays: many stretches at a time, joined at the end.

Notes
-----
The checksum without its initial and final inversion is linear over GF(2). A buffer is cut into stretches of
equal length whose checksums advance in step, four bytes a step, and two neighbours are joined by moving the left one
over the length of the right one: a product with a 32 x 32 matrix, kept as four tables of 256 entries.

References
----------
.. [1] RFC 3720, appendix B.4, for the polynomial and its test vectors.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_POLYNOMIAL = 0x82F63B78
_WIDTH = 512

#: Stretches that advance together: what they need stays in the cache of a core.
_TOGETHER = 4096

Words = NDArray[np.uint32]


def crc32c(content: bytes | bytearray) -> int:
    """Checksum of a buffer.

    Examples
    --------
    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    whole = np.frombuffer(content, np.uint8)
    return int(crc32c_of(whole, np.array([0]), np.array([len(whole)]))[0])


def crc32c_of(content: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Words:
    """Checksums of parts of a buffer.

    Parameters
    ----------
    content : uint8 array
        The buffer.
    starts, ends : int64 array, one entry per part
        Half-open places of the parts. [bytes]
    """
    lanes_of = np.maximum(-(-(ends - starts) // _WIDTH), 1)
    last = np.cumsum(lanes_of)
    sums = np.zeros(int(last[-1]) if len(last) else 0, np.uint32)
    part = 0
    while part < len(starts):
        upto = max(int(np.searchsorted(last, (last[part - 1] if part else 0) + _TOGETHER, "right")), part + 1)
        lanes = slice(int(last[part] - lanes_of[part]), int(last[upto - 1]))
        sums[lanes] = _lane_sums(content, starts[part:upto], ends[part:upto], lanes_of[part:upto])
        part = upto
    behind = np.repeat(last, lanes_of) - np.arange(len(sums)) - 1
    for bit in range(int(behind.max(initial=0)).bit_length()):
        moving = np.flatnonzero(behind >> bit & 1)
        sums[moving] = _moved(sums[moving], _WIDTH << bit)
    joined = np.bitwise_xor.reduceat(sums, last - lanes_of) if len(sums) else sums
    short = np.minimum(ends - starts, 4)
    return joined ^ np.uint32(0xFFFFFFFF) ^ _start_beyond(short)


def _lane_sums(
    content: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64], lanes_of: NDArray[np.int64]
) -> Words:
    """Return the sums of the stretches of some parts, each filled up with zeros in front, which change nothing."""
    padded = np.zeros(int(lanes_of.sum()) * _WIDTH, np.uint8)
    edge = 0
    for start, end, lanes in zip(starts.tolist(), ends.tolist(), lanes_of.tolist(), strict=True):
        edge += lanes * _WIDTH
        first = edge - (end - start)
        padded[first:edge] = content[start:end]
        padded[first : min(first + 4, edge)] ^= 0xFF
    words = np.ascontiguousarray(padded.view("<u4").reshape(-1, _WIDTH // 4).T)
    low, high = _tables()
    sums = np.zeros(words.shape[1], np.uint32)
    for word in words:
        word ^= sums
        sums = low.take(word & 0xFFFF)
        sums ^= high.take(word >> 16)
    return sums


def _start_beyond(sizes: NDArray[np.int64]) -> Words:
    """Part of the initial inversion that a content of fewer than four bytes leaves over."""
    left: Words = (np.uint64(0xFFFFFFFF) >> (np.uint64(8) * sizes.astype(np.uint64))).astype(np.uint32)
    return left


@lru_cache(maxsize=1)
def byte_table() -> Words:
    """Checksum of each single byte, without inversion."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = (table >> np.uint32(1)) ^ (table & np.uint32(1)) * np.uint32(_POLYNOMIAL)
    return table


@lru_cache(maxsize=1)
def _tables() -> tuple[Words, Words]:
    """Move the lower and the upper half of a word over four bytes."""
    table = byte_table()

    def over(values: Words) -> Words:
        for _ in range(4):
            values = table[values & np.uint32(0xFF)] ^ (values >> np.uint32(8))
        return values

    halves = np.arange(1 << 16, dtype=np.uint32)
    return over(halves), over(halves << np.uint32(16))


@lru_cache(maxsize=64)
def _mover(length: int) -> tuple[Words, ...]:
    """Tables that move a checksum over ``length`` zero bytes, one for each of its bytes."""
    bytes_ = np.arange(256, dtype=np.uint32)
    places = [bytes_ << np.uint32(8 * i) for i in range(4)]
    if length == 4:
        low, high = _tables()
        return tuple(low[place & 0xFFFF] ^ high[place >> 16] for place in places)
    half = length // 2
    return tuple(_moved(_moved(place, half), half) for place in places)


def _moved(values: Words, length: int) -> Words:
    first, second, third, fourth = _mover(length)
    moved: Words = first[values & 0xFF] ^ second[values >> 8 & 0xFF] ^ third[values >> 16 & 0xFF] ^ fourth[values >> 24]
    return moved
