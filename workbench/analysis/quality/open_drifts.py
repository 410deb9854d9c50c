"""Drifts that are open: when each began, how far it went, and when the level is back at the reference that it left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from workbench.analysis.quality.looks import Reference

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

#: The mean of the days that count as back lies within so many standard errors of the reference; beyond the second the
#: drift goes on at their level. [standard errors]
AT_REFERENCE, STILL_AWAY = 2.0, 3.0

#: After so many days the level of a drift is taken as known, however few days it was seen. [days]
SETTLED = 10

#: Standard errors by which the size of a drift is taken as smaller than its days so far say.
OVERSTATED = 1.5


@dataclass
class OpenDrifts:
    """Drifts that are open, one per series at most."""

    open: Booleans
    members: Booleans
    onset: NDArray[np.int64]
    size: Floats
    held: Floats
    squares: Floats
    evidence: Floats
    candidate: NDArray[np.int64]
    rest: Floats
    resting: Floats
    number: NDArray[np.int64]
    next: NDArray[np.int64]
    since: NDArray[np.int64]

    @classmethod
    def none(cls, count: int, days: int) -> OpenDrifts:
        """No drift of any series."""
        nothing, zero = np.zeros(count), np.zeros(count, np.int64)
        return cls(
            np.zeros(count, np.bool_), np.zeros((count, days), np.bool_), onset=zero.copy(), size=nothing.copy(),
            held=nothing.copy(), squares=nothing.copy(), evidence=nothing.copy(), candidate=zero.copy(),
            rest=nothing.copy(), resting=nothing.copy(), number=zero - 1, next=zero.copy(), since=zero.copy(),
        )  # fmt: skip

    def keep(self, members: Booleans, since: NDArray[np.int64]) -> None:
        """Remember the reference of each series, for as long as no newer one is long enough."""
        self.members, self.since = members.copy(), since.copy()

    def begin(
        self, which: Booleans, left_out: Booleans, reference: Reference, week: NDArray[np.int64], day: int
    ) -> None:
        """Open drifts; the first day is where the levels of the last week split best."""
        values = np.where(left_out[:, week], np.nan, reference.levels(week))
        for series in np.flatnonzero(which):
            best = _onset(values[series])
            self.onset[series] = week[best]
            self.size[series] = np.nanmean(values[series][best:])
            self.held[series] = np.isfinite(values[series][best:]).sum()
            self.squares[series] = np.nansum(values[series][best:] ** 2)
            self.number[series] = self.next[series]
            self.next[series] += 1
        self.open |= which
        self._forget(which)
        self.candidate[which] = day + 1

    def follow(
        self, which: Booleans, level: Floats, error: Floats, reference: Reference, limit: float, day: int
    ) -> Booleans:
        """Add a day to open drifts and say which are back at their reference.

        The days since the level turned back differ from those of the drift by a t test at ``limit``.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            own = np.sqrt(np.maximum(0.0, self.squares / self.held - self.size**2) * self.held / (self.held - 1))
        # Where most hours are alike, a day without an event is no recovery: the days of the drift scatter more.
        wide = np.where(self.held > 2, own, np.abs(self.size) / 3)
        error = np.where(reference.lumpy, np.fmax(error, wide), error)
        known = which & np.isfinite(level) & (error > 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            # A drift is found on a day that is far off, so that its first days say more than it is.
            over = np.minimum(np.abs(self.size) / 2, OVERSTATED * error / np.sqrt(self.held))
            size = np.sign(self.size) * (np.abs(self.size) - over)
            gain = np.where(known, (size**2 / 2 - size * level) / error**2, 0.0)
        exact = which & np.isfinite(level) & (error == 0)
        gain = np.where(exact, np.where(np.abs(level) < np.abs(self.size) / 2, np.inf, -np.inf), gain)
        before = self.evidence
        self.evidence = np.where(which, np.maximum(0.0, before + gain), before)
        self.candidate = np.where(which & (before <= 0) & (self.evidence > 0), day, self.candidate)
        going = which & np.isfinite(level) & (self.evidence > 0)
        self.rest = np.where(going, self.rest + np.nan_to_num(level), np.where(self.evidence > 0, self.rest, 0.0))
        self.resting = np.where(going, self.resting + 1, np.where(self.evidence > 0, self.resting, 0.0))
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = self.rest / self.resting
            away = np.where(error > 0, mean * np.sign(self.size) * np.sqrt(self.resting) / error, 0.0)
            chain = 1 + 2 * reference.lag * (1 - 1 / self.resting)
            apart = np.abs(mean - size) / (error * np.sqrt(chain / self.resting + 1 / self.held))
            # A level known from a day or two stays uncertain for ever; ten days at the reference end it all the same.
            settled = np.abs(mean - size) / (error * np.sqrt(chain / self.resting))
            apart = np.where(self.resting >= SETTLED, settled, apart)
            sure = (2 * scipy.special.stdtr(reference.freedom, -apart) <= limit) | np.isinf(self.evidence)
        # A drift is first seen at its worst: days at half its size are no recovery when they are not at the reference.
        enough = going & sure
        back: Booleans = enough & (away < AT_REFERENCE)
        smaller = enough & (away > STILL_AWAY)
        grows = which & np.isfinite(level) & (self.evidence <= 0)
        self.size = np.where(grows, (self.size * self.held + np.nan_to_num(level)) / (self.held + 1), self.size)
        self.held = np.where(grows, self.held + 1, self.held)
        self.squares = np.where(grows, self.squares + np.nan_to_num(level) ** 2, self.squares)
        self.size, self.held = np.where(smaller, mean, self.size), np.where(smaller, self.resting, self.held)
        self.squares = np.where(smaller, self.held * (self.size**2 + own**2), self.squares)
        self._forget(smaller)
        self.candidate = np.where(smaller, day + 1, self.candidate)
        return back

    def turn(self, which: Booleans, level: Floats, day: int) -> None:
        """Open drifts of the other direction, from the day on that was not like the one before."""
        self.onset = np.where(which, np.minimum(self.candidate, day), self.onset)
        self.size, self.held = np.where(which, level, self.size), np.where(which, 1.0, self.held)
        self.squares = np.where(which, level**2, self.squares)
        self.number = np.where(which, self.next, self.number)
        self.next = self.next + which
        self.open = self.open | which
        self.candidate = np.where(which, day + 1, self.candidate)

    def close(self, which: Booleans) -> None:
        """Close drifts."""
        self.open = self.open & ~which
        self._forget(which)

    def _forget(self, which: Booleans) -> None:
        self.evidence, self.rest, self.resting = (
            np.where(which, 0.0, values) for values in (self.evidence, self.rest, self.resting)
        )


def _onset(values: Floats) -> int:
    """Place from which on the levels of a week are those of the drift: the best split into 0 and their mean."""
    known = np.nan_to_num(values)
    sums = np.cumsum(known[::-1])[::-1]
    counts = np.maximum(np.cumsum(np.isfinite(values)[::-1])[::-1], 1)
    gain = sums**2 / counts
    return int(np.argmax(gain))
