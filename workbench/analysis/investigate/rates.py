"""Is one rate really another than the other? Ratios of counts with intervals, against a margin; all rows together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from workbench.core.errors import ParameterError

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

#: Traffic moves by itself: a rate counts as changed only beyond this factor, up or down. [x]
MARGIN = 1.5

#: Share of wrong rows among those named. [ratio]
FALSE_DISCOVERY = 0.05

_LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class RateRatios:
    """Ratios of two rates, one per row.

    Attributes
    ----------
    ratio : float64 array, (n,)
        Rate now / rate before, half an event added to both counts. [x]
    low, high : float64 arrays, (n,)
        95 % interval; ``high`` is infinite where nothing was counted before. [x]
    p : float64 array, (n,)
        Probability of counts at least this far apart if the rates differ by no more than the margin. [ratio]
    least_p : float64 array, (n,)
        The smallest p that so many events could have given. [ratio]
    """

    ratio: Floats
    low: Floats
    high: Floats
    p: Floats
    least_p: Floats

    @property
    def bound(self) -> Floats:
        """Logarithm of the end of the interval that is nearer to no change, signed; 0 where it holds no change."""
        low, high = np.log(np.maximum(self.low, 1e-300)), np.log(self.high)
        return np.where(low > 0, low, np.where(high < 0, high, 0.0))


def rate_ratios(
    now: Floats, before: Floats, exposure_now: Floats, exposure_before: Floats, *, margin: float = MARGIN
) -> RateRatios:
    """Compare pairs of counts.

    Parameters
    ----------
    now, before : float64 arrays, (n,)
        Events counted. [events]
    exposure_now, exposure_before : float64 arrays, (n,)
        What they were counted in: time, requests, or either times the share kept; above 0.
    margin : float
        Factor within which rates count as equal, at least 1. [x]

    Returns
    -------
    RateRatios

    Notes
    -----
    Of both counts together the part now is binomial with the odds ratio x exposure now / exposure before [1]_. The
    interval is that of Clopper and Pearson; p is twice the smaller tail at the nearer edge of the margin.

    References
    ----------
    .. [1] J. Przyborowski, H. Wilenski, Homogeneity of results in testing samples from Poisson series, Biometrika 31
       (1940) 313.

    Examples
    --------
    >>> found = rate_ratios(*(np.array([value], float) for value in (300, 2, 60, 60)))
    >>> round(float(found.ratio[0])), bool(found.low[0] > 30), bool(found.p[0] < 1e-6)
    (120, True, True)
    """
    if margin < 1:
        raise ParameterError(f"The margin should be at least 1, got {margin}.")
    whole = now + before
    tail = (1 - _LEVEL) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        part_low = np.where(now > 0, scipy.stats.beta.ppf(tail, np.maximum(now, 1e-9), before + 1), 0.0)
        part_high = np.where(before > 0, scipy.stats.beta.ppf(1 - tail, now + 1, np.maximum(before, 1e-9)), 1.0)
        odds = exposure_before / exposure_now
        low, high = (part / (1 - part) * odds for part in (part_low, part_high))
        ratio = (now + 0.5) / (before + 0.5) * odds
    up = margin * exposure_now / (margin * exposure_now + exposure_before)
    down = exposure_now / (exposure_now + margin * exposure_before)
    grown = scipy.stats.binom.sf(now - 1, whole, up)
    shrunk = scipy.stats.binom.cdf(now, whole, down)
    p = np.minimum(1.0, 2 * np.minimum(grown, shrunk))
    least = 2 * np.minimum(up**whole, (1 - down) ** whole)
    return RateRatios(ratio, low, high, np.where(whole > 0, p, 1.0), np.minimum(least, 1.0))


def agreed(ratios: list[RateRatios], together: RateRatios, *, margin: float = MARGIN) -> tuple[RateRatios, Rows]:
    """Put comparisons of the same rows with several baselines together.

    Parameters
    ----------
    ratios : list of RateRatios
        One per baseline, at least one.
    together : RateRatios
        The comparison with all baselines as one, which has the most evidence.
    margin : float
        As for :func:`rate_ratios`. [x]

    Returns
    -------
    RateRatios, int64 array, (n,)
        Of each row the comparison with the least change, and which one it is. p is that of all baselines together, 1
        unless the rate lies beyond the margin from each, in the same direction.
    """
    bounds = np.stack([ratios.bound for ratios in ratios])
    logs = np.stack([np.log(ratios.ratio) for ratios in ratios])
    least = np.abs(logs).argmin(axis=0)
    rows = np.arange(bounds.shape[1])
    beyond = (np.abs(logs) > np.log(margin)).all(axis=0) & (np.sign(logs) == np.sign(logs[0])).all(axis=0)
    ratio, low, high = (
        np.stack([getattr(ratios, name) for ratios in ratios])[least, rows] for name in ("ratio", "low", "high")
    )
    return RateRatios(ratio, low, high, np.where(beyond, together.p, 1.0), together.least_p), least


def false_discovery(p: Floats, least_p: Floats) -> Floats:
    """Share of wrong rows if all rows with at most this p were named: q of Benjamini and Hochberg. [ratio]

    Parameters
    ----------
    p : float64 array, (n,)
        Probabilities of the rows if nothing had changed. [ratio]
    least_p : float64 array, (n,)
        The smallest p a row could have; one that could never be named is not judged [2]_, its q is 1.

    Examples
    --------
    >>> false_discovery(np.array([0.01, 0.5, 0.02, 1.0]), np.array([0, 0, 0, 0.9])).tolist()
    [0.03, 0.5, 0.03, 1.0]

    References
    ----------
    .. [1] Y. Benjamini, Y. Hochberg, Controlling the false discovery rate, J. R. Stat. Soc. B 57 (1995) 289.
    .. [2] R. E. Tarone, A modified Bonferroni method for discrete data, Biometrics 46 (1990) 515.
    """
    judged = np.flatnonzero(least_p <= FALSE_DISCOVERY)
    q = np.ones(len(p))
    if len(judged):
        order = judged[np.argsort(p[judged], kind="stable")]
        scaled = p[order] * len(order) / np.arange(1, len(order) + 1)
        q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q
