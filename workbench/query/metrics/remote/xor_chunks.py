"""XOR chunks of Prometheus to times and values: all chunks of an answer a sample at a time, in whole arrays.

A chunk holds up to some hundred samples, each a few bits that build on the one before. One chunk cannot be read in
arrays, thousands side by side can: step k reads sample k of every chunk that has so many.

References
----------
.. [1] Prometheus, TSDB chunk format, ``tsdb/docs/format/chunks.md``, "XOR chunk data".
.. [2] T. Pelkonen et al., Gorilla: a fast, scalable, in-memory time series database, PVLDB 8 (12), 2015.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Decoded = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]

#: Chunks read side by side: few enough that what they need stays in the cache of a core.
_SIDE_BY_SIDE = 8192

#: By the first four bits of a delta of deltas: bits of the prefix, 64 less those of the number, bits of both.
_PREFIX = np.array([1] * 8 + [2] * 4 + [3] * 2 + [4, 4], np.uint64)
_REST = np.array([64] * 8 + [50] * 4 + [47] * 2 + [44, 64], np.uint64)
_USED = np.array([1] * 8 + [16] * 4 + [20] * 2 + [24, 4], np.uint64)
_HALF = np.array([0] * 8 + [1 << 13] * 4 + [1 << 16] * 2 + [1 << 19, 0], np.int64)
#: By the first two bits of a value: bits of its control.
_CONTROL = np.array([1, 1, 2, 13], np.uint64)


def sample_counts(body: NDArray[np.uint8], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many samples each chunk says it has. [count]"""
    counts: NDArray[np.int64] = (body[starts].astype(np.int64) << 8) | body[starts + 1]
    return counts


def decode_chunks(body: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> Decoded:
    """Read XOR chunks.

    Parameters
    ----------
    body : uint8 array
        The answer, with at least 16 bytes after the last chunk.
    starts, lengths : int64 array, one entry per chunk
        Places of the chunks in it. [bytes]

    Returns
    -------
    counts : int64 array, one entry per chunk
        Samples in each. [count]
    times : int64 array
        Of all chunks one after the other. [ms since the epoch]
    values : float64 array
        With every bit as it was scraped.

    Raises
    ------
    ValueError
        A chunk needs more bytes than it has.
    """
    counts = sample_counts(body, starts)
    firsts = np.concatenate([[0], np.cumsum(counts)])
    times, values = np.empty(firsts[-1], np.int64), np.empty(firsts[-1])
    words = body[: len(body) // 8 * 8].view(">u8").astype(np.uint64)
    for start in range(0, len(starts), _SIDE_BY_SIDE):
        part = slice(start, start + _SIDE_BY_SIDE)
        block = _block(body, words, starts[part], lengths[part], counts[part])
        low, high = int(firsts[start]), int(firsts[min(start + _SIDE_BY_SIDE, len(starts))])
        times[low:high], values[low:high] = block
    return counts, times, values


def _block(
    body: NDArray[np.uint8],
    words: NDArray[np.uint64],
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Read some chunks, the longest first so that those still at work are a front part of every array."""
    order = np.argsort(-counts, kind="stable")
    starts, ends, counts = starts[order], (starts + lengths)[order] * 8, counts[order]
    most = int(counts[0]) if len(counts) else 0
    times, values = np.zeros((most, len(counts)), np.int64), np.zeros((most, len(counts)), np.uint64)
    alive = np.searchsorted(-counts, -np.arange(most), "left")
    ends = ends.astype(np.uint64)
    at = (starts + 2) * 8
    for step in range(most):
        m = int(alive[step])
        if step == 0:
            raw, at = _varints(body, at[:m])
            time = (raw >> np.uint64(1)).view(np.int64) ^ -(raw & np.uint64(1)).view(np.int64)
            value = _word(words, at.view(np.uint64))
            position = (at + 64).view(np.uint64)
            lead, size = np.zeros(m, np.uint64), np.zeros(m, np.uint64)
        elif step == 1:
            raw, at = _varints(body, position[:m].view(np.int64))
            delta = raw.view(np.int64)
            time = time[:m] + delta
            position = at.view(np.uint64)
            rest = _word(words, position)
        else:
            position, rest, delta = _delta(words, position[:m], delta[:m])
            time = time[:m] + delta
        if step:
            position, value, lead, size = _value(words, position, rest, value[:m], lead[:m], size[:m])
        if (position > ends[:m]).any():
            raise ValueError("a chunk ends before its last sample")
        times[step, :m], values[step, :m] = time, value
    held = (np.arange(most)[:, None] < counts).T
    back = np.argsort(order)
    return times.T[back][held[back]], values.T[back][held[back]].view(np.float64)


def _word(words: NDArray[np.uint64], position: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """64 bits from any bit on; a shift by 64 leaves nothing."""
    at, shift = (position >> np.uint64(6)).view(np.int64), position & np.uint64(63)
    word: NDArray[np.uint64] = words.take(at) << shift
    word |= words.take(at + 1) >> (np.uint64(64) - shift)
    return word


def _delta(
    words: NDArray[np.uint64], position: NDArray[np.uint64], delta: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64]]:
    """Read how much the distance in time changes; give the position and the bits after it, and the new distance."""
    word = _word(words, position)
    top = (word >> np.uint64(60)).view(np.int64)
    if int(top.max()) < 8:
        return position + np.uint64(1), word << np.uint64(1), delta
    used, half = _USED.take(top), _HALF.take(top)
    change = ((word << _PREFIX.take(top)) >> _REST.take(top)).view(np.int64)
    change -= np.where(change > half, half << 1, 0)
    position, rest = position + used, word << used
    wide = np.flatnonzero(top == 15)
    if len(wide):
        change[wide] = _word(words, position[wide]).view(np.int64)
        position[wide] += np.uint64(64)
        rest[wide] = _word(words, position[wide])
    return position, rest, delta + change


def _value(
    words: NDArray[np.uint64],
    position: NDArray[np.uint64],
    rest: NDArray[np.uint64],
    value: NDArray[np.uint64],
    lead: NDArray[np.uint64],
    size: NDArray[np.uint64],
) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64]]:
    """Read which bits of the value change; a new window of bits stays for the values after."""
    control = (rest >> np.uint64(62)).view(np.int64)
    fresh = control == 3
    if fresh.any():
        width = (rest >> np.uint64(51)) & np.uint64(63)
        lead = np.where(fresh, (rest >> np.uint64(57)) & np.uint64(31), lead)
        size = np.where(fresh, np.where(width == 0, np.uint64(64), width), size)
    position = position + _CONTROL.take(control)
    used = size * (control >= 2)
    bits = _word(words, position) >> (np.uint64(64) - used)
    bits <<= np.uint64(64) - lead - size
    bits ^= value
    return position + used, bits, lead, size


def _varints(body: NDArray[np.uint8], at: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Read one varint at each bit position, which is that of a whole byte."""
    byte, value = at >> 3, np.zeros(len(at), np.uint64)
    open_ = np.ones(len(at), bool)
    for place in range(10):
        read = body[byte].astype(np.uint64)
        value |= np.where(open_, (read & np.uint64(0x7F)) << np.uint64(7 * place), np.uint64(0))
        byte = byte + open_
        open_ &= read >= 0x80
        if not open_.any():
            return value, byte << 3
    raise ValueError("a number of a chunk does not end")
