"""What is usual on a day, and which days leave it: the rule behind the jumps of spend, on plain arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Days that say what is usual, known days without which nothing is judged, and errors among the last of these. [d]
HISTORY_DAYS, LEAST_DAYS, LEAST_ERRORS = 56, 21, 7

#: Days after which a step is the new usual. [d]
SETTLED_DAYS = 14

#: Days of which the level is taken, and how fast older ones fade: the pace that errs least on the group is taken. [d]
LEVEL_DAYS, PACES = 28, (0.1, 0.3, 0.6)

#: Weight of a calm day by its age, one row a pace. [ratio]
_FADING = (1 - np.array(PACES)[:, None]) ** np.arange(HISTORY_DAYS)

#: A day stands out by so many deviations, by so much more than the 90th percentile of past errors, and by so much of
#: the mean of the three largest.
DEVIATIONS, BEYOND_MOST, BEYOND_LARGEST = 2.0, 1.1, 0.4

#: Wider by this over the number of errors, as few of them seldom hold the largest.
FEW_ERRORS = 4.0

#: A rise stands out from this share of what is usual on; a fall, whose errors reach farther, from that.
LEAST_RISE, LEAST_FALL, FALL_FACTOR = 0.25, 0.4, 3.0

#: A smaller rise, from this share on, stands out where it is so many times beyond what makes one stand out.
SURE_RISE, SURE = 0.1, 2.0

#: An episode lasts while a day is farther from what was usual than this part of what made it stand out, and than this
#: part of its largest error so far.
STILL_OUT, STILL_LARGE = 0.7, 0.25

#: Calm days in a row that end an episode. [d]
ENDS_AFTER = 2

#: Amounts below this share of a group's usual day, and of the whole's, are taken as that much in logarithms.
SMALL_OF_OWN, SMALL_OF_WHOLE = 0.05, 0.002

#: Smallest error of the logarithm: counters that repeat to the cent would let every cent stand out.
SMALLEST_ERROR = 0.02


@dataclass(frozen=True)
class Judged:
    """Days beside what was usual, all ``(n_groups, n_days)``.

    Attributes
    ----------
    usual : float64 array
        Expected amount; NaN where a day was not judged. [as given]
    out : int array
        1 where an episode above the usual begins, -1 where one below does, else 0.
    deviations : float64 array
        Error over what made it stand out; above 1 it does. [ratio]
    episode : int array
        Number of the episode a day belongs to, counted from 1 in each group; 0 for none.
    """

    usual: Floats
    out: NDArray[np.int64]
    deviations: Floats
    episode: NDArray[np.int64]


def judged_days(tables: Sequence[Floats], weekdays: NDArray[np.int64]) -> list[Judged]:
    """Say of each day what was usual on it, and whether it left that.

    Parameters
    ----------
    tables : sequence of float64 array, each (n_groups, n_days)
        Amounts of consecutive days, a table a split of a whole; NaN where a day was not observed. [as given]
    weekdays : int array, (n_days,)
        0 to 6.

    Returns
    -------
    list of Judged
        One a table; each as if it were judged alone.

    Notes
    -----
    In logarithms: usual = level + share of the weekday. Shares are medians of the distances from the centred mean of a
    week, shrunk by their own noise; the level is an exponentially weighted mean of calm days. The errors that the same
    rule made over eight weeks (of an episode its first) say how far is far: 1.4826 times their median [1]_, their 90th
    percentile and the mean of the three largest, each times a constant and wider with few errors; a day must be beyond
    all three. While an episode lasts, what is usual stays as it was before it; after a fortnight the new level is the
    usual one.

    References
    ----------
    .. [1] F. R. Hampel, The influence curve and its role in robust estimation, J. Am. Stat. Assoc. 69, 1974.
    """
    values = np.concatenate(tables)
    table = np.repeat(np.arange(len(tables)), [len(each) for each in tables])
    wholes = np.array([np.nansum(each, axis=0) for each in tables])
    groups, days = values.shape
    errors = np.full((len(PACES), groups, days), np.nan)
    observed = np.isfinite(values)
    counts = _running_sums(observed.astype(np.int64))
    calm = observed.copy()
    usual, deviations = np.full(values.shape, np.nan), np.zeros(values.shape)
    out, episode = np.zeros(values.shape, np.int64), np.zeros(values.shape, np.int64)
    none = np.zeros(groups, np.int64)
    running = _Running(none, none, np.zeros(groups), np.zeros(groups), np.zeros(groups), none)
    number = np.zeros(groups, np.int64)
    # Days with too little history before them are not judged.
    unjudged = int((counts[:, :-1].max(axis=0, initial=0) < LEAST_DAYS - LEAST_ERRORS).sum())
    for day in range(max(unjudged, 1), days):
        past = slice(max(0, day - HISTORY_DAYS), day)
        model = _Model.of(values[:, past], weekdays[past], calm[:, past], wholes[:, past].mean(axis=1)[table])
        here, weekday = values[:, day], int(weekdays[day])
        known = observed[:, day]
        history = counts[:, day] - counts[:, past.start]
        tried = known & (history >= LEAST_DAYS - LEAST_ERRORS)
        errors[:, :, day] = np.where(tried, model.errors(here, weekday), np.nan)
        enough = history >= LEAST_DAYS
        best, limit = _limits(errors[:, :, past])
        rows = np.arange(groups)
        error = errors[best, rows, day]
        level = model.levels[best, rows]
        inside = running.since > 0
        level = np.where(inside, np.maximum(running.level, np.log(model.floor)), level)
        limit = np.where(inside, running.limit, limit)
        expected = model.amount(level, weekday)
        error = np.where(inside, model.log(here) - level - model.shares[:, weekday], error)
        change = np.divide(here - expected, expected, out=np.full(groups, np.inf), where=expected > 0)
        large = np.where(error > SURE * limit, SURE_RISE, LEAST_RISE)
        rise = (error > limit) & (change >= large) & (here > model.floor * 1.01)
        fall = (-error > limit * FALL_FACTOR) & (-change >= LEAST_FALL)
        bound = np.maximum(limit * STILL_OUT * np.where(running.sign > 0, 1.0, FALL_FACTOR), STILL_LARGE * running.size)
        still = error * running.sign > bound
        sign = np.where(known & enough & np.isfinite(limit), rise.astype(np.int64) - fall.astype(np.int64), 0)
        sign = np.where(inside & known, np.where(still, running.sign, sign * (sign == running.sign)), sign)
        usual[:, day] = np.where(known & enough, expected, np.nan)
        out[:, day] = np.where(inside, 0, sign)
        scale = limit * np.where(error < 0, FALL_FACTOR, 1.0)
        deviations[:, day] = np.divide(error, scale, out=np.zeros(groups), where=np.isfinite(scale) & (scale > 0))
        if not (sign.any() or inside.any()):
            continue
        calm[:, day] &= sign == 0
        begins = (sign != 0) & ~inside
        errors[:, inside & (sign != 0), day] = np.nan
        number += begins
        running = running.next(sign, begins, level, limit, np.abs(error), known)
        episode[:, day] = np.where(sign != 0, number, 0)
        settled = running.since > SETTLED_DAYS
        for row in np.flatnonzero(settled).tolist():
            _settle(calm[row], episode[row], day, observed[row])
        running = running.ended(settled)
    columns = usual, out, deviations, episode
    return [Judged(*(column[table == number] for column in columns)) for number in range(len(tables))]


@dataclass(frozen=True)
class _Running:
    """Episodes that last, a value a group: days since their begin (0 for none), sign, level and limit before them.

    ``size`` is their largest error so far, ``misses`` the calm days since they were last out.
    """

    since: NDArray[np.int64]
    sign: NDArray[np.int64]
    level: Floats
    limit: Floats
    size: Floats
    misses: NDArray[np.int64]

    def next(
        self, sign: NDArray[np.int64], begins: Bools, level: Floats, limit: Floats, error: Floats, known: Bools
    ) -> _Running:
        lasts = (self.since > 0) & ~begins
        misses = np.where(lasts & known & (sign == 0), self.misses + 1, np.where(sign != 0, 0, self.misses))
        since = np.where(begins, 1, np.where(lasts & (misses < ENDS_AFTER), self.since + 1, 0))
        kept = since > 0
        return _Running(
            since,
            np.where(begins, sign, np.where(kept, self.sign, 0)),
            np.where(begins, level, self.level),
            np.where(begins, limit, self.limit),
            np.where(begins, error, np.where(sign != 0, np.maximum(self.size, error), self.size)),
            np.where(kept, misses, 0),
        )

    def ended(self, which: Bools) -> _Running:
        since, sign = (np.where(which, 0, values) for values in (self.since, self.sign))
        return _Running(since, sign, self.level, self.limit, self.size, self.misses)


def _settle(calm: Bools, episode: NDArray[np.int64], day: int, known: Bools) -> None:
    """Take the last fortnight of a group as its usual level, and forget the levels before."""
    first = day - SETTLED_DAYS
    calm[:first] = False
    calm[first : day + 1] = known[first : day + 1]
    if episode[day]:
        episode[day] = 0


@dataclass(frozen=True)
class _Model:
    """What is usual after a stretch of days: levels by pace and weekday shares, in logarithms."""

    levels: Floats
    shares: Floats
    floor: Floats

    @classmethod
    def of(cls, values: Floats, weekdays: NDArray[np.int64], calm: Bools, whole: Floats) -> _Model:
        own = _median(np.abs(np.where(calm, values, np.nan)))
        floor = np.maximum(np.maximum(SMALL_OF_OWN * own, SMALL_OF_WHOLE * np.abs(whole)), 1e-12)
        logs = np.log(np.maximum(np.where(np.isfinite(values), values, np.nan), floor[:, None]))
        shares = _weekday_shares(logs, weekdays, calm)
        levels = np.where(calm, logs - shares[:, weekdays], 0.0)
        age = np.cumsum(calm[:, ::-1], axis=1)[:, ::-1] - 1
        used = calm & (age < LEVEL_DAYS)
        weights = np.where(used, np.take(_FADING, age, axis=1), 0.0)
        sums = weights.sum(axis=2)
        start = np.tile(np.log(floor), (len(PACES), 1))
        return cls(np.divide((weights * levels).sum(axis=2), sums, out=start, where=sums > 0), shares, floor)

    def log(self, amounts: Floats) -> Floats:
        return np.asarray(np.log(np.maximum(amounts, self.floor)), np.float64)

    def errors(self, amounts: Floats, weekday: int) -> Floats:
        return np.asarray(self.log(amounts) - self.levels - self.shares[:, weekday], np.float64)

    def amount(self, level: Floats, weekday: int) -> Floats:
        """Usual amount; what is not above the floor is taken as nothing."""
        return np.where(level <= np.log(self.floor) + 0.01, 0.0, np.exp(level + self.shares[:, weekday]))


def _weekday_shares(logs: Floats, weekdays: NDArray[np.int64], calm: Bools) -> Floats:
    """Usual distance of each weekday from the mean of its week, shrunk by its noise. [ln]"""
    shares = np.zeros((len(logs), 7))
    if logs.shape[1] < 14:
        return shares
    known = np.isfinite(logs)
    filled = logs if known.all() else np.where(known, logs, _median(np.where(calm, logs, np.nan))[:, None])
    sums = _running_sums(filled)
    off = np.where(calm[:, 3:-3], logs[:, 3:-3] - (sums[:, 7:] - sums[:, :-7]) / 7, np.nan)
    middle = weekdays[3:-3]
    by_weekday = np.full((len(logs), 7, -(-len(middle) // 7)), np.nan)
    by_weekday[:, middle, np.arange(len(middle)) // 7] = off
    own = by_weekday.reshape(len(logs) * 7, -1)
    shares = np.where(np.isfinite(own).sum(axis=1) >= 2, _median(own), 0.0).reshape(len(logs), 7)
    shares -= shares.mean(axis=1, keepdims=True)
    noise = np.where(np.isfinite(off), off - shares[:, middle], 0.0).var(axis=1)
    noise *= np.pi / 2 / max(off.shape[1] / 7, 1)
    real = shares.var(axis=1)
    kept = np.maximum(1 - np.divide(noise, real, out=np.ones(len(real)), where=real > 0), 0.0)
    return np.asarray(shares * kept[:, None], np.float64)


def _running_sums(values: NDArray[Any]) -> NDArray[Any]:
    """Sum of each row up to each place, and 0 before the first."""
    sums = np.zeros((len(values), values.shape[1] + 1), values.dtype)
    np.cumsum(values, axis=1, out=sums[:, 1:])
    return sums


def _limits(errors: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Pace that erred least in each group, and the error from which a day stands out; NaN with few errors."""
    size = np.abs(errors)
    known = np.isfinite(size)
    count = known[0].sum(axis=1)
    few = count < LEAST_ERRORS
    ordered = np.sort(np.where(known, size, np.inf), axis=2)
    rows = np.arange(size.shape[1])
    half, most = np.maximum((count - 1) // 2, 0), np.maximum(np.ceil(0.9 * count).astype(np.int64) - 1, 0)
    if not size.shape[2]:
        return np.zeros(size.shape[1], np.int64), np.full(size.shape[1], np.nan)
    middle, high = ordered[:, rows, half], ordered[:, rows, most]
    held = np.where(known, np.minimum(size, high[:, :, None]), 0.0).sum(axis=2) / np.maximum(count, 1)
    best = np.argmin(np.where(np.isfinite(middle), middle + held / 2, np.inf), axis=0)
    largest = np.mean([ordered[best, rows, np.maximum(count - back, 0)] for back in (1, 2, 3)], axis=0)
    limit = np.maximum.reduce(
        [
            DEVIATIONS * 1.4826 * middle[best, rows],
            BEYOND_MOST * high[best, rows],
            BEYOND_LARGEST * largest,
            np.full(len(rows), DEVIATIONS * SMALLEST_ERROR),
        ]
    )
    return best, np.where(few, np.nan, limit * (1 + FEW_ERRORS / np.maximum(count, 1)))


def _median(values: Floats) -> Floats:
    """Median of each row without NaN; 0 where nothing is known."""
    known = np.isfinite(values)
    ordered = np.sort(np.where(known, values, np.inf), axis=1)
    count, rows = known.sum(axis=1), np.arange(len(values))
    if not values.shape[1]:
        return np.zeros(len(values))
    upper = np.minimum(count // 2, values.shape[1] - 1)
    median = (ordered[rows, np.maximum((count - 1) // 2, 0)] + ordered[rows, upper]) / 2
    return np.where(count > 0, median, 0.0)
