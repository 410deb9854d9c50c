"""When a limit was broken, for how long, and how much of the time is not known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.core.errors import ParameterError
from workbench.core.result import Result
from workbench.core.series import Labels, Metrics
from workbench.core.timerange import duration_text

Floats = NDArray[np.float64]

#: Comparisons of a limit: it is broken where ``value op limit`` holds.
COMPARISONS: Mapping[str, Callable[[Floats, float], NDArray[np.bool_]]] = {
    ">": np.greater,
    ">=": np.greater_equal,
    "<": np.less,
    "<=": np.less_equal,
    "==": np.equal,
    "!=": np.not_equal,
}

#: The last evaluation with a value may be this much older than the end: as far as PromQL looks back for a sample.
_LOOKBACK = timedelta(minutes=5)


@dataclass(frozen=True)
class Limit:
    """A limit and what was measured of it.

    Attributes
    ----------
    name, title : str
    op : {">", ">=", "<", "<=", "==", "!="}
    value : float
        [``unit``]
    unit : str
    severity : str
    for_ms : int
        How long it must be broken without a break to count. [ms]
    answer : Metrics
        The measured value, one evaluation a step.
    """

    name: str
    title: str
    op: str
    value: float
    unit: str
    severity: str
    for_ms: int
    answer: Metrics


@dataclass(frozen=True, eq=False, repr=False)
class LimitBreaches(Result):
    """Every breach of every limit; one row per maximal interval of one series, oldest first.

    Columns of ``frame``:

    ============= ========================================================================================
    limit, title  identity and title (str)
    severity      as the profile names it (str)
    group         labels of the series that broke it, empty for a single series (str)
    start         first evaluation that broke the limit [UTC]
    end           first evaluation after it that did not, or that is missing [UTC]
    seconds       end - start [s]
    worst         value farthest beyond the limit [``unit``]
    unit          (str)
    closed        whether the value was seen to be back within the limit (bool)
    ongoing       whether it lasts up to the end of the period (bool)
    ============= ========================================================================================
    """

    as_of: datetime
    step_ms: int


@dataclass(frozen=True, eq=False, repr=False)
class LimitTotals(Result):
    """How well each limit was kept; one row per limit, in the order of the profile.

    Columns of ``frame``:

    ============== =======================================================================================
    limit, title   identity and title (str)
    severity       (str)
    rule           the limit in words, e.g. ``> 0.1 for 2m`` (str)
    value          the limit itself [``unit``]
    unit           (str)
    status         ok, at_risk (broken at the end of the period) or no_data
    breaches       intervals [count]
    seconds        time in breach of any series, overlaps counted once [s]
    longest        longest breach [s]
    share          seconds / observed time; NaN when nothing was observed [ratio]
    unknown        time of the period without any value [s]
    observed       part of the period with a value [ratio]
    worst          value farthest beyond the limit in any breach; NaN without one [``unit``]
    last_end       end of the last breach; NaT without one [UTC]
    last_known     last evaluation that had a value; NaT without one [UTC]
    ============== =======================================================================================
    """

    as_of: datetime
    step_ms: int


def limit_breaches(limits: Sequence[Limit], *, as_of: datetime, step_ms: int) -> tuple[LimitBreaches, LimitTotals]:
    """Find the maximal intervals in which each limit was broken.

    Parameters
    ----------
    limits : sequence of Limit
        Evaluated on one regular grid.
    as_of : datetime
        End of the period; the last evaluation.
    step_ms : int
        Time between two evaluations. [ms]

    Returns
    -------
    LimitBreaches, LimitTotals

    Raises
    ------
    ParameterError
        Unknown comparison.

    Notes
    -----
    A breach begins at the first evaluation that breaks the limit and ends at the next one that does not; it counts when
    it is broken at every evaluation over at least ``for_ms``, as an alert with ``for`` would fire. A missing value ends
    a breach and is neither good nor bad: it is counted as unknown time. NaN (a ratio of nothing) breaks nothing.

    Examples
    --------
    >>> from datetime import UTC
    >>> known = np.array([[True, True, True, False, True]])
    >>> answer = Metrics(np.arange(5) * 60_000, ({},), np.array([[1.0, 9.0, 9.0, np.nan, 9.0]]), known)
    >>> limit = Limit("p95", "p95", ">", 5.0, "s", "warning", 60_000, answer)
    >>> found, totals = limit_breaches([limit], as_of=datetime(1970, 1, 1, 0, 4, tzinfo=UTC), step_ms=60_000)
    >>> found.frame[["seconds", "worst", "closed"]].values.tolist()
    [[120.0, 9.0, False]]
    >>> totals.frame[["breaches", "seconds", "unknown"]].values.tolist()
    [[1.0, 120.0, 60.0]]
    """
    rows: list[dict[str, Any]] = []
    sums: list[dict[str, Any]] = []
    for limit in limits:
        breaches, total = _judged(limit, step_ms)
        rows.extend(breaches)
        sums.append(total)
    columns = ["limit", "title", "severity", "group", "start", "end", "seconds", "worst", "unit", "closed", "ongoing"]
    frame = _timed(pd.DataFrame(rows, columns=columns), "start", "end").astype({"closed": bool, "ongoing": bool})
    frame = frame.sort_values(["start", "limit", "group"], kind="stable", ignore_index=True)
    head = ["limit", "title", "severity", "rule", "value", "unit", "status", "breaches", "seconds", "longest", "share"]
    totals = _timed(
        pd.DataFrame(sums, columns=[*head, "unknown", "observed", "worst", "last_end", "last_known"]),
        "last_end",
        "last_known",
    )
    return LimitBreaches(frame, as_of=as_of, step_ms=step_ms), LimitTotals(totals, as_of=as_of, step_ms=step_ms)


def held_intervals(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return half-open position pairs of each unbroken run of True.

    Examples
    --------
    >>> held_intervals(np.array([True, True, False, True]))
    [(0, 2), (3, 4)]
    """
    turns = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(first), int(last)) for first, last in zip(turns[::2], turns[1::2], strict=True)]


