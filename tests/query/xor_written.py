"""Chunks and frames written as a server writes them, a bit at a time, for tests of what reads them."""

from __future__ import annotations

import struct
from collections.abc import Sequence


class Bits:
    """A growing row of bits."""

    def __init__(self) -> None:
        self.text: list[str] = []

    def add(self, value: int, width: int) -> None:
        if width:
            self.text.append(format(value & ((1 << width) - 1), f"0{width}b"))

    def bytes(self) -> bytes:
        row = "".join(self.text)
        row += "0" * (-len(row) % 8)
        return int("1" + row, 2).to_bytes(len(row) // 8 + 1, "big")[1:]


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def chunk(samples: Sequence[tuple[int, int]]) -> bytes:
    """XOR chunk of ``(time, bits of the value)``; the window of bits is reused where that is allowed."""
    out = Bits()
    time, value, delta = samples[0][0], samples[0][1], 0
    for byte in varint(time << 1 ^ time >> 63):
        out.add(byte, 8)
    out.add(value, 64)
    lead, trail = -1, 0
    for number, (at, bits) in enumerate(samples[1:]):
        step = at - time
        if number == 0:
            for byte in varint(step):
                out.add(byte, 8)
        else:
            change = step - delta
            for prefix, width, room in ((2, 2, 14), (6, 3, 17), (14, 4, 20), (15, 4, 64)):
                if change == 0:
                    out.add(0, 1)
                    break
                if room == 64 or -(1 << (room - 1)) < change <= 1 << (room - 1):
                    out.add(prefix, width)
                    out.add(change, room)
                    break
        time, delta = at, step
        mixed = bits ^ value
        value = bits
        if mixed == 0:
            out.add(0, 1)
            continue
        first = min(64 - mixed.bit_length(), 31)
        last = (mixed & -mixed).bit_length() - 1
        if lead >= 0 and first >= lead and last >= trail:
            out.add(2, 2)
        else:
            lead, trail = first, last
            out.add(3, 2)
            out.add(lead, 5)
            out.add((64 - lead - trail) & 63, 6)
        out.add(mixed >> trail, 64 - lead - trail)
    return struct.pack(">H", len(samples)) + out.bytes()


def field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + varint(len(content)) + content


def message(labels: dict[str, str], chunks: Sequence[tuple[int, bytes]]) -> bytes:
    """A series with chunks, each with its encoding: 1 is XOR, 2 and 3 are native histograms."""
    pairs = b"".join(field(1, field(1, name.encode()) + field(2, value.encode())) for name, value in labels.items())
    parts = b"".join(
        field(2, b"\x08" + varint(5) + b"\x10" + varint(9) + b"\x18" + bytes([kind]) + field(4, data))
        for kind, data in chunks
    )
    return field(1, pairs + parts)


def frame(content: bytes) -> bytes:
    return varint(len(content)) + crc32c(content).to_bytes(4, "big") + content


def crc32c(content: bytes) -> int:
    """Checksum by its definition, a bit at a time."""
    value = 0xFFFFFFFF
    for byte in content:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF
