"""The difference of two samples with its interval and p value: at a fixed size or at any time, paired, of ratios."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Two-sided error rate of an interval, unless another is given. [ratio]
ALPHA = 0.05

#: Sample size at which an interval that holds at any time is narrowest. [count]
TUNING = 5_000

#: Resamples of a paired bootstrap, and the most items that it takes; the t interval is as good beyond. [count]
RESAMPLES, MOST_RESAMPLED = 4_000, 5_000

#: Samples of shares up to this size are tested exactly. [count]
SMALL = 2_000


@dataclass(frozen=True)
class Effect:
    """A difference (second less first) with its two-sided interval.

    Attributes
    ----------
    difference, low, high : float
        [unit of the score, or ratio where relative]
    p : float
        Of no difference, two-sided.
    test : str
        The method, as a reader knows it.
    """

    difference: float
    low: float
    high: float
    p: float
    test: str


@dataclass(frozen=True)
class Moments:
    """Size, mean and variance (with n - 1) of a sample."""

    n: int
    mean: float
    variance: float

    @classmethod
    def of(cls, values: Floats) -> Moments:
        """Take them from values; a variance needs two."""
        spread = float(np.var(values, ddof=1)) if len(values) > 1 else math.nan
        return cls(len(values), float(np.mean(values)) if len(values) else math.nan, spread)

    @classmethod
    def of_sums(cls, n: int, total: float, squares: float) -> Moments:
        """Take them from the sum and the sum of squares.

        Examples
        --------
        >>> Moments.of_sums(4, 10.0, 30.0)
        Moments(n=4, mean=2.5, variance=1.6666666666666667)
        """
        return cls(n, total / n, (squares - total * total / n) / (n - 1))

    @classmethod
    def of_proportion(cls, n: int, successes: int) -> Moments:
        """Take them from successes, with the variance p (1 - p)."""
        share = successes / n
        return cls(n, share, share * (1 - share))


def welch(first: Moments, second: Moments, *, relative: bool = False, alpha: float = ALPHA) -> Effect:
    """Difference of two independent means by Welch's t; relative by the delta method.

    Parameters
    ----------
    first, second : Moments
        Count, mean and variance of each group.
    relative : bool
        Whether the difference is a share of the first mean.
    alpha : float
        Two-sided error rate. [ratio]

    Notes
    -----
    Relative: (m2 - m1) / m1 with variance v2 / (n2 m1^2) + v1 m2^2 / (n1 m1^4); degrees of freedom after
    Welch-Satterthwaite [1]_. No variance at all gives an interval of no width, and p = 1 when the means are equal.

    References
    ----------
    .. [1] B. L. Welch, Biometrika 34 (1947); relative lift as in A. Deng et al., KDD 2018 (delta method).

    Examples
    --------
    >>> first, second = Moments.of_sums(3407, 1396.87, 52377.9767), Moments.of_sums(3461, 2422.7, 134698.29)
    >>> effect = welch(first, second, relative=True)
    >>> round(effect.difference, 5), round(effect.low, 5), round(effect.high, 5), round(effect.p, 5)
    (0.70732, -0.03526, 1.44989, 0.06191)
    """
    if relative and not first.mean:
        return Effect(math.nan, math.nan, math.nan, math.nan, "Welch, relative")
    difference, error = _difference(first, second, relative=relative)
    parts = (first.variance / first.n, second.variance / second.n)
    within = sum(part**2 / (moments.n - 1) for part, moments in zip(parts, (first, second), strict=True))
    freedom = sum(parts) ** 2 / within if within else float(first.n + second.n - 2)
    name = "Welch, relative" if relative else "Welch"
    return _by_t(difference, error, freedom, alpha, name)


def proportions(first: Floats, second: Floats, *, alpha: float = ALPHA) -> Effect:
    """Difference of two shares of small samples: Welch's interval, Fisher's exact p.

    Parameters
    ----------
    first, second : float array
        Scores of 0 and 1.
    alpha : float
        Two-sided error rate. [ratio]

    Notes
    -----
    On samples of some hundreds the t test of shares errs a little more often than it says; Fisher's test never does
    [1]_.

    References
    ----------
    .. [1] R. A. Fisher, J. Royal Statistical Society 85 (1922).

    Examples
    --------
    >>> effect = proportions(np.repeat([1.0, 0.0], [21, 79]), np.repeat([1.0, 0.0], [5, 95]))
    >>> round(effect.difference, 2), round(effect.p, 4)
    (-0.16, 0.0012)
    """
    effect = welch(Moments.of(first), Moments.of(second), alpha=alpha)
    won = int(first.sum()), int(second.sum())
    table = [[won[0], len(first) - won[0]], [won[1], len(second) - won[1]]]
    return Effect(
        effect.difference, effect.low, effect.high, float(scipy.stats.fisher_exact(table).pvalue), "Fisher, exact"
    )


def at_any_time(
    first: Moments, second: Moments, *, relative: bool = False, alpha: float = ALPHA, tuning: int = TUNING
) -> Effect:
    """Difference with an interval that holds however often the data are looked at.

    Parameters
    ----------
    first, second, relative, alpha
        As for :func:`welch`.
    tuning : int
        Sample size of both together at which the interval is narrowest. [count]

    Notes
    -----
    An asymptotic confidence sequence [1]_: with N observations, s^2 = N times the variance of the difference and
    rho^2 = (-2 log a + log(1 - 2 log a)) / tuning, half its width is
    s sqrt(2 (N rho^2 + 1) log(sqrt(N rho^2 + 1) / a)) / (N rho); p is the smallest a that leaves zero out by the same
    mixture.

    References
    ----------
    .. [1] I. Waudby-Smith et al., Time-uniform central limit theory and asymptotic confidence sequences (2021), 2.3.

    Examples
    --------
    >>> first, second = Moments.of_proportion(3000, 1396), Moments.of_proportion(3461, 2422)
    >>> effect = at_any_time(first, second, relative=True)
    >>> round(effect.difference, 4), round(effect.low, 4), round(effect.high, 4), round(effect.p, 4)
    (0.5039, 0.401, 0.6067, 0.0)
    """
    if relative and not first.mean:
        return Effect(math.nan, math.nan, math.nan, math.nan, "any time, relative")
    difference, error = _difference(first, second, relative=relative)
    return _any_time(
        difference, error, first.n + second.n, alpha, tuning, "any time, relative" if relative else "any time"
    )


def paired(first: Floats, second: Floats, *, alpha: float = ALPHA, any_time: bool = False) -> Effect:
    """Mean difference of items that both have scored: McNemar's exact p for scores of 0 and 1, else the bootstrap.

    Parameters
    ----------
    first, second : float array, length n
        Scores of the same items in the same order.
    alpha : float
        Two-sided error rate. [ratio]
    any_time : bool
        Whether the interval shall hold however often one looks.

    Notes
    -----
    The interval is that of a t of the differences, or the percentiles of a paired bootstrap with a fixed seed up to
    5,000 items. McNemar's p is binomial: of the items on which they disagree, half should fall to either side [1]_.

    References
    ----------
    .. [1] Q. McNemar, Psychometrika 12 (1947).

    Examples
    --------
    >>> first, second = np.repeat([1.0, 0.0, 1.0], [476, 147, 377]), np.repeat([0.0, 1.0, 1.0], [476, 147, 377])
    >>> effect = paired(first, second)
    >>> round(effect.difference, 3), f"{effect.p:.1e}", effect.test
    (-0.329, '2.1e-41', 'McNemar, exact')
    """
    gaps = Moments.of(second - first)
    error = math.sqrt(gaps.variance / gaps.n) if gaps.n > 1 else math.nan
    if any_time:
        return _any_time(gaps.mean, error, gaps.n, alpha, TUNING, "any time, paired")
    effect = _by_t(gaps.mean, error, gaps.n - 1.0, alpha, "paired t")
    if binary(first) and binary(second):
        lost, won = int(((first == 1) & (second == 0)).sum()), int(((first == 0) & (second == 1)).sum())
        p = float(scipy.stats.binomtest(min(lost, won), lost + won).pvalue) if lost + won else 1.0
        return Effect(effect.difference, effect.low, effect.high, p, "McNemar, exact")
    if gaps.n > MOST_RESAMPLED or gaps.n < 2 or not gaps.variance:
        return effect
    means = _resampled(second - first)
    low, high = (float(value) for value in np.quantile(means, (alpha / 2, 1 - alpha / 2)))
    beyond = min((means <= 0).sum(), (means >= 0).sum())
    p = min(1.0, 2 * (float(beyond) + 1) / (RESAMPLES + 1))
    return Effect(gaps.mean, low, high, p, "paired bootstrap")


def adjusted(first: Floats, second: Floats, before: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Take out of scores what a value from before the test explains (CUPED).

    Parameters
    ----------
    first, second : float array
        Scores.
    before : pair of float array
        The value from before, item by item, of each sample.

    Notes
    -----
    y - theta (x - mean x) with theta = cov(y, x) / var(x) over both samples, each about its own mean [1]_.

    References
    ----------
    .. [1] A. Deng et al., Improving the sensitivity of online controlled experiments (CUPED), WSDM 2013.

    Examples
    --------
    >>> y, x = np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 2.0])
    >>> [values.tolist() for values in adjusted(y, y + 1, (x, x))]
    [[2.0, 2.0, 2.0], [3.0, 3.0, 3.0]]
    """
    scores = [values - values.mean() for values in (first, second)]
    known = [values - values.mean() for values in before]
    spread = sum(float(values @ values) for values in known)
    if not spread:
        return first, second
    theta = sum(float(score @ value) for score, value in zip(scores, known, strict=True)) / spread
    middle = np.concatenate(before).mean()
    return first - theta * (before[0] - middle), second - theta * (before[1] - middle)


