"""Runs of firing samples, as whole arrays: where an alert began and ended in the samples of ALERTS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.counting.evaluation import NEIGHBOURS, Evaluated, alert_key
from workbench.core.series import LabelKey, SeriesSet, label_key

Times = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: No instant: the condition's start is not recorded, or the alert still fires.
NEVER = np.iinfo(np.int64).max
UNKNOWN = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Runs:
    """Firing intervals as arrays, one row per run, by alert and start. Times in ms since the epoch.

    Attributes
    ----------
    alert : int64 array
        Place in ``keys``.
    keys : tuple of LabelKey
        Label sets.
    replica : int64 array
        Place of the server that recorded the run, see :func:`alert_runs`.
    active, start, end : int64 array
        ``active`` is :data:`UNKNOWN` without a recorded state, ``end`` is :data:`NEVER` while it fires.
    began : int64 array
        First sample of the alert, pending or firing.
    since : int64 array
        The evaluation before which somebody must have watched for the start to be known: that of ``began``, the one
        just before it that wrote none, or that of ``start`` where the alert was pending before and its state is older.
    interval : int64 array
        Evaluation interval. [ms]
    unknown : int64 array
        Time inside the run in which it was not evaluated. [ms]
    left, right : bool array
        Whether rules were not evaluated just before ``began``, and just after the last sample.
    """

    alert: Times
    keys: tuple[LabelKey, ...]
    replica: Times
    active: Times
    start: Times
    end: Times
    began: Times
    since: Times
    interval: Times
    unknown: Times
    left: Bools
    right: Bools

    def __len__(self) -> int:
        return len(self.alert)


def alert_runs(
    alerts: SeriesSet, since: SeriesSet, seen: Mapping[LabelKey, Evaluated], intervals: Times, without: frozenset[str]
) -> Runs:
    """Cut the samples of every label set into firing runs.

    Parameters
    ----------
    alerts, since : SeriesSet
        ``ALERTS`` and ``ALERTS_FOR_STATE``.
    seen : mapping
        When each replica evaluated rules, by its values of ``without``.
    intervals : int64 array
        Evaluation interval of each series of ``alerts``. [ms]
    without : frozenset of str
        Labels that name the replica.
    """
    own_keys = [alert_key(labels) for labels in alerts.labels]
    keys = tuple(dict.fromkeys(own_keys))
    place = {key: number for number, key in enumerate(keys)}
    owner = np.array([place[key] for key in own_keys], np.int64)
    step = np.ones(len(keys), np.int64)
    step[owner] = intervals
    counts = np.diff(alerts.offsets)
    firing = np.array([labels.get("alertstate") == "firing" for labels in alerts.labels], np.bool_)
    real = alerts.values == 1.0
    alert, fires = np.repeat(owner, counts)[real], np.repeat(firing, counts)[real]
    times = alerts.times[real]
    if not fires.any():
        return _no_runs(keys)
    order = np.lexsort((fires, times, alert))
    alert, times, fires = alert[order], times[order], fires[order]
    latest = np.append(np.diff(times) != 0, True) | np.append(np.diff(alert) != 0, True)
    alert, times, fires = alert[latest], times[latest], fires[latest]
    active = _active_at(alert, times, since, place, step)
    same = np.append(False, alert[1:] == alert[:-1])
    spacing = np.append(0, np.diff(times))
    known = np.append(False, (active[1:] == active[:-1]) & (active[1:] != UNKNOWN))
    joined = same & ((spacing <= NEIGHBOURS * step[alert]) | known)
    chain = np.maximum.accumulate(np.where(joined, 0, np.arange(len(times))))
    first = np.flatnonzero(fires & ~(joined & np.append(False, fires[:-1])))
    goes_on = np.append((joined & fires)[1:], False) & fires
    last = np.flatnonzero(fires & ~goes_on)
    lost = np.where(joined & (spacing > NEIGHBOURS * step[alert]), spacing - step[alert], 0)
    whole = np.append(0, np.cumsum(lost))
    own = alert[first]
    end = times[last] + step[own]
    following = np.append(np.where(same[1:], times[1:], NEVER), NEVER)[last]
    replica_of = [tuple(pair for pair in key if pair[0] in without) for key in keys]
    replicas = sorted(seen)
    replica = np.array([replicas.index(each) if each in seen else 0 for each in replica_of], np.int64)[own]
    began, at = times[chain[first]], active[chain[first]]
    # A restarted server writes nothing at its first evaluation: the state tells that the alert was there already.
    noticed = np.where((at != UNKNOWN) & (at > began - 3 * step[own]) & (at <= began), at, began)
    older = (at != UNKNOWN) & (at < began - 2 * step[own]) & ~fires[chain[first]]
    left, right, still = (np.zeros(len(first), np.bool_) for _ in range(3))
    for number, name in enumerate(replicas):
        mine = replica == number
        unread = mine & older & (at < seen[name].first_ms)
        noticed[unread] = times[first][unread]
        # Its first evaluations were missed; the state says when the condition was first seen.
        watched = mine & older & ~unread & ~seen[name].blind_at(at)
        noticed[watched] = at[watched]
        left[mine] = seen[name].blind_at(noticed[mine] - step[own][mine])
        right[mine] = seen[name].blind_at(end[mine])
        still[mine] = end[mine] > seen[name].last_ms
    return Runs(
        alert=own,
        keys=keys,
        replica=replica,
        active=active[first],
        start=times[first],
        end=np.where(still, NEVER, np.minimum(end, following)),
        began=began,
        since=noticed,
        interval=step[own],
        unknown=whole[last + 1] - whole[first + 1],
        left=left,
        right=right | still,
    )


def _no_runs(keys: tuple[LabelKey, ...]) -> Runs:
    none, no = np.zeros(0, np.int64), np.zeros(0, np.bool_)
    return Runs(none, keys, none, none, none, none, none, none, none, none, no, no)


def _active_at(alert: Times, times: Times, since: SeriesSet, place: Mapping[LabelKey, int], step: Times) -> Times:
    """Value of ALERTS_FOR_STATE beside each sample, in ms; of the nearest before where there is none beside it."""
    owner = np.array([place.get(alert_key(labels), -1) for labels in since.labels], np.int64)
    own = np.repeat(owner, np.diff(since.offsets))
    kept = np.isfinite(since.values) & (own >= 0)
    own, at, value = own[kept], since.times[kept], since.values[kept]
    if not len(own) or not len(times):
        return np.full(len(times), UNKNOWN)
    low = int(min(at.min(), times.min()))
    width = int(max(at.max(), times.max())) - low + int(step.max()) + 1
    order = np.lexsort((at, own))
    marks = own[order] * width + (at[order] - low)
    wanted = alert * width + (times - low)
    near = np.searchsorted(marks, wanted + step[alert] // 2, side="right") - 1
    beside = np.maximum(near, 0)
    right = (near >= 0) & (own[order][beside] == alert)
    right &= wanted - marks[beside] < NEIGHBOURS * step[alert]
    return np.where(right, (value[order][beside] * 1000).astype(np.int64), UNKNOWN)


@dataclass(frozen=True)
class MergedRuns:
    """Runs of the same alert on several servers as one, and what the servers disagree about.

    Attributes
    ----------
    runs : Runs
        One row per episode.
    first : int64 array
        First row of each episode in ``parts``, which are in the order of the episodes.
    parts : Runs
        The runs of each server.
    """

    runs: Runs
    first: Times
    parts: Runs


def merged_runs(runs: Runs, without: frozenset[str], union: Evaluated) -> MergedRuns:
    """Join what several servers recorded of one alert: the union of the intervals, never the sum of the counts.

    Parameters
    ----------
    runs : Runs
        What each server recorded: when the alert was seen, and its states.
    without : frozenset of str
        Labels that name the server.
    union : Evaluated
        When any server evaluated rules.
    """
    names = [label_key({name: value for name, value in key if name not in without}) for key in runs.keys]
    keys = tuple(dict.fromkeys(names))
    place = {key: number for number, key in enumerate(keys)}
    alert = np.array([place[name] for name in names], np.int64)[runs.alert]
    order = np.lexsort((runs.end, runs.start, alert))
    parts = taken(runs, order, alert=alert[order], keys=keys)
    if not len(parts):
        return MergedRuns(parts, np.zeros(0, np.int64), parts)
    low = int(parts.start.min())
    width = int(max(parts.start.max(), np.where(parts.end == NEVER, 0, parts.end).max())) - low + 2
    reach = np.maximum.accumulate(parts.alert * width + np.where(parts.end == NEVER, width - 1, parts.end - low))
    begins = np.append(True, (parts.alert * width + (parts.start - low))[1:] > reach[:-1])
    begins |= np.append(True, parts.alert[1:] != parts.alert[:-1])
    first = np.flatnonzero(begins)
    end = np.maximum.reduceat(parts.end, first)
    several = np.diff(np.append(first, len(parts))) > 1
    start, interval = parts.start[first], np.maximum.reduceat(parts.interval, first)
    active = np.minimum.reduceat(np.where(parts.active == UNKNOWN, NEVER, parts.active), first)
    finite = np.where(end == NEVER, union.last_ms, end)
    blind = union.blind_within(start, finite)
    latest = end == NEVER
    merged = taken(
        parts,
        first,
        active=np.where(active == NEVER, UNKNOWN, active),
        end=end,
        interval=interval,
        unknown=np.where(several, blind, parts.unknown[first]),
        left=union.blind_at(parts.since[first] - parts.interval[first]),
        right=latest | union.blind_at(finite),
    )
    return MergedRuns(merged, first, parts)


def taken(runs: Runs, rows: Times, **changed: Any) -> Runs:
    """Return some rows of runs, with other columns where given."""
    columns = {
        name: getattr(runs, name)[rows]
        for name in (
            "alert",
            "replica",
            "active",
            "start",
            "end",
            "began",
            "since",
            "interval",
            "unknown",
            "left",
            "right",
        )
    }
    return Runs(**{"keys": runs.keys, **columns, **changed})


def disputed(merged: MergedRuns, seen: Mapping[LabelKey, Evaluated]) -> Bools:
    """Mask of episodes that a server does not have though it evaluated rules all the time.

    A server that looks between two looks of the other may miss a short one: it counts as well.
    """
    runs, parts = merged.runs, merged.parts
    episode = np.repeat(np.arange(len(runs)), np.diff(np.append(merged.first, len(parts))))
    missed: Bools = np.zeros(len(runs), np.bool_)
    for number, name in enumerate(sorted(seen)):
        has = np.zeros(len(runs), np.bool_)
        has[episode[parts.replica == number]] = True
        own = seen[name]
        ends = np.minimum(np.where(runs.end == NEVER, own.last_ms, runs.end), own.last_ms)
        awake = ~own.blind_at(runs.start) & (own.blind_within(runs.start, ends) == 0) & (ends > runs.start)
        missed |= awake & ~has
    return missed


def phantoms(
    merged: MergedRuns, seen: Mapping[LabelKey, Evaluated], scrapes: Mapping[LabelKey, Times], quarrel: Bools
) -> Bools:
    """Mask of episodes that rest on samples from before a restart alone.

    The first evaluations of a restarted server read what it scraped before it stopped, up to the first new scrape. An
    alert that fires in them and ends with the first scrape, or that another server which never stopped does not have,
    says nothing of the condition at that time.

    Parameters
    ----------
    merged : MergedRuns
        Intervals joined over the servers.
    seen : mapping
        When each server evaluated rules.
    scrapes : mapping
        Times of the samples of ``up`` of each server. [ms since the epoch]
    quarrel : bool array
        From :func:`disputed`.
    """
    parts = merged.parts
    short: Bools = np.zeros(len(parts), np.bool_)
    for number, name in enumerate(sorted(seen)):
        mine = np.flatnonzero(parts.replica == number)
        own, ups = seen[name], scrapes.get(name, np.zeros(0, np.int64))
        after_gap = parts.left[mine] & (parts.start[mine] >= own.first_ms + parts.interval[mine])
        if len(ups) < 2:
            short[mine] = False
            continue
        fresh = np.append(ups, NEVER)[np.searchsorted(ups, parts.start[mine], side="right")]
        slack = int(np.median(np.diff(ups))) + 2 * parts.interval[mine]
        ended = (parts.end[mine] != NEVER) & (parts.end[mine] // 2 - fresh // 2 <= slack // 2)
        short[mine] = after_gap & ended
    episode = np.repeat(np.arange(len(merged.runs)), np.diff(np.append(merged.first, len(parts))))
    every: Bools = np.ones(len(merged.runs), np.bool_)
    every[episode[~short]] = False
    every &= quarrel | (merged.runs.left & (len(seen) == 1))
    return every
