"""Counts and shares from sampled records: every kept record stands for 1 / probability, and the error is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Groups = NDArray[np.int64]

#: Probability outside an interval, both sides together. [ratio]
OUTSIDE = 0.05


def sampled_counts(weights: Floats, groups: Groups, units: Groups, *, size: int) -> pd.DataFrame:
    """Estimate how many records there were in each group.

    Parameters
    ----------
    weights : float array, (n,)
        Records each kept record stands for: 1 / probability of being kept.
    groups : int64 array, (n,)
        Group of each record, 0 to ``size`` - 1.
    units : int64 array, (n,)
        What was kept or dropped as a whole, e.g. the trace of a span: its records are not independent.
    size : int
        Number of groups. [count]

    Returns
    -------
    DataFrame, (size,)
        ``kept`` (records there are), ``count`` (estimate), ``error`` (standard error), ``low`` and ``high`` (95 %
        interval) [count]. Without a record ``high`` is NaN: nothing says how many were dropped.

    Notes
    -----
    With unit weights ``w`` and ``c`` records of a group in it: ``N = sum(w c)``, ``variance = sum(w (w - 1) c^2)``
    (Horvitz and Thompson). The interval inverts the binomial distribution (mid-p) of a sample with the same estimate
    and variance, so it is right for few records too.

    Examples
    --------
    >>> rows = sampled_counts(np.full(9, 10.0), np.zeros(9, np.int64), np.arange(9), size=1)
    >>> rows.round(1).to_dict("records")
    [{'kept': 9, 'count': 90.0, 'error': 28.5, 'low': 45.9, 'high': 161.1}]
    """
    group, places, weight = _units(weights, groups, units)
    records = np.bincount(places, minlength=len(group)).astype(np.float64)
    kept = _sums(group, records, size)
    count = _sums(group, records * weight, size)
    variance = _sums(group, weight * (weight - 1) * records**2, size)
    low, high = count_interval(count, variance)
    low = np.maximum(low, kept)
    return pd.DataFrame(
        {"kept": kept.astype(np.int64), "count": count, "error": np.sqrt(variance), "low": low, "high": high}
    )


def _units(weights: Floats, groups: Groups, units: Groups) -> tuple[Groups, Groups, Floats]:
    """Group and weight of each pair of group and unit, and the pair of each record."""
    width = int(units.max(initial=0)) + 1
    pairs, places = np.unique(groups * width + units, return_inverse=True)
    weight = np.ones(len(pairs))
    np.maximum.at(weight, places, weights)
    return pairs // width, places, weight


def _sums(groups: Groups, values: Floats, size: int) -> Floats:
    return np.bincount(groups, values, minlength=size).astype(np.float64)


def count_interval(count: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Return the 95 % interval of estimated counts with their variances of sampling. [count]"""
    count, variance = np.asarray(count, np.float64), np.asarray(variance, np.float64)
    some = count > 0
    weight = 1 + np.divide(variance, count, out=np.zeros_like(count), where=some)
    sampled = some & (weight > 1 + 1e-12)
    low, high = count.copy(), np.where(some, count, np.nan)
    if sampled.any():
        kept, share = count[sampled] / weight[sampled], 1 / weight[sampled]
        low[sampled] = _solved(kept, share, 1 - OUTSIDE / 2)
        high[sampled] = _solved(kept, share, OUTSIDE / 2)
    return low, high


def _solved(kept: Floats, share: Floats, level: float) -> Floats:
    """Find N with P(Bin(N, share) < kept) + P(= kept) / 2 = level, by bisection of a real N."""
    low = kept.copy()
    high = (kept + 10 + 10 * np.sqrt(kept + 1)) / share
    for _ in range(80):
        middle = (low + high) / 2
        at = scipy.special.betainc(np.maximum(middle - kept, 1e-9), kept + 1, 1 - share)
        below = scipy.special.betainc(np.maximum(middle - kept + 1, 1e-9), np.maximum(kept, 1e-9), 1 - share)
        above = (at + below) / 2 > level
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    solved: Floats = (low + high) / 2
    return solved


