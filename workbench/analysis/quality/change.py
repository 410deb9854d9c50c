"""Whether two distributions differ, from counts in cells: one test by type, and how far they are apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import NDArray

from workbench.analysis.quality.distances import EMPTY, jensen_shannon_shares
from workbench.analysis.quality.tally import ColumnKind

Floats = NDArray[np.float64]

#: Samples with fewer answers are not judged. [count]
LEAST_ANSWERS = 20

#: Up to this many answers a test of categories draws tables; beyond, chi-square is as good. [count]
SMALL = 5_000

#: Tables drawn. [count]
DRAWS = 4_999

#: Orders of days drawn, and the most cells that they are compared in. [count]
ORDERS, DAY_CELLS = 9_999, 100

#: Most cells in which the distributions of numbers are compared; more would gain little. [count]
CELLS = 64


@dataclass(frozen=True)
class Change:
    """How two distributions differ.

    Attributes
    ----------
    test : str
        Method, as a reader knows it.
    moved : float
        Largest gap of the distribution functions (numbers), or half the sum of the differences of shares: the share of
        answers that would have to change for both to be alike, at least. [ratio]
    p : float
        Of no difference. [ratio]
    psi : float
        Population stability index over deciles of the reference, an empty one as 0.0001. [nat]
    jensen_shannon : float
        Distance to base 2 over the same bins, or the categories. [ratio]
    wasserstein : float
        Mean distance that values moved; NaN for categories. [unit of the column]
    """

    test: str
    moved: float
    p: float
    psi: float
    jensen_shannon: float
    wasserstein: float


def change(kind: ColumnKind, places: Floats, reference: Floats, current: Floats) -> Change:
    """Test two rows of counts of the same cells, answers taken as independent.

    Parameters
    ----------
    kind : {"number", "share", "category"}
        What the cells stand for.
    places : float array, (cells,)
        Values of the cells, in order. [unit of the column]
    reference, current : float array, (cells,)
        [count]

    Returns
    -------
    Change

    Notes
    -----
    Numbers: Anderson and Darling's statistic of two samples with ties at midranks [1]_, in at most 64 groups of cells.
    Its p is that of the weighted sum of squares that it is at these cells, so that neither ties nor buckets hide a
    change, and answers give the verdict of their histogram. ``moved`` is Kolmogorov and Smirnov's statistic.
    Shares: Fisher's exact p up to 5,000 answers, else chi-square. Categories: chi-square; where fewer than 5 answers
    are expected somewhere, against tables drawn with the same sums.

    References
    ----------
    .. [1] F. W. Scholz, M. A. Stephens, K-sample Anderson-Darling tests, JASA 82 (1987), eq. 7.

    Examples
    --------
    >>> stars = np.arange(1.0, 6.0)
    >>> fell = change("number", stars, np.array([0.0, 0, 100, 200, 100]), np.array([100.0, 0, 0, 0, 300]))
    >>> fell.test, fell.moved, fell.p < 1e-9, round(fell.wasserstein, 2)
    ('Anderson-Darling', 0.5, True, 1.0)
    """
    p, q = reference / reference.sum(), current / current.sum()
    bins = _deciles(p) if kind == "number" else np.arange(len(p))
    parts = [np.bincount(bins, share).astype(np.float64) for share in (p, q)]
    filled = [np.where(part > 0, part, EMPTY) for part in parts]
    shared = np.maximum(*parts) > 0
    psi = float(np.sum(((filled[1] - filled[0]) * np.log(filled[1] / filled[0]))[shared]))
    distance = jensen_shannon_shares(parts[0], parts[1])
    if kind == "category":
        moved = float(0.5 * np.abs(p - q).sum())
        test, chance = _categories(reference, current)
        return Change(test, moved, chance, psi, distance, math.nan)
    gaps = np.cumsum(p - q)
    far = float(np.sum(np.abs(gaps[:-1]) * np.diff(places)))
    moved = float(np.abs(gaps).max())
    if kind == "share" or (np.count_nonzero(reference + current) <= 2):
        test, chance = _shares(reference, current)
    else:
        test, chance = "Anderson-Darling", _anderson_darling_p(reference, current)
    return Change(test, moved, chance, psi, distance, far)


@lru_cache(maxsize=4)
def day_orders(strata: tuple[int, ...], reference: int) -> Floats:
    """Draw which days are now: 1 for those that are, (1 + orders, days); the first row is what was observed.

    Parameters
    ----------
    strata : tuple of int, length days
        Days of the reference, then those of now, change places only within one stratum: the weekday.
    reference : int
        Days of the reference. [d]
    """
    number, places = len(strata), np.array(strata)
    random = np.random.default_rng(number)
    order = np.tile(np.arange(number), (ORDERS, 1))
    for stratum in np.unique(places):
        own = np.flatnonzero(places == stratum)
        order[:, own] = random.permuted(np.tile(own, (ORDERS, 1)), axis=1)
    picked = np.zeros((ORDERS + 1, number))
    picked[0, reference:] = 1
    np.put_along_axis(picked[1:], order[:, reference:], 1.0, axis=1)
    return picked


def by_days(days: Floats, orders: Floats, *, ordered: bool) -> float:
    """P value of a difference when days, not answers, are the independent units.

    Parameters
    ----------
    days : float array, (days, cells)
        Days of the reference, then those of now. [count]
    orders : float array
        Of :func:`day_orders`.
    ordered : bool
        Whether cells are in order; else half the sum of the differences is the statistic.

    Notes
    -----
    The days of both are put in 9,999 random orders [1]_. Answers of one day resemble each other, so that a test that
    takes them for independent calls an ordinary day a drift.

    References
    ----------
    .. [1] P. Good, Permutation, Parametric and Bootstrap Tests of Hypotheses, 3rd ed., 2005, 3.
    """
    if ordered and days.shape[1] > DAY_CELLS:
        days = np.add.reduceat(days, _equal_parts(days.sum(axis=0), DAY_CELLS), axis=1)
    now = orders @ days
    before = days.sum(axis=0) - now
    with np.errstate(invalid="ignore", divide="ignore"):
        gaps = now / now.sum(axis=1, keepdims=True) - before / before.sum(axis=1, keepdims=True)
    gaps = np.nan_to_num(gaps)
    moved = np.abs(np.cumsum(gaps, axis=1)).max(axis=1) if ordered else 0.5 * np.abs(gaps).sum(axis=1)
    return float((1 + np.sum(moved[1:] >= moved[0] - 1e-12)) / len(orders))


def share_p(first: tuple[float, float], second: tuple[float, float]) -> float:
    """P value of two shares, each given as (with, without)."""
    return _shares(np.array(first[::-1]), np.array(second[::-1]))[1]


def _deciles(reference: Floats) -> NDArray[np.int64]:
    """Decile of the reference that each cell belongs to."""
    upto = np.cumsum(reference) - reference / 2
    places: NDArray[np.int64] = np.minimum((upto * 10).astype(np.int64), 9)
    return places


def _shares(reference: Floats, current: Floats) -> tuple[str, float]:
    used = (reference + current) > 0
    if used.sum() < 2:
        return "Fisher, exact", 1.0
    table = np.vstack([reference[used], current[used]])
    if table.sum() <= SMALL:
        return "Fisher, exact", float(scipy.stats.fisher_exact(np.round(table).astype(int)).pvalue)
    return "chi-square", float(scipy.stats.chi2_contingency(table, correction=False).pvalue)


def _categories(reference: Floats, current: Floats) -> tuple[str, float]:
    used = (reference + current) > 0
    if used.sum() <= 2:
        return _shares(reference, current)
    table = np.vstack([reference[used], current[used]])
    total = table.sum()
    expected = table.sum(axis=1, keepdims=True) @ table.sum(axis=0, keepdims=True) / total
    if expected.min() >= 5:
        return "chi-square", float(scipy.stats.chi2_contingency(table, correction=False).pvalue)
    if total > SMALL:
        rare = expected.min(axis=0) < 5
        merged = np.hstack([table[:, ~rare], table[:, rare].sum(axis=1, keepdims=True)])
        return "chi-square, rare ones together", float(scipy.stats.chi2_contingency(merged, correction=False).pvalue)
    far = ((_drawn(table) - expected) ** 2 / expected).sum(axis=(1, 2))
    seen = ((table - expected) ** 2 / expected).sum()
    return "chi-square, drawn tables", float((1 + np.sum(far >= seen - 1e-9)) / (DRAWS + 1))


def _anderson_darling_p(reference: Floats, current: Floats) -> float:
    """P value of Anderson and Darling's statistic of two samples, at most :data:`CELLS` groups of cells."""
    both = np.vstack([reference, current])[:, (reference + current) > 0]
    if both.shape[1] > CELLS:
        both = np.add.reduceat(both, _equal_parts(both.sum(axis=0), CELLS), axis=1)
    sizes, together = both.sum(axis=1), both.sum(axis=0)
    share = together / together.sum()
    middle = np.cumsum(share) - share / 2
    spread = middle * (1 - middle) - share / 4
    gap = (np.cumsum(both[0]) - both[0] / 2) / sizes[0] - (np.cumsum(both[1]) - both[1] / 2) / sizes[1]
    scale = np.sqrt(share / spread)
    statistic = float((sizes[0] * sizes[1] / sizes.sum() ** 2) * (sizes.sum() - 1) * np.sum((scale * gap) ** 2))
    bridge = np.minimum.outer(middle, middle) - np.outer(middle, middle)
    np.fill_diagonal(bridge, spread)
    return _chi_square_mixture(statistic, np.linalg.eigvalsh(scale[:, None] * bridge * scale))


