"""Other settings of an alert rule, replayed on history: chosen on the first two thirds, judged on the last."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.alerts.worth import GRACE_MS, AlertEvent
from workbench.core.result import Result
from workbench.core.timerange import HOUR_MS, MINUTE_MS

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Times = NDArray[np.int64]

#: Settings that are tried. [ms], [x]
FOR_MS = (0, MINUTE_MS, 120_000, 300_000, 600_000, 900_000, 1_800_000)
KEEP_MS = (0, 300_000, 600_000, 900_000, 1_800_000, HOUR_MS)
STRICTER = (1.0, 1.05, 1.1, 1.25, 1.5)

#: A change may tell of an event at most this much later. [ms]
MOST_DELAY_MS = 600_000

#: One alert for all series of a label is proposed from this share of the pages on; labels tried alone.
GROUPING_GAIN, MOST_LABELS = 0.5, 3

#: Share of the time in which settings are chosen; the rest judges them. [ratio]
CHOSEN_ON = 2 / 3

Outcome = Literal["proposed", "no better setting", "fails on held-back time", "too little history"]


@dataclass(frozen=True)
class Setting:
    """What of a rule can be tuned. [ms]; ``threshold`` is None for an expression without a number to move.

    ``without`` are labels over which one alert stands for all series.
    """

    for_ms: int
    keep_ms: int
    threshold: float | None
    without: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class RuleHistory:
    """What a rule compares, over the time that is replayed.

    Attributes
    ----------
    alertname : str
    times : int64 array, (n,)
        Evaluations, evenly spaced. [ms since the epoch]
    compared : float64 array, (n_series, n)
        Left side of the comparison; of an expression without one, anything where it has an answer.
    present : bool array, (n_series, n)
    op : str
        Comparison with the threshold; empty without one.
    current : Setting
    labels : tuple of mapping, one a series
        What tells the series apart; empty where they are not to be grouped.
    """

    alertname: str
    times: Times
    compared: Floats
    present: Bools
    op: str
    current: Setting
    labels: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class Replay:
    """What a setting would have done: pages, events caught, their delays [ms] and firing intervals."""

    pages: int
    caught: frozenset[int]
    delays: dict[int, int]
    intervals: tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False, repr=False)
class AlertTuning(Result):
    """Proposed settings, one row per rule, most pages avoided first.

    Columns of ``frame``:

    ================= ======================================================================================
    alertname         rule (str)
    outcome           see :data:`Outcome` (str)
    for_ms            ``for`` now, and ``proposed_for_ms`` [ms]
    keep_ms           ``keep_firing_for`` now, and ``proposed_keep_ms`` [ms]
    threshold         now, and ``proposed_threshold``; NaN without one
    proposed_without  labels over which one alert is to stand for all, joined by commas; mostly empty (str)
    pages             on held-back time with the settings of now, and ``proposed_pages`` [count]
    avoided           share of the pages of held-back time that is avoided [ratio]
    events            events of held-back time that the rule tells of now [count]
    lost              of them those it would not tell of any more [count]
    delay_s           most that an event is told later, on all of the time [s]
    budget_lost       budget spent by the lost events [ratio of budget]
    chosen_pages      pages of the time it was chosen on, now, and ``chosen_proposed_pages`` [count]
    ================= ======================================================================================
    """

    split_ms: int


COLUMNS = ("alertname", "outcome", "for_ms", "proposed_for_ms", "keep_ms", "proposed_keep_ms", "threshold",
           "proposed_threshold", "proposed_without", "pages", "proposed_pages", "avoided", "events", "lost",
           "delay_s", "budget_lost", "chosen_pages", "chosen_proposed_pages")  # fmt: skip


def replayed(history: RuleHistory, setting: Setting, events: Sequence[AlertEvent]) -> Replay:
    """Run a rule with a setting as Prometheus would, each series its own state.

    Notes
    -----
    An alert fires at the first evaluation at which its condition has held for ``for``; after that it ends when the
    condition has not held for ``keep_firing_for`` [1]_. A page is one series that begins to fire.

    References
    ----------
    .. [1] Prometheus, rules/alerting.go, version 3.

    Examples
    --------
    >>> times = np.arange(0, 480_000, 60_000)
    >>> values = np.array([[0.0, 2, 2, 0, 2, 2, 0, 0]])
    >>> history = RuleHistory("A", times, values, np.ones((1, 8), bool), ">", Setting(0, 0, 1.0))
    >>> [replayed(history, Setting(0, keep, 1.0), []).pages for keep in (0, 60_000)]
    [2, 1]
    """
    active = _grouped(_active(history, setting), history.labels, setting.without)
    step = int(np.diff(history.times).min()) if len(history.times) > 1 else MINUTE_MS
    waits, keeps = -(-setting.for_ms // step), setting.keep_ms // step
    intervals: list[tuple[int, int]] = []
    for row in active:
        intervals += _fired(row, history.times, step, waits, keeps)
    intervals.sort()
    starts = np.array([start for start, _ in intervals], np.int64)
    delays: dict[int, int] = {}
    for number, event in enumerate(events):
        first = int(np.searchsorted(starts, event.start_ms))
        if first < len(starts) and starts[first] <= event.end_ms + GRACE_MS:
            delays[number] = int(starts[first]) - event.start_ms
    return Replay(len(intervals), frozenset(delays), delays, tuple(intervals))


def tuned(history: RuleHistory, events: Sequence[AlertEvent]) -> tuple[Setting, dict[str, Any]]:
    """Choose a setting for a rule on the first two thirds of its history and judge it on the last.

    Parameters
    ----------
    history : RuleHistory
        Values of the rule's expression, with its threshold and `for`.
    events : sequence of AlertEvent
        What must still be told: every event that the rule tells of now.

    Returns
    -------
    (Setting, dict)
        The setting, that of now when none is better, and a row of :class:`AlertTuning`.

    Notes
    -----
    Tried are all combinations of :data:`FOR_MS` from the ``for`` of now on, :data:`KEEP_MS`, and thresholds made
    stricter by :data:`STRICTER`. Of those that lose no event and tell of none more than :data:`MOST_DELAY_MS` later,
    the one with fewest pages is taken; of equals the least delay, then the smallest change. A stricter threshold or a
    longer ``for`` must leave room: half as much again must lose no event either. One alert for all series of a label
    hides which of them it is, so it is taken only where it pages at most half as often as the best setting without.
    What loses an event on held-back time,
    or pages no less there, is not proposed.
    """
    split = int(history.times[0] + CHOSEN_ON * (history.times[-1] - history.times[0])) if len(history.times) else 0
    first, last = _part(history, history.times < split), _part(history, history.times >= split)
    early = [event for event in events if event.start_ms < split]
    late = [event for event in events if event.start_ms >= split]
    now_first, now_last = replayed(first, history.current, early), replayed(last, history.current, late)
    chosen, best = _chosen(first, history.current, now_first, early)
    for without in _groupings(history.labels):
        setting, trial = _chosen(first, replace(history.current, without=without), now_first, early)
        if trial.pages <= best.pages * GROUPING_GAIN and setting.without:
            chosen, best = setting, trial
    then = replayed(last, chosen, late)
    lost = now_last.caught - then.caught
    delay = max(_later(best, now_first), _later(then, now_last))
    outcome: Outcome = "proposed"
    if chosen == history.current:
        outcome = "no better setting" if now_first.pages else "too little history"
    elif lost or _later(then, now_last) > MOST_DELAY_MS or then.pages >= now_last.pages > 0:
        outcome = "fails on held-back time"
    none = float("nan")
    row = {
        "alertname": history.alertname,
        "outcome": outcome,
        "for_ms": history.current.for_ms,
        "proposed_for_ms": chosen.for_ms,
        "keep_ms": history.current.keep_ms,
        "proposed_keep_ms": chosen.keep_ms,
        "threshold": none if history.current.threshold is None else history.current.threshold,
        "proposed_threshold": none if chosen.threshold is None else chosen.threshold,
        "proposed_without": ", ".join(chosen.without),
        "pages": now_last.pages,
        "proposed_pages": then.pages,
        "avoided": 1 - then.pages / now_last.pages if now_last.pages else none,
        "events": len(now_last.caught),
        "lost": len(lost),
        "delay_s": delay / 1000,
        "budget_lost": float(np.nansum([late[number].budget_share for number in lost])),
        "chosen_pages": now_first.pages,
        "chosen_proposed_pages": best.pages,
    }
    return chosen, row


def alert_tuning(rows: Sequence[dict[str, Any]], *, split_ms: int) -> AlertTuning:
    """Put the rows of :func:`tuned` into one result, most pages avoided first."""
    frame = pd.DataFrame(rows, columns=[*COLUMNS])
    saved = (frame["pages"] - frame["proposed_pages"]).where(frame["outcome"] == "proposed", -1)
    order = saved.sort_values(ascending=False, kind="stable").index
    return AlertTuning(frame.loc[order].reset_index(drop=True), split_ms=split_ms)


def _chosen(history: RuleHistory, base: Setting, now: Replay, events: Sequence[AlertEvent]) -> tuple[Setting, Replay]:
    """Take the setting with fewest pages that keeps every event, of those with the grouping of ``base``."""
    chosen, best = history.current, now
    order = (now.pages, 0, 0, 0, 0.0)
    for setting in _settings(history, base):
        trial = replayed(history, setting, events)
        if trial.pages >= now.pages or not _keeps(trial, now):
            continue
        delay = _later(trial, now)
        rank = (trial.pages, delay, setting.for_ms, setting.keep_ms, abs(_strictness(history, setting) - 1))
        if rank < order and _has_room(history, setting, now, events):
            chosen, best, order = setting, trial, rank
    return chosen, best


def _groupings(labels: Sequence[Mapping[str, str]]) -> list[tuple[str, ...]]:
    """Labels over which one alert could stand for all: each that tells series apart, and all of these."""
    names = sorted({name for own in labels for name in own if name != "__name__"})
    apart = [name for name in names if len({own.get(name, "") for own in labels}) > 1]
    together = [tuple(apart)] if len(apart) > 1 else []
    return [(name,) for name in apart[:MOST_LABELS]] + together


def _grouped(active: Bools, labels: Sequence[Mapping[str, str]], without: Sequence[str]) -> Bools:
    """Join the series that differ in some labels alone: the condition of a group holds where that of any does."""
    if not without or len(active) < 2:
        return active
    keys = [tuple(sorted((name, value) for name, value in own.items() if name not in without)) for own in labels]
    place = pd.factorize(pd.Series(keys, dtype=object))[0]
    return np.array([active[place == group].any(axis=0) for group in range(place.max() + 1)], np.bool_)


def _settings(history: RuleHistory, base: Setting) -> list[Setting]:
    now = history.current
    waits = sorted({now.for_ms, *(wait for wait in FOR_MS if wait >= now.for_ms)})
    keeps = sorted({now.keep_ms, *(keep for keep in KEEP_MS if keep >= now.keep_ms)})
    thresholds: list[float | None] = [now.threshold]
    if now.threshold is not None and now.threshold > 0 and history.op[:1] in ("<", ">"):
        up = history.op.startswith(">")
        thresholds = [now.threshold * factor if up else now.threshold / factor for factor in STRICTER]
    return [Setting(*each, base.without) for each in itertools.product(waits, keeps, thresholds)]


def _strictness(history: RuleHistory, setting: Setting) -> float:
    now = history.current.threshold
    if not now or setting.threshold is None or not setting.threshold:
        return 1.0
    return max(setting.threshold / now, now / setting.threshold)


def _has_room(history: RuleHistory, setting: Setting, now: Replay, events: Sequence[AlertEvent]) -> bool:
    """Whether half as much again of the change would lose no event either."""
    was = history.current
    threshold = setting.threshold
    if threshold is not None and was.threshold is not None and threshold != was.threshold:
        threshold += (threshold - was.threshold) / 2
    farther = Setting(
        setting.for_ms + max(setting.for_ms - was.for_ms, 0) // 2, setting.keep_ms, threshold, setting.without
    )
    return farther == setting or _keeps(replayed(history, farther, events), now, most=3 * MOST_DELAY_MS // 2)


def _keeps(trial: Replay, now: Replay, *, most: int = MOST_DELAY_MS) -> bool:
    return now.caught <= trial.caught and _later(trial, now) <= most


def _later(trial: Replay, now: Replay) -> int:
    return max((trial.delays[number] - now.delays[number] for number in now.caught & trial.caught), default=0)


def _part(history: RuleHistory, mask: Bools) -> RuleHistory:
    return RuleHistory(
        history.alertname,
        history.times[mask],
        history.compared[:, mask],
        history.present[:, mask],
        history.op,
        history.current,
        history.labels,
    )


_COMPARED = {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal, "==": np.equal,
             "!=": np.not_equal}  # fmt: skip


def _active(history: RuleHistory, setting: Setting) -> Bools:
    if not history.op or setting.threshold is None:
        return history.present
    with np.errstate(invalid="ignore"):
        compared: Bools = _COMPARED[history.op](history.compared, setting.threshold) & history.present
    return compared


def _fired(active: Bools, times: Times, step: int, waits: int, keeps: int) -> list[tuple[int, int]]:
    """Return the firing intervals of one series."""
    edges = np.diff(np.concatenate([[0], active.astype(np.int8), [0]]))
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    intervals: list[list[int]] = []
    reached = -1
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        if intervals and start <= reached:
            intervals[-1][1], reached = stop - 1 + keeps, stop + keeps
        elif stop - 1 - start >= waits:
            intervals.append([start + waits, stop - 1 + keeps])
            reached = stop + keeps
    last = len(times) - 1
    return [(int(times[first]), int(times[min(end, last)]) + step) for first, end in intervals]