def sampled_shares(
    weights: Floats, hits: NDArray[np.bool_], groups: Groups, units: Groups, *, size: int, causes: bool = False
) -> pd.DataFrame:
    """Estimate the share of records that hit, in each group.

    Parameters
    ----------
    weights, groups, units, size
        As for :func:`sampled_counts`.
    hits : bool array, (n,)
        Whether each record hits.
    causes : bool
        Whether the interval is for what made the records, as two windows are compared, and not for the records of this
        window only: then records that were all kept have an interval too.

    Returns
    -------
    DataFrame, (size,)
        ``share``, ``low``, ``high`` (95 % interval) [ratio]; NaN without a record.

    Notes
    -----
    A ratio of two estimates, its variance by linearisation: ``sum(w (w - 1) (e - r t)^2) / T^2``, with ``w^2`` in place
    of ``w (w - 1)`` for causes; the interval is Wilson's for the number of independent records that have the same
    variance. Where all records hit, or none does, the hits (or misses) that could have been dropped are three times the
    largest weight.

    Examples
    --------
    One of eight failures and one of 128 successes are kept; the plain share of the kept records would be 50 %.

    >>> weights, hits = np.repeat([8.0, 128.0], 50), np.repeat([True, False], 50)
    >>> units = np.arange(100)
    >>> sampled_shares(weights, hits, np.zeros(100, np.int64), units, size=1).round(3).to_dict("records")
    [{'share': 0.059, 'low': 0.041, 'high': 0.083}]
    """
    table = pd.DataFrame({"group": groups, "unit": units, "weight": weights, "hits": hits.astype(np.int64)})
    held = table.groupby(["group", "unit"], sort=False).agg(
        records=("weight", "size"), hits=("hits", "sum"), weight=("weight", "max")
    )
    group = held.index.get_level_values("group").to_numpy(np.int64)
    records, hit = held["records"].to_numpy(np.float64), held["hits"].to_numpy(np.float64)
    weight = np.maximum(held["weight"].to_numpy(np.float64), 1.0)
    total = np.bincount(group, weight * records, minlength=size)
    share = np.divide(
        np.bincount(group, weight * hit, minlength=size), total, out=np.full(size, np.nan), where=total > 0
    )
    apart = weight * (weight - (0 if causes else 1)) * (hit - share[group] * records) ** 2
    variance = np.divide(
        np.bincount(group, apart, minlength=size), total**2, out=np.full(size, np.nan), where=total > 0
    )
    largest: Floats = np.zeros(size)
    np.maximum.at(largest, group, weight)
    low, high = share_interval(share, variance, total.astype(np.float64), largest, causes=causes)
    return pd.DataFrame({"share": share, "low": low, "high": high})


def share_interval(
    share: Floats, variance: Floats, total: Floats, largest: Floats, *, causes: bool = False
) -> tuple[Floats, Floats]:
    """Return the 95 % interval of estimated shares. [ratio]

    Parameters
    ----------
    share, variance : float64 array, (n,)
        Estimate and its variance of sampling; NaN without a record. [ratio], [ratio^2]
    total : float64 array, (n,)
        Records the share is of, estimated. [count]
    largest : float64 array, (n,)
        Largest weight of a record.
    causes : bool
        As for :func:`sampled_shares`.

    Examples
    --------
    Fifty records kept of one in ten, all of which hit: up to some thirty that did not may have been dropped.

    >>> low, high = share_interval(np.array([1.0]), np.array([0.0]), np.array([500.0]), np.array([10.0]))
    >>> low.round(3).tolist(), high.tolist()
    ([0.946], [1.0])
    """
    low, high = _wilson(share, variance)
    unseen: Floats = np.where(largest > 1, np.log(OUTSIDE) / np.log1p(-1 / np.maximum(largest, 1 + 1e-9)), 0.0)
    if causes:
        unseen = np.maximum(unseen, -np.log(OUTSIDE))
    gap = np.where(total > 0, _ratio(unseen, total + unseen), np.nan)
    return np.where(share == 1, 1 - gap, low), np.where(share == 0, gap, high)


def _ratio(above: Floats, below: Floats) -> Floats:
    ratio: Floats = np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0)
    return ratio


def _wilson(share: Floats, variance: Floats) -> tuple[Floats, Floats]:
    z = float(scipy.special.ndtri(1 - OUTSIDE / 2))
    sampled = variance > 0
    spread: Floats = share * (1 - share)
    records: Floats = np.divide(spread, variance, out=np.full_like(share, np.inf), where=sampled)
    with np.errstate(invalid="ignore"):
        added = z * z / records
        centre = (share + added / 2) / (1 + added)
        half = z * np.sqrt(spread / records + added / (4 * records)) / (1 + added)
    low, high = np.maximum(centre - half, 0), np.minimum(centre + half, 1)
    return np.where(sampled, low, share), np.where(sampled, high, share)


def weighted_quantiles(values: Floats, weights: Floats, shares: Floats) -> Floats:
    """Return quantiles of weighted values: the smallest value with at least that share of the weight at or below it.

    Examples
    --------
    >>> weighted_quantiles(np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 8.0]), np.array([0.05, 0.5, 1.0])).tolist()
    [1.0, 2.0, 3.0]
    """
    if not len(values):
        return np.full(len(shares), np.nan)
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    place = np.searchsorted(reached, shares * reached[-1] * (1 - 1e-12), side="left")
    quantiles: Floats = values[order][np.minimum(place, len(values) - 1)]
    return quantiles