def _judged(limit: Limit, step_ms: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    if limit.op not in COMPARISONS:
        raise ParameterError(f"{limit.op!r} is not a comparison.", hint=f"Use one of: {', '.join(COMPARISONS)}.")
    answer, times = limit.answer, limit.answer.times
    with np.errstate(invalid="ignore"):
        broken = COMPARISONS[limit.op](answer.values, limit.value) & answer.present & ~np.isnan(answer.values)
    rows: list[dict[str, Any]] = []
    counted = np.zeros(len(times), np.bool_)
    for labels, values, mask, present in zip(answer.labels, answer.values, broken, answer.present, strict=True):
        for first, last in held_intervals(mask):
            if times[last - 1] - times[first] < limit.for_ms:
                continue
            counted[first:last] = True
            rows.append(
                {
                    "limit": limit.name,
                    "title": limit.title,
                    "severity": limit.severity,
                    "group": _group(labels),
                    "start": times[first],
                    "end": times[last - 1] + step_ms,
                    "seconds": float(times[last - 1] + step_ms - times[first]) / 1000,
                    "worst": _worst(values[first:last], limit),
                    "unit": limit.unit,
                    "closed": bool(last < len(times) and present[last]),
                    "ongoing": last == len(times),
                }
            )
    known = answer.present.any(axis=0)
    seen = int(known.sum())
    words = f"{limit.op} {limit.value:g}" + (f" for {duration_text(limit.for_ms)}" if limit.for_ms else "")
    return rows, {
        "limit": limit.name,
        "title": limit.title,
        "severity": limit.severity,
        "rule": words,
        "value": limit.value,
        "unit": limit.unit,
        "status": "no_data" if not seen else "at_risk" if any(row["ongoing"] for row in rows) else "ok",
        "breaches": len(rows),
        "seconds": int(counted.sum()) * step_ms / 1000,
        "longest": max((row["seconds"] for row in rows), default=0.0),
        "share": float(counted.sum() / seen) if seen else np.nan,
        "unknown": (len(times) - seen) * step_ms / 1000,
        "observed": seen / len(times) if len(times) else np.nan,
        "worst": _worst(np.array([row["worst"] for row in rows]), limit) if rows else np.nan,
        "last_end": max((row["end"] for row in rows), default=None),
        "last_known": int(times[np.flatnonzero(known)[-1]]) if seen else None,
    }


def _worst(values: Floats, limit: Limit) -> float:
    return float(np.nanmin(values) if limit.op in ("<", "<=") else np.nanmax(values))


def _group(labels: Labels) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(labels.items()) if name != "__name__")


def _timed(frame: pd.DataFrame, *names: str) -> pd.DataFrame:
    for name in names:
        frame[name] = pd.to_datetime(frame[name], unit="ms", utc=True).dt.as_unit("ms")
    return frame


def known_now(totals: Result) -> pd.Series:
    """Say of each row whether the limit was seen to be kept or broken at the end of the period.

    Parameters
    ----------
    totals : Result
        :class:`LimitTotals`.

    Returns
    -------
    Series of bool
        False without a value in the last minutes, and where the limit was broken when it was seen last.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> now = pd.Timestamp("2026-11-30T11:30Z")
    >>> frame = pd.DataFrame({
    ...     "status": ["ok", "ok", "ok", "at_risk"],
    ...     "last_known": [now, now - _LOOKBACK, now - 2 * _LOOKBACK, now],
    ...     "last_end": [pd.NaT, now - timedelta(minutes=4), pd.NaT, now + timedelta(minutes=1)],
    ... })
    >>> known_now(LimitTotals(frame, as_of=datetime(2026, 11, 30, 11, 30, tzinfo=UTC), step_ms=60_000)).tolist()
    [True, False, False, True]
    """
    frame = totals.frame
    young = frame["last_known"] >= pd.Timestamp(vars(totals)["as_of"]) - _LOOKBACK
    unclosed = frame["status"].eq("ok") & (frame["last_end"] > frame["last_known"])
    return frame["status"].ne("no_data") & young & ~unclosed
