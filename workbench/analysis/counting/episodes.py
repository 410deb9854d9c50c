"""Episodes of alerts, rebuilt from the samples of ALERTS: when each fired, and what nobody saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.counting.evaluation import (
    STATE_LABELS,
    Evaluated,
    evaluated,
    evaluation_interval,
    evaluation_intervals,
)
from workbench.analysis.counting.runs import (
    NEVER,
    UNKNOWN,
    Runs,
    alert_runs,
    disputed,
    merged_runs,
    phantoms,
    taken,
)
from workbench.core.frames import EPISODES, check
from workbench.core.series import LabelKey, SeriesSet, label_key

__all__ = ["Evaluated", "evaluated", "evaluation_interval", "evaluation_intervals", "firing_episodes", "replica_labels"]

Times = NDArray[np.int64]

#: Names by which people tell servers apart that evaluate the same rules (Prometheus operator, Thanos, Mimir).
REPLICA_LABELS = ("replica", "prometheus_replica", "__replica__", "thanos_replica", "rule_replica")

#: ALERTS_FOR_STATE holds whole seconds. [ms]
_WHOLE_SECOND_MS = 1000

_NAMED = ("alertname", "severity")


def firing_episodes(
    alerts: SeriesSet,
    since: SeriesSet,
    seen: Evaluated,
    *,
    interval_ms: int | Times,
    without: Sequence[str] = (),
    up: SeriesSet | None = None,
    for_ms: Mapping[str, int] | None = None,
) -> pd.DataFrame:
    """Rebuild the firing episodes of every label set.

    Parameters
    ----------
    alerts : SeriesSet
        ``ALERTS``, both states, without stale marks.
    since : SeriesSet
        ``ALERTS_FOR_STATE``: its value is the second in which the condition became true.
    seen : Evaluated
        When rules were evaluated, by any server.
    interval_ms : int or int64 array
        Evaluation interval of all, or of each series of ``alerts``: see
        :func:`~workbench.analysis.counting.evaluation.evaluation_intervals`. [ms]
    without : sequence of str
        Labels that make no new alert, such as ``replica`` of two servers that evaluate the same rules.
    up : SeriesSet, optional
        Samples of ``up``, with the labels of ``without``: they tell an outage of one server from a recovery, and show
        when a server that was restarted had its first new samples.
    for_ms : mapping of str to int, optional
        ``for`` of rules by alert name: how long after the condition an alert fires. [ms]

    Returns
    -------
    DataFrame
        Frame contract ``EPISODES``, by start, and ``phantom`` and ``disputed`` (bool): rests on samples from before a
        restart alone; another server that evaluated rules all the time does not have it.

    Notes
    -----
    One episode is one maximal interval in which one label set fired. It ends one interval after its last sample, for
    Prometheus writes no sample of an alert that is over. Two samples beside the same value of ``ALERTS_FOR_STATE``
    belong to one episode however far apart they are: evaluations were missed, and ``unknown_s`` grows by that time.
    Others that are apart are two episodes. When rules were not evaluated in between, the first has an unknown end
    (right-censored) and the second an unknown start (left-censored), and neither is a recovery [1]_. Of an alert that
    fired before the first sample read, the start is reckoned: the value of ``ALERTS_FOR_STATE`` and ``for``.

    Servers are merged by the union of their intervals.

    References
    ----------
    .. [1] Prometheus, rules/alerting.go and rules/group.go (RestoreForState), version 3.
    """
    dropped = frozenset(without)
    intervals = np.full(len(alerts), interval_ms, np.int64) if isinstance(interval_ms, int) else interval_ms
    scraped = up or SeriesSet.empty()
    servers: dict[LabelKey, Evaluated] = {(): seen}
    if dropped:
        servers = _servers(alerts, scraped, dropped, seen)
    runs = alert_runs(alerts, since, servers, intervals, dropped)
    runs = _reckoned(runs, servers, for_ms or {})
    merged = merged_runs(runs, dropped, seen)
    quarrel = disputed(merged, servers)
    scrapes = {key: np.unique(own.times) for key, own in _by_server(scraped, dropped).items()}
    return _frame(merged.runs, phantoms(merged, servers, scrapes, quarrel), quarrel)


def replica_labels(alerts: SeriesSet) -> tuple[str, ...]:
    """Labels of :data:`REPLICA_LABELS` by which alone some label sets differ: two servers evaluate the same rules.

    Examples
    --------
    >>> replica_labels(SeriesSet.of([({"alertname": "A", "replica": x}, [0], [1]) for x in "ab"]))
    ('replica',)
    """
    names = []
    for name in REPLICA_LABELS:
        with_it = [labels for labels in alerts.labels if labels.get(name)]
        without = {label_key({key: value for key, value in labels.items() if key != name}) for labels in with_it}
        if len(without) < len({label_key(labels) for labels in with_it}):
            names.append(name)
    return tuple(names)


def _servers(alerts: SeriesSet, up: SeriesSet, dropped: frozenset[str], seen: Evaluated) -> dict[LabelKey, Evaluated]:
    """When each server evaluated rules; that of all of them where ``up`` does not tell the servers apart."""
    scraped = _by_server(up, dropped)
    servers = {}
    for key, own in _by_server(alerts, dropped).items():
        signs = evaluated(SeriesSet.of([*own, *scraped[key]])) if key in scraped else None
        servers[key] = signs or seen
    return servers or {(): seen}


def _by_server(series: SeriesSet, dropped: frozenset[str]) -> dict[LabelKey, SeriesSet]:
    groups: dict[LabelKey, list[tuple[Mapping[str, str], Times, NDArray[np.float64]]]] = {}
    for row in series:
        key = label_key({name: value for name, value in row[0].items() if name in dropped})
        groups.setdefault(key, []).append(row)
    return {key: SeriesSet.of(rows) for key, rows in groups.items()}


def _reckoned(runs: Runs, servers: Mapping[LabelKey, Evaluated], for_ms: Mapping[str, int]) -> Runs:
    """Put the start of an alert that was firing before the first sample where its state says that it was.

    A state that began inside a gap is that of a server that came back: it says nothing of the time before.
    """
    older = runs.left & (runs.start == runs.began) & (runs.active != UNKNOWN)
    older &= runs.active < runs.began - runs.interval - _WHOLE_SECOND_MS
    for number, name in enumerate(sorted(servers)):
        inside = servers[name].blind_at(runs.active) & (runs.active >= servers[name].first_ms)
        older &= ~(inside & (runs.replica == number))
    if not older.any():
        return runs
    waits = {name: wait for name, wait in _waits(runs).items() if name not in for_ms} | dict(for_ms)
    names = [dict(key).get("alertname", "") for key in runs.keys]
    wait = np.array([waits.get(name, -1) for name in names], np.int64)[runs.alert]
    decided = older & (wait >= 0)
    start = np.where(decided, np.minimum(runs.active + wait, runs.start), np.where(older, runs.active, runs.start))
    return taken(runs, np.arange(len(runs)), start=start, left=runs.left & ~decided)


def _waits(runs: Runs) -> dict[str, int]:
    """Shortest time from condition to firing of the alerts whose start was seen, by alert name. [ms]"""
    waits: dict[str, int] = {}
    seen = ~runs.left & (runs.active != UNKNOWN)
    for place, wait in zip(runs.alert[seen].tolist(), (runs.start - runs.active)[seen].tolist(), strict=True):
        name = dict(runs.keys[place]).get("alertname", "")
        waits[name] = min(wait, waits.get(name, wait))
    return waits


def _frame(runs: Runs, phantom: NDArray[np.bool_], quarrel: NDArray[np.bool_]) -> pd.DataFrame:
    labels = [dict(key) for key in runs.keys]
    rest = [{name: value for name, value in label.items() if name not in (*_NAMED, *STATE_LABELS)} for label in labels]
    places = runs.alert.tolist()
    active = np.where(runs.active == UNKNOWN, runs.began, runs.active)
    frame = pd.DataFrame(
        {
            **{name: pd.Series([labels[place].get(name, "") for place in places], dtype="str") for name in _NAMED},
            "labels": pd.Series([rest[place] for place in places], dtype=object),
            "active_at": _instants(active),
            "starts_at": _instants(runs.start),
            "ends_at": _instants(runs.end),
            "left_censored": runs.left,
            "right_censored": runs.right,
            "unknown_s": runs.unknown / 1000,
            "phantom": phantom,
            "disputed": quarrel,
        }
    )
    frame = frame.sort_values(["starts_at", "alertname"], kind="stable", ignore_index=True)
    return check(frame, EPISODES, where="the samples of ALERTS")


def _instants(times_ms: Times) -> pd.DatetimeIndex:
    marks = np.where(times_ms == NEVER, np.iinfo(np.int64).min, times_ms)
    return pd.DatetimeIndex(marks.view("datetime64[ms]")).tz_localize("UTC")
