"""Content of the store that shows whether it is what was written: a byte that flips on a disk is read as any other."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

_SIZE = 16

#: Columns of counts, in the order in which they are packed; the last two only where some count has bounds.
COUNTED = ("start_ms", "good", "total", "covered", "read_at_ms", "good_low", "good_high")


def packed(columns: Mapping[str, NDArray[np.float64]]) -> bytes:
    """Return the columns of counts as bytes: how many columns there are, then their floats one after another.

    Parameters
    ----------
    columns : mapping of str to float64 array
        Of :data:`COUNTED`, all equally long; times are whole numbers below 2^53. Bounds that are NaN are left out.

    Examples
    --------
    >>> columns = {name: np.arange(2.0) for name in COUNTED[:5]} | {name: np.full(2, np.nan) for name in COUNTED[5:]}
    >>> unpacked(packed(columns))["read_at_ms"].tolist(), len(packed(columns))
    ([0.0, 1.0], 88)
    """
    bounded = any(not np.isnan(columns[name]).all() for name in COUNTED[5:])
    names = COUNTED if bounded else COUNTED[:5]
    return np.concatenate([[float(len(names))], *(columns[name] for name in names)]).astype("<f8").tobytes()


def unpacked(content: bytes) -> dict[str, NDArray[np.float64]]:
    """Return the columns that were packed; bounds that were left out are NaN."""
    numbers = np.frombuffer(content, "<f8")
    rows = numbers[1:].reshape(int(numbers[0]), -1)
    columns = dict(zip(COUNTED, rows, strict=False))
    return columns | {name: np.full(rows.shape[1], np.nan) for name in COUNTED[len(rows) :]}


def sealed(content: bytes, *beside: object) -> bytes:
    """Put a sum of the content, and of what stands beside it, before the content."""
    return _sum(content, beside) + content


def opened(content: bytes, *beside: object) -> bytes | None:
    """Return what :func:`sealed` was given; None when it, or what stands beside it, is not what was written.

    Examples
    --------
    >>> opened(sealed(b"rows", 7), 7), opened(sealed(b"rows", 7), 8)
    (b'rows', None)
    """
    return content[_SIZE:] if content[:_SIZE] == _sum(content[_SIZE:], beside) else None


def _sum(content: bytes, beside: Sequence[object]) -> bytes:
    return hashlib.blake2b(content, digest_size=_SIZE, key=hashlib.sha256(repr(beside).encode()).digest()).digest()
