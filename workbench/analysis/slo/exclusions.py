"""Exclusion windows applied to EVENTS: what was agreed not to count, by one of three semantics, beside what did happen.

======================== =================================== ==================================================
semantics                events and slices of the window     time of the window
======================== =================================== ==================================================
``remove_time``          left out                            taken out of the period, so the budget in minutes
                                                             shrinks (Datadog's monitors, GitLab)
``remove_events``        left out                            stays in the period (Datadog's metrics)
``count_good``           every event, every slice is good    stays, and slices without samples are good as well
                                                             (Datadog's time slices)
======================== =================================== ==================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.counting.history import BOUNDS
from workbench.analysis.counting.recurrence import occurrences
from workbench.analysis.slo.compliance import ComplianceResult
from workbench.analysis.slo.objective import Goal
from workbench.core.result import Result
from workbench.core.timerange import MINUTE_MS, TimeRange, to_ms

Semantics = Literal["remove_time", "remove_events", "count_good"]

#: Weakest first: where windows overlap, the strongest holds.
SEMANTICS: tuple[Semantics, ...] = ("count_good", "remove_events", "remove_time")
assert set(SEMANTICS) == set(get_args(Semantics))

_GOOD, _EVENTS, _TIME = 1, 2, 3


@dataclass(frozen=True)
class Exclusion:
    """One window, or one that repeats by a rule.

    Attributes
    ----------
    id : str
    semantics : {"remove_time", "remove_events", "count_good"}
    start : datetime
        Start of the window, or of the first one. [aware]
    end : datetime
        End of that one, not part of it. [aware]
    reason, author : str
    rule : str
        RRULE as :func:`workbench.analysis.counting.recurrence.checked_rule` returns it; empty for a single window.
    duration : str
        Length of each occurrence of a rule. [time]
    zone : str
        IANA zone of the rule.
    """

    id: str
    semantics: Semantics
    start: datetime
    end: datetime
    reason: str = ""
    author: str = ""
    rule: str = ""
    duration: str = ""
    zone: str = "UTC"

    def windows(self, span: TimeRange) -> list[TimeRange]:
        """Return the windows that overlap a range, oldest first."""
        if self.rule:
            return occurrences(self.start, self.duration, self.rule, self.zone, span)
        return [TimeRange(self.start, self.end)] if self.start < span.end and self.end > span.start else []


@dataclass(frozen=True, eq=False, repr=False)
class ExclusionEffect(Result):
    """Each objective with and without its exclusions; one row per objective that has any in its window.

    Columns of ``frame``:

    ============================================ ================================================================
    objective, title                             identity and title (str)
    exclusions                                   ids of those that overlap the elapsed window (str)
    semantics                                    of these windows, the ones in force (str)
    excluded_minutes                             excluded part of the elapsed window, overlaps counted once [min]
    status, sli, bad, total, budget_left_ratio,  with the exclusions; the budget left is that of the whole period
    left_minutes
    status_without, sli_without, bad_without,    without them
    total_without, budget_left_ratio_without,
    left_minutes_without
    ============================================ ================================================================
    """

    as_of: datetime


@dataclass(frozen=True, eq=False, repr=False)
class ExclusionWindows(Result):
    """Windows in force in the elapsed period, on the edges of slices; one row per window and objective.

    Columns of ``frame``: ``objective``, ``start``, ``end`` [UTC], ``exclusion`` (id), ``semantics``, ``reason``,
    ``author``.
    """

    as_of: datetime


#: Figures shown with and without exclusions, and the columns of compliance that they are.
_FIGURES = {
    "status": "status",
    "sli": "sli",
    "bad": "bad",
    "total": "total",
    "budget_left_ratio": "period_left_ratio",
    "left_minutes": "left_minutes",
}


def without_excluded(
    events: pd.DataFrame, goals: Sequence[Goal], exclusions: Mapping[str, Sequence[Exclusion]]
) -> tuple[pd.DataFrame, list[Goal]]:
    """Apply exclusions to EVENTS and to the objectives that are judged by them.

    Parameters
    ----------
    events : DataFrame
        Frame contract ``EVENTS`` with ``objective`` and ``covered``, any row order. [events/slice]
    goals : sequence of Goal
        Objectives bound to a period.
    exclusions : mapping of str to sequence of Exclusion
        By objective.

    Returns
    -------
    events : DataFrame
        Excluded slices left out, or made good.
    goals : list of Goal
        With the time that is not expected to be seen, and that which is no part of the period.

    Notes
    -----
    Both edges of a window are rounded to the nearest edge of a slice of the objective, as counts are known by slices. A
    window that rounds to nothing excludes nothing. Overlapping windows count once; where their semantics differ the
    strongest holds, ``remove_time`` before ``remove_events`` before ``count_good``.

    Examples
    --------
    >>> from datetime import UTC, timedelta
    >>> from decimal import Decimal
    >>> start = datetime(2026, 10, 1, tzinfo=UTC)
    >>> hour = TimeRange(start, start + timedelta(hours=1))
    >>> times = pd.date_range(start, periods=12, freq="5min", unit="ms")
    >>> events = pd.DataFrame({"objective": "api", "time": times, "good": 9.0, "total": 10.0, "covered": 1.0})
    >>> goal = Goal("api", "API", Decimal("0.99"), hour)
    >>> mend = Exclusion("e1", "remove_time", start, start + timedelta(minutes=10))
    >>> left, (shorter,) = without_excluded(events, [goal], {"api": [mend]})
    >>> len(left), shorter.counted_ms(hour) / 60_000
    (10, 50.0)
    """
    changed: list[Goal] = []
    keep = np.ones(len(events), np.bool_)
    kinds_of_good = ["good", *(name for name in BOUNDS if name in events.columns)]
    good = {name: events[name].to_numpy(np.float64).copy() for name in kinds_of_good}
    total = events["total"].to_numpy(np.float64).copy()
    covered = events["covered"].to_numpy(np.float64).copy()
    starts = events["time"].dt.as_unit("ms").astype("int64").to_numpy()
    added: list[pd.DataFrame] = []
    for goal in goals:
        kinds = _kinds(goal, exclusions.get(goal.objective, ()))
        if not kinds.any():
            changed.append(goal)
            continue
        rows = np.flatnonzero((events["objective"] == goal.objective).to_numpy())
        places = (starts[rows] - goal.window.start_ms) // goal.slice_ms
        inside = (places >= 0) & (places < len(kinds))
        rows, kind = rows[inside], kinds[places[inside]]
        keep[rows[kind >= _EVENTS]] = False
        made_good = rows[kind == _GOOD]
        if goal.counts_slices:
            total[made_good] = covered[made_good] = 1.0
            added.append(_missing(goal, kinds, places[inside], kinds_of_good))
        for counts in good.values():
            counts[made_good] = total[made_good]
        changed.append(replace(goal, left_out=_runs(goal, kinds >= _EVENTS), taken_out=_runs(goal, kinds == _TIME)))
    counted = events.assign(**good, total=total, covered=covered)[keep]
    if any(map(len, added)):
        counted = pd.concat([counted.astype({"objective": "str"}), *added], ignore_index=True)
    return counted, changed


def excluded_slices(goal: Goal, exclusions: Sequence[Exclusion], *, as_of: datetime) -> NDArray[np.bool_]:
    """Say of each elapsed slice of an objective's window whether an exclusion holds in it."""
    elapsed = goal.elapsed(as_of)
    return _kinds(goal, exclusions)[: (elapsed.end_ms - elapsed.start_ms) // goal.slice_ms] > 0


def exclusion_effect(
    judged: ComplianceResult, without: ComplianceResult, goals: Sequence[Goal],
    exclusions: Mapping[str, Sequence[Exclusion]], *, as_of: datetime,
) -> ExclusionEffect:  # fmt: skip
    """Put the figures with and without exclusions side by side.

    Parameters
    ----------
    judged, without : ComplianceResult
        Compliance with, and without the exclusions.
    goals : sequence of Goal
        As they are without exclusions.
    exclusions : mapping of str to sequence of Exclusion
        By objective.
    as_of : datetime
        Instant up to which data is read.
    """
    rows: list[dict[str, Any]] = []
    with_, bare = judged.frame.set_index("objective"), without.frame.set_index("objective")
    for goal in goals:
        elapsed = goal.elapsed(as_of)
        name, slices = goal.objective, (elapsed.end_ms - elapsed.start_ms) // goal.slice_ms
        kinds = _kinds(goal, exclusions.get(name, ()))[:slices]
        if not kinds.any():
            continue
        mine = [exclusion for exclusion in exclusions[name] if _kinds(goal, [exclusion])[:slices].any()]
        row = {
            "objective": name,
            "title": goal.title,
            "exclusions": ", ".join(exclusion.id for exclusion in mine),
            "semantics": ", ".join(SEMANTICS[kind - 1] for kind in sorted(set(kinds.tolist()) - {0}, reverse=True)),
            "excluded_minutes": float(np.count_nonzero(kinds)) * goal.slice_ms / MINUTE_MS,
        }
        row |= {figure: with_.loc[name, column] for figure, column in _FIGURES.items()}
        row |= {f"{figure}_without": bare.loc[name, column] for figure, column in _FIGURES.items()}
        rows.append(row)
    columns = ["objective", "title", "exclusions", "semantics", "excluded_minutes", *_FIGURES]
    return ExclusionEffect(
        pd.DataFrame(rows, columns=[*columns, *(f"{name}_without" for name in _FIGURES)]), as_of=as_of
    )


def exclusion_windows(
    goals: Sequence[Goal], exclusions: Mapping[str, Sequence[Exclusion]], *, as_of: datetime
) -> ExclusionWindows:
    """List the windows in force in the elapsed part of each objective's period, oldest first."""
    rows = []
    for goal in goals:
        elapsed = goal.elapsed(as_of)
        for exclusion in exclusions.get(goal.objective, ()):
            for window in exclusion.windows(elapsed):
                first, last = _places(goal, window)
                begin = max(elapsed.start_ms, goal.window.start_ms + first * goal.slice_ms)
                end = min(elapsed.end_ms, goal.window.start_ms + last * goal.slice_ms)
                if begin < end:
                    span = TimeRange.from_ms(begin, end)
                    rows.append(
                        (
                            goal.objective,
                            span.start,
                            span.end,
                            exclusion.id,
                            exclusion.semantics,
                            exclusion.reason,
                            exclusion.author,
                        )
                    )
    columns = ["objective", "start", "end", "exclusion", "semantics", "reason", "author"]
    frame = pd.DataFrame(sorted(rows, key=lambda row: row[1:4]), columns=columns)
    for name in ("start", "end"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("ms")
    return ExclusionWindows(frame, as_of=as_of)


def excluded_times(
    windows: ExclusionWindows, times_ms: NDArray[np.int64], *, memory_ms: int = 0
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Say of instants at which something is evaluated whether windows of one objective hold there.

    Parameters
    ----------
    windows : ExclusionWindows
        Windows in which exclusions hold.
    times_ms : int64 array, length n
        [ms since the epoch]
    memory_ms : int
        How long after a window what is evaluated still looks back into it. [ms]

    Returns
    -------
    gone, silent : bool array, length n
        Where time is taken out (``remove_time``), and where nothing bad counts (the other semantics).

    Examples
    --------
    >>> from datetime import UTC
    >>> noon = datetime(2026, 10, 1, 12, tzinfo=UTC)
    >>> row = {"start": noon, "end": noon.replace(minute=10), "semantics": "count_good"}
    >>> times = int(noon.timestamp() * 1000) + np.arange(0, 25, 5) * 60_000
    >>> excluded_times(ExclusionWindows(pd.DataFrame([row]), as_of=noon), times, memory_ms=300_000)[1].tolist()
    [False, True, True, True, False]
    """
    marks = {"gone": np.zeros(len(times_ms), np.bool_), "silent": np.zeros(len(times_ms), np.bool_)}
    for row in windows.frame.itertuples():
        inside = (times_ms > to_ms(row.start)) & (times_ms <= to_ms(row.end) + memory_ms)
        marks["gone" if row.semantics == "remove_time" else "silent"] |= inside
    return marks["gone"], marks["silent"]


def _places(goal: Goal, window: TimeRange) -> tuple[int, int]:
    """First slice of a window and the one after its last, edges rounded to the nearest (halves outward)."""
    first = -((goal.slice_ms - 2 * (window.start_ms - goal.window.start_ms)) // (2 * goal.slice_ms))
    last = (2 * (window.end_ms - goal.window.start_ms) + goal.slice_ms) // (2 * goal.slice_ms)
    return first, last


def _kinds(goal: Goal, exclusions: Sequence[Exclusion]) -> NDArray[np.int8]:
    """Semantics in force of each slice of the whole window; 0 where nothing is excluded."""
    kinds = np.zeros((goal.window.end_ms - goal.window.start_ms) // goal.slice_ms, np.int8)
    for exclusion in exclusions:
        for window in exclusion.windows(goal.window):
            first, last = (max(0, place) for place in _places(goal, window))
            np.maximum(kinds[first:last], SEMANTICS.index(exclusion.semantics) + 1, out=kinds[first:last])
    return kinds


def _runs(goal: Goal, chosen: NDArray[np.bool_]) -> tuple[TimeRange, ...]:
    edges = np.flatnonzero(np.diff(chosen.astype(np.int8), prepend=0, append=0)) * goal.slice_ms
    pairs = list(pairwise((edges + goal.window.start_ms).tolist()))[::2]
    return tuple(TimeRange.from_ms(first, last) for first, last in pairs)


def _missing(
    goal: Goal, kinds: NDArray[np.int8], seen: NDArray[np.int64], kinds_of_good: Sequence[str]
) -> pd.DataFrame:
    """Good slices of a window in which nothing was counted at all."""
    gone = np.setdiff1d(np.flatnonzero(kinds == _GOOD), seen)
    times = pd.DatetimeIndex((goal.window.start_ms + gone * goal.slice_ms).view("datetime64[ms]"))
    return pd.DataFrame(
        {
            "objective": goal.objective,
            "time": times.tz_localize("UTC"),
            **dict.fromkeys((*kinds_of_good, "total", "covered"), 1.0),
        }
    ).astype({"objective": "str"})
