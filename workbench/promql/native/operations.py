"""Algebra of native histograms: weighted sums in the coarsest layout, scaling, equality, counter resets.

Everything works on rows of one block at once. A sum of histograms, the difference under ``rate`` and the comparison
that finds a counter reset are all weighted sums over groups of rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.core.histograms import CUSTOM, GAUGE, NOT_RESET, ORIGIN, RESET, UNKNOWN, Histograms
from workbench.promql.engine.values import Bools, Floats, Ints

#: Buckets, and cells of their table, added up at once. [count]
_ENTRIES, _CELLS = 1 << 22, 1 << 22


class Pool:
    """The histograms of one evaluation: what its samples hold and what it has computed."""

    def __init__(self) -> None:
        self._blocks: list[Histograms] = []
        self.size = 0
        self.buckets = 0

    def add(self, block: Histograms) -> int:
        """Take in a block; return the row of its first histogram."""
        base = self.size
        self._blocks.append(block)
        self.size += len(block)
        self.buckets += len(block.keys)
        return base

    @property
    def block(self) -> Histograms:
        """Everything so far as one block."""
        if len(self._blocks) > 1:
            self._blocks = [Histograms.joined(self._blocks)]
        return self._blocks[0] if self._blocks else Histograms.of([])


def upper_bounds(number: Ints, schema: Ints) -> Floats:
    """Upper bounds of exponential buckets: 2 ** (number / 2 ** schema), the last one the largest float.

    Examples
    --------
    >>> upper_bounds(np.array([0, 1, 2]), np.array([0, 0, 1])).tolist()
    [1.0, 2.0, 2.0]
    """
    exponent = number / np.exp2(schema.astype(np.float64))
    whole = np.floor(exponent)
    with np.errstate(over="ignore"):
        bound = np.ldexp(np.exp2(exponent - whole), whole.astype(np.int32))
    return np.where(exponent == 1024, np.finfo(np.float64).max, bound)


def edges(block: Histograms, keys: Ints, rows: NDArray[Any]) -> tuple[Floats, Floats]:
    """Lower and upper end of buckets by value; ``rows`` says to which histogram of the block each key belongs."""
    custom, zero = block.custom[rows], block.zero_threshold[rows]
    schema = np.maximum(block.schema[rows], -4)
    number = np.where(custom < 0, np.abs(keys) - ORIGIN, 0)
    lower, upper = upper_bounds(number - 1, schema), upper_bounds(number, schema)
    below, at_zero = keys < 0, keys == 0
    lower, upper = np.where(below, -upper, lower), np.where(below, -lower, upper)
    lower, upper = np.where(at_zero, -zero, lower), np.where(at_zero, zero, upper)
    for layout, bounds in enumerate(block.bounds):
        here = custom == layout
        if here.any():
            ends = np.array([-np.inf, *bounds, np.inf])
            place = np.clip(keys[here] - ORIGIN, 0, len(bounds))
            lower[here], upper[here] = ends[place], ends[place + 1]
    return lower, upper


def combined(
    block: Histograms,
    rows: NDArray[Any],
    group: NDArray[Any],
    groups: int,
    weight: Floats | None = None,
    schema: Ints | None = None,
) -> Histograms:
    """Weighted sum of the rows of each group, in the lowest resolution and widest zero bucket among them.

    Parameters
    ----------
    block : Histograms
        Native histograms, one per row.
    rows : int array, (m,)
        The rows of a group share one custom layout, or are all exponential.
    group : int array, (m,)
        Group of each row, every group from 0 to ``groups`` - 1 with at least one.
    groups : int
        Number of groups.
    weight : float array, (m,), optional
        1 for all when left out.
    schema : int array, (groups,), optional
        Resolution of the result, where rows that take no part in the sum ask for a lower one.

    Notes
    -----
    A zero bucket is widened until no populated bucket of the group straddles its ends; what then lies inside is
    counted in it, as Prometheus does pair by pair.
    """
    order = np.argsort(group, kind="stable")
    rows, group = rows[order], group[order]
    weights = np.ones(len(rows)) if weight is None else weight[order]
    target = _least(block.schema[rows], group, groups) if schema is None else schema
    custom = np.full(groups, -1, np.int64)
    custom[group] = block.custom[rows]
    threshold = np.zeros(groups)
    np.maximum.at(threshold, group, block.zero_threshold[rows])
    sizes = [np.zeros(0, np.int64)]
    keys, populations = [np.zeros(0, np.int64)], [np.zeros(0)]
    for part, first, last in _runs(block, rows, group):
        answer = _added(block, rows[part], group[part] - first, last - first, weights[part], target, threshold, first)
        sizes.append(answer[0])
        keys.append(answer[1])
        populations.append(answer[2])
    return Histograms(
        target,
        _hints(block.hint[rows], group, groups),
        custom,
        threshold,
        np.bincount(group, weights * block.count[rows], groups).astype(np.float64),
        np.bincount(group, weights * block.sum[rows], groups).astype(np.float64),
        np.concatenate([[0], np.cumsum(np.concatenate(sizes))]).astype(np.int64),
        np.concatenate(keys),
        np.concatenate(populations),
        block.bounds,
    )


def _least(values: Ints, group: NDArray[Any], groups: int) -> Ints:
    least = np.full(groups, np.iinfo(np.int64).max)
    np.minimum.at(least, group, values)
    return least


def _hints(hints: Ints, group: NDArray[Any], groups: int) -> Ints:
    """Hint of a sum: what all share, else gauge if any is one, else unknown."""
    least, most = _least(hints, group, groups), -_least(-hints, group, groups)
    return np.where(least == most, least, np.where(most == GAUGE, GAUGE, UNKNOWN))


def _runs(block: Histograms, rows: NDArray[Any], group: NDArray[Any]) -> Iterator[tuple[slice, int, int]]:
    """Cut rows, sorted by group, into runs of whole groups with few enough buckets."""
    upto = np.cumsum((block.offsets[1:] - block.offsets[:-1])[rows])
    start = 0
    while start < len(rows):
        spent = int(upto[start - 1]) if start else 0
        stop = max(int(np.searchsorted(upto, spent + _ENTRIES, "right")), start + 1)
        stop = int(np.searchsorted(group, group[stop - 1], "right"))
        yield slice(start, stop), int(group[start]), int(group[stop - 1]) + 1
        start = stop


def _added(
    block: Histograms,
    rows: NDArray[Any],
    group: NDArray[Any],
    groups: int,
    weight: Floats,
    target: Ints,
    threshold: Floats,
    first: int,
) -> tuple[Ints, Ints, Floats]:
    """Buckets of each group's sum: how many, keys, populations; widens ``threshold`` in place."""
    entries, sizes = block.entries(rows)
    owner, member = np.repeat(group, sizes), np.repeat(rows, sizes)
    keys, populations = block.keys[entries], block.populations[entries]
    zero = threshold[first : first + groups]
    if (block.zero_threshold[rows] != zero[group]).any():
        keys = _widened(block, keys, member, owner, zero)
    shift = (block.schema[rows] - target[first : first + groups][group]).repeat(sizes)
    if (shift > 0).any():
        number = ((np.abs(keys) - ORIGIN - 1) >> np.maximum(shift, 0)) + 1
        keys = np.where(keys == 0, 0, np.sign(keys) * (ORIGIN + number))
    used, column = _distinct(keys)
    populations = populations * weight.repeat(sizes)
    height = max(1, _CELLS // max(1, len(used)))
    counts, found_keys, parts = [], [], []
    for top in range(0, groups, height):
        low, high = np.searchsorted(owner, [top, top + height])
        rows_here = min(height, groups - top)
        cell = (owner[low:high] - top) * len(used) + column[low:high]
        table = np.bincount(cell, populations[low:high], rows_here * len(used)).reshape(rows_here, len(used))
        row, place = np.nonzero(table)
        counts.append(np.bincount(row, minlength=rows_here))
        found_keys.append(used[place])
        parts.append(table[row, place])
    return np.concatenate(counts), np.concatenate(found_keys), np.concatenate(parts)


def _widened(block: Histograms, keys: Ints, member: NDArray[Any], owner: NDArray[Any], zero: Floats) -> Ints:
    lower, upper = edges(block, np.abs(keys), member)
    bucket = keys != 0
    while True:
        straddles = bucket & (lower < zero[owner]) & (upper > zero[owner])
        if not straddles.any():
            return np.where(bucket & (upper > zero[owner]), keys, 0)
        np.maximum.at(zero, owner[straddles], upper[straddles])


def _distinct(keys: Ints) -> tuple[Ints, Ints]:
    """Distinct keys, ascending, and the place of each key among them; keys are small, a table finds them."""
    if not len(keys):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    low = int(keys.min())
    seen = np.zeros(int(keys.max()) - low + 1, np.bool_)
    seen[keys - low] = True
    place = np.cumsum(seen) - 1
    return np.flatnonzero(seen) + low, place[keys - low]


def scaled(block: Histograms, factor: Floats, *, divide: bool = False) -> Histograms:
    """Multiply or divide every histogram of a block by its factor; a division by zero leaves no bucket but zero's."""
    change = np.divide if divide else np.multiply
    sizes = block.offsets[1:] - block.offsets[:-1]
    with np.errstate(all="ignore"):
        populations = change(block.populations, factor.repeat(sizes))
        count, total = change(block.count, factor), change(block.sum, factor)
    kept = populations != 0
    row = np.arange(len(block)).repeat(sizes)
    keys = block.keys
    if divide and (factor == 0).any():
        kept &= (factor[row] != 0) | (keys == 0)
        bare = np.flatnonzero((factor == 0) & (block.schema != CUSTOM))
        bare = np.setdiff1d(bare, row[kept & (keys == 0)])
        row, keys, populations = row[kept], keys[kept], populations[kept]
        # The zero bucket of such a histogram has 0 / 0 observations even when it had none.
        order = np.argsort(np.concatenate([row, bare]), kind="stable")
        row = np.concatenate([row, bare])[order]
        keys = np.concatenate([keys, np.zeros(len(bare), np.int64)])[order]
        populations = np.concatenate([populations, np.full(len(bare), np.nan)])[order]
    else:
        row, keys, populations = row[kept], keys[kept], populations[kept]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(block)))]).astype(np.int64)
    return replace(block, count=count, sum=total, offsets=offsets, keys=keys, populations=populations)


