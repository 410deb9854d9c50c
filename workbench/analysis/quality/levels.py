"""Levels of scores side by side: this period and the one before, and the models of one score with each other."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from workbench.analysis.quality.days import ScoreDays
from workbench.analysis.quality.edges import DAY
from workbench.analysis.quality.effects import ALPHA, holm
from workbench.analysis.quality.looks import mean_there
from workbench.core.result import Result
from workbench.core.timerange import TimeRange

Floats = NDArray[np.float64]

#: Fewest pairs of days of a comparison. [d]
LEAST_DAYS = 7

#: Differences closer to zero are none. [score]
SAME = 1e-12

#: Most series of one score that are compared with each other. [count]
MOST_SERIES = 6

#: Verdicts, and what they mean.
VERDICTS = {
    "higher": "the second is higher",
    "lower": "the second is lower",
    "no_difference": "no difference shown; this is not proof that they are equal",
    "not_enough": f"not judged: fewer than {LEAST_DAYS} pairs of days",
}


@dataclass(frozen=True, eq=False, repr=False)
class LevelComparisons(Result):
    """One row a pair, days as the units.

    Columns of ``frame``: ``kind`` (``periods`` or ``series``), ``role``, ``title``, ``first``, ``second`` (what is
    compared, str), ``days`` (pairs of days with readings) [d], ``mean_first``, ``mean_second`` (over these),
    ``difference`` (second less first), ``low``, ``high`` (95 % interval of it) [score], ``p`` (after Holm, over the
    rows of one kind) [ratio], ``verdict`` (one of :data:`VERDICTS`).
    """

    range: TimeRange


def level_comparisons(laid: ScoreDays, span: TimeRange) -> LevelComparisons:
    """Compare each score with itself in the period before, and the series of one score with each other.

    Parameters
    ----------
    laid : ScoreDays
        From the whole weeks before the period on that hold as many days.
    span : TimeRange
        Period; only days that lie in it as a whole are compared.

    Notes
    -----
    t of the differences of the means of days: each day and the same weekday whole weeks before, or two series on the
    days that both have, so that what moves both counts for neither. The error grows by the correlation of adjacent
    days, (1 + r) / (1 - r) [1]_.

    References
    ----------
    .. [1] D. S. Wilks, Statistical Methods in the Atmospheric Sciences, 3rd ed., 2011, 5.2.4.
    """
    levels = mean_there(laid.values)
    first, last = pd.Timestamp(span.start), pd.Timestamp(span.end)
    inside = np.asarray((laid.starts >= first) & (laid.starts + DAY <= last))
    # Whole weeks before, so that each day meets its own weekday.
    places = np.flatnonzero(inside)
    back = 7 * max(1, math.ceil(len(places) / 7))
    before = np.where((places >= back)[None, :], levels[:, np.maximum(places - back, 0)], np.nan)
    weeks = f"{back // 7} {'week' if back == 7 else 'weeks'} before"
    keys = laid.series.to_dict(orient="records")
    rows = [
        _row("periods", key, weeks, "this period", before[number], levels[number, inside])
        for number, key in enumerate(keys)
    ]
    for _, group in laid.series.groupby("role", sort=False):
        known = sorted(group.index, key=lambda number: -np.isfinite(levels[number, inside]).sum())[:MOST_SERIES]
        for one, other in combinations(sorted(known), 2):
            first_name, second_name = (str(keys[number]["series"]) for number in (one, other))
            days = levels[one, inside], levels[other, inside]
            rows.append(_row("series", keys[one], first_name, second_name, *days))
    columns = ["kind", "role", "title", "first", "second", "days", "mean_first", "mean_second", "difference",
               "low", "high", "p", "verdict"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    for kind in ("periods", "series"):
        tested = (frame["kind"] == kind) & frame["p"].notna()
        if tested.any():
            frame.loc[tested, "p"] = holm(frame.loc[tested, "p"].to_numpy(np.float64))
    side = np.where(frame["difference"] > 0, "higher", "lower")
    frame["verdict"] = np.where(frame["p"].isna(), "not_enough", np.where(frame["p"] <= ALPHA, side, "no_difference"))
    notes = (f"Pairs of days are the units; a comparison needs {LEAST_DAYS}. P values after Holm.",)
    return LevelComparisons(frame, notes=notes if len(frame) else (), range=span)


def _row(
    kind: str, key: Mapping[Hashable, Any], first: str, second: str, before: Floats, now: Floats
) -> dict[str, Any]:
    """One comparison of the levels of days, pair by pair."""
    both = np.isfinite(before) & np.isfinite(now)
    sides = before[both], now[both]
    count = int(both.sum())
    means = [float(side.mean()) if count else math.nan for side in sides]
    difference, reach, p = means[1] - means[0], math.nan, math.nan
    if count >= LEAST_DAYS:
        gaps = sides[1] - sides[0]
        error = math.sqrt(float(np.var(gaps, ddof=1)) / count * _chained(gaps))
        reach = float(scipy.stats.t.ppf(1 - ALPHA / 2, count - 1)) * error
        p = (
            2 * float(scipy.stats.t.sf(abs(difference) / error, count - 1))
            if error > 0
            else float(abs(difference) < SAME)
        )
    return {
        "kind": kind, "role": key["role"], "title": key["title"],
        "first": first if kind == "series" else f"{key['series']}, {first}", "second": second, "days": count,
        "mean_first": means[0], "mean_second": means[1], "difference": difference, "low": difference - reach,
        "high": difference + reach, "p": p, "verdict": "",
    }  # fmt: skip


def _chained(values: Floats) -> float:
    """How much the variance of a mean grows by the correlation of adjacent days."""
    rest = values - values.mean()
    power = float(rest @ rest)
    lag = min(0.9, max(0.0, float(rest[1:] @ rest[:-1]) / power)) if power > 0 else 0.0
    return (1 + lag) / (1 - lag)
