"""Episodes of alerts, rebuilt from the samples of ALERTS: when each fired, and what nobody saw."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.core.frames import EPISODES, check
from workbench.core.series import LabelKey, SeriesSet, label_key

Times = NDArray[np.int64]

#: Evaluation interval where no alert has two samples in a row. [ms]
DEFAULT_INTERVAL_MS = 60_000

#: Rules evaluated less often would leave gaps in what they record: Prometheus looks back five minutes. [ms]
LONGEST_MS = 300_000

#: Two samples further apart than this many intervals are not neighbours.
NEIGHBOURS = 1.6

#: Time without any sign of the server, longer than this many intervals, is time in which no rule was evaluated.
BLIND = 3


@dataclass(frozen=True)
class Evaluated:
    """When rules were evaluated: the first and last sign of the server, and the gaps in which there was none.

    Attributes
    ----------
    first_ms, last_ms : int
        [ms since the epoch]
    gaps : int64 array, (n, 2)
        Last sign before and first sign after each gap. [ms since the epoch]
    """

    first_ms: int
    last_ms: int
    gaps: Times

    def blind_ms(self, start_ms: int, end_ms: int) -> int:
        """Time of a period in which no rule was evaluated, that before and after all signs included. [ms]"""
        outside = max(0, min(end_ms, self.first_ms) - start_ms) + max(0, end_ms - max(start_ms, self.last_ms))
        within = np.minimum(self.gaps[:, 1], end_ms) - np.maximum(self.gaps[:, 0], start_ms)
        return int(outside + within[within > 0].sum())


def evaluation_interval(alerts: SeriesSet, since: SeriesSet) -> int:
    """Return how often rules are evaluated; a minute where no alert shows it. [ms]

    Notes
    -----
    Few alerts are active for long, so most spacings may be those between episodes: none above :data:`LONGEST_MS`
    counts, and of the others the shortest tenth speaks, as an alert that flaps leaves out every second evaluation.

    Examples
    --------
    >>> alerts = SeriesSet.of([({"alertname": "A"}, [0, 15_000, 30_000, 900_000, 9_900_000], [1, 1, 1, 1, 1])])
    >>> evaluation_interval(alerts, SeriesSet.empty())
    15000
    """
    spacings = np.concatenate([_spacings(alerts), _spacings(since)])
    short = spacings[(spacings > 0) & (spacings <= LONGEST_MS)]
    return int(np.quantile(short, 0.1, method="lower")) if len(short) else DEFAULT_INTERVAL_MS


def _spacings(series: SeriesSet) -> Times:
    """Spacings of the samples of each series. [ms]"""
    return np.concatenate([np.diff(times) for _, times, _ in series] or [np.zeros(0, np.int64)])


def evaluated(signs: SeriesSet, interval_ms: int) -> Evaluated | None:
    """Find the gaps in which a server gave no sign, from samples that it writes all the time.

    Parameters
    ----------
    signs : SeriesSet
        ``up`` of all targets: a server that evaluates no rules scrapes nothing either; also the alerts themselves.
    interval_ms : int
        Evaluation interval. [ms]

    Returns
    -------
    Evaluated or None
        None without any sample.

    Examples
    --------
    >>> seen = evaluated(SeriesSet.of([({"job": "a"}, [0, 60, 120, 600], [1, 1, 1, 1])]), 60)
    >>> seen.gaps.tolist(), seen.blind_ms(0, 600)
    ([[120, 600]], 480)
    """
    times = np.unique(signs.times)
    if not len(times):
        return None
    spacing = np.diff(times)
    own = _spacings(signs)
    usual = int(np.median(own)) if len(own) else DEFAULT_INTERVAL_MS
    wide = np.flatnonzero(spacing > BLIND * max(interval_ms, usual))
    return Evaluated(int(times[0]), int(times[-1]), np.column_stack([times[wide], times[wide + 1]]).astype(np.int64))


def firing_episodes(
    alerts: SeriesSet,
    since: SeriesSet,
    seen: Evaluated,
    *,
    interval_ms: int,
    without: Sequence[str] = (),
) -> pd.DataFrame:
    """Rebuild the firing episodes of every label set.

    Parameters
    ----------
    alerts : SeriesSet
        ``ALERTS``, both states, without stale marks.
    since : SeriesSet
        ``ALERTS_FOR_STATE``: its value is the second in which the condition became true.
    seen : Evaluated
        When rules were evaluated.
    interval_ms : int
        Evaluation interval. [ms]
    without : sequence of str
        Labels that make no new alert, such as ``replica`` of two servers that evaluate the same rules.

    Returns
    -------
    DataFrame
        Frame contract ``EPISODES``, by start.

    Notes
    -----
    One episode is one maximal interval in which one label set fired. It ends one interval after its last sample, for
    Prometheus writes no sample of an alert that is over. Samples apart from each other are two episodes when rules
    were evaluated in between. When they were not, they are one, its ``unknown_s`` grown by the gap, if
    ``ALERTS_FOR_STATE`` holds the same instant on both sides; else the first has an unknown end (right-censored) and
    the second an unknown start (left-censored), and neither is a recovery [1]_.

    References
    ----------
    .. [1] Prometheus, rules/alerting.go and rules/group.go (RestoreForState), version 3.
    """
    firing, active, states = _by_alert(alerts, since, frozenset(without))
    rows = [
        row
        for key in sorted(firing)
        for row in _episodes(key, firing[key], active[key], states.get(key), seen, interval_ms)
    ]
    return _frame(rows)


@dataclass(frozen=True)
class _State:
    """Samples of ALERTS_FOR_STATE of one alert; ``at`` in ms since the epoch."""

    times: Times
    at: Times

    def active_at(self, time_ms: int, interval_ms: int) -> int | None:
        place = int(np.searchsorted(self.times, time_ms + interval_ms // 2, side="right")) - 1
        near = place >= 0 and time_ms - self.times[place] < NEIGHBOURS * interval_ms
        return int(self.at[place]) if near else None


def _by_alert(
    alerts: SeriesSet, since: SeriesSet, dropped: frozenset[str]
) -> tuple[dict[LabelKey, Times], dict[LabelKey, Times], dict[LabelKey, _State]]:
    """Group the times at which each alert fired, was pending or fired, and since when its condition was true."""
    ignored = dropped | {"__name__", "alertstate"}

    def identity(labels: Mapping[str, str]) -> LabelKey:
        return label_key({name: value for name, value in labels.items() if name not in ignored})

    firing: dict[LabelKey, list[Times]] = defaultdict(list)
    active: dict[LabelKey, list[Times]] = defaultdict(list)
    for labels, times, values in alerts:
        real = times[values == 1.0]
        active[identity(labels)].append(real)
        if labels.get("alertstate") == "firing" and len(real):
            firing[identity(labels)].append(real)
    states: dict[LabelKey, _State] = {}
    for labels, times, values in since:
        known = np.isfinite(values)
        held = _State(times[known], (values[known] * 1000).astype(np.int64))
        other = states.get(identity(labels))
        if other is not None:
            joined, at = np.concatenate([other.times, held.times]), np.concatenate([other.at, held.at])
            order = np.argsort(joined, kind="stable")
            held = _State(joined[order], at[order])
        states[identity(labels)] = held
    return (
        {key: np.unique(np.concatenate(parts)) for key, parts in firing.items()},
        {key: np.unique(np.concatenate(parts)) for key, parts in active.items()},
        states,
    )


def _episodes(
    key: LabelKey, firing: Times, active: Times, state: _State | None, seen: Evaluated, interval_ms: int
) -> Iterator[dict[str, Any]]:
    labels = dict(key)
    near = NEIGHBOURS * interval_ms
    breaks = np.flatnonzero(np.diff(firing) > near)
    firsts, lasts = firing[np.append(0, breaks + 1)], firing[np.append(breaks, len(firing) - 1)]
    starts_of_runs = active[np.append(True, np.diff(active) > near)]
    row: dict[str, Any] | None = None
    for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
        began = int(starts_of_runs[np.searchsorted(starts_of_runs, first, side="right") - 1])
        at = None if state is None else state.active_at(first, interval_ms)
        if row is not None and row["right_censored"] and at is not None and at == row["at"]:
            row["unknown_s"] += (first - row["last"] - interval_ms) / 1000
        else:
            if row is not None:
                yield row
            row = {
                "alertname": labels.get("alertname", ""),
                "severity": labels.get("severity", ""),
                "labels": {name: value for name, value in labels.items() if name not in ("alertname", "severity")},
                "active_at": began if at is None else at,
                "starts_at": first,
                "left_censored": _follows_blindness(began, seen, interval_ms),
                "unknown_s": 0.0,
                "at": at,
            }
        row["last"] = last
        row["right_censored"] = _precedes_blindness(last, seen, interval_ms)
        row["ends_at"] = None if last > seen.last_ms - near else last + interval_ms
    if row is not None:
        yield row


def _follows_blindness(time_ms: int, seen: Evaluated, interval_ms: int) -> bool:
    """Whether rules were not evaluated just before: what is active then may be older."""
    late = time_ms - np.append(seen.gaps[:, 1], seen.first_ms)
    return bool((np.abs(late) < interval_ms).any())


def _precedes_blindness(time_ms: int, seen: Evaluated, interval_ms: int) -> bool:
    """Whether rules were not evaluated just after: what ends then may have gone on."""
    early = np.append(seen.gaps[:, 0], seen.last_ms) - time_ms
    return bool((np.abs(early) < interval_ms).any())


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(EPISODES.columns))
    for name in ("alertname", "severity"):
        frame[name] = frame[name].astype("str")
    for name in ("active_at", "starts_at", "ends_at"):
        frame[name] = pd.to_datetime(frame[name].astype("Int64"), unit="ms", utc=True).dt.as_unit("ms")
    for name in ("left_censored", "right_censored"):
        frame[name] = frame[name].astype("bool")
    frame["unknown_s"] = frame["unknown_s"].astype("float64")
    frame = frame.sort_values(["starts_at", "alertname"], kind="stable", ignore_index=True)
    return check(frame, EPISODES, where="the samples of ALERTS")
