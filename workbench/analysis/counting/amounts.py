"""Exact increases of counters as Arrow decimals: money and tokens that add up to the last digit."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.analysis.counting.increase import Edges, Floats, last_places, numbers_of
from workbench.core.errors import ParameterError
from workbench.core.money import PRECISION, SCALE, quantised
from workbench.core.series import SeriesSet

#: How amounts are held in the columns of a ledger.
AMOUNT = pa.decimal128(PRECISION, SCALE)

#: Room for the shortest text of any float that fits an amount and does not round to nothing.
_TEXT, _NOTHING = pa.decimal256(76, 30), 1e-13


def exact_amounts(series: SeriesSet, edges_ms: Edges, born_at_zero: NDArray[np.bool_] | None = None) -> pa.ChunkedArray:
    """Increase of each counter in each slice, to the last digit.

    As :func:`workbench.analysis.counting.increase.exact_increases`, in decimals.

    Parameters
    ----------
    series : SeriesSet
        Samples of counters, from before the first edge so that there is a value to start from.
    edges_ms : array-like of int, strictly increasing, length n_slices + 1
        Slice i holds the samples in ``(edges_ms[i], edges_ms[i + 1]]``; slices may differ in length.
        [ms since the epoch]
    born_at_zero : bool array, length n_series, optional
        Series whose first sample counts in full; by default none.

    Returns
    -------
    ChunkedArray of decimal128, length n_series * n_slices
        Increases with twelve places, the slices of the first series first. [unit of the counter]

    Raises
    ------
    ParameterError
        A value or a sum of all does not fit 38 digits.

    Notes
    -----
    Each sample is turned into a decimal once and only sums of these are taken: an increase is the value at its end less
    that at its begin, plus every value in between from which the counter fell back to zero. So the amounts of two
    adjacent slices add to the amount of both exactly, and so do groups of series, which sums of floats would not.

    Examples
    --------
    >>> counter = SeriesSet.of([({"__name__": "cost_total"}, [0, 60, 120, 180], [0.1, 0.3, 0.2, 0.4])])
    >>> [str(amount.normalize()) for amount in exact_amounts(counter, [0, 60, 180]).to_pylist()]
    ['0.2', '0.4']
    """
    edges, series = np.asarray(edges_ms, np.int64), numbers_of(series)
    slices, zero = len(edges) - 1, series.samples
    reached = np.full((len(series), len(edges)), zero)
    fallen, within = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    bounds = pairwise(series.offsets.tolist())
    for i, ((first, last), places) in enumerate(zip(bounds, last_places(series, edges), strict=True)):
        if first == last:
            continue
        start = zero if born_at_zero is not None and born_at_zero[i] else first
        reached[i] = np.where(places < 0, start, first + places)
        if i in series.falls:
            resets = series.falls[i] - 1
            at = np.searchsorted(places, resets, side="right") - 1
            inside = (at >= 0) & (at < slices)
            fallen.append(first + resets[inside])
            within.append(i * slices + at[inside])
    parts = [reached[:, 1:].ravel(), reached[:, :-1].ravel(), np.concatenate(fallen)]
    known, copies = np.unique(np.concatenate(parts), return_inverse=True)
    later, earlier, lost = np.split(copies, np.cumsum([len(part) for part in parts[:2]]))
    held = known[known < zero]  # the place after the last sample stands for zero
    exact = decimals(np.append(np.take(series.values, held), np.zeros(len(known) - len(held))))
    amounts = pa.chunked_array([exact.take(later), pc.negate(exact.take(earlier)), exact.take(lost)])
    every = np.arange(len(series) * slices)
    return group_sums(np.concatenate([every, every, *within]), amounts)[1]


def decimals(values: Floats) -> pa.Array:
    """Turn floats into amounts, as :func:`workbench.core.money.quantised` does one by one.

    Raises
    ------
    ParameterError
        A value is NaN, infinite, or too large for 38 digits.

    Examples
    --------
    >>> [str(amount) for amount in decimals(np.array([0.1, 12345.678])).to_pylist()]
    ['0.100000000000', '12345.678000000000']
    """
    wrong = values[~(np.abs(values) < 10.0 ** (PRECISION - SCALE))]
    if len(wrong):
        quantised(float(wrong[0]))
    texts = pa.array(np.where(np.abs(values) < _NOTHING, 0.0, values)).cast(pa.string())
    return pc.round(texts.cast(_TEXT), ndigits=SCALE, round_mode="half_to_even").cast(AMOUNT)


def added(amounts: pd.Series[Any] | pa.Array | pa.ChunkedArray) -> Decimal:
    """Sum amounts, exact.

    Raises
    ------
    ParameterError
        It does not fit 38 digits.

    Examples
    --------
    >>> added(pd.Series([Decimal("0.1")] * 3))
    Decimal('0.300000000000')
    """
    exact = pa.array(amounts, AMOUNT) if isinstance(amounts, pd.Series) else amounts
    return quantised(pc.sum(_fitting(exact), min_count=0).as_py())


def summed(rows: pd.DataFrame, by: Iterable[str]) -> pd.DataFrame:
    """Sum the amounts of each group of rows, exact; one row per group, in order of first appearance.

    Parameters
    ----------
    rows : DataFrame
        With a column ``amount`` of decimals. [any unit]
    by : iterable of str
        Columns that make a group.

    Raises
    ------
    ParameterError
        The sum of all does not fit 38 digits.

    Examples
    --------
    >>> rows = pd.DataFrame({"model": ["b", "a", "b"], "amount": list(map(Decimal, ("0.1", "1", "0.2")))})
    >>> summed(rows, ["model"])["model"].tolist(), [str(amount) for amount in summed(rows, ["model"])["amount"]]
    (['b', 'a'], ['0.300000000000', '1.000000000000'])
    """
    keys = list(by)
    groups = numbered(_codes(rows[key]) for key in keys)
    totals = rows[keys].iloc[first_rows(groups)].reset_index(drop=True)
    _, sums = group_sums(groups, pa.array(rows["amount"], AMOUNT))
    return totals.assign(amount=pd.arrays.ArrowExtensionArray(sums))


def _codes(column: pd.Series[Any]) -> NDArray[np.int64]:
    """Return a number for each distinct value of a column; one that is not given is a value as well."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return np.asarray(column.cat.codes, np.int64) + 1
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        column = pd.Series(pd.DatetimeIndex(column).asi8)
    return np.asarray(pd.factorize(column, use_na_sentinel=False)[0], np.int64)