def linearised(amounts: Floats, counts: Floats) -> tuple[float, Floats]:
    """Return a ratio of sums, and values whose mean and variance are those of the ratio (delta method).

    Parameters
    ----------
    amounts, counts : float array, length n
        E.g. cost and success of each request.

    Notes
    -----
    R + (a - R c) / mean(c), so that ratios are compared as means are [1]_.

    References
    ----------
    .. [1] A. Deng et al., Applying the delta method in metric analytics, KDD 2018.

    Examples
    --------
    >>> ratio, values = linearised(np.array([2.0, 4.0]), np.array([1.0, 1.0]))
    >>> ratio, values.tolist()
    (3.0, [2.0, 4.0])
    """
    if not counts.sum():
        return math.nan, np.full(len(amounts), np.nan)
    ratio = float(amounts.sum() / counts.sum())
    return ratio, ratio + (amounts - ratio * counts) / counts.mean()


def sample_ratio_p(counts: tuple[int, int], expected: tuple[float, float] = (0.5, 0.5)) -> float:
    """P value of two sample sizes under the shares that they should have (chi-square, one degree of freedom).

    Examples
    --------
    >>> f"{sample_ratio_p((1000, 1200)):.6e}"
    '2.007866e-05'
    """
    whole, shares = sum(counts), np.asarray(expected) / sum(expected)
    return float(scipy.stats.chisquare(counts, whole * shares).pvalue)


