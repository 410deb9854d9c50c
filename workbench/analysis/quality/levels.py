"""Levels of scores side by side: this period and the one before, and the models of one score with each other."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from workbench.analysis.quality.days import ScoreDays
from workbench.analysis.quality.edges import DAY
from workbench.analysis.quality.effects import ALPHA, holm
from workbench.analysis.quality.looks import mean_there
from workbench.core.result import Result
from workbench.core.timerange import TimeRange

Floats = NDArray[np.float64]

#: Fewest days of each side of a comparison. [d]
LEAST_DAYS = 7

#: Most series of one score that are compared with each other. [count]
MOST_SERIES = 6

#: Verdicts, and what they mean.
VERDICTS = {
    "higher": "the second is higher",
    "lower": "the second is lower",
    "no_difference": "no difference shown; this is not proof that they are equal",
    "not_enough": f"not judged: fewer than {LEAST_DAYS} days",
}


@dataclass(frozen=True, eq=False, repr=False)
class LevelComparisons(Result):
    """One row a pair, days as the units.

    Columns of ``frame``: ``kind`` (``periods`` or ``series``), ``role``, ``title``, ``first``, ``second`` (what is
    compared, str), ``days_first``, ``days_second`` (days with readings) [d], ``mean_first``, ``mean_second``,
    ``difference`` (second less first), ``low``, ``high`` (95 % interval of it) [score], ``p`` (after Holm, over the
    rows of one kind) [ratio], ``verdict`` (one of :data:`VERDICTS`).
    """

    range: TimeRange


def level_comparisons(laid: ScoreDays, span: TimeRange) -> LevelComparisons:
    """Compare each score with itself in the period before, and the series of one score with each other.

    Parameters
    ----------
    laid : ScoreDays
        From at least one length of the period before it on.
    span : TimeRange
        Period; only days that lie in it as a whole are compared.

    Notes
    -----
    Periods: Welch's t of the means of days. Series: t of the differences on the days that both have, so that what
    moves both counts for neither. The errors grow by the correlation of adjacent days, (1 + r) / (1 - r) [1]_.

    References
    ----------
    .. [1] D. S. Wilks, Statistical Methods in the Atmospheric Sciences, 3rd ed., 2011, 5.2.4.
    """
    levels = mean_there(laid.values)
    first, last = pd.Timestamp(span.start), pd.Timestamp(span.end)
    inside = np.asarray((laid.starts >= first) & (laid.starts + DAY <= last))
    earlier = np.asarray((laid.starts >= first - (last - first)) & (laid.starts + DAY <= first))
    keys = laid.series.to_dict(orient="records")
    rows = [
        _row("periods", key, "the period before", "this period", levels[number, earlier], levels[number, inside])
        for number, key in enumerate(keys)
    ]
    for _, group in laid.series.groupby("role", sort=False):
        known = sorted(group.index, key=lambda number: -np.isfinite(levels[number, inside]).sum())[:MOST_SERIES]
        for one, other in combinations(sorted(known), 2):
            first_name, second_name = (str(keys[number]["series"]) for number in (one, other))
            days = levels[one, inside], levels[other, inside]
            rows.append(_row("series", keys[one], first_name, second_name, *days, paired=True))
    columns = ["kind", "role", "title", "first", "second", "days_first", "days_second", "mean_first", "mean_second",
               "difference", "low", "high", "p", "verdict"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    for kind in ("periods", "series"):
        tested = (frame["kind"] == kind) & frame["p"].notna()
        if tested.any():
            frame.loc[tested, "p"] = holm(frame.loc[tested, "p"].to_numpy(np.float64))
    side = np.where(frame["difference"] > 0, "higher", "lower")
    frame["verdict"] = np.where(frame["p"].isna(), "not_enough", np.where(frame["p"] <= ALPHA, side, "no_difference"))
    notes = (f"Days are the units; a comparison needs {LEAST_DAYS} of them on each side. P values after Holm.",)
    return LevelComparisons(frame, notes=notes, range=span)


def _row(
    kind: str,
    key: Mapping[Hashable, Any],
    first: str,
    second: str,
    before: Floats,
    now: Floats,
    *,
    paired: bool = False,
) -> dict[str, Any]:
    """One comparison of the levels of days; ``paired`` where they are the same days."""
    both = np.isfinite(before) & np.isfinite(now) if paired else None
    sides = [side[np.isfinite(side) if both is None else both] for side in (before, now)]
    counts = [len(side) for side in sides]
    means = [float(side.mean()) if len(side) else math.nan for side in sides]
    difference, reach, p = means[1] - means[0], math.nan, math.nan
    if min(counts) >= LEAST_DAYS:
        parts = [sides[1] - sides[0]] if paired else sides
        errors = [float(np.var(part, ddof=1)) / len(part) * _chained(part) for part in parts]
        error = math.sqrt(sum(errors))
        within = sum(own**2 / (len(part) - 1) for own, part in zip(errors, parts, strict=True))
        freedom = sum(errors) ** 2 / within if within > 0 else 1.0
        reach = float(stats.t.ppf(1 - ALPHA / 2, freedom)) * error
        p = 2 * float(stats.t.sf(abs(difference) / error, freedom)) if error > 0 else float(abs(difference) < 1e-12)
    return {
        "kind": kind, "role": key["role"], "title": key["title"],
        "first": first if kind == "series" else f"{key['series']}, {first}",
        "second": second, "days_first": counts[0], "days_second": counts[1], "mean_first": means[0],
        "mean_second": means[1], "difference": difference, "low": difference - reach, "high": difference + reach,
        "p": p, "verdict": "",
    }  # fmt: skip


def _chained(values: Floats) -> float:
    """How much the variance of a mean grows by the correlation of adjacent days."""
    rest = values - values.mean()
    power = float(rest @ rest)
    lag = min(0.9, max(0.0, float(rest[1:] @ rest[:-1]) / power)) if power > 0 else 0.0
    return (1 + lag) / (1 - lag)
