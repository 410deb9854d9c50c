"""Numbers read from native histograms: quantiles, fractions, variance, and their text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbench.core.histograms import CUSTOM, ORIGIN, Histogram, Histograms
from workbench.promql.engine.values import Bools, Floats, Ints
from workbench.promql.native.operations import edges

#: Buckets laid side by side at once. [count]
_CELLS = 1 << 21


@dataclass(frozen=True)
class Table:
    """Buckets of some histograms side by side, ascending by value; rows with fewer buckets end in empty ones.

    Arrays have the shape (n_histograms, most buckets), at least one column.
    """

    rows: NDArray[np.intp]
    block: Histograms
    size: Ints
    keys: Ints
    lower: Floats
    upper: Floats
    population: Floats

    @property
    def custom(self) -> Bools:
        """Which histograms have bounds of their own."""
        return np.asarray(self.block.schema == CUSTOM)

    @cached_property
    def observed(self) -> Floats:
        """Observations in the buckets; less than the count where some were NaN."""
        total: Floats = self.population.sum(axis=1)
        return total

    def one_sided(self) -> tuple[Bools, Bools]:
        """Which histograms have buckets above zero only, and below zero only."""
        above, below = (self.keys > 0).any(axis=1), (self.keys < 0).any(axis=1)
        return np.asarray(above & ~below), np.asarray(below & ~above)


def visible(block: Histograms) -> Histograms:
    """Leave out zero buckets that do not hold more than nothing, as readers of Prometheus' histograms do.

    A difference of histograms can have a negative one.
    """
    kept = (block.keys != 0) | (block.populations > 0)
    offsets = np.concatenate([[0], np.cumsum(kept)])[block.offsets].astype(np.int64)
    return replace(block, offsets=offsets, keys=block.keys[kept], populations=block.populations[kept])


def tables(block: Histograms) -> Iterator[Table]:
    """Lay out a block, a few histograms at a time."""
    sizes = block.offsets[1:] - block.offsets[:-1]
    height = max(1, _CELLS // max(1, int(sizes.max(initial=1))))
    for top in range(0, len(block), height):
        rows = np.arange(top, min(top + height, len(block)))
        part = visible(block.take(rows))
        size = part.offsets[1:] - part.offsets[:-1]
        owner = np.arange(len(rows)).repeat(size)
        lower, upper = edges(part, part.keys, owner)
        # Where the outermost buckets overlap the zero bucket they begin at its end.
        zero = part.zero_threshold[owner]
        lower = np.where((lower > 0) & (lower < zero), zero, lower)
        upper = np.where((upper < 0) & (upper > -zero), -zero, upper)
        shape = (len(rows), max(1, int(size.max(initial=0))))
        place = (owner, np.arange(len(owner)) - part.offsets[owner])
        keys, arrays = np.zeros(shape, np.int64), [np.zeros(shape) for _ in range(3)]
        keys[place] = part.keys
        for array, values in zip(arrays, (lower, upper, part.populations), strict=True):
            array[place] = values
        yield Table(rows, part, size, keys, *arrays)


def quantiles(block: Histograms, q: Floats) -> tuple[Floats, Bools, Bools]:
    """Quantile of each histogram.

    Parameters
    ----------
    block : Histograms
        Native histograms, one per row.
    q : float array, (n,)
        Quantile asked for in each row. [ratio]

    Returns
    -------
    quantile : float array, (n,)
        Linear inside custom buckets and the zero bucket, exponential inside the others; NaN without observations.
    lost : bool array
        The quantile lies among observations that are NaN, and is NaN.
    skewed : bool array
        Some observations are NaN and count as larger than all others.
    """
    result = np.full(len(block), np.nan)
    lost, skewed = np.zeros(len(block), np.bool_), np.zeros(len(block), np.bool_)
    with np.errstate(all="ignore"):
        for table in tables(block):
            rows = table.rows
            result[rows], lost[rows], skewed[rows] = _quantile(table, q[rows])
    return result, lost, skewed


def _quantile(table: Table, q: Floats) -> tuple[Floats, Bools, Bools]:
    every = np.arange(len(table.rows))
    count, total = table.block.count, table.block.sum
    forward = np.isnan(total) | (q < 0.5)
    # The upper half is counted from the top, so that both tails are exact.
    column = np.arange(table.keys.shape[1])[None, :]
    order = np.where(forward[:, None], column, np.maximum(table.size[:, None] - 1 - column, 0))
    inside = column < table.size[:, None]
    population = np.where(inside, np.take_along_axis(table.population, order, axis=1), 0.0)
    rank = np.where(forward, q, 1 - q) * count
    upto = np.cumsum(population, axis=1)
    reached = (upto >= rank[:, None]) & inside
    place = np.where(reached.any(axis=1), reached.argmax(axis=1), np.maximum(table.size - 1, 0))
    bucket = order[every, place]
    lower, upper, own = (array[every, bucket] for array in (table.lower, table.upper, table.population))
    positive, negative = table.one_sided()
    around = ~table.custom & (lower < 0) & (upper > 0)
    lower = np.where(around & positive, 0.0, lower)
    upper = np.where(around & negative, 0.0, upper)
    counted = np.minimum(upto[every, place], count)
    lowest = table.custom & np.isneginf(lower)
    ends = np.where(lowest & (upper <= 0), upper, np.where(table.custom & np.isposinf(upper), lower, np.nan))
    ended = (lowest & (upper <= 0)) | (table.custom & ~lowest & np.isposinf(upper))
    lower = np.where(lowest, 0.0, lower)
    share = np.where(forward, rank - (counted - own), counted - rank) / own
    linear = lower + (upper - lower) * share
    log_lower, log_upper = np.log2(np.abs(lower)), np.log2(np.abs(upper))
    above = np.exp2(log_lower + (log_upper - log_lower) * share)
    below = -np.exp2(log_upper + (log_lower - log_upper) * (1 - share))
    value = np.where(table.custom | ((lower <= 0) & (upper >= 0)), linear, np.where(lower > 0, above, below))
    short = counted < rank
    value = np.where(short, np.where(np.isnan(total), np.nan, upper), value)
    value = np.where(ended, ends, value)
    valid = (q >= 0) & (q <= 1) & (count != 0)
    value = np.where(valid, value, np.where(q < 0, -np.inf, np.where(q > 1, np.inf, np.nan)))
    lost = valid & short & np.isnan(total) & ~ended
    return value, lost, valid & ~lost & np.isnan(total) & (table.observed < count)


def fractions(block: Histograms, lower: Floats, upper: Floats) -> tuple[Floats, Bools]:
    """Share of the observations between two values, and where some observations were NaN."""
    result, odd = np.full(len(block), np.nan), np.zeros(len(block), np.bool_)
    with np.errstate(all="ignore"):
        for table in tables(block):
            low, high = lower[table.rows], upper[table.rows]
            count = table.block.count
            nan_sum = np.isnan(table.block.sum)
            counted = np.where(nan_sum, table.observed, count)
            share = (_rank(table, high, counted) - _rank(table, low, counted)) / count
            share = np.where(low >= high, 0.0, share)
            unknown = (count == 0) | np.isnan(low) | np.isnan(high)
            result[table.rows] = np.where(unknown, np.nan, share)
            odd[table.rows] = ~unknown & (low < high) & nan_sum & (table.observed < count)
    return result, odd


def _rank(table: Table, value: Floats, counted: Floats) -> Floats:
    """Observations at or below a value."""
    positive, negative = table.one_sided()
    inside = np.arange(table.keys.shape[1])[None, :] < table.size[:, None]
    around = (table.lower <= 0) & (table.upper >= 0)
    lower = np.where(around & positive[:, None], 0.0, table.lower)
    upper = np.where(around & negative[:, None], 0.0, table.upper)
    v = value[:, None]
    linear = (v - lower) / (upper - lower)
    log_lower, log_upper, log_v = np.log2(np.abs(lower)), np.log2(np.abs(upper)), np.log2(np.abs(v))
    up = (log_v - log_lower) / (log_upper - log_lower)
    down = 1 - (log_v - log_upper) / (log_lower - log_upper)
    share = np.where(table.custom[:, None] | around, linear, np.where(v > 0, up, down))
    within = inside & (lower < v) & (upper > v)
    whole = np.where(inside & (upper <= v), table.population, 0.0)
    rank = (whole + np.where(within, share * table.population, 0.0)).sum(axis=1)
    known = within.any(axis=1) | (inside & (lower >= v)).any(axis=1)
    return np.where(known, np.minimum(rank, counted), counted)


def variances(block: Histograms) -> Floats:
    """Variance of each histogram, every observation at the middle of its bucket.

    The middle is the geometric one, the arithmetic one in custom buckets, and zero in the zero bucket.
    """
    result = np.full(len(block), np.nan)
    with np.errstate(all="ignore"):
        for table in tables(block):
            mean = table.block.sum / table.block.count
            middle = np.sqrt(table.upper * table.lower) * np.sign(table.upper)
            middle = np.where((table.lower <= 0) & (table.upper >= 0), 0.0, middle)
            middle = np.where(table.custom[:, None], (table.upper + table.lower) / 2, middle)
            square = table.population * (middle - mean[:, None]) ** 2
            total = np.where(table.population != 0, square, 0.0).sum(axis=1)
            result[table.rows] = total / table.block.count
    return result


def text(histogram: Histogram) -> str:
    """Write a histogram as Prometheus writes it into a label.

    Examples
    --------
    >>> text(Histogram(count=3, sum=4.5, zero_threshold=0.001, zero_count=1, positive={1: 2}))
    '{count:3, sum:4.5, [-0.001,0.001]:1, (1,2]:2}'
    """
    block = Histograms.of([histogram])
    lower, upper = edges(block, block.keys, np.zeros(len(block.keys), np.intp))
    parts = [f"count:{short(histogram.count)}", f"sum:{short(histogram.sum)}"]
    for key, low, high, population in zip(block.keys.tolist(), lower, upper, block.populations, strict=True):
        custom = histogram.schema == CUSTOM
        opening = "[" if (key == ORIGIN if custom else low < 0) else "("
        closing = "]" if custom or high > 0 else ")"
        parts.append(f"{opening}{short(low)},{short(high)}{closing}:{short(population)}")
    return "{" + ", ".join(parts) + "}"


def short(value: float) -> str:
    """Write a float in its fewest digits, with an exponent below 1e-4 and from 1e6 on, as Go's ``%g`` does.

    Examples
    --------
    >>> short(0.25), short(1234567.0), short(float("-inf"))
    ('0.25', '1.234567e+06', '-Inf')
    """
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value != 0 and not 1e-4 <= abs(value) < 1e6:
        return np.format_float_scientific(value, trim="-", exp_digits=2)
    return np.format_float_positional(value, trim="-")