def holm(p_values: Floats) -> Floats:
    """P values adjusted so that the chance of any false one stays at the error rate (Holm 1979).

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).round(6).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    stepped = np.maximum.accumulate(p_values[order] * (len(p_values) - np.arange(len(p_values))))
    adjusted_p = np.empty(len(p_values))
    adjusted_p[order] = np.minimum(stepped, 1.0)
    return adjusted_p


def _difference(first: Moments, second: Moments, *, relative: bool) -> tuple[float, float]:
    """Difference and its standard error."""
    parts = first.variance / first.n, second.variance / second.n
    if not relative:
        return second.mean - first.mean, math.sqrt(sum(parts))
    base = first.mean
    return (second.mean - base) / base, math.sqrt(parts[1] / base**2 + parts[0] * second.mean**2 / base**4)


def _by_t(difference: float, error: float, freedom: float, alpha: float, name: str) -> Effect:
    if not math.isfinite(error):
        return Effect(difference, math.nan, math.nan, math.nan, name)
    if not error:
        return Effect(difference, difference, difference, 0.0 if difference else 1.0, name)
    reach = float(scipy.stats.t.ppf(1 - alpha / 2, freedom)) * error
    p = 2 * float(scipy.stats.t.sf(abs(difference) / error, freedom))
    return Effect(difference, difference - reach, difference + reach, p, name)


def _any_time(difference: float, error: float, n: int, alpha: float, tuning: int, name: str) -> Effect:
    if not math.isfinite(error) or not error:
        return _by_t(difference, error, 1.0, alpha, name)
    rho = math.sqrt((-2 * math.log(alpha) + math.log(1 - 2 * math.log(alpha))) / tuning)
    mixed = n * rho * rho + 1
    spread = error * math.sqrt(n)
    reach = spread * math.sqrt(2 * mixed * math.log(math.sqrt(mixed) / alpha)) / (n * rho)
    evidence = 0.5 * (n * rho * rho / mixed) * (difference / error) ** 2 - 0.5 * math.log(mixed)
    return Effect(difference, difference - reach, difference + reach, math.exp(min(0.0, -evidence)), name)


def binary(values: Floats) -> bool:
    """Whether all scores are 0 or 1."""
    return bool(np.isin(values, (0.0, 1.0)).all())


def _resampled(gaps: Floats) -> Floats:
    """Means of resamples, the same for the same gaps."""
    random = np.random.default_rng(len(gaps))
    means = np.empty(RESAMPLES)
    for begin in range(0, RESAMPLES, 200):
        picks = random.integers(0, len(gaps), (200, len(gaps)))
        means[begin : begin + 200] = gaps[picks].mean(axis=1)
    return means
