"""Drifts that began long before a period and are still open, found on the means of days."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.quality.days import score_days
from workbench.analysis.quality.detect import BUDGET, FAR_DAYS, day_verdicts
from workbench.analysis.quality.looks import LEAST_REFERENCE, REFERENCE_DAYS, mean_there
from workbench.analysis.quality.terms import accepted_days, better_sides, margin_of, touched_days
from workbench.core.timerange import TimeRange

#: Days after the onset by which a step or a slope is seen. [d]
SEEN_DAYS = 60

#: Blocks whose means are compared first, and by how many standard deviations of days they differ where a drift may be:
#: the looks see 1.4, and the difference of two steady blocks scatters by 0.27. [d], [sd]
BLOCK_DAYS, LEAST_MOVED = 28, 0.9

#: Days at the start of a reading in which a drift has no reference of its own. [d]
BLIND_DAYS = LEAST_REFERENCE + REFERENCE_DAYS


def older_drifts(
    days: pd.DataFrame,
    reading: TimeRange,
    *,
    zone: str = "UTC",
    margins: Mapping[str, float] | None = None,
    incidents: pd.DataFrame | None = None,
    accepted: pd.DataFrame | None = None,
    better: Mapping[str, str] | None = None,
    budget: float = BUDGET,
) -> pd.DataFrame:
    """Say which series left a level that the reading of hours no longer holds, and where the hours to read lie.

    Parameters
    ----------
    days : DataFrame
        Columns ``role, title, series, time, value, samples``: one row a day before the reading, and the hours of the
        reading. [score, count]
    reading : TimeRange
        What is read by the hour; a drift that began before it, or before it holds a reference, is an older one.
    zone : str
        IANA zone whose days are judged.
    margins, better : mapping, optional
        As for :func:`workbench.analysis.quality.drift.quality`.
    incidents, accepted : DataFrame, optional
        As for :func:`workbench.analysis.quality.drift.quality`.
    budget : float
        Share of quiet series with a false drift in 30 days. [ratio]

    Returns
    -------
    DataFrame
        ``role, series, start, end``: the days from the reference of the drift to where it is sure. [UTC]

    Notes
    -----
    Series of which no block of four weeks differs from the start of the reading are left out: no drift is open there.
    The verdicts are those of :func:`workbench.analysis.quality.detect.day_verdicts` with one value a day. They only
    say what is read by the hour: the verdict that counts comes from those hours.
    """
    start = min(days["time"].min().to_pydatetime(), reading.start) if len(days) else reading.start
    laid = score_days(days, start=start, end=reading.end, zone=zone)
    first = int(np.searchsorted(laid.starts, pd.Timestamp(reading.start), side="right")) - 1
    moved = laid.series[_moved(mean_there(laid.values), first)]
    if moved.empty:
        return _frame([])
    laid = score_days(days.merge(moved, on=[*moved.columns]), start=start, end=reading.end, zone=zone)
    verdicts = day_verdicts(
        mean_there(laid.values)[:, :, None], laid.weekday, margin=margin_of(laid, margins),
        accepted=accepted_days(laid, accepted),
        better=better_sides(laid, better), left_out=touched_days(laid, incidents, reading.end), budget=budget,
    )  # fmt: skip
    rows = []
    for number, key in enumerate(laid.series.itertuples(index=False)):
        for run in range(int(verdicts.run[number].max(initial=-1)) + 1):
            inside = np.flatnonzero(verdicts.run[number] == run)
            if len(inside) and inside[0] < first + BLIND_DAYS and inside[-1] >= first:
                onset = int(inside[0])
                span = max(0, onset - FAR_DAYS), min(onset + SEEN_DAYS, len(laid.starts) - 1)
                rows.append((key.role, key.series, *(laid.starts[day] for day in span)))
    return _frame(rows)


def _frame(rows: list[tuple[str, str, pd.Timestamp, pd.Timestamp]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["role", "series", "start", "end"])
    for name in ("start", "end"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("ms")
    return frame


def _moved(means: NDArray[np.float64], first: int) -> NDArray[np.bool_]:
    """Mark series of which a block of weeks before a day is not like the first two blocks after it."""
    moved = np.zeros(len(means), np.bool_)
    after = [mean_there(means[:, start : start + BLOCK_DAYS]) for start in (first, first + BLOCK_DAYS)]
    for end in range(first, 0, -BLOCK_DAYS):
        block = means[:, max(0, end - BLOCK_DAYS) : end]
        level = mean_there(block)
        spread = np.sqrt(mean_there((block - level[:, None]) ** 2))
        for other in after:
            moved |= np.abs(level - other) > np.maximum(LEAST_MOVED * spread, 1e-12)
    return moved
