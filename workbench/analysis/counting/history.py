"""EVENTS of one objective as arrays, oldest first: what all arithmetic on budgets works on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.core.errors import FrameError
from workbench.core.frames import EVENTS
from workbench.core.timerange import TimeRange

_COLUMNS = ("objective", *EVENTS.columns, "covered")

#: Columns of EVENTS where the number of good events is known within bounds only; both or none are there.
BOUNDS = ("good_low", "good_high")


@dataclass(frozen=True)
class History:
    """Counts per slice of one objective.

    Attributes
    ----------
    start_ms : int64 array
        Start of each slice, rising. [ms since the epoch]
    good, total : float64 array
        [events/slice]
    covered : float64 array
        Observed share of each slice. [ratio]
    low, high : float64 array, optional
        Fewest and most good events of each slice, where a threshold lies between two buckets; None where ``good`` is
        known. [events/slice]
    """

    start_ms: NDArray[np.int64]
    good: NDArray[np.float64]
    total: NDArray[np.float64]
    covered: NDArray[np.float64]
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None

    @classmethod
    def empty(cls) -> History:
        """Return a history without slices."""
        return cls(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros(0))

    def __len__(self) -> int:
        return len(self.start_ms)

    def _changed(
        self, start_ms: NDArray[np.int64], change: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    ) -> History:
        """Return a history of other slices, every count of them changed in the same way."""
        low, high = (None if bound is None else change(bound) for bound in (self.low, self.high))
        return History(start_ms, change(self.good), change(self.total), change(self.covered), low, high)

    def bounds(self) -> tuple[History, History]:
        """Return the history with the fewest and with the most good events; both are the history where these are known.

        Examples
        --------
        >>> one = np.ones(1)
        >>> low, high = History(np.zeros(1, np.int64), 8 * one, 10 * one, one, low=7 * one, high=9 * one).bounds()
        >>> low.good.item(), high.good.item()
        (7.0, 9.0)
        """
        low, high = (self.good if bound is None else bound for bound in (self.low, self.high))
        return replace(self, good=low, low=None, high=None), replace(self, good=high, low=None, high=None)

    def within(self, span: TimeRange) -> History:
        """Return the slices that start in the range."""
        first, last = np.searchsorted(self.start_ms, [span.start_ms, span.end_ms])
        part = slice(int(first), int(last))
        return self._changed(self.start_ms[part], lambda counts: counts[part])

    def regular(self, span: TimeRange, slice_ms: int) -> History:
        """Return every whole slice of a range; one that is not there has no events and was not observed."""
        starts = np.arange(span.start_ms, span.end_ms - slice_ms + 1, slice_ms, dtype=np.int64)
        seen = self.within(span)
        if len(seen) == len(starts):
            return seen
        place = (seen.start_ms - span.start_ms) // slice_ms

        def spread(counts: NDArray[np.float64]) -> NDArray[np.float64]:
            whole = np.zeros(len(starts))
            np.add.at(whole, place, counts)
            return whole

        return seen._changed(starts, spread)

    def stepped(self, origin_ms: int, step_ms: int) -> History:
        """Sum the slices into steps counted from an origin; ``covered`` is summed as well."""
        if not len(self):
            return self
        steps = (self.start_ms - origin_ms) // step_ms
        firsts = np.flatnonzero(np.diff(steps, prepend=steps[0] - 1))
        return self._changed(origin_ms + steps[firsts] * step_ms, lambda counts: np.add.reduceat(counts, firsts))

    def coverage(self, length_ms: int, slice_ms: int) -> float:
        """Observed share of the whole slices of a time; a slice that is not there was not observed. [ratio]"""
        return float(self.covered.sum()) / max(1, length_ms // slice_ms)


#: EVENTS as a frame, or split by :func:`histories`, so that several analyses share the work.
Events: TypeAlias = "pd.DataFrame | Mapping[str, History]"


def histories(events: Events) -> Mapping[str, History]:
    """Split EVENTS by objective; what was split already is returned as it is.

    Parameters
    ----------
    events : DataFrame, or mapping of str to History
        Frame contract ``EVENTS`` with ``objective`` and ``covered``, any row order; with ``good_low`` and ``good_high``
        where a threshold lies between two buckets, NaN in rows that are known. [events/slice]

    Raises
    ------
    FrameError
        A column is absent, or a count is negative, NaN or infinite.
    """
    if not isinstance(events, pd.DataFrame):
        return events
    for name in _COLUMNS:
        if name not in events.columns:
            raise FrameError(
                f"No column {name!r} in the EVENTS of an objective (got: {', '.join(map(str, events.columns))}).",
                hint=f"They need: {', '.join(_COLUMNS)}.",
            )
    codes, names = _coded(events["objective"])
    start_ms = events["time"].dt.as_unit("ms").astype("int64").to_numpy()
    good, total, covered = (events[name].to_numpy(np.float64) for name in ("good", "total", "covered"))
    wrong = np.flatnonzero(~(np.isfinite(good) & np.isfinite(total) & (total >= 0) & (good >= 0)))
    if len(wrong):
        row = events.iloc[wrong[0]]
        raise FrameError(
            f"{row['good']} good of {row['total']} events of {row['objective']} at {row['time']} are not counts.",
            hint="Counts are finite and not negative; leave a slice without counts out.",
        )
    sorted_already = bool(((np.diff(codes) > 0) | ((np.diff(codes) == 0) & (np.diff(start_ms) > 0))).all())
    order = np.arange(len(codes)) if sorted_already else np.lexsort((start_ms, codes))
    bounds = np.searchsorted(codes if sorted_already else codes[order], np.arange(len(names) + 1))
    rows = [slice(first, last) if sorted_already else order[first:last] for first, last in pairwise(bounds.tolist())]
    known = {
        str(name): History(start_ms[mine], good[mine], total[mine], covered[mine])
        for name, mine in zip(names, rows, strict=True)
    }
    if BOUNDS[0] in events.columns:
        fewest, most = (events[name].to_numpy(np.float64) for name in BOUNDS)
        for name, mine in zip(names, rows, strict=True):
            history, low, high = known[str(name)], fewest[mine], most[mine]
            if not np.isnan(low).all():
                low, high = (np.where(np.isnan(bound), history.good, bound) for bound in (low, high))
                known[str(name)] = replace(history, low=low, high=high)
    return known


def _coded(names: pd.Series) -> tuple[NDArray[np.int64], pd.Index]:
    """Numbers for names, and the names; those of a categorical are there already."""
    if (
        isinstance(names.dtype, pd.CategoricalDtype)
        and (held := names.cat.codes.to_numpy(np.int64)).min(initial=0) == 0
    ):
        used = np.flatnonzero(np.bincount(held, minlength=len(names.cat.categories)))
        place = np.zeros(len(names.cat.categories), np.int64)
        place[used] = np.arange(len(used))
        return place[held] if len(held) else held, names.cat.categories[used]
    codes, known = pd.factorize(names)
    return codes.astype(np.int64), pd.Index(known)
