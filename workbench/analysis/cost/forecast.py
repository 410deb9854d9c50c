"""Where spend lands: total of a running period with an 80 % interval, and when and how likely a budget is overrun."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Weights of the newest day in the levels that are compared.
PACES = (0.05, 0.1, 0.2, 0.4, 0.8)

#: Days of which levels and weekday shares are taken, and days below which only the last day is repeated. [d]
LEVEL_DAYS, SHARE_DAYS, SHORT_DAYS = 56, 56, 14

#: Weight of a day by its age, one row a pace, the newest last. [ratio]
_FADING = (1 - np.array(PACES)[:, None]) ** np.arange(LEVEL_DAYS)[::-1]

#: Days back to the same day of the months before. [d]
MONTHS = (30, 61)

#: Times that a level of a month ago is raised or lowered at most. [ratio]
MOST_RISE = 3.0

#: Days that a forecast needs at least, and days back from which backtests start. [d]
LEAST_DAYS, ORIGINS = 3, 28

#: Share of true totals that the interval should hold, and errors below which it is provisional.
BAND, LEAST_ERRORS = 0.8, 8

#: The interval is wider by this over the number of errors, as they overlap; not with a short history, as its earlier
#: forecasts knew less.
WIDER = 4.0

#: Errors below which no quantile of them holds :data:`BAND`: the interval is so many times the largest, and reaches to
#: the mean day so far, repeated. [count], [ratio]
LEAST_QUANTILE, FEW_WIDER = 4, 2.5


@dataclass(frozen=True)
class PeriodEnd:
    """Forecast of the rest of a running period.

    Attributes
    ----------
    rest, low, high : float
        Expected spend from now to the end, and its 80 % interval; never below 0. [as given]
    path : float64 array
        Expected spend of each day ahead, the last one cut at the end. [as given]
    errors : float64 array
        Relative errors of the same forecast made earlier. [ratio]
    days : int
        Known days of history. [d]
    verdict : str
        ``normal``; ``provisional`` with few errors; ``short`` with less than two weeks of history; ``refused``.
    """

    rest: float
    low: float
    high: float
    path: Floats
    errors: Floats
    days: int
    verdict: str

    def overrun_probability(self, left: float) -> float:
        """Probability that more than ``left`` is spent by the end; 1 when nothing is left. [ratio]"""
        if left <= 0:
            return 1.0
        if self.verdict == "refused":
            return float("nan")
        if not len(self.errors):
            return 1.0 if self.low > left else 0.0 if self.high <= left else 0.5
        over = int((self.rest * (1 + self.errors) > left).sum())
        return (over + 0.5) / (len(self.errors) + 1)

    def overrun_day(self, left: float) -> int | None:
        """Days ahead after which the expected spend passes ``left``: 0 when it has, None when it does not. [d]"""
        if left <= 0:
            return 0
        passed = np.flatnonzero(np.cumsum(self.path) > left)
        return int(passed[0]) if len(passed) else None


def period_end(days: Floats, ahead: float) -> PeriodEnd:
    """Forecast what is spent from now to the end of a period.

    Parameters
    ----------
    days : float64 array
        Spend of consecutive stretches of 24 hours up to now, the oldest first; NaN where one was not observed.
        [as given]
    ahead : float
        Days from now to the end of the period. [d]

    Returns
    -------
    PeriodEnd

    Notes
    -----
    A member is a level times the shares of the weekdays: the level is an exponentially weighted mean of the days
    without their weekday, one a pace; the shares are shrunk by their own noise. Two more are the days after the same
    day one and two months ago, times the last week over the week before that day, where the history is long enough: the
    ends of months have a course of their own. Members are weighted by 1 / MAE² of the same forecast made from earlier
    days of this history [1]_. With less than two weeks the last day is repeated. The
    interval is conformal: the ceil((n + 1) 0.8) / n quantile of the relative errors of those forecasts [2]_; with fewer
    than four, which have no such quantile, 2.5 times the largest, and at least to the mean day so far, repeated.

    References
    ----------
    .. [1] J. M. Bates, C. W. J. Granger, The combination of forecasts, Operational Research Quarterly 20, 1969.
    .. [2] J. Lei et al., Distribution-free predictive inference for regression, J. Am. Stat. Assoc. 113, 2018.

    Examples
    --------
    >>> round(period_end(np.full(60, 10.0), 12.5).rest, 6)
    125.0
    """
    (end,) = period_ends(days, [ahead])
    return end


def period_ends(days: Floats, aheads: Sequence[float]) -> list[PeriodEnd]:
    """Forecast the ends of several periods from one history, each as :func:`period_end` does; levels are shared."""
    known = np.flatnonzero(np.isfinite(days))
    states = cache(lambda at: _State.of(days[known[0] :][:at]))
    return [_end(days, known, ahead, states) for ahead in aheads]


def _end(days: Floats, known: NDArray[np.int64], ahead: float, states: Callable[[int], _State]) -> PeriodEnd:
    reach = int(np.ceil(ahead - 1e-9))
    if len(known) < LEAST_DAYS or known[-1] < len(days) - 2:
        return PeriodEnd(np.nan, np.nan, np.nan, np.full(reach, np.nan), np.zeros(0), len(known), "refused")
    values = days[known[0] :]
    if reach == 0:
        return PeriodEnd(0.0, 0.0, 0.0, np.zeros(0), np.zeros(0), len(known), "normal")
    part = np.ones(reach)
    part[-1] -= reach - ahead
    short = len(known) < SHORT_DAYS
    first = max(LEAST_DAYS, len(values) - reach - ORIGINS)
    complete = [np.isfinite(values[at : at + reach]).all() for at in range(first, len(values) - reach + 1)]
    origins = [first + n for n, whole in enumerate(complete) if whole and np.isfinite(values[: first + n]).sum() >= 2]
    ages = [age for age in MONTHS if reach <= age <= first - 7]

    def members_from(at: int) -> Floats:
        return _repeated(values[:at], reach) if short else _members(states(at), reach, ages)

    tried = np.array([(members_from(at) * part).sum(axis=1) for at in origins])
    true = np.array([(values[at : at + reach] * part).sum() for at in origins])
    members = members_from(len(values))
    weights = np.full(len(members), 1 / len(members))
    if len(origins) >= 3:
        weights = 1 / (
            np.abs(tried - true[:, None]).mean(axis=0) ** 2 + 1e-12 * max(float(np.nanmean(values)) ** 2, 1e-12)
        )
        weights /= weights.sum()
    path = np.maximum(weights @ members * part, 0.0)
    rest = float(path.sum())
    past = tried @ weights if len(origins) else np.zeros(0)
    usable = past > 0
    errors = true[usable] / past[usable] - 1 if len(origins) else np.zeros(0)
    verdict = "short" if short else "provisional" if len(errors) < LEAST_ERRORS else "normal"
    width = _quantile(np.abs(errors)) if len(errors) else 1.0
    if len(errors) >= LEAST_QUANTILE:
        width *= 1.0 if short else 1 + WIDER / len(errors)
        low, high = max(rest * (1 - width), 0.0), rest * (1 + width)
    else:
        repeated = float(np.nanmean(values)) * ahead
        low = min(max(rest * (1 - FEW_WIDER * width), 0.0), repeated)
        high = max(rest * (1 + FEW_WIDER * width), repeated)
    return PeriodEnd(rest, low, high, np.asarray(path, np.float64), np.asarray(errors, np.float64), len(known), verdict)


@dataclass(frozen=True)
class _State:
    """A history as members see it: shares of the weekdays, the days without them, and a level for each pace."""

    shares: Floats
    plain: Floats
    levels: Floats

    @classmethod
    def of(cls, values: Floats) -> _State:
        weekdays = np.arange(len(values)) % 7
        shares = _shares(values)
        plain = values / np.maximum(shares[weekdays], 0.05)
        used = plain[-LEVEL_DAYS:]
        known = np.isfinite(used)
        weights = np.where(known, _FADING[:, -len(used) :], 0.0)
        levels = (weights * np.where(known, used, 0.0)).sum(axis=1) / weights.sum(axis=1)
        return cls(shares, plain, levels)


def _repeated(values: Floats, reach: int) -> Floats:
    """Forecast of the coming days where little is known: the last day again."""
    return np.full((1, reach), values[np.isfinite(values)][-1])


def _members(state: _State, reach: int, ages: list[int]) -> Floats:
    """Forecasts of the coming days, a row a member."""
    weekdays = state.shares[np.arange(len(state.plain), len(state.plain) + reach) % 7]
    courses = [_course(state.plain, age, reach, state.levels[len(PACES) // 2]) * weekdays for age in ages]
    return np.vstack([np.outer(state.levels, weekdays), *courses])


def _course(plain: Floats, age: int, reach: int, level: float) -> Floats:
    """Return the days after a day some time ago, at the level of the last week; a day not observed has a level."""
    then, after = _mean(plain[-age - 7 : -age]), plain[-age:][:reach]
    now = _mean(plain[-7:])
    if not (np.isfinite(then) and np.isfinite(now)) or then <= 0:
        return np.full(reach, level)
    return np.where(np.isfinite(after), after * min(max(now / then, 1 / MOST_RISE), MOST_RISE), level)


def _shares(values: Floats) -> Floats:
    """Share of each day of the week, shrunk by its noise; 1 with less than three weeks."""
    recent = values[-SHARE_DAYS:]
    if len(recent) < 21:
        return np.ones(7)
    known = np.isfinite(recent)
    filled = recent if known.all() else np.where(known, recent, np.nanmedian(recent))
    means = np.convolve(filled, np.full(7, 1 / 7), mode="valid")
    ratio = np.divide(recent[3:-3], means, out=np.full(len(means), np.nan), where=means > 0)
    known = np.isfinite(ratio)
    weekdays = (len(values) - len(recent) + 3 + np.arange(len(ratio))) % 7
    shares = np.ones(7)
    for place in range(7):
        mine = ratio[place::7][known[place::7]]
        shares[weekdays[place]] = mine.sum() / len(mine) if len(mine) >= 2 else 1.0
    shares /= max(float(shares.mean()), 1e-12)
    off = ratio - shares[weekdays]
    noise = _mean((off - _mean(off)) ** 2) / max(len(ratio) / 7, 1) if known.any() else 0.0
    real = float(shares.var())
    kept = max(1 - noise / real, 0.0) if real > 0 else 0.0
    return np.asarray(1 + (shares - 1) * kept, np.float64)


def _mean(values: Floats) -> float:
    """Mean of the values that are known; NaN where none is."""
    known = np.isfinite(values)
    return float(np.where(known, values, 0.0).sum() / known.sum()) if known.any() else np.nan


def _quantile(sizes: Floats) -> float:
    """Finite-sample quantile of the sizes of errors."""
    ordered = np.sort(sizes)
    return float(ordered[min(int(np.ceil((len(ordered) + 1) * BAND)), len(ordered)) - 1])
