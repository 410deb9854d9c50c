"""Scores of segments by day, from counts of answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.quality.tally import Tally
from workbench.core.result import Result

#: Standard deviations of a day's mean on either side of its reference. [sd]
REACH = 1.96


@dataclass(frozen=True, eq=False, repr=False)
class SegmentDays(Result):
    """Each segment of each table of answers, by day.

    Columns of ``frame``: ``role`` (name of the score), ``series`` (its segment), ``start`` of the day [UTC],
    ``samples`` [count], ``mean``, ``reference`` (mean of the segment on the days of the reference) and ``difference``
    [score], ``low``, ``high`` (the difference less and plus 1.96 standard deviations of the reference's days) [score].
    """


def segment_days(
    tallies: Sequence[tuple[Tally, Sequence[str]]], starts: pd.DatetimeIndex, now: NDArray[np.bool_]
) -> SegmentDays:
    """Lay the means of segments out by day.

    Parameters
    ----------
    tallies : sequence of (Tally, segments)
        Counts by day and segment, with the names of the segments; empty names for a score without segments.
    starts : DatetimeIndex, (days,)
        Start of each day. [UTC]
    now : bool array, (days,)
        Days of now; the others are the reference.

    Examples
    --------
    >>> from workbench.analysis.quality.tally import numbers_tally
    >>> groups = np.array([0, 1, 2, 3, 4, 5])
    >>> tally = numbers_tally("score", np.array([4.0, 5.0, 5.0, 4.0, 1.0, 5.0]), groups, units=3, segments=2)
    >>> starts = pd.date_range("2026-10-01", periods=3, tz="UTC")
    >>> result = segment_days([(tally, ["de", "fr"])], starts, np.array([False, False, True]))
    >>> result.frame[["series", "difference"]].iloc[[2, 5]].values.tolist()
    [['de', -3.5], ['fr', 0.5]]
    """
    frames = []
    for tally, segments in tallies:
        if not segments or not np.isfinite(tally.sums).all():
            continue
        n = tally.counts.sum(axis=2)
        with np.errstate(invalid="ignore", divide="ignore"):
            means = np.where(n > 0, tally.sums / n, np.nan)
            base = tally.sums[~now].sum(axis=0) / n[~now].sum(axis=0)
        for number, segment in enumerate(segments):
            usual = means[~now, number]
            usual = usual[np.isfinite(usual)]
            reach = REACH * float(np.std(usual, ddof=1)) if len(usual) > 1 else np.nan
            difference = means[:, number] - base[number]
            frames.append(
                pd.DataFrame(
                    {
                        "role": tally.name, "series": segment, "start": starts, "samples": n[:, number],
                        "mean": means[:, number], "reference": base[number], "difference": difference,
                        "low": difference - reach, "high": difference + reach,
                    }
                )
            )  # fmt: skip
    columns = ["role", "series", "start", "samples", "mean", "reference", "difference", "low", "high"]
    return SegmentDays(pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns))
