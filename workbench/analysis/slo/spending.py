"""What spent an error budget: episodes of burn, and the rest that is spent when nothing special happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.counting.edges import Floats
from workbench.analysis.counting.elevated import Stretch, climbs, elevated, own_slices, usual_share
from workbench.analysis.counting.history import Events, History, histories
from workbench.analysis.slo.objective import Goal, period_budget
from workbench.core.result import Result
from workbench.core.timerange import DAY_MS, MINUTE_MS

#: The usual share is taken to be at least this part of the budget, so that one failure is no episode. [ratio]
LEAST_USUAL = 1 / 50

#: Rises are looked for down to this part of the budget, or half the usual share. [ratio]
LEAST_RISE = 1 / 20

#: A good slice undoes this part of a bad one, so that an episode of bad slices bridges three good ones.
_GOOD_SLICE = -0.25


@dataclass(frozen=True)
class Burn:
    """One episode of an objective: its number, and the slices that are its own as ``(first, last)`` of the grid."""

    objective: str
    number: int
    within: int
    slices: tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False, repr=False)
class Spending(Result):
    """What spent each budget; one row per episode, then one row for all other time, so that rows add up exactly.

    Columns of ``frame``:

    ============ ============================================================================================
    objective    identity (str)
    title        of the objective (str)
    episode      number from 1 on, by start; 0 for all other time (int)
    kind         ``episode`` or ``usual``
    within       number of the episode around this one (an outage during a slow burn), else 0 (int)
    start, end   first and last instant; of the window for ``usual`` [UTC]
    minutes      time that is the episode's own, without episodes inside it [min]
    bad, total   counts of that time [events, or slices for time-slice objectives]
    expected     bad ones that are usual in that time [events or slices]
    excess       bad - expected [events or slices]
    burn_rate    share of bad ones / (1 - target) [x]
    budget_share bad / what the whole window allows [ratio of budget]
    bad_share    bad / all bad ones of the window [ratio]
    ongoing      whether the episode lasts to the end of what is known (bool)
    ============ ============================================================================================
    """

    as_of: datetime
    burns: tuple[Burn, ...] = ()


COLUMNS = ["objective", "title", "episode", "kind", "within", "start", "end", "minutes", "bad", "total", "expected",
           "excess", "burn_rate", "budget_share", "bad_share", "ongoing"]  # fmt: skip


def spending(events: Events, goals: Sequence[Goal], *, as_of: datetime) -> Spending:
    """Find the episodes in which each budget was spent faster than usual.

    Parameters
    ----------
    events : DataFrame, or mapping of str to History
        Frame contract ``EVENTS`` with ``objective`` and ``covered``, any row order. [events/slice]
    goals : sequence of Goal
        Objectives bound to a period.
    as_of : datetime
        Aware instant up to which history is known.

    Returns
    -------
    Spending

    Raises
    ------
    FrameError
        A column of the contract is absent, or a count is negative, NaN or infinite.

    Notes
    -----
    Of objectives that count events an episode is a stretch in which the share of bad ones rose above the usual share
    by more than chance explains, see :func:`workbench.analysis.counting.elevated.elevated`. Of objectives that count
    slices it
    is a run of bad slices with at most three good ones in a row between them; for RatioTimeslices a slice counts as
    bad when more of it is bad than the budget allows. A usual share above the budget is never usual.

    Examples
    --------
    >>> from datetime import UTC, timedelta
    >>> from decimal import Decimal
    >>> from workbench.analysis.counting.events import slice_events
    >>> from workbench.core.timerange import TimeRange
    >>> start = datetime(2026, 10, 1, tzinfo=UTC)
    >>> week = TimeRange(start, start + timedelta(days=7))
    >>> total, good = np.full(2016, 1000.0), np.full(2016, 1000.0)
    >>> good[1000:1003] = 400.0
    >>> events = slice_events("api", week.edges_ms(300_000), good=good, total=total, covered=np.ones(2016))
    >>> found = spending(events, [Goal("api", "API", Decimal("0.999"), week)], as_of=week.end).frame
    >>> found[["kind", "minutes", "bad"]].values.tolist()
    [['episode', 15.0, 1800.0], ['usual', 10065.0, 0.0]]
    """
    known = histories(events)
    rows: list[dict[str, Any]] = []
    burns: list[Burn] = []
    for goal in goals:
        elapsed = goal.elapsed(as_of)
        seen = known.get(goal.objective, History.empty()).regular(elapsed, goal.slice_ms)
        if not seen.total.any():
            continue
        stretches, usual = _stretches(seen, goal)
        allowed = float(period_budget(goal, elapsed, Fraction(float(seen.total.sum()))))
        rest, counts = np.ones(len(seen), np.bool_), (seen.good, seen.total, usual)
        for number, (stretch, own) in enumerate(zip(stretches, own_slices(stretches), strict=True), start=1):
            for first, last in own:
                rest[first:last] = False
            around = [
                place
                for place, other in enumerate(stretches, start=1)
                if place != number and other.first <= stretch.first and stretch.last <= other.last
            ]
            burns.append(Burn(goal.objective, number, around[-1] if around else 0, tuple(own)))
            edges = int(seen.start_ms[stretch.first]), int(seen.start_ms[stretch.last - 1]) + goal.slice_ms
            rows.append(
                _row(counts, goal, own, allowed, edges)
                | {"episode": number, "kind": "episode", "within": burns[-1].within,
                   "ongoing": stretch.last == len(seen)}
            )  # fmt: skip
        edges = elapsed.start_ms, elapsed.end_ms
        rows.append(
            _row(counts, goal, runs_of(rest), allowed, edges)
            | {"episode": 0, "kind": "usual", "within": 0, "ongoing": False}
        )
    frame = pd.DataFrame(rows, columns=COLUMNS)
    for name in ("start", "end"):
        frame[name] = pd.to_datetime(frame[name], unit="ms", utc=True).dt.as_unit("ms")
    return Spending(frame, as_of=as_of, burns=tuple(burns))


def _stretches(seen: History, goal: Goal) -> tuple[list[Stretch], Floats]:
    bad, budget = seen.total - seen.good, float(goal.budget)
    if goal.counts_slices:
        over = bad > (budget if goal.budgeting == "ratio_timeslices" else 0.0)
        scores = np.where(over, 1.0, np.where(seen.total > 0, _GOOD_SLICE, 0.0))
        return [Stretch(first, last, 1.0) for first, last in climbs(scores, 1.0)], np.zeros(len(bad))
    usual = usual_share(
        bad, seen.total, floor=budget * LEAST_USUAL, cap=budget, slices_a_day=max(1, DAY_MS // goal.slice_ms)
    )
    least = max(usual.level / 2, budget * LEAST_RISE)
    return elevated(bad, seen.total, usual, least=least), usual.share * seen.total


def runs_of(chosen: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the runs of true values, as ``(first, last)`` without the last.

    Examples
    --------
    >>> runs_of(np.array([True, False, True, True]))
    [(0, 1), (2, 4)]
    """
    edges = np.flatnonzero(np.diff(chosen.astype(np.int8), prepend=0, append=0)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def _row(
    counts: tuple[Floats, Floats, Floats], goal: Goal, parts: Sequence[tuple[int, int]], allowed: float,
    edges: tuple[int, int],
) -> dict[str, Any]:  # fmt: skip
    good, total, expected = (sum(float(each[first:last].sum()) for first, last in parts) for each in counts)
    bad, all_bad = total - good, float(counts[1].sum()) - float(counts[0].sum())
    return {
        "objective": goal.objective,
        "title": goal.title,
        "start": edges[0],
        "end": edges[1],
        "minutes": sum(last - first for first, last in parts) * goal.slice_ms / MINUTE_MS,
        "bad": bad,
        "total": total,
        "expected": expected,
        "excess": bad - expected,
        "burn_rate": bad / total / float(goal.budget) if total else np.nan,
        "budget_share": bad / allowed if allowed else np.nan,
        "bad_share": bad / all_bad if all_bad else np.nan,
    }
