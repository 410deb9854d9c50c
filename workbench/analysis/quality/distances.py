"""Distances between two samples or two tables of counts; every convention that changes the number has a name."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import scipy
from numpy.typing import NDArray

from workbench.core.errors import ParameterError

Floats = NDArray[np.float64]

#: How the bins of a population stability index are cut.
Bins = Literal["width", "sturges", "deciles"]

#: What stands for the share of an empty bin.
EMPTY = 1e-4


def stability_index(
    reference: Floats, current: Floats, *, bins: Bins = "deciles", count: int = 10, empty: float = EMPTY
) -> float:
    """Compute the population stability index (PSI) of two samples.

    Parameters
    ----------
    reference, current : float array
        Values without NaN. [unit of the score]
    bins : {"deciles", "width", "sturges"}
        Quantiles of the reference (the outer bins are open), equal widths over both, or equal widths after Sturges.
    count : int
        Bins of ``deciles`` and ``width``. [count]
    empty : float
        Share taken for an empty bin. [ratio]

    Returns
    -------
    float
        Sum over bins of (q - p) log(q / p); NaN where a sample is empty. [nats]

    Notes
    -----
    Without any change its expectation is about (bins - 1)(1 / n + 1 / m), so a fixed threshold cries wolf on small
    samples [1]_.

    References
    ----------
    .. [1] B. Yurdakul, Statistical properties of population stability index (2018).

    Examples
    --------
    >>> random = np.random.RandomState(31)
    >>> first = random.normal(1, 1, 100)
    >>> second = np.random.RandomState(31).normal(5, 2, 100)
    >>> round(stability_index(first, second, bins="width", empty=float(np.finfo(float).tiny)), 6)
    461.203794
    """
    if not len(reference) or not len(current):
        return math.nan
    both = np.concatenate([reference, current])
    if bins == "deciles":
        inner = np.unique(np.quantile(reference, np.linspace(0, 1, count + 1)[1:-1]))
        edges = np.concatenate([[-np.inf], inner, [np.inf]])
    else:
        number = count if bins == "width" else len(np.histogram_bin_edges(both, bins="sturges")) - 1
        edges = np.linspace(both.min(), both.max(), number + 1)
    shares = [np.histogram(values, edges)[0] / len(values) for values in (reference, current)]
    p, q = (np.where(share > 0, share, empty) for share in shares)
    return float(np.sum((q - p) * np.log(q / p)))


def wasserstein(reference: Floats, current: Floats, *, normed: bool = False) -> float:
    """Mean distance that values must move to make one sample the other; normed by the reference's deviation (n).

    Examples
    --------
    >>> wasserstein(np.array([0.0, 1.0]), np.array([1.0, 2.0]))
    1.0
    """
    distance = float(scipy.stats.wasserstein_distance(reference, current))
    return distance / max(float(np.std(reference)), 1e-3) if normed else distance


def kolmogorov_smirnov(reference: Floats, current: Floats) -> tuple[float, float]:
    """Largest gap between the two distribution functions, and its p value.

    Examples
    --------
    >>> kolmogorov_smirnov(np.arange(10.0), np.arange(10.0) + 20)[0]
    1.0
    """
    statistic, p = scipy.stats.ks_2samp(reference, current)
    return float(statistic), float(p)


def jensen_shannon(reference: Floats, current: Floats) -> float:
    """Jensen-Shannon distance to base 2 of two samples, cut into bins after Doane over the reference. [0, 1]

    Notes
    -----
    The square root of the divergence; values outside the reference's bins are a bin of their own.

    Examples
    --------
    >>> jensen_shannon(np.arange(100.0), np.arange(100.0))
    0.0
    """
    edges = np.histogram_bin_edges(reference, bins="doane")
    shares = [np.histogram(values, edges)[0] / len(values) for values in (reference, current)]
    outside = [max(0.0, 1.0 - float(share.sum())) for share in shares]
    return jensen_shannon_shares(*(np.append(share, rest) for share, rest in zip(shares, outside, strict=True)))


def counts_of(reference: Any, current: Any) -> tuple[Floats, Floats]:
    """Count the categories of two samples in one common order.

    Examples
    --------
    >>> [counts.tolist() for counts in counts_of(list("aabaab"), list("abacccc"))]
    [[4.0, 2.0, 0.0], [2.0, 1.0, 4.0]]
    """
    first, second = np.asarray(reference, str), np.asarray(current, str)
    names = np.unique(np.concatenate([first, second]))
    return tuple(np.array([(values == name).sum() for name in names], float) for values in (first, second))  # type: ignore[return-value]


def chi_square(reference: Floats, current: Floats) -> tuple[float, float]:
    """Statistic and p value of two tables of counts coming from one distribution (test of homogeneity).

    Examples
    --------
    >>> statistic, p = chi_square(*counts_of(list("aabaab"), list("abcccc")))
    >>> round(statistic, 6), round(p, 6)
    (6.133333, 0.046576)
    """
    used = (reference + current) > 0
    if used.sum() < 2:
        return 0.0, 1.0
    test = scipy.stats.chi2_contingency(np.vstack([reference[used], current[used]]), correction=False)
    return float(test.statistic), float(test.pvalue)


def goodness_of_fit(reference: Floats, current: Floats) -> tuple[float, float]:
    """Statistic and p value of counts under the shares of a reference that is taken as known.

    Examples
    --------
    >>> statistic, p = goodness_of_fit(np.array([16.0, 18, 16, 14, 12, 12]), np.array([16.0, 16, 16, 16, 16, 8]))
    >>> round(statistic, 6), round(p, 5)
    (3.174603, 0.67309)
    """
    if (current[reference == 0] > 0).any():
        return math.inf, 0.0
    used = reference > 0
    expected = reference[used] / reference.sum() * current.sum()
    test = scipy.stats.chisquare(current[used], expected)
    return float(test.statistic), float(test.pvalue)


def hellinger(reference: Floats, current: Floats) -> float:
    """Hellinger distance of two tables of counts. [0, 1]

    Examples
    --------
    >>> round(hellinger(np.array([16.0, 18, 16, 14, 12, 12]), np.array([16.0, 16, 16, 16, 16, 8])), 4)
    0.0681
    """
    p, q = reference / reference.sum(), current / current.sum()
    return float(np.sqrt(0.5 * np.sum((np.sqrt(p) - np.sqrt(q)) ** 2)))


def total_variation(reference: Floats, current: Floats) -> float:
    """Half the sum of the differences of shares of two tables of counts. [0, 1]

    Examples
    --------
    >>> round(total_variation(np.array([16.0, 18, 16, 14, 12, 12]), np.array([16.0, 16, 16, 16, 16, 8])), 6)
    0.068182
    """
    return float(0.5 * np.sum(np.abs(reference / reference.sum() - current / current.sum())))


def l_infinity(reference: Floats, current: Floats) -> float:
    """Largest difference of a share of two tables of counts. [0, 1]

    Examples
    --------
    >>> round(l_infinity(*counts_of(list("aabbcc"), list("aabbccd"))), 6)
    0.142857
    """
    return float(np.max(np.abs(reference / reference.sum() - current / current.sum())))


def jensen_shannon_counts(reference: Floats, current: Floats) -> float:
    """Jensen-Shannon distance to base 2 of two tables of counts. [0, 1]

    Examples
    --------
    >>> jensen_shannon_counts(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    1.0
    """
    if not reference.sum() or not current.sum():
        raise ParameterError("A table of counts is empty.", hint="Give rows for both samples.")
    return jensen_shannon_shares(reference / reference.sum(), current / current.sum())


def jensen_shannon_shares(p: Floats, q: Floats) -> float:
    """Jensen-Shannon distance to base 2 of two tables of shares. [0, 1]"""
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.where(share > 0, share * np.log2(share / middle), 0.0).sum() for share in (p, q)]
    return math.sqrt(max(0.0, sum(float(part) for part in parts) / 2))
