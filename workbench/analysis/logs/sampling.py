"""Counts of sampled lines and spans: what the kept ones stand for, with an interval.

A line says with a mark which share of its kind was kept. Failures are often kept more often than successes, so a share
of kept lines is no share of what happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.counting.sampled import count_interval, share_interval
from workbench.core.result import Result

Floats = NDArray[np.float64]

#: Attributes that say which share of its kind a line stands for, in the order they are looked at.
MARKS = ("sampled", "sampling.ratio", "sample_rate", "SampleRate")

#: Attributes that only the processor of tail sampling writes: it keeps what is slow or failed, at no known rate.
TAIL_MARKS = ("tailsampling.policy", "sampling.policy")


def kept_share(mark: str) -> float:
    """Share of lines kept, from the mark of one: ``1/128``, ``0.1``, or a whole number n for one in n. [ratio]

    Returns
    -------
    float
        1 for a line without a mark; NaN for a mark that states no rate, e.g. ``tail``.

    Examples
    --------
    >>> kept_share("1/128"), kept_share("0.1"), kept_share("10"), kept_share(""), kept_share("tail")
    (0.0078125, 0.1, 0.1, 1.0, nan)
    """
    if not mark.strip():
        return 1.0
    above, _, below = mark.partition("/")
    try:
        value = float(above) / float(below or 1)
    except (ValueError, ZeroDivisionError):
        return float("nan")
    if below == "" and value > 1:
        value = 1 / value
    return value if 0 < value <= 1 else float("nan")


@dataclass(frozen=True, eq=False, repr=False)
class Estimates(Result):
    """How many lines there were, one row per value, most first.

    Columns of ``frame``:

    =================== ==========================================================================================
    value               value of the column counted by (str)
    kept                lines that were kept [lines]
    estimate            lines there were; NaN where a rate is unknown [lines]
    standard_error      of the estimate; 0 where all lines were kept [lines]
    low, high           95 % interval of the estimate [lines]
    share               estimate / sum of estimates; NaN where any rate is unknown [ratio]
    share_low, _high    95 % interval of the share [ratio]
    =================== ==========================================================================================

    Attributes
    ----------
    by : str
        What was counted by.
    unknown : int
        Kept lines whose rate is not known. [lines]
    sampled : bool
        Whether any line stands for more than itself.
    """

    by: str
    unknown: int
    sampled: bool


def estimates(kept: pd.DataFrame, *, by: str) -> Estimates:
    """Estimate numbers of lines from kept ones.

    Parameters
    ----------
    kept : DataFrame
        ``value`` (str), ``probability`` (share kept, NaN where not known) [ratio], ``count`` (kept) [lines].
    by : str
        What ``value`` is, for the reader.

    Returns
    -------
    Estimates

    Notes
    -----
    Of N lines kept with probability p each, n are left: N = n / p, standard error sqrt(n (1 - p)) / p. The intervals of
    counts and shares are those of :mod:`workbench.analysis.counting.sampled`. Lines with a rate of which none was kept
    are not counted.

    Examples
    --------
    >>> kept = pd.DataFrame({"value": ["ERROR", "INFO"], "probability": [1 / 8, 1 / 128], "count": [398, 43]})
    >>> estimates(kept, by="severity").frame[["estimate", "kept"]].values.tolist()
    [[5504.0, 43.0], [3184.0, 398.0]]
    """
    probabilities, counts = kept["probability"].to_numpy(np.float64), kept["count"].to_numpy(np.float64)
    parts = kept[["value", "count"]].assign(
        estimate=counts / probabilities, variance=counts * (1 - probabilities) / probabilities**2
    )
    totals = parts.groupby("value", sort=True).sum(skipna=False)
    whole = totals["count"].to_numpy(np.int64)
    estimate, variance = totals["estimate"].to_numpy(np.float64), totals["variance"].to_numpy(np.float64)
    low, high = count_interval(estimate, variance)
    share, share_low, share_high = _shares(estimate, variance, 1 / np.nanmin(probabilities, initial=1.0))
    frame = pd.DataFrame(
        {
            "value": totals.index.astype("str"),
            "kept": whole,
            "estimate": estimate,
            "standard_error": np.sqrt(variance),
            "low": np.maximum(low, whole),
            "high": high,
            "share": share,
            "share_low": share_low,
            "share_high": share_high,
        }
    )
    unknown = int(counts[np.isnan(probabilities)].sum())
    notes = []
    if unknown:
        notes.append(
            f"{unknown:,} kept lines do not say which share of their kind was kept (tail sampling?): "
            "their number and all shares are unknown."
        )
    frame = frame.sort_values(["estimate", "kept", "value"], ascending=[False, False, True])
    return Estimates(
        frame.reset_index(drop=True),
        by=by,
        unknown=unknown,
        sampled=bool((probabilities != 1).any()),
        notes=tuple(notes),
    )


def _shares(estimate: Floats, variance: Floats, weight: float) -> tuple[Floats, Floats, Floats]:
    """Share of each estimate in their sum, and both ends of its 95 % interval; NaN where an estimate is."""
    total = estimate.sum()
    share = estimate / total if total else np.full(len(estimate), np.nan)
    apart = (1 - share) ** 2 * variance + share**2 * (variance.sum() - variance)
    low, high = share_interval(share, apart / total**2, np.full(len(share), total), np.full(len(share), weight))
    return share, low, high


def share_of(kept: pd.DataFrame, values: Sequence[str], *, by: str) -> tuple[float, float, float]:
    """Share of several values together, with its 95 % interval, e.g. of error lines. [ratio]

    Parameters
    ----------
    kept : DataFrame
        As for :func:`estimates`.
    values : sequence of str
        Values that count as one.
    by : str
        Column of the values.

    Returns
    -------
    tuple of float
        Share, low and high end; NaN where a rate is unknown or there are no lines.
    """
    if kept.empty:
        return float("nan"), float("nan"), float("nan")
    merged = kept.assign(value=np.where(kept["value"].isin(values), "in", "out"))
    frame = estimates(merged, by=by).frame.set_index("value")[["share", "share_low", "share_high"]]
    if "in" in frame.index:
        share, low, high = frame.loc["in"].tolist()
    else:
        share, high, low = (1 - frame.loc["out"]).tolist()
    return share, low, high
