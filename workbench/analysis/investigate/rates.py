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

#: Tails below this are not told apart. [ratio]
_TINY = 1e-12

#: What :func:`false_discovery` reads beside p.
JUDGED_BY = ("events", "up", "down")

_LEVEL = 0.95

#: With more events than this a row is taken to have any p. [events]
_FEW = 300


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
        Greatest probability, over all changes within the margin, of counts at least this far apart. [ratio]
    events : float64 array, (n,)
        Events of both counts together.
    up, down : float64 arrays, (n,)
        Expected share of the events that is now, at the upper and the lower edge of the margin. [ratio]
    """

    ratio: Floats
    low: Floats
    high: Floats
    p: Floats
    events: Floats
    up: Floats
    down: Floats

    @property
    def bound(self) -> Floats:
        """Logarithm of the end of the interval that is nearer to no change, signed; 0 where it holds no change."""
        low, high = np.log(np.maximum(self.low, 1e-300)), np.log(self.high)
        return np.where(low > 0, low, np.where(high < 0, high, 0.0))

    def columns(self) -> dict[str, Floats]:
        """Columns of a table of changes: the ratios, and what :func:`false_discovery` reads."""
        return {
            "ratio": self.ratio, "ratio_low": self.low, "ratio_high": self.high, "p": self.p,
            **{name: getattr(self, name) for name in JUDGED_BY},
        }  # fmt: skip


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
    interval is that of Clopper and Pearson; p is the tail at the nearer edge of the margin, and what lies as far out on
    the other side.

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
    p = np.where(whole > 0, _p(now, whole, up, down), 1.0)
    return RateRatios(ratio, low, high, p, whole, up, down)


def _p(now: Floats, events: Floats, up: Floats, down: Floats) -> Floats:
    """Greatest probability of a count now that lies as far from the margin as this one, on either side of it."""
    tail = np.minimum(scipy.stats.binom.sf(now - 1, events, up), scipy.stats.binom.cdf(now, events, down))
    # No quantile is looked for so far out: twice the tail is as good there.
    size = np.maximum(tail, _TINY)
    few = scipy.stats.binom.ppf(size, events, down)
    few = np.where(scipy.stats.binom.cdf(few, events, down) > size * (1 + 1e-9), few - 1, few)
    many = scipy.stats.binom.isf(size, events, up) + 1
    many = np.where(scipy.stats.binom.sf(many - 1, events, up) > size * (1 + 1e-9), many + 1, many)
    other = np.maximum(scipy.stats.binom.cdf(few, events, up), scipy.stats.binom.sf(many - 1, events, down))
    return np.asarray(np.minimum(tail + np.where(tail < _TINY, tail, other), 1.0), np.float64)


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
    return RateRatios(
        ratio, low, high, np.where(beyond, together.p, 1.0), together.events, together.up, together.down
    ), least


def false_discovery(p: Floats, events: Floats, up: Floats, down: Floats) -> Floats:
    """Share of wrong rows if all rows with at most this p were named: q of Benjamini and Hochberg, for counts. [ratio]

    Parameters
    ----------
    p : float64 array, (n,)
        Probabilities of the rows if nothing had changed. [ratio]
    events, up, down : float64 arrays, (n,)
        As of :class:`RateRatios`.

    Notes
    -----
    A row of few events cannot have every p: it is expected to add the greatest p that it can have up to a level to the
    rows wrongly named at that level, not the level itself [2]_. Rows that can never be named therefore cost nothing.

    Examples
    --------
    >>> half, third = np.full(2, 0.5), np.full(2, 1 / 3)
    >>> false_discovery(np.array([0.001, 1.0]), np.array([10_000.0, 1.0]), half, third).round(4).tolist()
    [0.001, 1.0]

    References
    ----------
    .. [1] Y. Benjamini, Y. Hochberg, Controlling the false discovery rate, J. R. Stat. Soc. B 57 (1995) 289.
    .. [2] J. F. Heyse, A false discovery rate procedure for categorical data, in: Recent Advances in Biostatistics
       (2011) 43.
    """
    order = np.argsort(p, kind="stable")
    levels = p[order]
    expected = np.zeros(len(p))
    for row, whole in enumerate(events):
        expected += levels if whole > _FEW else _attainable(levels, whole, up[row], down[row])
    scaled = expected / np.arange(1, len(p) + 1)
    q = np.empty(len(p))
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return np.maximum(q, p)


def _attainable(levels: Floats, events: float, up: float, down: float) -> Floats:
    """Greatest p of so many events that is at most each level; 0 where every one is greater."""
    counts = np.arange(events + 1)
    size = np.ones(len(counts))
    values = np.sort(_p(counts, events * size, up * size, down * size))
    places = np.searchsorted(values, levels * (1 + 1e-9), side="right") - 1
    return np.where(places >= 0, values[places], 0.0)
