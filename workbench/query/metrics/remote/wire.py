"""The wire of Prometheus' remote read: a request in protobuf, an answer of frames that hold XOR chunks.

The answer is a row of frames: length as a varint, CRC-32C of the message (big-endian), the message. A message holds
one series, or a part of it: its labels and its chunks. Neither needs a protobuf or snappy library: the request fits in
one literal of a snappy block, and the answer is not compressed.

References
----------
.. [1] Prometheus, Remote Read API, ``STREAMED_XOR_CHUNKS``; ``prompb/remote.proto`` and ``prompb/types.proto``.
.. [2] Google, Snappy compressed format description.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.core.errors import AnswerTruncated, AnswerUnreadable
from workbench.core.series import Labels
from workbench.query.metrics.remote.checksum import crc32c_of
from workbench.query.metrics.selector import LabelMatch

#: Encodings of a chunk; the other ones are native histograms.
XOR = 1

#: Bytes that a decoder may look at past the last chunk.
SPARE = 16

_OPERATIONS = {"=": 0, "!=": 1, "=~": 2, "!~": 3}
_STREAMED_XOR_CHUNKS = 1
_CHUNK = re.compile(
    rb"\x12([\x80-\xff]*[\x00-\x7f])(?:\x08[\x80-\xff]*[\x00-\x7f])?(?:\x10[\x80-\xff]*[\x00-\x7f])?"
    rb"\x18(.)\x22([\x80-\xff]*[\x00-\x7f])",
    re.DOTALL,
)


@dataclass(frozen=True)
class ChunkIndex:
    """Where the chunks of an answer stand; chunks of one series follow one another.

    Attributes
    ----------
    labels : tuple of Labels, one a series
    series : int64 array, one entry per chunk
        Index into ``labels``, rising.
    starts, lengths : int64 array, one entry per chunk
        Place of the chunk's data in the answer. [bytes]
    kinds : uint8 array, one entry per chunk
        Encoding; :data:`XOR` or one of native histograms.
    """

    labels: tuple[Labels, ...]
    series: NDArray[np.int64]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    kinds: NDArray[np.uint8]


def read_request(matchers: Sequence[LabelMatch], start_ms: int, end_ms: int) -> bytes:
    r"""Write a request for the samples with ``start_ms <= t <= end_ms``, ready to be posted.

    Examples
    --------
    >>> read_request([LabelMatch("__name__", "=", "up")], 0, 1)[-16:]
    b'\x12\x08__name__\x1a\x02up\x10\x01'
    """
    conditions = b"".join(
        _field(3, _number(1, _OPERATIONS[each.op]) + _field(2, each.name.encode()) + _field(3, each.value.encode()))
        for each in matchers
    )
    query = _number(1, start_ms) + _number(2, end_ms) + conditions
    return _literal(_field(1, query) + _number(2, _STREAMED_XOR_CHUNKS))


def chunk_index(body: bytearray) -> ChunkIndex:
    """Check every frame of an answer and list its chunks.

    Raises
    ------
    AnswerTruncated
        It stops within a frame.
    AnswerUnreadable
        A checksum does not fit, or it is not an answer of this kind.
    """
    names: dict[bytes, int] = {}
    chunks: list[tuple[int, int, int, int]] = []
    for start, end in frames(body):
        position = start
        while position < end:
            if body[position] != 0x0A:
                position = _skipped(body, position)
                continue
            length, position = varint(body, position + 1)
            position = _series(body, position, position + length, names, chunks)
        if position != end:
            raise unreadable(position)
    table = np.array(chunks, np.int64).reshape(-1, 4)
    return _ordered(tuple(labels_of(raw) for raw in names), table)


def index_of(body: bytearray, names: Sequence[tuple[int, int]], table: NDArray[np.int64]) -> ChunkIndex:
    """Build an index from the places of the labels of each part of a series, and ``(part, start, length, kind)``."""
    places: dict[bytes, int] = {}
    series_of = np.array([places.setdefault(bytes(body[a:b]), len(places)) for a, b in names], np.int64)
    table = table.copy()
    table[:, 0] = series_of[table[:, 0]]
    return _ordered(tuple(labels_of(raw) for raw in places), table)


def _ordered(labels: tuple[Labels, ...], table: NDArray[np.int64]) -> ChunkIndex:
    if (np.diff(table[:, 0]) < 0).any():
        table = table[np.argsort(table[:, 0], kind="stable")]
    return ChunkIndex(labels, table[:, 0], table[:, 1], table[:, 2], table[:, 3].astype(np.uint8))


def frames(body: bytearray) -> list[tuple[int, int]]:
    """Places of the messages in an answer, each checked against its CRC-32C."""
    position, total = 0, len(body)
    bounds: list[tuple[int, int]] = []
    checksums: list[int] = []
    while position < total:
        length, start = varint(body, position)
        position = start + 4 + length
        if position > total:
            raise AnswerTruncated("The answer of remote read stops in the middle of a frame.")
        bounds.append((start + 4, position))
        checksums.append(int.from_bytes(body[start : start + 4], "big"))
    places = np.array(bounds, np.int64).reshape(-1, 2)
    wrong = np.flatnonzero(crc32c_of(np.frombuffer(body, np.uint8), places[:, 0], places[:, 1]) != checksums)
    if len(wrong):
        raise AnswerUnreadable(f"Frame {wrong[0] + 1:,} of the remote read does not fit its checksum.")
    return bounds


def varint(body: bytes | bytearray, position: int) -> tuple[int, int]:
    """Read an unsigned varint; give it and the position after it."""
    value = shift = 0
    while True:
        try:
            byte = body[position]
        except IndexError:
            raise AnswerTruncated("The answer of remote read stops in the middle of a number.") from None
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 63:
            raise unreadable(position)


def unreadable(position: int) -> AnswerUnreadable:
    """Say that the bytes are not those of a remote read."""
    return AnswerUnreadable(f"The answer of remote read cannot be understood at byte {position:,}.")


def labels_of(raw: bytes) -> Labels:
    """Labels from the fields ``labels`` of a series.

    Examples
    --------
    >>> labels_of(bytes.fromhex("0a0d0a036a6f621206706c61796572"))
    {'job': 'player'}
    """
    labels: dict[str, str] = {}
    position = 0
    while position < len(raw):
        length, position = varint(raw, position + 1)
        end, pair = position + length, ["", ""]
        while position < end:
            tag = raw[position]
            length, position = varint(raw, position + 1)
            if tag not in (0x0A, 0x12):
                raise unreadable(position)
            pair[tag == 0x12] = raw[position : position + length].decode("utf-8", "replace")
            position += length
        labels[pair[0]] = pair[1]
    return labels


def _series(
    body: bytearray, position: int, end: int, names: dict[bytes, int], chunks: list[tuple[int, int, int, int]]
) -> int:
    """List the chunks of one message; give the position after it."""
    first = position
    while position < end and body[position] == 0x0A:
        length, position = varint(body, position + 1)
        position += length
    series = names.setdefault(bytes(body[first:position]), len(names))
    while position < end:
        head = _CHUNK.match(body, position, end)
        if head is None:
            raise unreadable(position)
        length = _short(head[3])
        chunks.append((series, head.end(), length, head[2][0]))
        position = head.end() + length
        if position != head.end(1) + _short(head[1]):
            raise unreadable(position)
    return position


def _short(raw: bytes) -> int:
    """Value of a varint of one to three bytes, as lengths are."""
    if len(raw) == 1:
        return raw[0]
    return varint(raw, 0)[0]


def _skipped(body: bytearray, position: int) -> int:
    """Pass over a field that is not read, such as the number of the query."""
    kind = body[position] & 7
    value, position = varint(body, position + 1)
    if kind not in (0, 2):
        raise unreadable(position)
    return position + (value if kind == 2 else 0)


def _written(value: int) -> bytes:
    value &= (1 << 64) - 1
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _number(field: int, value: int) -> bytes:
    return bytes([field << 3]) + _written(value)


def _field(field: int, content: bytes) -> bytes:
    return bytes([field << 3 | 2]) + _written(len(content)) + content


def _literal(content: bytes) -> bytes:
    """Wrap bytes as a snappy block of literals, which needs no compressor."""
    parts = [_written(len(content))]
    for start in range(0, len(content), 1 << 16):
        piece = content[start : start + (1 << 16)]
        parts += [bytes([61 << 2]), (len(piece) - 1).to_bytes(2, "little"), piece]
    return b"".join(parts)
