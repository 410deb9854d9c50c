"""Checks of what the store holds: SQLite gives a byte that flipped on the disk as if it had been written."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

_SIZE = 16


def row_sums(columns: Mapping[str, Sequence[float | None] | NDArray[np.generic]]) -> NDArray[np.int64]:
    """Return a number per row that another value anywhere in the row changes.

    Each column's 64 bits are mixed in by multiplication and shift, as in MurmurHash3's finaliser.

    Parameters
    ----------
    columns : mapping of str to sequence
        Floats, or whole numbers below 2^53, one per row; None counts as NaN.

    Returns
    -------
    array of int64, shape (rows,)
        From 0 to 2^63 - 1.

    Examples
    --------
    >>> first, second = row_sums({"total": [10.0, 10.0], "good": [9.0, None]})
    >>> first == second, first == row_sums({"total": [10.0], "good": [9.0]})[0]
    (np.False_, np.True_)
    """
    size = max(map(len, columns.values()), default=0)
    mixed = np.zeros(size, np.uint64)
    for values in columns.values():
        # A database may give another zero or another NaN than it was given.
        numbers = np.asarray(values, np.float64) + 0.0
        numbers[np.isnan(numbers)] = np.nan
        mixed = (mixed ^ numbers.view(np.uint64)) * np.uint64(0xFF51AFD7ED558CCD)
        mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
        mixed ^= mixed >> np.uint64(33)
    return (mixed >> np.uint64(1)).astype(np.int64)


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