def equal(block: Histograms, left: NDArray[Any], right: NDArray[Any]) -> Bools:
    """Whether two histograms hold the same data, pair by pair; hints do not count and NaN equals itself."""
    sizes = block.offsets[1:] - block.offsets[:-1]
    same: Bools = sizes[left] == sizes[right]
    for own in (block.schema, block.custom, block.zero_threshold, block.count.view(np.int64), block.sum.view(np.int64)):
        same &= own[left] == own[right]
    pair = np.flatnonzero(same)
    here, counts = block.entries(left[pair])
    there, _ = block.entries(right[pair])
    differs = block.keys[here] != block.keys[there]
    differs |= block.populations.view(np.int64)[here] != block.populations.view(np.int64)[there]
    same[pair.repeat(counts)[differs]] = False
    return same


def resets(block: Histograms, before: NDArray[Any], after: NDArray[Any]) -> Bools:
    """Whether a counter was reset between two histograms, pair by pair.

    The hint of the later one decides when it says so. Else a lower count, another custom layout, a finer resolution,
    a narrower zero bucket or a bucket that lost observations mean a reset.
    """
    hint = block.hint[after]
    certain = block.count[after] < block.count[before]
    certain |= block.custom[after] != block.custom[before]
    certain |= block.schema[after] > block.schema[before]
    certain |= block.zero_threshold[after] < block.zero_threshold[before]
    reset: Bools = (hint == RESET) | (certain & (hint != NOT_RESET))
    pairs = np.flatnonzero(~certain & (hint != RESET) & (hint != NOT_RESET))
    same, lost = _lost_in_place(block, before[pairs], after[pairs])
    reset[pairs[same]] = lost[same]
    pairs = pairs[~same]
    if len(pairs):
        reset[pairs] = _lost(block, before[pairs], after[pairs])
    return reset