def numbered(columns: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the number of the group of each row: rows that agree in all columns, in order of first appearance.

    Examples
    --------
    >>> numbered([np.array([7, 7, 0, 7]), np.array([1, 2, 1, 1])]).tolist()
    [0, 1, 2, 0]
    """
    first, *others = columns
    groups: NDArray[np.int64] = pd.factorize(first)[0]
    for own in others:
        groups = pd.factorize(groups * (own.max(initial=0) + 1) + own)[0]
    return groups


def first_rows(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first row of each group, as :func:`numbered` numbers them."""
    return np.flatnonzero(np.diff(np.maximum.accumulate(groups), prepend=-1))


def group_sums(
    groups: NDArray[np.int64], amounts: pa.Array | pa.ChunkedArray
) -> tuple[NDArray[np.int64], pa.ChunkedArray]:
    """Sum amounts by the number of their group, exact; numbers and sums in order of first appearance.

    Raises
    ------
    ParameterError
        The sum of all does not fit 38 digits.
    """
    table = pa.table({"group": groups, "amount": _fitting(amounts)})
    sums = table.group_by("group", use_threads=False).aggregate([("amount", "sum")])
    return sums["group"].to_numpy(), sums["amount_sum"]


def floats_of(amounts: pa.Array | pa.ChunkedArray) -> Floats:
    """Return the nearest float of each amount; by its text, as Arrow's own cast is off by one place in 53 at times."""
    return np.asarray(amounts.cast(pa.string()).cast(pa.float64()).to_numpy(), np.float64)


def float_sums(values: Floats, rows: NDArray[np.int64], columns: NDArray[np.int64], shape: tuple[int, int]) -> Floats:
    """Sum floats by their place in a table, with what rounding lost carried on; 0 where there is none."""
    cells = pd.Series(values).groupby(rows * shape[1] + columns).sum()
    table = np.zeros(shape[0] * shape[1])
    table[cells.index] = cells
    return table.reshape(shape)


def _fitting(amounts: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return the amounts; Arrow's sums do not tell when they overflow."""
    ends = [abs(end.as_py() or 0) for end in pc.min_max(amounts).values()]
    if len(amounts) * max(ends) < 10 ** (PRECISION - SCALE):
        return amounts
    size = pc.sum(pc.abs(amounts).cast(pa.float64()), min_count=0).as_py()
    if size >= 10.0 ** (PRECISION - SCALE):
        raise ParameterError(f"Amounts of {size:.3g} in all do not fit {PRECISION} digits with {SCALE} places.")
    return amounts