def _chi_square_mixture(value: float, weights: Floats) -> float:
    """Probability that a weighted sum of squares of standard normals is larger: D. Kuonen's saddlepoint (1999)."""
    weights = weights[weights > 1e-9 * weights.max()]
    mean, deviation = float(weights.sum()), math.sqrt(2 * float((weights**2).sum()))
    if value <= mean + 1e-3 * deviation:
        # The formula is undefined at the mean; below it nothing is decided.
        shape = (mean / deviation) ** 2
        return float(scipy.special.gammaincc(shape, max(value, 0.0) * shape / mean))
    most = 0.5 / float(weights.max())

    def slope(at: float) -> float:
        return float(np.sum(weights / (1 - 2 * at * weights))) - value

    at = float(scipy.optimize.brentq(slope, 0.0, most * (1 - 1e-12), xtol=1e-14 * most))
    rest = 1 - 2 * at * weights
    root = math.sqrt(2 * (at * value + 0.5 * float(np.sum(np.log(rest)))))
    curve = at * math.sqrt(2 * float(np.sum((weights / rest) ** 2)))
    return float(scipy.special.ndtr(-(root + math.log(curve / root) / root)))


def _equal_parts(counts: Floats, number: int) -> NDArray[np.int64]:
    """First cell of each of at most so many groups of neighbours with about as many answers each."""
    total = np.cumsum(counts)
    even = np.searchsorted(total, np.linspace(0, total[-1], number + 1)[:-1], "right")
    # A value that many answers share stands alone, so that a small tail beside it is seen.
    alone = np.flatnonzero(counts >= total[-1] / number)
    first: NDArray[np.int64] = np.unique(np.concatenate([even, alone, alone + 1]))
    first = first[first < len(counts)]
    return first


def _drawn(table: Floats) -> NDArray[np.int64]:
    """Draw tables with the sums of the given one, the same for the same sums."""
    rows, columns = (table.sum(axis=axis).round().astype(int) for axis in (1, 0))
    rows[-1] += columns.sum() - rows.sum()
    tables: NDArray[np.int64] = scipy.stats.random_table(rows, columns).rvs(
        DRAWS, random_state=np.random.default_rng(int(rows.sum()))
    )
    return tables