def _lost_in_place(block: Histograms, before: NDArray[Any], after: NDArray[Any]) -> tuple[Bools, Bools]:
    """Pairs with the very same buckets, as scrapes of a busy histogram are, and whether one of them fell."""
    sizes = block.offsets[1:] - block.offsets[:-1]
    same: Bools = (sizes[before] == sizes[after]) & (block.schema[before] == block.schema[after])
    same &= block.zero_threshold[before] == block.zero_threshold[after]
    lost = np.zeros(len(same), np.bool_)
    rows = np.flatnonzero(same)
    earlier, counts = block.entries(before[rows])
    later, _ = block.entries(after[rows])
    owner = rows.repeat(counts)
    same[owner[block.keys[earlier] != block.keys[later]]] = False
    lost[owner[block.populations[later] < block.populations[earlier]]] = True
    return same, lost


def _lost(block: Histograms, before: NDArray[Any], after: NDArray[Any]) -> Bools:
    """Whether a bucket lost observations, pair by pair, seen in the resolution and zero bucket of the later one."""
    number = np.arange(len(after))
    change = combined(
        block,
        np.concatenate([after, before]),
        np.concatenate([number, number]),
        len(after),
        np.repeat([1.0, -1.0], len(after)),
        block.schema[after],
    )
    lost = np.zeros(len(after), np.bool_)
    lost[number.repeat(change.offsets[1:] - change.offsets[:-1])[change.populations < 0]] = True
    return np.asarray(lost | (change.zero_threshold != block.zero_threshold[after]))
