"""Latency objectives on classic histograms: bounds compared as numbers, and thresholds between two bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.core.series import LabelKey, Labels, SeriesSet, label_key

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ThresholdCounts:
    """Events at most as slow as a threshold, per slice.

    Attributes
    ----------
    low, high : float64 array, length n_slices
        Between these the true count lies: events up to the bounds beside the threshold. [events/slice]
    middle : float64 array, length n_slices
        Between them by straight line, as PromQL's ``histogram_fraction`` does. [events/slice]
    bounds : tuple of float
        The bounds beside the threshold that were used, e.g. ``(2.5, 5.0)``; one when it is a bound everywhere.
    layouts : int
        Different sets of bounds among the series. [count]
    repaired : bool
        Whether a bucket counted less than the one below it in a slice, and was raised to it.
    """

    low: Floats
    middle: Floats
    high: Floats
    bounds: tuple[float, ...]
    layouts: int
    repaired: bool


def bound_of(le: str) -> float:
    """Bound of a bucket as a number, so that ``1``, ``1.0`` and ``1e0`` are one; NaN for text that is none.

    Examples
    --------
    >>> [bound_of(le) for le in ("2", "2.0", "+Inf")]
    [2.0, 2.0, inf]
    """
    try:
        return float(le)
    except ValueError:
        return float("nan")


def merged_bounds(series: SeriesSet) -> SeriesSet:
    """Join the series of one bucket whose bound was written in two ways, as after an upgrade to Prometheus 3.

    A bucket that goes on as ``le="1.0"`` where ``le="1"`` ended is the same counter; taken as two, the second would
    count everything since the start of its process once more.

    Examples
    --------
    >>> told = [({"le": "1"}, [0, 60], [5, 7]), ({"le": "1.0"}, [120, 180], [9, 9])]
    >>> joined = merged_bounds(SeriesSet.of(told))
    >>> joined.labels, joined.values.tolist()
    (({'le': '1.0'},), [5.0, 7.0, 9.0, 9.0])
    """
    rows: dict[LabelKey, list[int]] = {}
    for row, labels in enumerate(series.labels):
        le = labels.get("le")
        same = labels if le is None else {**labels, "le": repr(bound_of(le))}
        rows.setdefault(label_key(same), []).append(row)
    if len(rows) == len(series):
        return series
    parts = list(series)
    joined = []
    for own in rows.values():
        times = np.concatenate([parts[row][1] for row in own])
        values = np.concatenate([parts[row][2] for row in own])
        order = np.argsort(times, kind="stable")
        times, values = times[order], values[order]
        kept = np.append(np.diff(times) > 0, True) if len(times) else np.zeros(0, np.bool_)
        joined.append((parts[own[-1]][0], times[kept], values[kept]))
    return SeriesSet.of(joined)


def threshold_counts(labels: Sequence[Labels], increases: Floats, threshold: float) -> ThresholdCounts:
    """Events at most as slow as a threshold that need not be a bound.

    Parameters
    ----------
    labels : sequence of Labels, length n_series
        Of ``_bucket`` series, with ``le``.
    increases : float64 array, (n_series, n_slices)
        Exact increases. [events/slice]
    threshold : float
        In the unit of the histogram.

    Notes
    -----
    Each histogram (all labels but ``le``) is taken with its own bounds, and these are summed; a threshold below the
    first bound lies between 0 and it, one above the last finite bound between that bound and all events.

    Examples
    --------
    >>> labels = [{"le": "1"}, {"le": "3"}, {"le": "+Inf"}]
    >>> found = threshold_counts(labels, np.array([[10.0], [30.0], [40.0]]), 2.0)
    >>> found.low.tolist(), found.middle.tolist(), found.high.tolist(), found.bounds
    ([10.0], [20.0], [30.0], (1.0, 3.0))
    """
    groups: dict[LabelKey, list[tuple[float, int]]] = {}
    for row, each in enumerate(labels):
        bound = bound_of(each.get("le", ""))
        if not np.isnan(bound):
            rest = label_key({name: value for name, value in each.items() if name != "le"})
            groups.setdefault(rest, []).append((bound, row))
    slices = increases.shape[1]
    low, middle, high = np.zeros(slices), np.zeros(slices), np.zeros(slices)
    used: set[float] = set()
    repaired = False
    for own in groups.values():
        own.sort()
        bounds = np.array([bound for bound, _ in own])
        raw = increases[[row for _, row in own]]
        counts = np.maximum.accumulate(raw, axis=0)
        repaired |= bool((counts > raw).any())
        above = int(np.searchsorted(bounds, threshold, side="left"))
        if above < len(bounds) and bounds[above] == threshold:
            low, middle, high = low + counts[above], middle + counts[above], high + counts[above]
            used.add(threshold)
            continue
        floor = counts[above - 1] if above else np.zeros(slices)
        top = counts[above] if above < len(bounds) else counts[-1]
        below = float(bounds[above - 1]) if above else 0.0
        over = float(bounds[above]) if above < len(bounds) else np.inf
        share = (threshold - below) / (over - below) if np.isfinite(over) else 0.0
        low, middle, high = low + floor, middle + floor + share * (top - floor), high + top
        used |= {below, over}
    layouts = len({tuple(bound for bound, _ in own) for own in groups.values()})
    return ThresholdCounts(low, middle, high, tuple(sorted(used)), layouts, repaired)
