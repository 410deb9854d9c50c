"""EVENTS of an objective: good events and all events per slice, with how much of the slice was seen.

Every frame here has the columns ``objective`` (str), ``time`` (start of the slice, UTC), ``good``, ``total``
[events or slices per slice] and ``covered`` (share of the slice that was observed, in [0, 1]). Where a latency
threshold lies between two buckets, ``good_low`` and ``good_high`` are there too: the fewest and the most good events.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import union_categoricals

from workbench.analysis.counting.history import BOUNDS
from workbench.analysis.counting.increase import Edges
from workbench.core.errors import FrameError, ParameterError
from workbench.core.series import Metrics, SeriesSet

Floats = NDArray[np.float64]

#: Operators of a threshold: the slice is good when ``value op threshold`` holds.
OPERATORS: dict[str, Callable[[Floats, float], NDArray[np.bool_]]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def slice_events(
    objective: str,
    edges_ms: Edges,
    *,
    good: Floats,
    total: Floats,
    covered: Floats,
    bounds: tuple[Floats, Floats] | None = None,
) -> pd.DataFrame:
    """EVENTS frame of one objective from counts per slice.

    Parameters
    ----------
    objective : str
        Id of the objective.
    edges_ms : array-like of int, length n_slices + 1
        [ms since the epoch]
    good, total : float64 array, length n_slices
        Counts of the slice. [events]
    covered : float64 array, length n_slices
        Share of the slice that was observed. [ratio]
    bounds : pair of float64 arrays, optional
        Fewest and most good events of the slice, where the number is not known. [events]

    Examples
    --------
    >>> frame = slice_events("api", [0, 300_000], good=np.array([9.0]), total=np.array([10.0]), covered=np.ones(1))
    >>> frame[["good", "total", "covered"]].values.tolist()
    [[9.0, 10.0, 1.0]]
    """
    starts = _edges(edges_ms)[:-1]
    return pd.DataFrame(
        {
            "objective": _named(objective, len(starts)),
            "time": pd.DatetimeIndex(starts.view("datetime64[ms]")).tz_localize("UTC"),
            "good": np.asarray(good, np.float64),
            "total": np.asarray(total, np.float64),
            "covered": np.asarray(covered, np.float64),
            **{name: np.asarray(bound, np.float64) for name, bound in zip(BOUNDS, bounds or (), strict=False)},
        },
        copy=False,
    )


def _edges(edges_ms: Edges) -> NDArray[np.int64]:
    if isinstance(edges_ms, range):
        return np.arange(edges_ms.start, edges_ms.stop, edges_ms.step, dtype=np.int64)
    return np.asarray(edges_ms, np.int64)


def joined_events(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """EVENTS of several objectives in one frame; without any, an empty frame with all columns.

    Examples
    --------
    >>> seen = {"good": np.ones(1), "total": np.ones(1), "covered": np.ones(1)}
    >>> one, two = (slice_events(name, [0, 60_000], **seen) for name in "ab")
    >>> joined_events([one, two])["objective"].tolist()
    ['a', 'b']
    """
    if not parts:
        return slice_events("", [0], good=np.zeros(0), total=np.zeros(0), covered=np.zeros(0))
    names = ["good", "total", "covered"]
    if any(BOUNDS[0] in part.columns for part in parts):
        names.extend(BOUNDS)

    def counts(part: pd.DataFrame, name: str) -> Floats:
        return part[name].to_numpy(np.float64) if name in part.columns else np.full(len(part), np.nan)

    columns = {name: np.concatenate([counts(part, name) for part in parts]) for name in names}
    times = np.concatenate([part["time"].dt.as_unit("ms").astype("int64").to_numpy() for part in parts])
    return pd.DataFrame(
        {
            "objective": union_categoricals([part["objective"].astype("category") for part in parts]),
            "time": pd.DatetimeIndex(times.view("datetime64[ms]")).tz_localize("UTC"),
            **columns,
        },
        copy=False,
    )


def _named(objective: str, length: int) -> pd.Categorical:
    return pd.Categorical.from_codes(np.zeros(length, np.int8), categories=[objective])


def threshold_events(objective: str, answer: Metrics, *, op: str, threshold: float, slice_ms: int) -> pd.DataFrame:
    """EVENTS of a threshold objective: one event per slice, good when every series keeps the threshold.

    Parameters
    ----------
    objective : str
        Id of the objective.
    answer : Metrics
        The indicator evaluated at the end of each slice.
    op : {"<", "<=", ">", ">="}
        How a value is compared with the threshold; where it holds, the event is good.
    threshold : float
        In the unit of the indicator.
    slice_ms : int
        Length of a slice. [ms]

    Notes
    -----
    A slice without a point is not covered and counts nothing; a slice where all points are NaN (a ratio of
    nothing) is covered and counts nothing. Neither is good and neither is bad.

    Raises
    ------
    ParameterError
        Unknown operator.
    """
    if op not in OPERATORS:
        raise ParameterError(f"{op!r} is not a threshold operator.", hint=f"Use one of: {', '.join(OPERATORS)}.")
    valued = answer.present & ~np.isnan(answer.values)
    with np.errstate(invalid="ignore"):
        kept = OPERATORS[op](answer.values, threshold) | ~valued
    judged = valued.any(axis=0)
    edges = np.append(answer.times - slice_ms, answer.times[-1:])
    return slice_events(
        objective,
        edges,
        good=np.asarray(kept.all(axis=0) & judged, np.float64),
        total=np.asarray(judged, np.float64),
        covered=np.asarray(answer.present.any(axis=0), np.float64),
    )


def sampled_events(objective: str, series: SeriesSet, edges_ms: Edges, *, op: str, threshold: float) -> pd.DataFrame:
    """EVENTS of a threshold that each sample keeps or breaks by itself: probes, ``up``, a health endpoint.

    Parameters
    ----------
    objective : str
        Id of the objective.
    series : SeriesSet
        Samples of a gauge; those outside the slices are left out.
    edges_ms : array-like of int, length n_slices + 1
        [ms since the epoch]
    op : {"<", "<=", ">", ">="}
        How a value is compared with the threshold; where it holds, the event is good.
    threshold : float
        In the unit of the gauge.

    Returns
    -------
    DataFrame
        A slice holds the samples in (start, end]; of several series all count alike. NaN is no event.

    Raises
    ------
    ParameterError
        Unknown operator.

    Examples
    --------
    >>> up = SeriesSet.of([({"job": "web"}, np.array([60_000, 120_000, 180_000]), np.array([1.0, 0.0, 1.0]))])
    >>> sampled_events("web", up, [0, 120_000, 240_000], op=">=", threshold=1)[["good", "total"]].values.tolist()
    [[1.0, 2.0], [1.0, 1.0]]
    """
    if op not in OPERATORS:
        raise ParameterError(f"{op!r} is not a threshold operator.", hint=f"Use one of: {', '.join(OPERATORS)}.")
    edges = _edges(edges_ms)
    size = len(edges) - 1
    good, total = np.zeros(size), np.zeros(size)
    for _, times, values in series:
        slot = np.searchsorted(edges, times, side="left") - 1
        inside = (slot >= 0) & (slot < size) & ~np.isnan(values)
        kept = inside & OPERATORS[op](values, threshold)
        total += np.bincount(slot[inside], minlength=size)
        good += np.bincount(slot[kept], minlength=size)
    return slice_events(objective, edges, good=good, total=total, covered=np.asarray(total > 0, np.float64))


def raw_events(objective: str, answer: Metrics, *, kind: Literal["success", "failure"], slice_ms: int) -> pd.DataFrame:
    """EVENTS of an indicator that is a share itself: one event per slice, good by that share.

    Parameters
    ----------
    objective : str
        Id of the objective.
    answer : Metrics
        One series, the share of successes or failures at the end of each slice. [ratio]
    kind : {"success", "failure"}
        What the share is of.
    slice_ms : int
        Length of a slice. [ms]

    Raises
    ------
    FrameError
        Several series, or a share outside [0, 1].

    Notes
    -----
    NaN (a ratio of nothing) is covered and counts nothing, as in :func:`threshold_events`.
    """
    if len(answer.labels) > 1:
        raise FrameError(
            f"The share of {objective!r} came as {len(answer.labels)} series, and shares cannot be added.",
            hint="Aggregate in the query, e.g. sum(good) / sum(total).",
        )
    judged = (answer.present & ~np.isnan(answer.values)).any(axis=0)
    share = np.where(judged, np.nansum(answer.values, axis=0), 0.0)
    if (outside := (share < 0) | (share > 1)).any():
        raise FrameError(
            f"The share of {objective!r} is {share[outside][0]:g}, outside [0, 1].",
            hint="A raw indicator is a ratio; divide a percentage by 100.",
        )
    return slice_events(
        objective,
        np.append(answer.times - slice_ms, answer.times[-1:]),
        good=np.where(judged, share if kind == "success" else 1 - share, 0.0),
        total=np.asarray(judged, np.float64),
        covered=np.asarray(answer.present.any(axis=0), np.float64),
    )


def timeslice_events(events: pd.DataFrame, *, slice_target: Decimal | None, slice_ms: int) -> pd.DataFrame:
    """EVENTS of a time-slice objective from event counts: each slice is one event, however much happened in it.

    Parameters
    ----------
    events : DataFrame
        EVENTS of one objective with ``covered``; slices no longer than ``slice_ms`` and dividing it.
    slice_target : Decimal or None
        Share of good events that makes a slice good; exactly this share is good. None (OpenSLO's RatioTimeslices)
        lets a slice be good by its share. [ratio]
    slice_ms : int
        Length of a judged slice. [ms]

    Notes
    -----
    Slices without events are ignored (``total`` 0): silence is neither good nor bad. ``covered`` is the mean.
    """
    floor = events["time"].dt.floor(pd.Timedelta(milliseconds=slice_ms))
    grouped = events.groupby(floor, sort=True)
    kinds = ["good", *(name for name in BOUNDS if name in events.columns)]
    counts = grouped[[*kinds, "total"]].sum()
    active = (counts["total"] > 0).to_numpy()

    def judged(kind: str) -> Floats:
        if slice_target is None:
            share: Floats = (counts[kind] / counts["total"].where(active, 1.0)).to_numpy(np.float64)
            return share
        needed = Fraction(slice_target)
        pairs = zip(counts[kind].tolist(), counts["total"].tolist(), strict=True)
        return np.array([total > 0 and Fraction(kept) >= needed * Fraction(total) for kept, total in pairs], np.float64)

    return pd.DataFrame(
        {
            "objective": events["objective"].iloc[: len(counts)].array,
            "time": counts.index,
            "good": judged("good"),
            "total": active.astype(np.float64),
            "covered": grouped["covered"].mean().to_numpy(np.float64),
            **{kind: judged(kind) for kind in kinds[1:]},
        }
    )
