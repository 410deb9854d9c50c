"""Where a level that accumulates goes: days of its own growth, drawn again, on a rate that is not quite known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.forecast.pool import filled

Floats = NDArray[np.float64]

DAY_H = 24

#: Days that are drawn from, and days of which the newest rate is the mean. [d]
DRAWN_DAYS, RECENT_DAYS = 28, 7

#: Weight of the newest rate.
NEWEST = 0.25

#: Days drawn in a row: bursts last. [d]
RUN_DAYS = 2

#: Most spread of the rate, in logarithms: one burst makes a week's rate vary more, but it is drawn already.
MOST_SPREAD = 0.5

#: Seed of the draws: the same history gives the same paths.
SEED = 20_120_626

#: A change of rate counts where the days after it differ from those before by so many standard errors.
CHANGED_ERRORS = 6.0

#: Days a new rate must have lasted. [d]
LEAST_NEW_DAYS = 2


def growth_paths(values: Floats, hours: int, *, count: int = 400, seed: int = SEED) -> Floats:
    """Simulate how a level that accumulates goes on, e.g. used disk or spend.

    Parameters
    ----------
    values : float64 array
        Hourly values up to now, with clean-ups as they are; NaN is missing. [any]
    hours : int
        How far ahead. [h]
    count : int
        Paths. [count]
    seed : int
        Of the draws.

    Returns
    -------
    float64 array (count, hours)
        Levels, each path from the last known value on. [as given]

    Notes
    -----
    Pairs of whole days of hourly increments are drawn from the last four weeks, so that the season, nightly clean-ups
    and bursts are kept; from the same day of the week as often as the weekdays differ beyond their noise
    (:func:`weekday_share`). They are put on the mean rate, a quarter of it that of the last week. Each path has its own
    factor on the rate, lognormal, with the spread that a week's rate had around such a mean in the history, 0.5 at most
    as a burst is among the days drawn. Where the
    rate changed d days ago (:func:`rate_change`) only days since are drawn, but for a share 1 / (1 + d²) of the paths:
    two days at a new rate may be a burst. The only day of a large clean-up is not drawn.

    Examples
    --------
    >>> paths = growth_paths(np.arange(24.0 * 20), 48)
    >>> paths.shape, round(float(np.median(paths[:, -1])), 6)
    ((400, 48), 527.0)
    """
    whole = filled(values[int(np.flatnonzero(np.isfinite(values))[0]) :])
    rng = np.random.default_rng(seed)
    steps = np.diff(whole)
    blocks = (
        steps[len(steps) % DAY_H :].reshape(-1, DAY_H) if len(steps) >= DAY_H else np.full((1, DAY_H), steps.mean())
    )
    since = rate_change(whole)
    if since is None:
        parts = [_drawn(blocks, hours, count, rng)]
    else:
        burst = round(count / (1 + (since / DAY_H) ** 2))
        parts = [_drawn(_since(steps, since), hours, count - burst, rng), _drawn(blocks, hours, burst, rng)]
    paths: Floats = whole[-1] + np.cumsum(np.concatenate(parts), axis=1)
    return paths


def _drawn(blocks: Floats, hours: int, count: int, rng: np.random.Generator) -> Floats:
    """Hourly increments ahead, a row a path, drawn from days that are rows of ``blocks``."""
    blocks = _without_one_fall(blocks)
    totals, drawn = blocks.sum(axis=1), blocks[-DRAWN_DAYS:]
    days = -(-hours // DAY_H)
    first = np.arange(0, days, RUN_DAYS)
    picked = rng.integers(0, len(drawn), (count, len(first)))
    sums = drawn.sum(axis=1)
    share = weekday_share(sums)
    if share:
        same = len(drawn) - 7 + first % 7 - 7 * rng.integers(0, len(drawn) // 7, picked.shape)
        picked = np.where(rng.random(picked.shape) < share, same, picked)
    picked = (picked[:, :, None] + np.arange(RUN_DAYS)).reshape(count, -1)[:, :days]
    picked = np.where(picked >= len(drawn), picked - min(7, len(drawn)), picked)
    mean = float(sums.mean())
    rate = NEWEST * float(totals[-RECENT_DAYS:].mean()) + (1 - NEWEST) * mean
    factors = np.exp(min(_rate_spread(totals, drawn), MOST_SPREAD) * rng.standard_normal((count, 1, 1)))
    scale = rate / mean if mean * rate > 0 else 1.0
    return np.asarray((drawn[picked] * scale * factors).reshape(count, -1)[:, :hours], np.float64)


def weekday_share(totals: Floats) -> float:
    """Share of the differences of the days of a week that is not noise; 0 with less than two weeks. [ratio]

    Notes
    -----
    1 - 1 / F, F being the mean square between weekdays over that within them: the weight of their own mean in James
    and Stein's estimator [1]_.

    References
    ----------
    .. [1] B. Efron, C. Morris, Stein's estimation rule and its competitors, J. Am. Stat. Assoc. 68, 1973.

    Examples
    --------
    >>> weekday_share(np.tile([5.0, 5, 5, 5, 5, 1, 1], 4)), weekday_share(np.arange(28.0) // 7)
    (1.0, 0.0)
    """
    weeks = len(totals) // 7
    if weeks < 2:
        return 0.0
    table = totals[-7 * weeks :].reshape(weeks, 7)
    table = table - table.mean(axis=1, keepdims=True)
    usual = table.mean(axis=0)
    between = weeks * float((usual**2).sum())
    within = float(((table - usual) ** 2).sum()) / (weeks - 1)
    return max(0.0, 1 - within / between) if between > 0 else 0.0


def accumulates(values: Floats) -> bool:
    """Whether a level grows from day to day more than it moves within one: a store that fills, not a load.

    The largest fall is left out: a store is cleaned by hand now and then.

    Examples
    --------
    >>> accumulates(np.arange(24.0 * 10)), accumulates(np.tile(np.arange(24.0), 10))
    (True, False)
    """
    whole = filled(values[int(np.flatnonzero(np.isfinite(values))[0]) :])[-14 * DAY_H :]
    steps = np.diff(whole)
    if len(steps) < 2 * DAY_H:
        return False
    freed = max(float(-steps.min()), 0.0)
    moved = float(np.abs(steps).sum()) - freed
    return bool(moved > 0 and (float(whole[-1] - whole[0]) + freed) / moved >= 0.5)


def rate_change(whole: Floats) -> int | None:
    """Hours since the rate of growth last changed for good; None where it did not.

    Notes
    -----
    The cut between two mean rates of days (24-hour sums counted back from now, the last four weeks) with the largest
    standardised difference counts, where that is at least :data:`CHANGED_ERRORS`, no day since is like any day before,
    the days since are alike, and the rate at least doubled or halved; the scale is the median absolute deviation of
    the days around their own side.

    Examples
    --------
    >>> rate_change(np.concatenate([np.zeros(240), np.arange(72.0)]))
    71
    """
    steps = np.diff(whole)[-DRAWN_DAYS * DAY_H :]
    totals = steps[len(steps) % DAY_H :].reshape(-1, DAY_H).sum(axis=1)
    count = len(totals)
    best, place = 0.0, None
    for cut in range(LEAST_NEW_DAYS + 1, count - LEAST_NEW_DAYS + 1):
        first, second = totals[:cut], totals[cut:]
        before, after = float(np.median(first)), float(np.median(second))
        away = np.concatenate([np.abs(first - before), np.abs(second - after)])
        scale = 1.4826 * float(np.median(away)) + 0.5 * float(away.mean())
        error = scale * np.sqrt(1 / cut + 1 / (count - cut)) + 1e-9 * (abs(before) + abs(after))
        apart = second.min() > first.max() or second.max() < first.min()
        steady = float(np.ptp(second)) <= 0.5 * abs(after) + 0.1 * abs(before)
        if not (apart and steady) or abs(after - before) < 0.5 * max(abs(before), abs(after)) or not error:
            continue
        if abs(after - before) / error > best:
            best, place = abs(after - before) / error, cut
    if place is None or best < CHANGED_ERRORS:
        return None
    return _edge(steps, (count - place) * DAY_H, totals[:place], totals[place:])


def _edge(steps: Floats, hours: int, first: Floats, second: Floats) -> int:
    """Find the hour within a day of the cut at which the two hourly rates part best."""
    before, after = float(np.median(first)) / DAY_H, float(np.median(second)) / DAY_H
    ages = np.arange(max(hours - DAY_H, LEAST_NEW_DAYS * DAY_H), min(hours + DAY_H, len(steps) - 1) + 1)
    costs = [float(((steps[len(steps) - age :] - after) ** 2).sum() + ((steps[: len(steps) - age] - before) ** 2).sum())
             for age in ages]  # fmt: skip
    return int(ages[int(np.argmin(costs))]) if len(ages) else hours


def _without_one_fall(blocks: Floats) -> Floats:
    """Leave out the only day on which far more was freed than on any other: a clean-up by hand is no habit."""
    totals = blocks.sum(axis=1)
    if len(totals) < RECENT_DAYS:
        return blocks
    middle = float(np.median(totals))
    usual = 10 * 1.4826 * float(np.median(np.abs(totals - middle))) + 3 * abs(middle)
    freed = (totals < 0) & (totals < middle - usual)
    return blocks[~freed] if freed.sum() == 1 else blocks


def _since(steps: Floats, hours: int) -> Floats:
    """Days counted back from now that lie since a change; at least one."""
    days = max(1, hours // DAY_H)
    return steps[-days * DAY_H :].reshape(-1, DAY_H)


def _rate_spread(totals: Floats, drawn: Floats) -> float:
    """Spread of a week's rate around the mean of the days before, in logarithms."""
    sums = drawn.sum(axis=1)
    mean = abs(float(sums.mean()))
    if mean <= 0:
        return 0.0
    away = []
    for origin in range(max(RECENT_DAYS, len(totals) - 35), len(totals) - 2):
        before = totals[max(0, origin - DRAWN_DAYS) : origin]
        expected = NEWEST * float(before[-RECENT_DAYS:].mean()) + (1 - NEWEST) * float(before.mean())
        if expected > 0:
            away.append(np.log(np.clip(totals[origin : origin + RECENT_DAYS].mean() / expected, 0.05, 20)))
    if len(away) < 3:
        return min(float(sums.std() / mean / np.sqrt(len(sums))), 1.0)
    return float(np.sqrt(np.mean(np.square(away))))
