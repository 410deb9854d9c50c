"""Scores that are almost always the same: how surprising it is to see so many other values, and so large ones.

A pass rate of 1.00 with a failure every few days has a scatter that is not normal: most references hold few failures
or none, so that a t test calls the next failure a drift. Here failures are counted instead.
"""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

#: Share of the hours of a reference with one and the same value from which on a score is judged by the others. [ratio]
MOSTLY = 0.5

#: Values closer than this are the same. [ratio]
SAME = 1e-9

#: A day on which every hour differs is judged by its level alone, from so many hours on. [h]
LEAST_HOURS = 3


def usual_value(block: Floats) -> tuple[Floats, Booleans]:
    """Value that more than half of the hours show, by series, and whether there is one.

    Parameters
    ----------
    block : array, (series, hours)
        NaN where there is none. [score]

    Examples
    --------
    >>> value, lumpy = usual_value(np.array([[1.0, 1.0, 0.5, 1.0], [0.1, 0.2, 0.3, 0.4]]))
    >>> value.tolist(), lumpy.tolist()
    ([1.0, 0.25], [True, False])
    """
    ordered = np.sort(block, axis=1)
    number = np.isfinite(ordered).sum(axis=1)
    rows = np.arange(len(block))
    low, high = np.maximum((number - 1) // 2, 0), np.maximum(number // 2, 0)
    middle = (ordered[rows, low] + ordered[rows, np.minimum(high, block.shape[1] - 1)]) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        alike = np.abs(block - middle[:, None]) <= SAME * np.maximum(1.0, np.abs(middle))[:, None]
        share = alike.sum(axis=1) / number
    return middle, share >= MOSTLY


def surprise(days: Floats, week: NDArray[np.int64], now: Floats, now_week: NDArray[np.int64], usual: Floats) -> Floats:
    """P value of the hours of now that are not the usual value, by series.

    Parameters
    ----------
    days : array, (series, days, hours of the day)
        Reference. [score]
    week : int array, (days,)
        Days of the week, 0 to 6.
    now, now_week : array
        The same of the days that are judged.
    usual : array, (series,)
        Value of most hours. [score]

    Returns
    -------
    array, (series,)
        Three times the smallest of three p values: of hours with any other value, with one at least as far off as half
        of the reference's other values, and with one farther off than all of them. 0 where no hour is usual.

    Notes
    -----
    Given how many there are in all, the hours of now among them are binomial [1]_. The rate of the reference is that
    of the weekday, drawn to that of all days with the weight of one event.

    References
    ----------
    .. [1] J. Przyborowski, H. Wilenski, Homogeneity of results in testing samples from Poisson series, Biometrika 31
       (1940).

    Examples
    --------
    >>> days = np.ones((1, 28, 24))
    >>> now = np.ones((1, 1, 24))
    >>> now[0, 0, 0] = 0.5
    >>> p = surprise(days, np.arange(28) % 7, now, np.array([0]), np.array([1.0]))
    >>> bool(p[0] > 0.1)
    True
    """
    before, after = (np.abs(part - usual[:, None, None]) for part in (days, now))
    near = SAME * np.maximum(1.0, np.abs(usual))
    flat = before.reshape(len(before), -1)
    sizes = np.sort(np.where(flat > near[:, None], flat, np.nan), axis=1)
    number = np.isfinite(sizes).sum(axis=1)
    rows = np.arange(len(sizes))
    middle = np.where(number > 0, sizes[rows, np.maximum(number // 2, 0)], np.nan)
    largest = np.where(number > 0, sizes[rows, np.maximum(number - 1, 0)], np.nan)
    smallest = np.ones(len(usual))
    for limit in (near, middle * (1 - SAME), largest * (1 + SAME)):
        known = np.isfinite(limit)
        p = _rare(before > limit[:, None, None], days, week, after > limit[:, None, None], now, now_week)
        smallest = np.where(known, np.minimum(smallest, p), smallest)
    hours = np.isfinite(now).sum(axis=(1, 2))
    every = (after > near[:, None, None]).sum(axis=(1, 2)) == hours
    return np.where(every & (hours >= LEAST_HOURS), 0.0, np.minimum(1.0, 3 * smallest))


def vanished(days: Floats, now: Floats, usual: Floats) -> Floats:
    """P value of no day of now with the usual value in any hour, by series; 1 where one has it.

    Parameters
    ----------
    days, now : array, (series, days, hours of the day)
        Reference, and the days that are judged. [score]
    usual : array, (series,)
        Value of most hours. [score]

    Notes
    -----
    Twice the hypergeometric probability that the days of now are all among those without it: days are the units, so
    that hours that resemble each other make it no smaller [1]_.

    References
    ----------
    .. [1] R. A. Fisher, The Design of Experiments, 1935, 2.

    Examples
    --------
    >>> days, gone = np.ones((1, 28, 1)), np.full((1, 7, 1), 0.9)
    >>> vanished(days, gone, np.array([1.0])).round(8).tolist()
    [3e-07]
    """
    near = SAME * np.maximum(1.0, np.abs(usual))[:, None, None]
    known, judged = (np.isfinite(part).any(axis=2).sum(axis=1) for part in (days, now))
    before, after = ((np.abs(part - usual[:, None, None]) <= near).any(axis=2).sum(axis=1) for part in (days, now))
    left, both = known + judged - before, known + judged
    with np.errstate(divide="ignore", invalid="ignore"):
        log_p = scipy.special.gammaln(left + 1.0) - scipy.special.gammaln(left - judged + 1.0)
        log_p += scipy.special.gammaln(both - judged + 1.0) - scipy.special.gammaln(both + 1.0)
    return np.where((after == 0) & (judged > 0), np.minimum(1.0, 2 * np.exp(log_p)), 1.0)


def _rare(
    before: Booleans, days: Floats, week: NDArray[np.int64], after: Booleans, now: Floats, now_week: NDArray[np.int64]
) -> Floats:
    """P value of the number of hours of now among all such hours, two-sided."""
    events, hours = before.sum(axis=2).astype(float), np.isfinite(days).sum(axis=2).astype(float)
    total, whole = events.sum(axis=1), hours.sum(axis=1)
    length = np.isfinite(now).sum(axis=2).astype(float)
    expected = np.zeros(len(before))
    for number in np.unique(now_week):
        same = week == number
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = (events[:, same].sum(axis=1) + 1) / (hours[:, same].sum(axis=1) + whole / total)
        expected += np.where(total > 0, rate, 0.0) * length[:, now_week == number].sum(axis=1)
    seen, long = after.sum(axis=(1, 2)).astype(float), length.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        reference = np.where(long > 0, expected / long * whole, 0.0)
        share = long / (long + whole)
        more = np.where(seen > 0, scipy.special.betainc(np.maximum(seen, 1.0), reference + 1, share), 1.0)
        fewer = np.where(reference > 0, scipy.special.betaincc(seen + 1, np.maximum(reference, 1e-9), share), 1.0)
    p: Floats = np.nan_to_num(np.minimum(1.0, 2 * np.minimum(more, fewer)), nan=1.0)
    return p
