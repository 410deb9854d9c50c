"""The states of alerts over many evaluations: the series ALERTS and ALERTS_FOR_STATE, and episodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.core.series import STALE, LabelKey, Labels, SeriesSet, label_key
from workbench.core.timerange import MINUTE_MS

Bools = NDArray[np.bool_]
Times = NDArray[np.int64]


@dataclass(frozen=True)
class AlertCarry:
    """An alert active at the last evaluation. Times in ms since the epoch; ``starts_ms`` is None while pending."""

    labels: Labels
    active_ms: int
    starts_ms: int | None
    left_censored: bool


@dataclass(frozen=True)
class Episode:
    """One firing interval of one label set. Times in ms since the epoch; ``ends_ms`` is None while it fires."""

    labels: Labels
    active_ms: int
    starts_ms: int
    ends_ms: int | None
    left_censored: bool
    right_censored: bool


@dataclass(frozen=True)
class _Run:
    """Evaluations ``[start, stop)`` at which one label set is active; ``firing`` is the first that fires."""

    start: int
    stop: int
    firing: int
    active_ms: int
    left_censored: bool


def evaluate_alert(
    active: Mapping[LabelKey, tuple[Labels, Bools]],
    times: Times,
    breaks: Bools,
    for_ms: int,
    carried: Sequence[AlertCarry],
    before_ms: int | None,
) -> tuple[SeriesSet, list[Episode], list[AlertCarry]]:
    """Run the states of one alert rule over many evaluations.

    Parameters
    ----------
    active : mapping
        Label sets of the alert with the mask of evaluations at which the expression gives them.
    times : int64 array
        Evaluations. [ms since the epoch]
    breaks : bool array
        Evaluations that follow a stop of the monitoring: it forgot every state, and marked nothing stale.
    for_ms : int
        How long the expression must hold. [ms]
    carried : sequence of AlertCarry
        Alerts active at the evaluation before.
    before_ms : int or None
        The evaluation before; None at the start of the history: what is active at once may be older. [ms]

    Returns
    -------
    (SeriesSet, list of Episode, list of AlertCarry)
        Samples, episodes that ended, alerts still active.

    Notes
    -----
    As in Prometheus' rules/alerting.go: an alert fires at the first evaluation with ``t - active >= for``; a state that
    ends leaves a stale mark at the next evaluation.
    """
    before = {label_key(carry.labels): carry for carry in carried}
    everything = {key: (carry.labels, np.zeros(len(times), np.bool_)) for key, carry in before.items()} | dict(active)
    samples: list[tuple[Labels, Times, NDArray[np.float64]]] = []
    ended: list[Episode] = []
    still: list[AlertCarry] = []
    for key in sorted(everything):
        labels, mask = everything[key]
        carry = before.get(key)
        if carry and before_ms is not None and breaks[0]:
            ended += _cut(carry, before_ms + MINUTE_MS)
            carry = None
        runs = _runs(mask, times, breaks, for_ms, carry, first=before_ms is None)
        samples += _samples(labels, runs, times, breaks, carry)
        for run in runs:
            starts = int(times[run.firing]) if run.firing < run.stop else None
            if carry and run.start == 0 and carry.starts_ms is not None:
                starts = carry.starts_ms
            if run.stop == len(times):
                still.append(AlertCarry(labels, run.active_ms, starts, run.left_censored))
            elif starts is not None:
                cut = bool(breaks[run.stop])
                end = int(times[run.stop - 1]) + MINUTE_MS if cut else int(times[run.stop])
                ended.append(Episode(labels, run.active_ms, starts, end, run.left_censored, cut))
        if carry and not mask[0] and carry.starts_ms is not None:
            ended.append(Episode(labels, carry.active_ms, carry.starts_ms, int(times[0]), carry.left_censored, False))
    return SeriesSet.of(samples), ended, still


def _cut(carry: AlertCarry, end_ms: int) -> list[Episode]:
    """End an episode whose end nobody saw, because the monitoring stopped."""
    if carry.starts_ms is None:
        return []
    return [Episode(carry.labels, carry.active_ms, carry.starts_ms, end_ms, carry.left_censored, True)]


def _runs(
    mask: Bools, times: Times, breaks: Bools, for_ms: int, carry: AlertCarry | None, *, first: bool
) -> list[_Run]:
    edges = np.flatnonzero(mask & (np.concatenate([[True], ~mask[:-1]]) | breaks))
    runs = []
    for start in edges.tolist():
        rest = np.flatnonzero(~mask[start + 1 :] | breaks[start + 1 :])
        stop = start + 1 + int(rest[0]) if len(rest) else len(mask)
        continued = carry if start == 0 else None
        active_ms = continued.active_ms if continued else int(times[start])
        firing = start + int(np.searchsorted(times[start:stop], active_ms + for_ms))
        left = continued.left_censored if continued else bool(breaks[start]) or (first and start == 0)
        runs.append(_Run(start, stop, firing, active_ms, left))
    return runs


def _samples(
    labels: Labels, runs: Sequence[_Run], times: Times, breaks: Bools, carry: AlertCarry | None
) -> list[tuple[Labels, Times, NDArray[np.float64]]]:
    """Values of the three series of one label set; NaN means no sample, and a stale mark stands where one ends."""
    n = len(times)
    pending, firing, since = (np.full(n, np.nan) for _ in range(3))
    for run in runs:
        pending[run.start : min(run.firing, run.stop)] = 1.0
        firing[run.firing : run.stop] = 1.0
        since[run.start : run.stop] = run.active_ms // 1000
    was_firing = carry is not None and carry.starts_ms is not None
    series = (
        ({**labels, "__name__": "ALERTS", "alertstate": "pending"}, pending, carry is not None and not was_firing),
        ({**labels, "__name__": "ALERTS", "alertstate": "firing"}, firing, was_firing),
        ({**labels, "__name__": "ALERTS_FOR_STATE"}, since, carry is not None),
    )
    alerts: list[tuple[Labels, Times, NDArray[np.float64]]] = []
    for own, values, was in series:
        present = ~np.isnan(values)
        marks = ~present & np.concatenate([[was], present[:-1]]) & ~breaks
        kept = present | marks
        if kept.any():
            alerts.append((own, times[kept], np.where(marks, STALE, values)[kept]))
    return alerts


def episodes_frame(episodes: Sequence[Episode]) -> pd.DataFrame:
    """Return the EPISODES frame, by start; one that still fires is right-censored and has no end."""
    ordered = sorted(episodes, key=lambda episode: (episode.starts_ms, label_key(episode.labels)))

    def instants(values: list[int | None]) -> pd.Series:
        return pd.Series(pd.to_datetime(pd.array(values, dtype="Int64"), unit="ms", utc=True)).dt.as_unit("ms")

    return pd.DataFrame(
        {
            "alertname": pd.Series([episode.labels["alertname"] for episode in ordered], dtype="str"),
            "severity": pd.Series([episode.labels["severity"] for episode in ordered], dtype="str"),
            "labels": pd.Series([dict(episode.labels) for episode in ordered], dtype=object),
            "active_at": instants([episode.active_ms for episode in ordered]),
            "starts_at": instants([episode.starts_ms for episode in ordered]),
            "ends_at": instants([episode.ends_ms for episode in ordered]),
            "left_censored": np.array([episode.left_censored for episode in ordered], np.bool_),
            "right_censored": np.array([episode.right_censored for episode in ordered], np.bool_),
            "unknown_s": np.zeros(len(ordered)),
        }
    )
