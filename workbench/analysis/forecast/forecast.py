"""Where a level goes: a pool weighted by its own backtest, lines where they fit better, bands from past errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.forecast.lines import DAY_H, Lines, line_names
from workbench.analysis.forecast.pool import DAILY, HOURLY, combined, members, naive_name, weights, without_lone
from workbench.analysis.forecast.steps import levelled, recent_step

Floats = NDArray[np.float64]

#: A line is taken where its error is below this share of the pool's. [ratio]
LINE_GAIN = 0.8

#: Ending of the name of a forecast that is the mean of one and of seasonal naive.
_AND_NAIVE = " and seasonal naive"

#: Hours ahead over which lines and pool are compared. [h]
COMPARED_H = 72

#: Most steps ahead over which the members of the pool are weighted: a week of hours, four of days.
WEIGHED = {HOURLY: 168, DAILY: 28}

#: Ends of the stretches ahead in which errors are pooled. [steps]
STRETCHES = {HOURLY: (24, 72, 168, 336, 720), DAILY: (7, 14, 28, 56, 90)}

#: Origins below which a stretch is not measured.
LEAST_ORIGINS = 3

#: Shares of true values that the two bands should hold.
BAND, WIDE_BAND = 0.8, 0.95

#: Days below which nothing is forecast, and below which a forecast is limited. [d]
LEAST_DAYS, NORMAL_DAYS = 2, 14

#: Most of the last fortnight that may be missing. [ratio]
MOST_MISSING = 0.3

#: Most backtests of one forecast.
MOST_ORIGINS = 16


@dataclass(frozen=True)
class Forecast:
    """Forecast of one series, with how good such forecasts were.

    Attributes
    ----------
    middle, low, high : float64 array, length n_steps ahead
        Point forecast and 80 % band. [as given]
    low95, high95 : float64 array, length n_steps ahead
        95 % band. [as given]
    method : str
        ``pool``, a line, ``seasonal naive`` where that was better in the backtest, or the mean of both.
    slope : float
        Trend of a line; of the pool the mean change over its horizon. [per day]
    error, naive_error : float
        Mean absolute error over the backtest, and that of seasonal naive at the same places. [as given]
    covered : float
        Share of the values of the backtest inside the 80 % band of the errors of all other origins. [ratio]
    origins : int
        Backtests made. [count]
    measured : int
        How far ahead the band rests on errors of that distance. [steps]
    verdict : str
        ``normal``, or ``limited`` with little history or a level that is new.
    changed : int or None
        Steps before the end at which the level or trend last changed, where a change was found. [steps]
    """

    middle: Floats
    low: Floats
    high: Floats
    low95: Floats
    high95: Floats
    method: str
    slope: float
    error: float
    naive_error: float
    covered: float
    origins: int
    measured: int
    verdict: str
    changed: int | None


@dataclass(frozen=True)
class _Tested:
    """Errors of the backtest: a row an origin, a column a step ahead, NaN where there is no value."""

    method: str
    errors: Floats
    error: float
    naive: float


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


def forecast(
    values: Floats,
    steps: int,
    *,
    seasons: tuple[int, ...] = HOURLY,
    lower: float = -np.inf,
    upper: float = np.inf,
    markers: Sequence[int] = (),
) -> Forecast:
    """Forecast a series that :func:`refusal` does not refuse.

    Parameters
    ----------
    values : float64 array
        Hourly (or daily) values up to now; NaN is missing. [any]
    steps : int
        How far ahead. [steps]
    seasons : tuple of int
        Day and week of hourly values, the week of daily ones. [steps]
    lower, upper : float
        Bounds of the quantity; points and bands are cut there after they are combined. [as given]
    markers : sequence of int
        Places of ``values`` at which something was deployed or configured: history is put on the level after the last
        of them where the level changed there. [steps]

    Notes
    -----
    The pool (:func:`workbench.analysis.forecast.pool.members`), with the recent and the usual level of
    :class:`~workbench.analysis.forecast.lines.Lines`, is backtested from rolling origins. Forecast: half the mean of
    its best five members, half the median of all, both weighted 1/MAE²; with less than a fortnight of history the plain
    median. A Theil-Sen line replaces it where its error up to three days ahead is below 0.8 of the pool's. Where the
    error of seasonal naive (weekly with two weeks of history) is below that, it is the forecast, or the mean of both
    where that is better still; what happened in its last season alone is not repeated.

    The bands are conformal [1]_ by distance: within each stretch ahead their half-width is the ceil((n + 1) p) / n
    quantile of the n absolute errors of the backtest, times 1 + 1/(2 origins), as the errors of one origin are not
    independent; between the middles of two stretches it is interpolated, and it never narrows. Where fewer than three
    origins reach a stretch it grows in proportion to the distance. A level that left its forecast within the last day
    (:func:`workbench.analysis.forecast.steps.recent_step`) is carried on from where it is, and the band reaches back to
    the old level until a day of the new one is known. The band always holds the present value one hour ahead, and lets
    go of it over a season.

    References
    ----------
    .. [1] J. Lei et al., Distribution-free predictive inference for regression, J. Am. Stat. Assoc. 113, 2018; by
       distance ahead: C. Xu, Y. Xie, Conformal prediction for time series, IEEE Trans. PAMI 45, 2023.

    Examples
    --------
    >>> line = forecast(np.arange(24 * 20) / 24, 48)
    >>> round(line.slope, 6), round(float(line.middle[-1]), 3)
    (1.0, 21.958)
    """
    values = values[int(np.flatnonzero(np.isfinite(values))[0]) :]
    step = recent_step(values, seasons, markers)
    level = levelled(values, step)
    days = len(values) * (1 if seasons == HOURLY else DAY_H) / DAY_H
    origins = _origins(len(values), steps, seasons)
    tested, shares = _tested(level, origins, steps, seasons)
    now = _Now(level, seasons)
    middle = now.ahead(tested.method, shares, steps)
    absolute = np.abs(tested.errors)
    spread = float(np.nanstd(level[-seasons[0] :])) or float(np.nanstd(level))
    wide, measured = half_width(absolute, steps, BAND, seasons, spread)
    wider, _ = half_width(absolute, steps, WIDE_BAND, seasons, spread)
    wider = np.maximum(wide, wider)
    if now.lines is not None and now.lines.changed is not None:
        since = np.array([len(values) - origin <= now.lines.changed for origin in origins], np.bool_)
        if since.any() and not since.all():
            wide = np.maximum(wide, half_width(absolute[since], steps, BAND, seasons, 0.0)[0])
            wider = np.maximum(wide, wider)
    edges = [middle - wide, middle + wide, middle - wider, middle + wider]
    if step is not None and step.age < seasons[0]:
        back = -step.size
        edges = [edge + (min(back, 0.0) if place % 2 == 0 else max(back, 0.0)) for place, edge in enumerate(edges)]
    last = float(values[np.flatnonzero(np.isfinite(values))[-1]])
    fading = np.maximum(1 - np.arange(steps) / seasons[0], 0.0)
    for place, side in enumerate((-1.0, 1.0, -1.0, 1.0)):
        beyond = max(side * (last - edges[place][0]), 0.0)
        edges[place] = edges[place] + side * beyond * fading
    top = max(upper, float(np.nanmax(values))) if np.isfinite(upper) else np.inf
    middle, low, high, low95, high95 = (np.clip(path, lower, top) for path in (middle, *edges))
    changed = step.age if step is not None else (now.lines.changed if now.lines is not None else None)
    return Forecast(
        middle=middle,
        low=low,
        high=high,
        low95=low95,
        high95=high95,
        method=tested.method,
        slope=now.slope(tested.method, middle),
        error=tested.error,
        naive_error=tested.naive,
        covered=_covered(absolute, seasons),
        origins=len(origins),
        measured=min(measured, steps),
        verdict="normal" if days >= NORMAL_DAYS and (step is None or step.age >= seasons[0]) else "limited",
        changed=changed,
    )


def half_width(
    absolute: Floats, steps: int, share: float, seasons: tuple[int, ...], default: float
) -> tuple[Floats, int]:
    """Half-width of a band at each step ahead, and how far ahead it is measured. [steps]

    Parameters
    ----------
    absolute : float64 array (n_origins, n_steps)
        Absolute errors of the backtest. [as given]
    steps : int
        How far ahead. [steps]
    share : float
        Of the true values that the band should hold. [ratio]
    seasons : tuple of int
        See :func:`forecast`.
    default : float
        Half-width where nothing is measured. [as given]
    """
    places, reaches, measured, start = [], [], 0, 0
    for end in STRETCHES[seasons if seasons == HOURLY else DAILY]:
        part = absolute[:, start:end]
        reached = int(np.isfinite(part).any(axis=1).sum()) if part.size else 0
        if not reached or reached < min(LEAST_ORIGINS, len(absolute)):
            break
        known = np.sort(part[np.isfinite(part)])
        places.append((start + end) / 2)
        edge = float(known[min(int(np.ceil((len(known) + 1) * share)), len(known)) - 1])
        reaches.append(edge * (1 + 1 / (2 * reached)))
        measured = start = end
    if not places:
        return np.full(steps, default), 0
    ahead = np.arange(1, steps + 1)
    wide = np.interp(ahead, places, np.maximum.accumulate(reaches))
    return np.where(ahead > measured, wide * ahead / max(measured, 1), wide), measured


class _Now:
    """The members of the pool and the lines of one history, each made when it is first needed."""

    def __init__(self, values: Floats, seasons: tuple[int, ...]) -> None:
        self._values, self._seasons = values, seasons
        self.lines = Lines(values) if seasons == HOURLY else None

    def pool(self, steps: int) -> dict[str, Floats]:
        paths = members(self._values, steps, self._seasons)
        if self.lines is not None and len(self._values) >= 3 * DAY_H:
            paths["recent level"] = self.lines.ahead("recent level", steps)[0]
            paths["usual level"] = self.lines.ahead("usual level", steps)[0]
        return paths

    def ahead(self, method: str, shares: dict[str, float], steps: int) -> Floats:
        if method.endswith(_AND_NAIVE):
            parts = (method.removesuffix(_AND_NAIVE), "seasonal naive")
            return np.asarray(np.mean([self.ahead(part, shares, steps) for part in parts], axis=0), np.float64)
        if method.startswith("line") and self.lines is not None:
            return self.lines.ahead(method, steps)[0]
        paths = self.pool(steps)
        return combined(paths, shares) if method == "pool" else without_lone(paths)

    def slope(self, method: str, middle: Floats) -> float:
        day = DAY_H if self._seasons == HOURLY else 1
        if method.startswith("line") and not method.endswith(_AND_NAIVE) and self.lines is not None:
            return self.lines.ahead(method, 1)[1]
        week = min(7 * day, len(middle) // 2)
        return float((middle[-week:].mean() - middle[:week].mean()) / (len(middle) - week) * day) if week else 0.0


def _origins(length: int, steps: int, seasons: tuple[int, ...]) -> list[int]:
    """Places up to which the past of a backtest reaches, the newest first, in steps of a day."""
    day = DAY_H if seasons == HOURLY else 1
    least = max((LEAST_DAYS if length >= 4 * day else 1) * day, min(length // 2, NORMAL_DAYS * day * seasons[0] // day))
    if seasons != HOURLY:
        least = max(2 * seasons[0], length // 3)
        stride = max(1, min(steps, length - least) // 7)
    else:
        stride = day
    reach = min(steps, WEIGHED[HOURLY] if seasons == HOURLY else steps)
    origins = [length - back for back in range(stride, length - least + 1, stride)]
    far = [origin for origin in origins if length - origin > reach]
    near = [origin for origin in origins if length - origin <= reach]
    if len(far) > MOST_ORIGINS:
        far = far[:: -(-len(far) // MOST_ORIGINS)]
    return near[:: max(1, len(near) // 7)] + far


def _tested(
    values: Floats, origins: list[int], steps: int, seasons: tuple[int, ...]
) -> tuple[_Tested, dict[str, float]]:
    """Backtest the pool, the lines and seasonal naive, and keep the errors of the best."""
    day = DAY_H if seasons == HOURLY else 1
    reach = max(steps, COMPARED_H if seasons == HOURLY else 0)
    truths = [_ahead_of(values, origin, reach) for origin in origins]
    pasts = [_Now(values[:origin], seasons) for origin in origins]
    pools = [past.pool(reach) for past in pasts]
    weighed = min(steps, WEIGHED[HOURLY if seasons == HOURLY else DAILY])
    names = list(dict.fromkeys(name for pool in pools for name in pool))
    single = np.full((len(origins), len(names)), np.nan)
    for row, (pool, truth) in enumerate(zip(pools, truths, strict=True)):
        for column, name in enumerate(names):
            if name in pool:
                single[row, column] = mean_error(np.abs(truth - pool[name])[:weighed])
    enough = len(values) >= NORMAL_DAYS * day and len(origins) >= LEAST_ORIGINS
    complete = np.isfinite(single).all(axis=1) if len(single) else np.zeros(0, np.bool_)
    table = single[complete] if complete.sum() >= LEAST_ORIGINS else single
    shares = weights(dict(zip(names, _column_means(table), strict=True))) if enough else {}
    errors = {
        "pool": _matrix([truth - combined(pool, shares) for truth, pool in zip(truths, pools, strict=True)], reach)
    }
    naive = [truth - pool[naive_name(pool)] for truth, pool in zip(truths, pools, strict=True)]
    errors["seasonal naive"] = _matrix(naive, reach)
    if seasons == HOURLY:
        for name in line_names(len(values) / day):
            lines = [past.lines for past in pasts]
            errors[name] = _matrix(
                [t - line.ahead(name, reach)[0] for t, line in zip(truths, lines, strict=True) if line is not None],
                reach,
            )
    near = {name: mean_error(np.abs(error[:, :COMPARED_H])) for name, error in errors.items()}
    far = {name: mean_error(np.abs(error[:, :steps])) for name, error in errors.items()}
    best = min((name for name in near if name.startswith("line")), key=lambda name: near[name], default="pool")
    if not origins or not (near[best] < LINE_GAIN * near["pool"] and far[best] <= far["pool"]):
        best = "pool"
    if far["seasonal naive"] < far[best]:
        both = best + _AND_NAIVE
        errors[both] = (errors[best] + errors["seasonal naive"]) / 2
        far[both] = mean_error(np.abs(errors[both][:, :steps]))
        best = both if far[both] < far["seasonal naive"] else "seasonal naive"
    return _Tested(best, errors[best][:, :steps], far[best], far["seasonal naive"]), shares


def _ahead_of(values: Floats, origin: int, reach: int) -> Floats:
    truth = np.full(reach, np.nan)
    part = values[origin : origin + reach]
    truth[: len(part)] = part
    return truth


def _matrix(rows: list[Floats], reach: int) -> Floats:
    return np.array(rows) if rows else np.zeros((0, reach))


def _column_means(table: Floats) -> list[float]:
    return [mean_error(column) for column in table.T]


def _covered(absolute: Floats, seasons: tuple[int, ...]) -> float:
    """Share of the errors of each origin inside the band of all others."""
    inside = total = 0
    for row in range(len(absolute)):
        seen = np.isfinite(absolute[row])
        others = np.delete(absolute, row, axis=0)
        if len(others) < LEAST_ORIGINS - 1 or not seen.any():
            continue
        wide, _ = half_width(others, absolute.shape[1], BAND, seasons, np.inf)
        inside += int((absolute[row][seen] <= wide[seen]).sum())
        total += int(seen.sum())
    return inside / total if total else float("nan")


def mean_error(errors: Floats) -> float:
    """Mean of the known errors; infinite when none is known."""
    known = errors[np.isfinite(errors)]
    return float(known.mean()) if len(known) else float("inf")


def first_reached(path: Floats, limit: float) -> int | None:
    """Place of the first value at or above a limit; None when there is none.

    Examples
    --------
    >>> first_reached(np.array([0.1, 0.5, 0.9]), 0.5), first_reached(np.array([0.1]), 0.5)
    (1, None)
    """
    places = np.flatnonzero(path >= limit)
    return int(places[0]) if len(places) else None
