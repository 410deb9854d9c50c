"""An alerting policy replayed on history: what it would have caught, missed and paged for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.counting.history import History
from workbench.analysis.slo.objective import Goal, period_budget
from workbench.core.result import Result
from workbench.core.slo.burn_alerts import BurnAlert, BurnPolicy
from workbench.core.timerange import DAY_MS, HOUR_MS, MINUTE_MS

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: An alert that begins so long after an event still belongs to it: its window has not run out. [ms]
GRACE_MS = HOUR_MS


@dataclass(frozen=True)
class Firing:
    """When alerts of one severity of one policy fired: disjoint intervals, rising. [ms since the epoch]"""

    policy: str
    severity: str
    starts_ms: tuple[int, ...]
    ends_ms: tuple[int, ...]


@dataclass(frozen=True)
class BudgetEvent:
    """Something that truly spent budget, from ``start_ms`` to ``end_ms``. [ms since the epoch]"""

    start_ms: int
    end_ms: int
    budget_share: float


@dataclass(frozen=True, eq=False, repr=False)
class Backtest(Result):
    """How policies would have done; one row per objective, policy and severity, the suggested policy first.

    Columns of ``frame``:

    =================== =====================================================================================
    objective, policy   identity and name (str)
    severity            ``page``, ``ticket``, or ``any`` for both together (str)
    alerts              times it would have fired; of ``any``, every rule's own firing counts [count]
    per_week            the same a week of observed time; NaN for less than a day of it [1/week]
    per_event           alerts / events; NaN without events [ratio]
    true                of them those that began during a budget event, or while its last window ran out [count]
    precision           true / alerts; NaN without alerts [ratio]
    events              budget events there were [count]
    caught              of them those with an alert [count]
    recall              caught / events; NaN without events [ratio]
    budget_missed       budget spent by events without an alert [ratio of budget]
    detection_s         median time from the start of a caught event to its first alert [s]
    detection_worst_s   longest such time [s]
    reset_s             median time from the end of a caught event to the end of its last alert [s]
    spent_before        median share of budget spent by a caught event before its first alert [ratio of budget]
    spent_before_worst  largest such share [ratio of budget]
    firing_share        share of time in which it fired [ratio]
    suggested           whether this is the policy to take (bool)
    =================== =====================================================================================
    """

    as_of: datetime
    step_ms: int


COLUMNS = ["objective", "policy", "severity", "alerts", "per_week", "per_event", "true", "precision", "events",
           "caught", "recall", "budget_missed", "detection_s", "detection_worst_s", "reset_s", "spent_before",
           "spent_before_worst", "firing_share", "suggested"]  # fmt: skip


def replay(history: History, goal: Goal, policy: BurnPolicy) -> list[Firing]:
    """Evaluate a policy of burn rates at the end of every slice of a history.

    Parameters
    ----------
    history : History
        Every slice of the time replayed, without holes; see
        :meth:`~workbench.analysis.counting.history.History.regular`.
    goal : Goal
        Gives the target and the length of slices.
    policy : BurnPolicy
        Burn rates and look-backs of the alerts.

    Returns
    -------
    list of Firing
        One a severity, in the order of the policy.

    Notes
    -----
    burn rate = bad / total / (1 - target) over the slices of a window, at least one slice. A window without events
    burns nothing. The alert fires at the end of the first slice at which both windows are above the factor; so it is
    told up to one slice late.
    """
    bad, total = history.total - history.good, history.total
    budget = float(goal.budget)
    fired: dict[str, Bools] = {}
    for alert in policy.alerts:
        mask = _above(bad, total, alert, budget, goal.slice_ms)
        fired[alert.severity] = fired.get(alert.severity, np.zeros(len(mask), np.bool_)) | mask
    return [
        Firing(policy.name, severity, *_intervals(mask, history.start_ms + goal.slice_ms, goal.slice_ms))
        for severity, mask in fired.items()
    ]


def held(mask: Bools, steps: int) -> Bools:
    """Where a condition has held for ``steps`` steps, as ``for`` of an alert rule asks.

    Examples
    --------
    >>> held(np.array([True, True, False, True, True, True]), 2).tolist()
    [False, False, False, False, False, True]
    """
    if steps <= 0:
        return mask
    places = np.arange(len(mask))
    since = np.maximum.accumulate(np.where(mask, -1, places))
    kept: Bools = mask & (places - since > steps)
    return kept


def rule_firing(policy: str, severity: str, times_ms: NDArray[np.int64], active: Bools, *, for_ms: int) -> Firing:
    """When one alert rule fired, from when its expression had an answer.

    Parameters
    ----------
    policy, severity : str
        Names of the policy and of the severity of the alert rule.
    times_ms : int64 array, length n
        Times of evaluation, evenly spaced but for time that is taken out. [ms since the epoch]
    active : bool array, (n_series, n)
        Whether each series of the answer was there.
    for_ms : int
        How long each must be before it fires. [ms]
    """
    step_ms = int(np.diff(times_ms).min()) if len(times_ms) > 1 else MINUTE_MS
    steps = -(-for_ms // step_ms)
    fires = [held(row, steps) for row in active]
    mask = np.logical_or.reduce(fires) if fires else np.zeros(len(times_ms), np.bool_)
    return Firing(policy, severity, *_intervals(mask, times_ms, step_ms))


def backtest(
    objective: str,
    history: History,
    goal: Goal,
    firings: Sequence[Firing],
    events: Sequence[BudgetEvent],
    *,
    as_of: datetime,
    period_ms: int | None = None,
    grace_ms: int = GRACE_MS,
) -> Backtest:
    """Compare when policies fired with when budget was truly spent.

    Parameters
    ----------
    objective : str
        Id of the objective.
    history : History
        Every slice of the time replayed.
    goal : Goal
        The objective, bound to a period.
    firings : sequence of Firing
        Of any number of policies.
    events : sequence of BudgetEvent
        What truly spent budget and was worth an alert.
    as_of : datetime
        Instant up to which data is read.
    period_ms : int, optional
        Length of the period whose budget is meant; by default the window of the objective. [ms]
    grace_ms : int
        How long after an event an alert still belongs to it. [ms]

    Returns
    -------
    Backtest

    Notes
    -----
    Precision, recall, detection and reset time as in [1]_. An alert that began before an event says nothing of it: it
    is neither true nor a detection, so a rule that always fires catches nothing. Suggested is the policy that missed
    least budget, to a hundredth; of those the one with fewest alerts per event, then the best precision, then with
    least budget spent before its first alert.

    References
    ----------
    .. [1] B. Beyer et al., The Site Reliability Workbook, O'Reilly, 2018, ch. 5.
    """
    ends_ms = history.start_ms + goal.slice_ms
    spent = np.concatenate([[0.0], np.cumsum(history.total - history.good)])
    elapsed = goal.elapsed(as_of)
    whole = float(history.total.sum())
    window_ms = goal.window.end_ms - goal.window.start_ms
    share = Fraction(period_ms or window_ms, window_ms)
    allowed = float(period_budget(goal, elapsed, Fraction(whole)) * share) if whole else np.nan
    rows = []
    for policy in dict.fromkeys(firing.policy for firing in firings):
        own = [firing for firing in firings if firing.policy == policy]
        severities = dict.fromkeys(alert.severity for alert in own)
        parts = {severity: [alert for alert in own if alert.severity == severity] for severity in severities} | {
            "any": own
        }
        for severity, rules in parts.items():
            pairs = sorted(pair for rule in rules for pair in zip(rule.starts_ms, rule.ends_ms, strict=True))
            matched = _matched(pairs, events, grace_ms)
            before = [
                (spent[np.searchsorted(ends_ms, alert, side="right")]
                 - spent[np.searchsorted(ends_ms, event.start_ms, side="right")]) / allowed
                for event, alert, _ in matched.caught
            ]  # fmt: skip
            length_ms = len(history) * goal.slice_ms
            seen_ms = int((history.covered > 0).sum()) * goal.slice_ms
            lasted = _covered_ms(pairs)
            delays = [(alert - event.start_ms) / 1000 for event, alert, _ in matched.caught]
            resets = [(end - event.end_ms) / 1000 for event, _, end in matched.caught]
            rows.append(
                {
                    "objective": objective,
                    "policy": policy,
                    "severity": severity,
                    "alerts": len(pairs),
                    "per_week": len(pairs) * 7 * DAY_MS / seen_ms if seen_ms >= DAY_MS else np.nan,
                    "per_event": len(pairs) / len(events) if events else np.nan,
                    "true": matched.true,
                    "precision": matched.true / len(pairs) if pairs else np.nan,
                    "events": len(events),
                    "caught": len(matched.caught),
                    "recall": len(matched.caught) / len(events) if events else np.nan,
                    "budget_missed": sum(event.budget_share for event in matched.missed),
                    "detection_s": float(np.median(delays)) if delays else np.nan,
                    "detection_worst_s": max(delays, default=np.nan),
                    "reset_s": float(np.median(resets)) if resets else np.nan,
                    "spent_before": float(np.median(before)) if before else np.nan,
                    "spent_before_worst": max(before, default=np.nan),
                    "firing_share": lasted / length_ms if length_ms >= DAY_MS else np.nan,
                }
            )
    return Backtest(_suggested(pd.DataFrame(rows, columns=COLUMNS[:-1])), as_of=as_of, step_ms=goal.slice_ms)


@dataclass(frozen=True)
class _Found:
    true: int
    caught: list[tuple[BudgetEvent, int, int]]
    missed: list[BudgetEvent]


def _matched(pairs: Sequence[tuple[int, int]], events: Sequence[BudgetEvent], grace_ms: int) -> _Found:
    caught, missed, true = [], [], set()
    for event in events:
        mine = [place for place, (start, _) in enumerate(pairs) if event.start_ms <= start <= event.end_ms + grace_ms]
        true.update(mine)
        if mine:
            caught.append((event, pairs[mine[0]][0], max(pairs[place][1] for place in mine)))
        else:
            missed.append(event)
    return _Found(len(true), caught, missed)


def _suggested(frame: pd.DataFrame) -> pd.DataFrame:
    together = frame[frame["severity"] == "any"].copy()
    if together.empty:
        return frame.assign(suggested=False)
    together["_missed"] = together["budget_missed"].round(2)
    best = together.sort_values(
        ["_missed", "per_event", "precision", "spent_before"],
        ascending=[True, True, False, True],
        na_position="last",
        kind="stable",
    )["policy"].tolist()
    place = {policy: number for number, policy in enumerate(best)}
    frame = frame.assign(suggested=(frame["policy"] == best[0]) & (frame["events"] > 0))
    return frame.sort_values("policy", key=lambda names: names.map(place), kind="stable", ignore_index=True)


def _above(bad: Floats, total: Floats, alert: BurnAlert, budget: float, slice_ms: int) -> Bools:
    limit = float(alert.factor) * budget
    masks = []
    for window_ms in (alert.long_ms, alert.short_ms):
        size = max(1, round(window_ms / slice_ms))
        failed, events = (_rolling(counts, size) for counts in (bad, total))
        masks.append((failed > limit * events) & (events > 0))
    return held(masks[0] & masks[1], -(-alert.for_ms // slice_ms))


def _rolling(counts: Floats, size: int) -> Floats:
    sums = np.concatenate([[0.0], np.cumsum(counts)])
    first = np.maximum(np.arange(1, len(sums)) - size, 0)
    whole: Floats = sums[1:] - sums[first]
    return whole


def _intervals(mask: Bools, times_ms: NDArray[np.int64], step_ms: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    edges = np.diff(np.concatenate([[0], mask.astype(np.int8), [0]]))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return tuple(int(times_ms[i]) for i in starts), tuple(int(times_ms[i - 1]) + step_ms for i in ends)


def _covered_ms(pairs: Sequence[tuple[int, int]]) -> int:
    """Time in which at least one of the intervals, rising by start, lasts. [ms]"""
    total, reached = 0, 0
    for start, end in pairs:
        total += max(end - max(start, reached), 0)
        reached = max(reached, end)
    return total
