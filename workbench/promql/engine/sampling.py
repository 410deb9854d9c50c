"""``limit_ratio``: a share of the series, the same ones at every step and in every Prometheus.

A series is taken by the hash of its labels, so that ``limit_ratio(0.1, x)`` and ``limit_ratio(-0.9, x)`` part ``x``.
"""

from __future__ import annotations

import numpy as np

from workbench.core.series import Labels, label_key
from workbench.promql.engine.values import Floats, Vector

_P1, _P2, _P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_P4, _P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
_WORD = (1 << 64) - 1


def sampled(vector: Vector, ratio: Floats) -> Vector:
    """Keep the series whose place in [0, 1] lies below the ratio; a negative ratio keeps those at the other end.

    Parameters
    ----------
    vector : Vector
        Series with one value per step.
    ratio : float array, (n_steps,)
        In [-1, 1]. [ratio]
    """
    place = np.array([label_hash(labels) / float(_WORD) for labels in vector.labels]).reshape(-1, 1)
    chosen = np.where(ratio >= 0, place < ratio, place >= 1 + ratio)
    return Vector(vector.labels, vector.values, vector.present & chosen).seen()


def label_hash(labels: Labels) -> int:
    """Hash of a label set as Prometheus' releases compute it: xxHash64 of the sorted names and values.

    Every text follows its length in bytes: one byte below 255, else 255 and three bytes, lowest first.
    """
    data = bytearray()
    for text in (text for pair in label_key(labels) for text in pair):
        raw = text.encode("utf-8", "surrogateescape")
        data += bytes([len(raw)]) if len(raw) < 255 else b"\xff" + len(raw).to_bytes(3, "little")
        data += raw
    return xxhash64(bytes(data))


def xxhash64(data: bytes) -> int:
    """XXH64 with seed 0.

    References
    ----------
    .. [1] Y. Collet, xxHash fast digest algorithm, specification 0.1.1.

    Examples
    --------
    >>> f"{xxhash64(b''):x}", f"{xxhash64(b'abc'):x}"
    ('ef46db3751d8e999', '44bc2cf5ad770999')
    """
    at, size = 0, len(data)
    if size >= 32:
        lanes = [(_P1 + _P2) & _WORD, _P2, 0, (-_P1) & _WORD]
        while at + 32 <= size:
            for lane in range(4):
                lanes[lane] = _mixed(lanes[lane], int.from_bytes(data[at : at + 8], "little"))
                at += 8
        digest = sum(_turned(value, by) for value, by in zip(lanes, (1, 7, 12, 18), strict=True)) & _WORD
        for value in lanes:
            digest = ((digest ^ _mixed(0, value)) * _P1 + _P4) & _WORD
    else:
        digest = _P5
    digest = (digest + size) & _WORD
    while at + 8 <= size:
        digest ^= _mixed(0, int.from_bytes(data[at : at + 8], "little"))
        digest = (_turned(digest, 27) * _P1 + _P4) & _WORD
        at += 8
    if at + 4 <= size:
        digest ^= (int.from_bytes(data[at : at + 4], "little") * _P1) & _WORD
        digest = (_turned(digest, 23) * _P2 + _P3) & _WORD
        at += 4
    for byte in data[at:]:
        digest = (_turned(digest ^ (byte * _P5 & _WORD), 11) * _P1) & _WORD
    for shift, factor in ((33, _P2), (29, _P3), (32, 1)):
        digest = ((digest ^ (digest >> shift)) * factor) & _WORD
    return digest


def _mixed(lane: int, word: int) -> int:
    return (_turned((lane + word * _P2) & _WORD, 31) * _P1) & _WORD


def _turned(word: int, by: int) -> int:
    return ((word << by) | (word >> (64 - by))) & _WORD
