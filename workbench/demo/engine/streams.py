"""Random streams addressed by (seed, name, UTC day): the same numbers whatever was drawn before, in any process."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.random import Generator, Philox
from numpy.typing import NDArray


def stream(seed: int, name: str, day: int) -> Generator:
    """Return the counter-based generator of one stream and day.

    The key is (seed, hash of the name) and the day is the highest word of the counter, so streams never overlap.

    Parameters
    ----------
    seed : int
        Seed of the whole demo.
    name : str
        What is drawn, e.g. ``http/lab-1:8000/GET``.
    day : int
        Days since the epoch. [d]

    Examples
    --------
    >>> bool(stream(7, "x", 20_000).random() == stream(7, "x", 20_000).random())
    True
    """
    digest = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little")
    key = np.array([seed % 2**64, digest], np.uint64)
    return Generator(Philox(key=key, counter=np.array([0, 0, 0, day], np.uint64)))


def split_counts(rng: Generator, counts: NDArray[np.int64], parts: int) -> NDArray[np.int64]:
    """Split each count at random over ``parts`` equal spans of time: shape (..., n) to (..., n * parts)."""
    if parts == 1:
        return counts
    split = rng.multinomial(counts, [1 / parts] * parts)
    return split.reshape(*counts.shape[:-1], counts.shape[-1] * parts).astype(np.int64)


def split_like(rng: Generator, counts: NDArray[np.int64], totals: NDArray[np.int64]) -> NDArray[np.int64]:
    """Split classes of the same events so that they add up to a split of their total made before.

    A random table with both margins given: each class takes its places among those still free.

    Parameters
    ----------
    counts : int64 array, (classes, n)
        Events by class.
    totals : int64 array, (n * parts,)
        The same events, all classes together, by part. [count]

    Returns
    -------
    int64 array, (classes, n * parts)
    """
    classes, n = counts.shape
    parts = len(totals) // n
    if parts == 1:
        return counts
    free = totals.reshape(n, parts).copy()
    split = np.empty((classes, n, parts), np.int64)
    for row in range(classes):
        wanted = counts[row].copy()
        rest = free.sum(axis=1)
        for part in range(parts):
            here = free[:, part].copy()
            rest -= here
            taken = rng.hypergeometric(here, rest, wanted) if part < parts - 1 else wanted
            split[row, :, part] = taken
            free[:, part] -= taken
            wanted -= taken
    return split.reshape(classes, n * parts)


def split_evenly(units: NDArray[np.int64], parts: int) -> NDArray[np.int64]:
    """Split whole units over equal spans of time without chance: shape (..., n) to (..., n * parts)."""
    if parts == 1:
        return units
    edges = (units[..., None] * np.arange(parts + 1)) // parts
    return np.diff(edges, axis=-1).reshape(*units.shape[:-1], units.shape[-1] * parts)
