"""Compiled reader of the frames of a remote read answer: checksums and chunks in one pass.

The formats are those of :mod:`workbench.query.metrics.remote.wire`, which names the sources, and so is what comes out.
The samples of the chunks are read in whole arrays by :mod:`workbench.query.metrics.remote.xor_chunks`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from workbench.core.errors import AnswerTruncated, AnswerUnreadable
from workbench.query.metrics.remote.checksum import byte_table
from workbench.query.metrics.remote.wire import ChunkIndex, index_of, unreadable

_CUT, _CHECKSUM, _STRANGE = -1, -2, -3

_bytes = types.Array(types.uint8, 1, "C")
_i64 = types.int64
_table, _words = types.Array(_i64, 2, "C"), types.Array(types.uint32, 2, "C")


def _slices() -> NDArray[np.uint32]:
    """Checksum of each byte moved over zero to seven bytes more."""
    table = byte_table()
    rows = [table]
    for _ in range(7):
        rows.append(table[rows[-1] & 0xFF] ^ (rows[-1] >> 8))
    return np.stack(rows)


_SLICES = _slices()


@njit(types.uint32(_bytes, _i64, _i64, _words), cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _crc32c(body: Any, start: Any, end: Any, tables: Any) -> Any:
    value = np.uint32(0xFFFFFFFF)
    at = start
    while at + 8 <= end:
        value = (
            tables[7, (value ^ body[at]) & 0xFF]
            ^ tables[6, (value >> 8 ^ body[at + 1]) & 0xFF]
            ^ tables[5, (value >> 16 ^ body[at + 2]) & 0xFF]
            ^ tables[4, (value >> 24 ^ body[at + 3]) & 0xFF]
            ^ tables[3, body[at + 4]]
            ^ tables[2, body[at + 5]]
            ^ tables[1, body[at + 6]]
            ^ tables[0, body[at + 7]]
        )
        at += 8
    while at < end:
        value = tables[0, (value ^ body[at]) & 0xFF] ^ (value >> 8)
        at += 1
    return value ^ np.uint32(0xFFFFFFFF)


@njit(types.UniTuple(_i64, 2)(_bytes, _i64, _i64), cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _varint(body: Any, at: Any, end: Any) -> Any:
    """Value and position after it; a negative position when it does not end."""
    value, shift = np.int64(0), 0
    while at < end:
        byte = body[at]
        at += 1
        value |= np.int64(byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            return value, np.int64(_STRANGE)
    return value, np.int64(_CUT)


@njit(types.UniTuple(_i64, 3)(_bytes, _i64, _table, _table, _words), cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _index(body: Any, total: Any, names: Any, chunks: Any, tables: Any) -> Any:
    """List labels and chunks; gives their counts and how it ended: 0, a negative code, or 1 when a table is full."""
    parts, count, at = 0, 0, np.int64(0)
    while at < total:
        length, start = _varint(body, at, total)
        if start < 0 or start + 4 + length > total:
            return parts, count, np.int64(_CUT)
        checksum = (
            np.uint32(body[start]) << 24
            | np.uint32(body[start + 1]) << 16
            | np.uint32(body[start + 2]) << 8
            | np.uint32(body[start + 3])
        )
        at, frame_end = start + 4, start + 4 + length
        if _crc32c(body, at, frame_end, tables) != checksum:
            return parts, count, np.int64(_CHECKSUM)
        while at < frame_end:
            tag = body[at]
            value, at = _varint(body, at + 1, frame_end)
            if at < 0:
                return parts, count, np.int64(_STRANGE)
            if tag != 0x0A:
                if tag & 7 == 2:
                    at += value
                elif tag & 7 != 0:
                    return parts, count, np.int64(_STRANGE)
                continue
            end = at + value
            if parts == len(names):
                return parts, count, np.int64(1)
            names[parts, 0] = at
            names[parts, 1] = at
            while at < end:
                inner = body[at]
                size, at = _varint(body, at + 1, end)
                if at < 0 or at + size > end:
                    return parts, count, np.int64(_STRANGE)
                if inner == 0x0A:
                    at += size
                    names[parts, 1] = at
                    continue
                if inner != 0x12:
                    return parts, count, np.int64(_STRANGE)
                if count == len(chunks):
                    return parts, count, np.int64(1)
                chunk_end = at + size
                chunks[count, 0] = parts
                chunks[count, 1] = 0
                chunks[count, 2] = 0
                chunks[count, 3] = 0
                while at < chunk_end:
                    field = body[at]
                    number, at = _varint(body, at + 1, chunk_end)
                    if at < 0:
                        return parts, count, np.int64(_STRANGE)
                    if field == 0x18:
                        chunks[count, 3] = number
                    elif field == 0x22:
                        chunks[count, 1] = at
                        chunks[count, 2] = number
                        at += number
                if at != chunk_end:
                    return parts, count, np.int64(_STRANGE)
                count += 1
            if at != end:
                return parts, count, np.int64(_STRANGE)
            parts += 1
        if at != frame_end:
            return parts, count, np.int64(_STRANGE)
    return parts, count, np.int64(0)


def chunk_index(body: bytearray) -> ChunkIndex:
    """Check every frame and list the chunks, as :func:`workbench.query.metrics.remote.wire.chunk_index` does."""
    total = len(body)
    room = max(total // 64, 1024)
    while True:
        names, chunks = np.empty((room, 2), np.int64), np.empty((room, 4), np.int64)
        parts, count, ended = _index(np.frombuffer(body, np.uint8), total, names, chunks, _SLICES)
        if ended != 1:
            break
        room *= 4
    if ended == _CUT:
        raise AnswerTruncated("The answer of remote read stops in the middle of a frame.")
    if ended == _CHECKSUM:
        raise AnswerUnreadable("A frame of the remote read does not fit its checksum.")
    if ended == _STRANGE:
        raise unreadable(int(chunks[count - 1, 1]) if count else 0)
    return index_of(body, [(int(a), int(b)) for a, b in names[:parts]], chunks[:count])
