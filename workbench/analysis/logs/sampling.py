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
from scipy.stats import norm

from workbench.core.errors import ParameterError
from workbench.core.result import Result

Floats = NDArray[np.float64]

#: Attributes that say which share of its kind a line stands for, in the order they are looked at.
MARKS = ("sampled", "sampling.ratio", "sample_rate", "SampleRate")

#: Attributes that only the processor of tail sampling writes: it keeps what is slow or failed, at no known rate.
TAIL_MARKS = ("tailsampling.policy", "sampling.policy")

_LEVEL = 0.95


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
    share_low, _high    95 % interval of the share; NaN where only one value was seen [ratio]
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
    Of N lines kept with probability p each, n are left: N = n / p, standard error sqrt(n (1 - p)) / p. The interval of
    one rate holds the N for which n lies within z standard deviations (score interval); rates are put together by
    MOVER [1]_, shares on the scale of logarithms. Lines with a rate of which none was kept are not counted.

    References
    ----------
    .. [1] G. Y. Zou, A. Donner, Construction of confidence limits about effect measures, Stat. Med. 27 (2008) 1693.

    Examples
    --------
    >>> kept = pd.DataFrame({"value": ["ERROR", "INFO"], "probability": [1 / 8, 1 / 128], "count": [398, 43]})
    >>> estimates(kept, by="severity").frame[["estimate", "kept"]].values.tolist()
    [[5504.0, 43.0], [3184.0, 398.0]]
    """
    parts = kept.groupby(["value", "probability"], as_index=False, dropna=False, sort=True)["count"].sum()
    low, high = interval(parts["count"].to_numpy(np.float64), parts["probability"].to_numpy(np.float64))
    counts, shares = parts["count"].to_numpy(np.float64), parts["probability"].to_numpy(np.float64)
    point = counts / shares
    parts = parts.assign(
        point=point, variance=point * (1 - shares) / shares, below=(point - low) ** 2, above=(high - point) ** 2
    )
    sums = parts.groupby("value", sort=True)[["point", "variance", "below", "above"]]
    totals = sums.agg(lambda column: column.sum(skipna=False))
    whole = parts.groupby("value", sort=True)["count"].sum()
    estimate = totals["point"].to_numpy()
    frame = pd.DataFrame(
        {
            "value": totals.index.astype("str"),
            "kept": whole.to_numpy(np.int64),
            "estimate": estimate,
            "standard_error": np.sqrt(totals["variance"].to_numpy()),
            "low": np.maximum(estimate - np.sqrt(totals["below"].to_numpy()), whole.to_numpy()),
            "high": estimate + np.sqrt(totals["above"].to_numpy()),
        }
    )
    shared = shares_of(frame)
    unknown = int(parts.loc[parts["probability"].isna(), "count"].sum())
    notes = []
    if unknown:
        notes.append(
            f"{unknown:,} kept lines do not say which share of their kind was kept (tail sampling?): "
            "their number and all shares are unknown."
        )
    frame = frame.assign(**shared).sort_values(["estimate", "kept", "value"], ascending=[False, False, True])
    return Estimates(
        frame.reset_index(drop=True),
        by=by,
        unknown=unknown,
        sampled=bool((parts["probability"] != 1).any()),
        notes=tuple(notes),
    )


def interval(counts: Floats, shares: Floats, *, level: float = _LEVEL) -> tuple[Floats, Floats]:
    """Interval of the number of lines of which ``counts`` were kept at one rate each.

    Parameters
    ----------
    counts : float64 array, (n,)
        Lines kept. [lines]
    shares : float64 array, (n,)
        Probability of being kept; NaN gives NaN. [ratio]
    level : float
        [ratio]

    Returns
    -------
    low, high : float64 arrays, (n,)
        The low end is never below the lines kept. [lines]

    Notes
    -----
    Both ends solve abs(n - N p) = z sqrt(N p (1 - p)) for N, a quadratic in sqrt(N).
    """
    if not 0 < level < 1:
        raise ParameterError(f"The level of the interval should be in (0, 1), got {level}.")
    spread = norm.ppf(0.5 + level / 2) * np.sqrt(shares * (1 - shares))
    root = np.sqrt(spread**2 + 4 * shares * counts)
    low = ((root - spread) / (2 * shares)) ** 2
    high = ((root + spread) / (2 * shares)) ** 2
    whole = shares == 1
    return np.where(whole, counts, np.maximum(low, counts + 0 * shares)), np.where(whole, counts, high)


def shares_of(frame: pd.DataFrame) -> dict[str, Floats]:
    """Share of each row in the sum of the estimates, with its interval.

    Parameters
    ----------
    frame : DataFrame
        ``estimate``, ``low``, ``high``. [lines]

    Returns
    -------
    dict of str to float64 array
        ``share``, ``share_low``, ``share_high``; all NaN where an estimate is. [ratio]
    """
    estimate, low, high = (frame[name].to_numpy(np.float64) for name in ("estimate", "low", "high"))
    total = estimate.sum()
    rest = total - estimate
    below, above = (estimate - low) ** 2, (high - estimate) ** 2
    rest_low = rest - np.sqrt(np.maximum(below.sum() - below, 0))
    rest_high = rest + np.sqrt(np.maximum(above.sum() - above, 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        own, others = np.log(estimate), np.log(rest)
        down = np.sqrt((own - np.log(low)) ** 2 + (np.log(rest_high) - others) ** 2)
        up = np.sqrt((np.log(high) - own) ** 2 + (others - np.log(np.maximum(rest_low, 0))) ** 2)
        share = estimate / total
        share_low, share_high = (1 / (1 + np.exp(others - own + move)) for move in (down, -up))
    alone = ~(rest > 0)
    return {
        "share": share,
        "share_low": np.where(alone, np.nan, share_low),
        "share_high": np.where(alone, np.nan, share_high),
    }


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
    frame = estimates(merged, by=by).frame
    if frame["estimate"].isna().any():
        return float("nan"), float("nan"), float("nan")
    row = frame[frame["value"] == "in"]
    return (
        (0.0, 0.0, float("nan"))
        if row.empty
        else (float(row["share"].iloc[0]), float(row["share_low"].iloc[0]), float(row["share_high"].iloc[0]))
    )
