"""Native histogram samples as whole arrays, and the marks by which an array of floats refers to them.

A histogram sample is a row of :class:`Histograms`. Arrays of sample values stay float64: where a sample is a histogram
the value is a *mark*, a NaN whose payload is the row, just as the end of a series is a NaN with bits of its own. So
series sets and matrices of floats are what they were, and histograms cost nothing where there are none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.core.errors import FrameError

Hint = Literal["unknown", "reset", "not_reset", "gauge"]
HINTS: tuple[Hint, ...] = ("unknown", "reset", "not_reset", "gauge")
UNKNOWN, RESET, NOT_RESET, GAUGE = range(4)

#: Schema of histograms whose buckets have bounds of their own.
CUSTOM = -53
#: Bucket ``i`` has the key ``ORIGIN + i`` above zero and ``-(ORIGIN + i)`` below; the zero bucket has the key 0. Keys
#: so order buckets by their values.
ORIGIN = 1 << 20

_MARK = 0x7FFC << 48

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


def marks(rows: NDArray[Any]) -> Floats:
    """Float values that stand for rows of a block of histograms.

    Examples
    --------
    >>> values = np.concatenate([[1.0, np.nan], marks(np.array([7]))])
    >>> is_mark(values).tolist(), marked_rows(values[2:]).tolist()
    ([False, False, True], [7])
    """
    return (rows.astype(np.int64) + _MARK).view(np.float64)


def is_mark(values: Floats) -> NDArray[np.bool_]:
    """Mask of the values that stand for a histogram; an ordinary NaN and a stale mark do not."""
    mask: NDArray[np.bool_] = np.ascontiguousarray(values).view(np.int64) >= _MARK
    return mask


def marked_rows(values: Floats) -> Rows:
    """Rows that marks stand for."""
    rows: Rows = np.ascontiguousarray(values).view(np.int64) - _MARK
    return rows


@dataclass(frozen=True)
class Histogram:
    """One native histogram, for reading and writing single samples.

    Attributes
    ----------
    schema : int
        -4 to 8: buckets grow by the factor 2 ** 2 ** -schema; -53: buckets end at ``custom_bounds``.
    count, sum : float
        Observations, and their sum. [count], [unit of the metric]
    zero_threshold, zero_count : float
        Half width of the bucket around zero, and the observations in it.
    positive, negative : mapping
        Bucket number to observations. Bucket 0 of an exponential schema ends at 1; bucket ``i`` of a custom one at
        ``custom_bounds[i]``, the one after the last at +Inf.
    """

    schema: int = 0
    count: float = 0.0
    sum: float = 0.0
    zero_threshold: float = 0.0
    zero_count: float = 0.0
    positive: Mapping[int, float] = field(default_factory=dict)
    negative: Mapping[int, float] = field(default_factory=dict)
    custom_bounds: tuple[float, ...] = ()
    hint: Hint = "unknown"


@dataclass(frozen=True)
class Histograms:
    """A block of ``n`` native histograms; empty buckets are not held.

    Attributes
    ----------
    schema, hint, custom : int64 arrays, (n,)
        ``hint`` numbers :data:`HINTS`; ``custom`` is the row of ``bounds``, or -1 for an exponential schema.
    zero_threshold, count, sum : float64 arrays, (n,)
    offsets : int64 array, (n + 1,)
        Histogram ``i`` owns ``keys[offsets[i]:offsets[i + 1]]``, ascending, and the populations beside them.
    keys : int64 array
        Buckets by value, see :data:`ORIGIN`.
    populations : float64 array
        Observations in each bucket, the zero bucket included. [count]
    bounds : tuple of tuple of float
        Bounds of the custom layouts, each once.
    """

    schema: Rows
    hint: Rows
    custom: Rows
    zero_threshold: Floats
    count: Floats
    sum: Floats
    offsets: Rows
    keys: Rows
    populations: Floats
    bounds: tuple[tuple[float, ...], ...] = ()

    @classmethod
    def of(cls, histograms: Iterable[Histogram]) -> Histograms:
        """Put single histograms into a block.

        Examples
        --------
        >>> block = Histograms.of([Histogram(count=3, sum=4.0, positive={0: 1, 1: 2})])
        >>> block.at(0).positive
        {0: 1.0, 1: 2.0}

        Raises
        ------
        FrameError
            A schema that does not exist, or custom bounds that do not ascend.
        """
        items = list(histograms)
        layouts: dict[tuple[float, ...], int] = {}
        custom = []
        buckets: list[list[tuple[int, float]]] = []
        for item in items:
            if item.schema != CUSTOM and not -4 <= item.schema <= 8:
                raise FrameError(f"A native histogram has schema {item.schema}; -4 to 8 and {CUSTOM} exist.")
            if any(a >= b for a, b in zip(item.custom_bounds, item.custom_bounds[1:], strict=False)):
                raise FrameError(f"Custom bounds of a native histogram do not ascend: {item.custom_bounds}.")
            own = [(ORIGIN + number, float(value)) for number, value in item.positive.items()]
            own += [(-ORIGIN - number, float(value)) for number, value in item.negative.items()]
            own.append((0, float(item.zero_count)))
            buckets.append(sorted(pair for pair in own if pair[1] != 0))
            custom.append(layouts.setdefault(item.custom_bounds, len(layouts)) if item.schema == CUSTOM else -1)
        flat = [pair for own in buckets for pair in own]
        return cls(
            np.array([item.schema for item in items], np.int64),
            np.array([HINTS.index(item.hint) for item in items], np.int64),
            np.array(custom, np.int64),
            np.array([item.zero_threshold for item in items], np.float64),
            np.array([item.count for item in items], np.float64),
            np.array([item.sum for item in items], np.float64),
            np.concatenate([[0], np.cumsum([len(own) for own in buckets], dtype=np.int64)]).astype(np.int64),
            np.array([key for key, _ in flat], np.int64),
            np.array([value for _, value in flat], np.float64),
            tuple(layouts),
        )

    @classmethod
    def joined(cls, blocks: Sequence[Histograms]) -> Histograms:
        """Join blocks; rows of a later block come after those of the earlier ones."""
        if len(blocks) == 1:
            return blocks[0]
        layouts: dict[tuple[float, ...], int] = {}
        custom, offsets, held = [], [np.zeros(1, np.int64)], 0
        for block in blocks:
            places = [layouts.setdefault(bounds, len(layouts)) for bounds in block.bounds]
            custom.append(np.array([*places, -1], np.int64)[block.custom])
            offsets.append(block.offsets[1:] + held)
            held += len(block.keys)
        return cls(
            np.concatenate([block.schema for block in blocks]) if blocks else np.zeros(0, np.int64),
            np.concatenate([block.hint for block in blocks]) if blocks else np.zeros(0, np.int64),
            np.concatenate(custom) if blocks else np.zeros(0, np.int64),
            np.concatenate([block.zero_threshold for block in blocks]) if blocks else np.zeros(0),
            np.concatenate([block.count for block in blocks]) if blocks else np.zeros(0),
            np.concatenate([block.sum for block in blocks]) if blocks else np.zeros(0),
            np.concatenate(offsets),
            np.concatenate([block.keys for block in blocks]) if blocks else np.zeros(0, np.int64),
            np.concatenate([block.populations for block in blocks]) if blocks else np.zeros(0),
            tuple(layouts),
        )

    def __len__(self) -> int:
        return len(self.count)

    def entries(self, rows: NDArray[Any]) -> tuple[Rows, Rows]:
        """Places of the buckets of some rows in the flat arrays, and how many each row has."""
        sizes = (self.offsets[1:] - self.offsets[:-1])[rows]
        opening = np.cumsum(sizes) - sizes
        return np.repeat(self.offsets[rows] - opening, sizes) + np.arange(int(sizes.sum())), sizes

    def take(self, rows: NDArray[Any]) -> Histograms:
        """Pick rows, in the order given, the same one more than once if asked."""
        entries, sizes = self.entries(rows)
        return Histograms(
            self.schema[rows],
            self.hint[rows],
            self.custom[rows],
            self.zero_threshold[rows],
            self.count[rows],
            self.sum[rows],
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            self.keys[entries],
            self.populations[entries],
            self.bounds,
        )

    def at(self, row: int) -> Histogram:
        """Give one histogram."""
        part = slice(int(self.offsets[row]), int(self.offsets[row + 1]))
        held = dict(zip(self.keys[part].tolist(), self.populations[part].tolist(), strict=True))
        return Histogram(
            int(self.schema[row]),
            float(self.count[row]),
            float(self.sum[row]),
            float(self.zero_threshold[row]),
            held.get(0, 0.0),
            {key - ORIGIN: value for key, value in held.items() if key > 0},
            {-key - ORIGIN: held[key] for key in sorted(held, reverse=True) if key < 0},
            self.bounds[self.custom[row]] if self.custom[row] >= 0 else (),
            HINTS[int(self.hint[row])],
        )
