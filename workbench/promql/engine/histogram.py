"""Classic histograms: quantiles and fractions from buckets labelled ``le``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.core.series import LabelKey, Labels, label_key
from workbench.promql.engine.values import Bools, Floats, Vector, merged
from workbench.promql.parser.nodes import NAME

BUCKET = "le"
#: Differences of neighbouring buckets below this share are rounding errors of sums. [ratio]
_TOLERANCE = 1e-12


@dataclass(frozen=True)
class Buckets:
    """Bucket counts of one histogram at some steps: bounds ascending and distinct, the last one +Inf."""

    bounds: Floats
    counts: Floats


@dataclass
class Findings:
    """What was odd about the histograms of a vector, for the annotations."""

    bad_labels: list[tuple[str, str]]
    repaired: set[str]


def parse_bound(text: str) -> float | None:
    """Read the upper bound of a bucket; ``0.2``, ``2e-1`` and ``.2`` are one bound.

    Examples
    --------
    >>> parse_bound("2e-1"), parse_bound("+Inf"), parse_bound("x")
    (0.2, inf, None)
    """
    try:
        return None if text.strip() != text or "_" in text else float(text)
    except ValueError:
        return None


def per_histogram(
    vector: Vector, read: Callable[[Buckets, NDArray[np.intp], str], Floats], findings: Findings
) -> Vector:
    """Apply ``read(buckets, steps, metric name)`` to every classic histogram of a vector.

    Series are put together by all labels but ``le``; at steps where only some of the buckets are present, only those
    count.
    """
    rows: dict[LabelKey, list[tuple[float, int]]] = {}
    for row, labels in enumerate(vector.labels):
        bound = parse_bound(labels.get(BUCKET, ""))
        if bound is None or np.isnan(bound):
            findings.bad_labels.append((labels.get(NAME, ""), labels.get(BUCKET, "")))
            continue
        key = label_key({name: value for name, value in labels.items() if name != BUCKET})
        rows.setdefault(key, []).append((bound, row))
    shape = (len(rows), vector.values.shape[1])
    values, present = np.full(shape, np.nan), np.zeros(shape, np.bool_)
    names: list[Labels] = []
    for number, (key, members) in enumerate(rows.items()):
        members.sort()
        bounds = np.array([bound for bound, _ in members])
        index = np.array([row for _, row in members])
        labels = dict(key)
        metric = labels.pop(NAME, "")
        names.append(labels)
        present[number] = vector.present[index].any(axis=0)
        for kept, steps in _patterns(vector.present[index]):
            buckets = _coalesced(bounds[kept], vector.values[index[kept][:, None], steps])
            if np.isposinf(buckets.bounds[-1]):
                with np.errstate(all="ignore"):
                    values[number, steps] = read(buckets, steps, metric)
    return merged(Vector(tuple(names), values, present))


def apart(vector: Vector, native: Bools) -> tuple[Vector, Vector, list[str]]:
    """Split a vector into classic buckets and native histograms.

    At steps where a classic and a native histogram have equal labels, both are left out; their metric names are the
    third thing returned.
    """
    classic = vector.present & ~native
    owners: dict[LabelKey, list[int]] = {}
    for row in np.flatnonzero(classic.any(axis=1)):
        labels = vector.labels[row]
        if parse_bound(labels.get(BUCKET, "")) is not None:
            key = label_key({name: value for name, value in labels.items() if name != BUCKET})
            owners.setdefault(key, []).append(int(row))
    kept, names = native.copy(), []
    for row in np.flatnonzero(native.any(axis=1)):
        rivals = owners.get(label_key(vector.labels[row]), [])
        clash = native[row] & classic[rivals].any(axis=0)
        if clash.any():
            names.append(vector.labels[row].get(NAME, ""))
            kept[row] &= ~clash
            classic[rivals] &= ~clash
    return (
        Vector(vector.labels, vector.values, classic).seen(),
        Vector(vector.labels, vector.values, kept).seen(),
        list(dict.fromkeys(names)),
    )


def _patterns(present: Bools) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Split the steps by which buckets are present: nearly always all of them."""
    if (present == present[0]).all():
        if present[0].any():
            yield np.arange(len(present)), np.flatnonzero(present[0])
        return
    patterns, which = np.unique(present, axis=1, return_inverse=True)
    for number in range(patterns.shape[1]):
        if patterns[:, number].any():
            yield np.flatnonzero(patterns[:, number]), np.flatnonzero(which.ravel() == number)


