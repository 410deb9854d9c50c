"""The levels of days against a reference, for all series at once."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from workbench.analysis.quality.lumps import surprise, usual_value, vanished

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

#: Days that a reference holds, and the fewest that it needs. [d]
REFERENCE_DAYS, LEAST_REFERENCE = 28, 21

#: Hours further from the usual than this many robust standard deviations count as this far. [sd]
CLIP = 4.0


def lag_of_days(hourly: Floats) -> Floats:
    """Correlation of the means of adjacent days of an AR(1) process with a lag-1 correlation by the hour. [ratio]

    Examples
    --------
    >>> lag_of_days(np.array([0.0, 0.6, 0.9])).round(3).tolist()
    [0.0, 0.042, 0.262]
    """
    phi = np.clip(hourly, 0.0, 0.98)
    left = phi * (1 - phi**24) ** 2
    return left / (24 * (1 - phi**2) - 2 * phi * (1 - phi**24))


class Reference:
    """The reference of one day: its centre, weekdays, hours of the day and scatter, by series."""

    def __init__(
        self, hours: Floats, present: Booleans, weekday: NDArray[np.int64], members: Booleans, day: int
    ) -> None:
        some = np.flatnonzero(members.any(axis=0))
        columns = some if len(some) else np.array([day])
        self.columns, self.weekday = columns, weekday
        self.hours, self.members = hours, members
        inside = members[:, columns]
        block = np.where(inside[:, :, None] & present[:, columns], hours[:, columns], np.nan)
        self.days = inside.sum(axis=1)
        self.known = self.days >= LEAST_REFERENCE
        centre = mean_there(block.reshape(len(hours), -1))
        level = mean_there(block) - centre[:, None]
        self.shape = mean_there(np.moveaxis(block - centre[:, None, None] - level[:, :, None], 1, 2))
        self.shape = np.where(np.isfinite(self.shape), self.shape, 0.0)
        rest = block - centre[:, None, None] - self.shape[:, None, :]
        level = mean_there(rest)
        self.centre = centre
        same = weekday[columns] == np.arange(7)[:, None]
        places = np.argsort(~same, axis=1, kind="stable")[:, : same.sum(axis=1).max()]
        by_week = np.where(np.take_along_axis(same, places, axis=1), level[:, places], np.nan)
        self.of_week = mean_there(by_week)
        self.per_week = np.isfinite(by_week).sum(axis=2).astype(float)
        offset = np.where(np.isfinite(self.of_week), self.of_week, 0.0)
        self.offset = offset
        error = rest - offset[:, weekday[columns]][:, :, None]
        self.spread = spread = 1.4826 * median_there(np.abs(error).reshape(len(hours), -1))
        self.usual, self.lumpy = usual_value(
            np.where(inside[:, :, None] & present[:, columns], hours[:, columns], np.nan).reshape(len(hours), -1)
        )
        self.limit = np.where((spread > 0) & ~self.lumpy, CLIP * spread, np.inf)
        cut = np.clip(error, -self.limit[:, None, None], self.limit[:, None, None])
        own = mean_there(cut)
        weeks = (self.per_week > 0).sum(axis=1)
        self.mean = mean_there(own)
        self.freedom = np.maximum(np.isfinite(own).sum(axis=1) - weeks, 1.0)
        self.variance = np.nansum((own - self.mean[:, None]) ** 2, axis=1) / self.freedom
        self.usual_hours = mean_there(np.where(inside, present[:, columns].sum(axis=2), np.nan).astype(float))
        flat = cut.reshape(len(hours), -1)
        ahead, behind = flat[:, 1:], flat[:, :-1]
        power = np.nansum(flat**2, axis=1)
        both = np.isfinite(ahead) & np.isfinite(behind)
        pairs = both.sum(axis=1)
        product = np.where(both, ahead * behind, 0.0).sum(axis=1)
        total = np.isfinite(flat).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            hourly = np.where(power > 0, product / np.maximum(pairs, 1) / (power / np.maximum(total, 1)), 0.0)
        # With one value a day the lag is that of days already.
        lag = np.nan_to_num(hourly)
        self.lag = np.clip(lag, 0.0, 0.98) if hours.shape[2] == 1 else lag_of_days(lag)

    def levels(self, days: NDArray[np.int64], *, cut: bool = True) -> Floats:
        """Level of each day less that of its weekday in the reference, (series, days)."""
        error = self.hours[:, days] - self.centre[:, None, None] - self.shape[:, None, :]
        error = error - self.offset[:, self.weekday[days]][:, :, None]
        limit = np.where(cut, self.limit, np.inf)[:, None, None]
        return mean_there(np.clip(error, -limit, limit))

    def look(
        self, days: NDArray[np.int64], *, least: int = 1, without: Booleans | None = None
    ) -> tuple[Floats, Floats, Floats, Floats]:
        """Mean level of days that are not in the reference, its standard error, degrees of freedom, and the base."""
        skipped = self.members[:, days] if without is None else self.members[:, days] | without
        values = np.where(skipped, np.nan, self.levels(days))
        there = np.isfinite(values)
        number = there.sum(axis=1)
        per = self.per_week[:, self.weekday[days]]
        with np.errstate(invalid="ignore", divide="ignore"):
            # The weekday's own mean has an error too; days of one weekday share it.
            alike = (self.weekday[days][:, None] == np.arange(7)).astype(float)
            share = ((there @ alike) ** 2 / np.maximum(self.per_week, 1.0)).sum(axis=1) / number**2
            unknown = np.where(there & (per == 0), 1.0, 0.0).sum(axis=1) / number**2
            chain = 1 + 2 * self.lag * (1 - 1 / number) * np.where(number > 1, 1.0, 0.0)
            hours = np.where(there, np.isfinite(self.hours[:, days]).sum(axis=2), np.nan)
            thin = np.maximum(1.0, self.usual_hours / mean_there(hours))
            variance = self.variance * (chain * (thin / number + share) + unknown)
        base = self.centre + mean_there(np.where(there, self.offset[:, self.weekday[days]], np.nan))
        good = self.known & (number >= least)
        value = np.where(good, mean_there(values), np.nan)
        return value, np.where(good, np.sqrt(variance), np.nan), self.freedom, base

    def p(self, value: Floats, error: Floats, days: NDArray[np.int64], *, without: Booleans | None = None) -> Floats:
        """P value of a look, two-sided: by t; where most hours are alike, by how surprising the others are."""
        with np.errstate(invalid="ignore", divide="ignore"):
            p = 2 * scipy.special.stdtr(self.freedom, -np.abs(value / error))
        p = np.where(error > 0, p, np.where(np.isfinite(value), (np.abs(value) < 1e-12).astype(float), np.nan))
        rows = np.flatnonzero(self.lumpy & self.known & np.isfinite(p))
        if len(rows):
            skipped = self.members[:, days] if without is None else self.members[:, days] | without
            now = np.where(skipped[rows][:, :, None], np.nan, self.hours[np.ix_(rows, days)])
            before = np.where(
                self.members[np.ix_(rows, self.columns)][:, :, None], self.hours[np.ix_(rows, self.columns)], np.nan
            )
            least = surprise(before, self.weekday[self.columns], now, self.weekday[days], self.usual[rows])
            p[rows] = np.minimum(np.maximum(p[rows], least), vanished(before, now, self.usual[rows]))
        return p


def mean_there(values: Floats) -> Floats:
    """Mean over the last axis of what is there; NaN where nothing is."""
    there = np.isfinite(values)
    number = np.add.reduce(there, axis=-1, dtype=np.int64)
    total = np.add.reduce(np.where(there, values, 0.0), axis=-1)
    mean: Floats = np.divide(total, number, out=np.full(np.shape(number), np.nan), where=number > 0)
    return mean


def median_there(values: Floats) -> Floats:
    """Median over the last axis of what is there; 0 where nothing is."""
    ordered = np.sort(values, axis=-1)
    number = np.isfinite(values).sum(axis=-1)
    rows = np.arange(len(values))
    low, high = np.maximum((number - 1) // 2, 0), np.maximum(number // 2, 0)
    middle = (ordered[rows, low] + ordered[rows, np.minimum(high, values.shape[1] - 1)]) / 2
    return np.where(number > 0, middle, 0.0)
