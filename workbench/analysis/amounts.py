"""Exact increases of counters as Decimal: money and tokens that add up to the last digit."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.increase import Edges, Floats
from workbench.core.money import quantised, total
from workbench.core.series import SeriesSet


def exact_amounts(
    series: SeriesSet, edges_ms: Edges, born_at_zero: NDArray[np.bool_] | None = None
) -> list[list[Decimal]]:
    """Increase of each counter in each slice, as :func:`workbench.analysis.increase.exact_increases`, in Decimal.

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
    list of n_series lists of n_slices Decimal
        Increases with twelve places. [unit of the counter]

    Notes
    -----
    Each sample is turned into a Decimal once and only differences of these are taken. So the amounts of two adjacent
    slices add to the amount of both exactly, and so do groups of series, which sums of floats would not.

    Examples
    --------
    >>> counter = SeriesSet.of([({"__name__": "cost_total"}, [0, 60, 120, 180], [0.1, 0.3, 0.2, 0.4])])
    >>> [[str(amount.normalize()) for amount in row] for row in exact_amounts(counter, [0, 60, 180])]
    [['0.2', '0.4']]
    """
    edges = np.asarray(edges_ms, np.int64)
    return [
        _increases(times, values, edges, from_zero=born_at_zero is not None and bool(born_at_zero[i]))
        for i, (_, times, values) in enumerate(series)
    ]


def _increases(times: NDArray[np.int64], values: Floats, edges: NDArray[np.int64], *, from_zero: bool) -> list[Decimal]:
    counted = np.isfinite(values)
    times, values = times[counted], values[counted]
    if not len(values):
        return [quantised(0)] * (len(edges) - 1)
    resets = np.flatnonzero(np.diff(values) < 0)
    lost = list(_running(values[resets]))
    places = np.searchsorted(times, edges, side="right") - 1
    before_reset = np.searchsorted(resets, places, side="left")
    start = quantised(0) if from_zero else quantised(float(values[0]))
    reached = [
        start if place < 0 else total((quantised(float(values[place])), lost[passed]))
        for place, passed in zip(places.tolist(), before_reset.tolist(), strict=True)
    ]
    return [total((later, earlier.copy_negate())) for earlier, later in pairwise(reached)]


def _running(values: NDArray[Any]) -> Iterator[Decimal]:
    """Sum of the first 0, 1, 2 ... values."""
    so_far = quantised(0)
    yield so_far
    for value in values.tolist():
        so_far = total((so_far, quantised(value)))
        yield so_far
