"""Where a level goes: robust lines with season, the best of a small pool by backtest, bands from past errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DAY_H = 24

#: Hours joined to one point of a line.
BLOCK_H = 6

#: Look-backs of the lines. [d]
LOOKBACKS = (3, 7, 14, 28)

#: Origins of the backtest lie a day apart over the last fortnight and two days apart before.
STEP_H, FINE_ORIGINS = 24, 14

#: Members of the pool are compared over the fortnight, this far ahead. [h]
COMPARED_H = 72

#: Ends of the stretches ahead in which errors are pooled. [h]
STRETCHES_H = (24, 72, 168, 336, 720)

#: Origins below which a stretch is not measured.
LEAST_ORIGINS = 3

#: Share of true values that the band should hold.
BAND = 0.8

#: Days below which nothing is forecast, and below which a forecast is limited. [d]
LEAST_DAYS, NORMAL_DAYS = 2, 14

#: Most of the last fortnight that may be missing. [ratio]
MOST_MISSING = 0.3


@dataclass(frozen=True)
class Forecast:
    """Hourly forecast of one level, with how good such forecasts were.

    Attributes
    ----------
    middle, low, high : float64 array, length n_hours ahead
        Point forecast and 80 % band. [as given]
    method : str
        Member of the pool that was taken.
    slope : float
        Its trend. [per day]
    error, naive_error : float
        Mean absolute error up to three days ahead over the backtest, and that of the last level. [as given]
    covered : float
        Share of the values of the backtest inside the band that their own errors did not make. [ratio]
    origins : int
        Backtests made. [count]
    measured : int
        How far ahead the band rests on errors of that distance. [h]
    verdict : str
        ``normal``, or ``limited`` with little history.
    changed : int or None
        Hours before the end at which the trend last changed, where a change was found. [h]
    """

    middle: Floats
    low: Floats
    high: Floats
    method: str
    slope: float
    error: float
    naive_error: float
    covered: float
    origins: int
    measured: int
    verdict: str
    changed: int | None


def refusal(values: Floats) -> str:
    """Say why a level cannot be forecast; empty when it can.

    Parameters
    ----------
    values : float64 array
        Hourly values up to now; NaN is missing. [any]

    Examples
    --------
    >>> refusal(np.ones(20)), refusal(np.ones(48))
    ('less than 2 days of history', '')
    """
    known = np.flatnonzero(np.isfinite(values))
    if not len(known) or len(values) - known[0] < LEAST_DAYS * DAY_H:
        return f"less than {LEAST_DAYS} days of history"
    if len(values) - 1 - known[-1] > 2:
        return "the newest value is older than two hours"
    recent = values[max(known[0], len(values) - NORMAL_DAYS * DAY_H) :]
    missing = float(np.isnan(recent).mean())
    return f"{missing:.0%} of the last days are missing" if missing > MOST_MISSING else ""


def forecast(values: Floats, hours: int) -> Forecast:
    """Forecast a level that :func:`refusal` does not refuse.

    Parameters
    ----------
    values : float64 array
        Hourly values up to now; NaN is missing. [any]
    hours : int
        How far ahead. [h]

    Notes
    -----
    Pool: the last level; the usual level, the median of a fortnight; Theil-Sen lines [1]_ through the last 3, 7, 14 and
    28 days, and through the days since the last change of trend (the split into two lines with the least squared error,
    where it halves that of one line); each line starts at the last level, and all carry the median season of the day,
    and with four weeks that of the week. Rolling origins that leave at least half the history, or a fortnight, behind
    them are forecast as far as there are values. Every second origin of the last fortnight helps to choose the member
    with the least mean absolute error up to three days ahead; all others calibrate.

    The band is conformal [2]_ and by distance: within each stretch ahead (:data:`STRETCHES_H`) its half-width is the
    ceil((n + 1) 0.8) / n quantile of the n absolute errors made as far ahead. Between the middles of two stretches it
    is interpolated, and it never narrows. After a change of trend it is no narrower than the errors made since would
    have it. Where fewer than three origins reach a stretch, the half-width grows in
    proportion to the distance: ``measured`` says from where on.

    References
    ----------
    .. [1] P. K. Sen, Estimates of the regression coefficient based on Kendall's tau, J. Am. Stat. Assoc. 63, 1968.
    .. [2] J. Lei et al., Distribution-free predictive inference for regression, J. Am. Stat. Assoc. 113, 2018; by
       distance ahead: C. Xu, Y. Xie, Conformal prediction for time series, IEEE Trans. PAMI 45, 2023.

    Examples
    --------
    >>> line = forecast(np.arange(24 * 20) / 24, 48)
    >>> round(line.slope, 6), round(float(line.middle[-1]), 3)
    (1.0, 21.958)
    """
    values = values[int(np.flatnonzero(np.isfinite(values))[0]) :]
    days = len(values) / DAY_H
    names = _members(days)
    origins = _origins(len(values))
    choosing, calibrating = origins[:FINE_ORIGINS:2], origins[1:FINE_ORIGINS:2] + origins[FINE_ORIGINS:]
    pasts = {origin: _Past(values[:origin]) for origin in origins}
    errors = {name: _errors(values, pasts, choosing, name, COMPARED_H) for name in names}
    scores = {name: _mean(np.abs(found)) for name, found in errors.items()}
    best = min(names, key=lambda name: (scores[name], names.index(name)))
    now, reach = _Past(values), max(hours, COMPARED_H)
    calibrating = calibrating or choosing
    tested = np.abs(_errors(values, pasts, calibrating, best, reach))
    wide, measured = _half_width(tested, reach)
    if not len(wide):
        wide = np.full(reach, float(np.nanstd(values)))
    since = np.array([len(values) - origin <= (now.changed or 0) for origin in calibrating], np.bool_)
    if since.any():
        recent, known = _half_width(tested[since], reach)
        wide = np.maximum(wide, recent[np.minimum(np.arange(reach), known - 1)]) if known else wide
    middle, slope = now.ahead(best, hours)
    held = np.abs(errors[best])
    seen = np.isfinite(held)
    inside = held <= wide[: held.shape[1]]
    return Forecast(
        middle=middle,
        low=middle - wide[:hours],
        high=middle + wide[:hours],
        method=best,
        slope=slope,
        error=scores[best],
        naive_error=scores["last level"],
        covered=float(inside[seen].mean()) if seen.any() else np.nan,
        origins=len(origins),
        measured=min(measured, hours),
        verdict="normal" if days >= NORMAL_DAYS else "limited",
        changed=now.changed,
    )


def _origins(length: int) -> list[int]:
    """Places up to which the past of a backtest reaches, the newest first."""
    least = max(LEAST_DAYS * DAY_H, min(length // 2, NORMAL_DAYS * DAY_H))
    fine = range(STEP_H, (FINE_ORIGINS + 1) * STEP_H, STEP_H)
    coarse = range((FINE_ORIGINS + 2) * STEP_H, length, 2 * STEP_H)
    return [length - back for back in (*fine, *coarse) if length - back >= least]


def _errors(values: Floats, pasts: dict[int, _Past], origins: list[int], name: str, hours: int) -> Floats:
    """Errors of a member, a row an origin and a column an hour ahead; NaN where there is no value."""
    found = np.full((len(origins), hours), np.nan)
    for row, origin in enumerate(origins):
        reach = min(hours, len(values) - origin)
        found[row, :reach] = values[origin : origin + reach] - pasts[origin].ahead(name, reach)[0]
    return found


def _half_width(absolute: Floats, hours: int) -> tuple[Floats, int]:
    """Half-width of the band at each hour ahead, and how far ahead it is measured; empty when nothing is. [h]"""
    places, reaches, measured, start = [], [], 0, 0
    for end in STRETCHES_H:
        part = absolute[:, start:end]
        origins = int(np.isfinite(part).any(axis=1).sum())
        if origins < min(LEAST_ORIGINS, len(absolute)) or not origins:
            break
        known = np.sort(part[np.isfinite(part)])
        places.append((start + end) / 2)
        reaches.append(float(known[min(int(np.ceil((len(known) + 1) * BAND)), len(known)) - 1]))
        measured = start = end
    if not places:
        return np.zeros(0), 0
    ahead = np.arange(1, hours + 1)
    wide = np.interp(ahead, places, np.maximum.accumulate(reaches))
    beyond = ahead > measured
    return np.where(beyond, wide * ahead / max(measured, 1), wide), measured


def first_reached(path: Floats, limit: float) -> int | None:
    """Place of the first value at or above a limit; None when there is none.

    Examples
    --------
    >>> first_reached(np.array([0.1, 0.5, 0.9]), 0.5), first_reached(np.array([0.1]), 0.5)
    (1, None)
    """
    places = np.flatnonzero(path >= limit)
    return int(places[0]) if len(places) else None


def theil_sen(values: Floats) -> float:
    """Median of the slopes between all pairs of points, a step apart each; NaN is left out; 0 with fewer than two.

    Examples
    --------
    >>> theil_sen(np.array([0.0, 1.0, 2.0, 30.0, 4.0, np.nan, 6.0]))
    1.0
    """
    place = np.flatnonzero(np.isfinite(values))
    if len(place) < 2:
        return 0.0
    rows, columns = np.triu_indices(len(place), 1)
    known = values[place]
    return float(np.median((known[columns] - known[rows]) / (place[columns] - place[rows])))


def _members(days: float) -> list[str]:
    lines = [f"line of {back} days" for back in LOOKBACKS if days >= back]
    usual = ["usual level"] if days >= LOOKBACKS[1] else []
    return ["last level", *usual, *lines, *(["line since the last change"] if days >= LOOKBACKS[1] else [])]


class _Past:
    """A history taken apart once for all members of the pool: season, blocks without it, last change of trend."""

    def __init__(self, values: Floats) -> None:
        self._length = len(values)
        self._season = _season(values)
        plain = values - self._season[np.arange(len(values)) % len(self._season)]
        self._blocks = _blocks(plain[-LOOKBACKS[-1] * DAY_H :])
        self.changed = _changed(self._blocks)

    def ahead(self, name: str, hours: int) -> tuple[Floats, float]:
        """Forecast of one member, and its slope a day."""
        blocks, slope = self._blocks, 0.0
        known = np.flatnonzero(np.isfinite(blocks))
        if not len(known):
            return np.full(hours, np.nan), 0.0
        if name.endswith("days"):
            slope = theil_sen(blocks[-int(name.split()[2]) * DAY_H // BLOCK_H :])
        elif name.endswith("change"):
            slope = theil_sen(blocks[-(self.changed or len(blocks) * BLOCK_H) // BLOCK_H :])
        last = known[-NORMAL_DAYS * DAY_H // BLOCK_H :] if name == "usual level" else known[-4:]
        level = float(np.median(blocks[last] + slope * (len(blocks) - 1 - last)))
        ahead = np.arange(1, hours + 1)
        line = level + slope * (ahead + (BLOCK_H - 1) / 2) / BLOCK_H
        return line + self._season[(self._length + ahead - 1) % len(self._season)], slope * DAY_H / BLOCK_H


def _blocks(plain: Floats) -> Floats:
    """Medians of blocks of hours, the last block full; NaN where a block is empty."""
    cut = plain[len(plain) % BLOCK_H :].reshape(-1, BLOCK_H)
    empty = np.asarray(np.isnan(cut).all(axis=1), np.bool_)
    filled = np.where(empty[:, None], 0.0, cut)
    blocks: Floats = np.where(empty, np.nan, np.nanmedian(filled, axis=1))
    return blocks


def _season(values: Floats) -> Floats:
    """Usual deviation by hour of the day, with four weeks by hour of the week; counted from the first value.

    Deviations are those from centred moving means of a day and of a week, so that a slope is no season.
    """
    days = len(values) // DAY_H
    if days < LOOKBACKS[0]:
        return np.zeros(1)
    place = np.arange(len(values))
    filled = np.interp(place, place[np.isfinite(values)], values[np.isfinite(values)])
    daily = _shape(values - _moving_mean(filled, DAY_H), DAY_H, LOOKBACKS[2])
    if days < LOOKBACKS[-1]:
        return daily
    calm = filled - daily[place % DAY_H]
    levels = np.median(calm[: days * DAY_H].reshape(days, DAY_H), axis=1)
    weekly = _shape(levels - _moving_mean(levels, 7), 7, 4)
    return np.tile(daily, 7) + np.repeat(weekly, DAY_H)


def _shape(deviations: Floats, length: int, periods: int) -> Floats:
    """Median deviation at each place of the season over its last periods, with mean 0."""
    recent = deviations[-(periods + 1) * length :]
    first = (len(deviations) - len(recent)) % length
    filled = np.full(-(-(first + len(recent)) // length) * length, np.nan)
    filled[first : first + len(recent)] = recent
    table = filled.reshape(-1, length)
    empty = np.asarray(np.isnan(table).all(axis=0), np.bool_)
    shape = np.nanmedian(np.where(empty, 0.0, table), axis=0)
    centred: Floats = shape - shape.mean()
    return centred


def _moving_mean(values: Floats, length: int) -> Floats:
    """Centred mean over one season, half weights at both ends where its length is even; NaN near the ends."""
    weights = np.ones(length) if length % 2 else np.concatenate([[0.5], np.ones(length - 1), [0.5]])
    mean = np.full(len(values), np.nan)
    reach = len(weights) // 2
    if len(values) >= len(weights):
        mean[reach : len(values) - reach] = np.convolve(values, weights / length, mode="valid")
    return mean


def _changed(blocks: Floats) -> int | None:
    """Hours before the end at which two lines part best, if they halve the squared error of one line."""
    known = np.flatnonzero(np.isfinite(blocks))
    least = LOOKBACKS[0] * DAY_H // BLOCK_H
    if len(known) < 2 * least:
        return None
    x = known - known.mean()
    y = blocks[known] - blocks[known].mean()
    cuts = np.arange(least, len(known) - least + 1)
    costs = _line_errors(x, y)[cuts] + _line_errors(x[::-1], y[::-1])[len(known) - cuts]
    whole = float(_line_errors(x, y)[len(known)])
    best = int(np.argmin(costs))
    if whole <= 1e-12 * max(float((blocks[known] ** 2).sum()), 1e-300) or costs[best] > whole / 2:
        return None
    return int((len(blocks) - known[cuts[best]]) * BLOCK_H)


def _line_errors(x: Floats, y: Floats) -> Floats:
    """Squared error of the line through the first n points, for n from 0 on."""
    count = np.arange(len(x) + 1)
    sums = [np.concatenate([[0.0], np.cumsum(part)]) for part in (x, y, x * x, x * y, y * y)]
    divisor = np.maximum(count, 1)
    across = sums[2] - sums[0] ** 2 / divisor
    both = sums[3] - sums[0] * sums[1] / divisor
    rest = sums[4] - sums[1] ** 2 / divisor
    explained = np.divide(both**2, across, out=np.zeros(len(across)), where=across > 1e-9)
    errors: Floats = np.maximum(rest - explained, 0.0)
    return errors


def _mean(errors: Floats) -> float:
    known = errors[np.isfinite(errors)]
    return float(known.mean()) if len(known) else float("inf")