def _coalesced(bounds: Floats, counts: Floats) -> Buckets:
    """Add up buckets whose bounds are equal numbers written differently."""
    distinct, start = np.unique(bounds, return_index=True)
    if len(distinct) == len(bounds):
        return Buckets(bounds, counts)
    return Buckets(distinct, np.add.reduceat(counts, start, axis=0))


def monotonic(counts: Floats) -> tuple[Floats, bool]:
    """Mend counts that fall from bucket to bucket; say whether more than rounding errors had to be mended."""
    fixed = counts.copy()
    repaired = False
    for bucket in range(1, len(fixed)):
        before, here = fixed[bucket - 1], fixed[bucket]
        rounding = np.abs(here - before) < _TOLERANCE * (np.abs(here) + np.abs(before))
        falls = (here < before) & ~rounding
        repaired = repaired or bool(falls.any())
        fixed[bucket] = np.where(rounding | falls, before, here)
    return fixed, repaired


def bucket_quantile(q: Floats, buckets: Buckets) -> tuple[Floats, bool]:
    """Quantile of one histogram at every step, linear inside a bucket.

    Parameters
    ----------
    q : float array, (n_steps,)
        Quantile asked for at each step. [ratio]
    buckets : Buckets
        ``counts`` of shape (n_buckets, n_steps).

    Returns
    -------
    quantile : float array
        NaN without observations; the highest finite bound when the quantile lies above it.
    repaired : bool
        Whether the counts were not monotonic.
    """
    counts, repaired = monotonic(buckets.counts)
    bounds = buckets.bounds
    steps = np.arange(counts.shape[1])
    if len(bounds) < 2:
        result = np.full(counts.shape[1], np.nan)
    else:
        total = counts[-1]
        rank = q * total
        reached = counts[:-1] >= rank
        bucket = np.where(reached.any(axis=0), reached.argmax(axis=0), len(bounds) - 1)
        below = np.maximum(bucket - 1, 0)
        inner = bucket > 0
        start = np.where(inner, bounds[below], 0.0)
        before = np.where(inner, counts[below, steps], 0.0)
        share = (rank - before) / (counts[bucket, steps] - before)
        result = start + (bounds[bucket] - start) * share
        result = np.where((bucket == 0) & (bounds[0] <= 0), bounds[0], result)
        result = np.where(bucket == len(bounds) - 1, bounds[-2], result)
        result = np.where(total == 0, np.nan, result)
    result = np.where(q < 0, -np.inf, np.where(q > 1, np.inf, result))
    return np.where(np.isnan(q), np.nan, result), repaired


def bucket_fraction(lower: Floats, upper: Floats, buckets: Buckets) -> Floats:
    """Share of the observations between two values at every step, linear inside a bucket."""
    total = buckets.counts[-1]
    low, high = (_rank(value, buckets) for value in (lower, upper))
    share = (np.minimum(high, total) - np.minimum(low, total)) / total
    share = np.where(lower >= upper, 0.0, share)
    return np.where((total == 0) | np.isnan(lower) | np.isnan(upper), np.nan, share)


def _rank(value: Floats, buckets: Buckets) -> Floats:
    """Observations at or below a value; NaN inside the lowest bucket, which has no lower end to measure from."""
    bounds, counts = buckets.bounds, buckets.counts
    steps = np.arange(counts.shape[1])
    bucket = np.minimum(np.searchsorted(bounds, value, "right"), len(bounds) - 1)
    inner = bucket > 0
    start = np.where(inner, bounds[np.maximum(bucket - 1, 0)], -np.inf)
    before = np.where(inner, counts[np.maximum(bucket - 1, 0), steps], 0.0)
    inside = before + (counts[bucket, steps] - before) * (value - start) / (bounds[bucket] - start)
    rank = np.where(value <= start, before, inside)
    return np.where(np.isposinf(value), counts[-1], rank)
