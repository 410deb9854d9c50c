"""When alert rules were evaluated, and how often: the ground on which an alert may be called over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.core.series import LabelKey, SeriesSet, label_key
from workbench.core.timerange import DAY_MS, MINUTE_MS

Times = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: Evaluation interval where no alert has two samples in a row. [ms]
DEFAULT_INTERVAL_MS = MINUTE_MS

#: Longest spacing of samples that may be an interval where nothing says that the alert went on in between. [ms]
LONGEST_MS = 300_000

#: Two samples further apart than this many intervals are not neighbours.
NEIGHBOURS = 1.6

#: A server writes ``up`` at every scrape, also of a target that is down: one scrape left out by all is a gap.
BLIND = 1.6


#: Labels of ALERTS that are no labels of the alert.
STATE_LABELS = frozenset({"__name__", "alertstate"})


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

    def blind_at(self, times_ms: Times) -> Bools:
        """Mask of instants at which no rule was evaluated: inside a gap, before the first sign or after the last."""
        place = np.searchsorted(self.gaps[:, 0], times_ms, side="left") - 1
        ends = np.append(self.gaps[:, 1], self.first_ms)[np.where(place < 0, len(self.gaps), place)]
        inside: Bools = (times_ms < ends) | (times_ms < self.first_ms) | (times_ms > self.last_ms)
        return inside

    def blind_within(self, starts_ms: Times, ends_ms: Times) -> Times:
        """Time of each interval that lies in gaps. [ms]"""
        within: Times = time_before(self.gaps, ends_ms) - time_before(self.gaps, starts_ms)
        return within

    def stretches(self, start_ms: int, end_ms: int) -> Times:
        """Stretches of ``[start_ms, end_ms)`` in which rules were evaluated, shape (n, 2). [ms since the epoch]"""
        starts = np.maximum(np.append(self.first_ms, self.gaps[:, 1]), start_ms)
        ends = np.minimum(np.append(self.gaps[:, 0], self.last_ms), end_ms)
        stretches: Times = np.column_stack([starts, ends])[ends > starts].astype(np.int64)
        return stretches


def time_before(intervals: Times, times_ms: Times) -> Times:
    """Return the time that disjoint rising intervals cover before each instant. [ms]"""
    lengths = np.append(0, np.cumsum(intervals[:, 1] - intervals[:, 0]))
    place = np.searchsorted(intervals[:, 0], times_ms, side="right")
    last_end = np.append(0, intervals[:, 1])[place]
    covered: Times = lengths[place] - np.maximum(last_end - times_ms, 0) * (place > 0)
    return covered


def evaluation_interval(alerts: SeriesSet, since: SeriesSet) -> int:
    """Return how often most rules are evaluated; a minute where no alert shows it. [ms]

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
    spacings = np.concatenate([_spacings(alerts)[0], _spacings(since)[0]])
    short = spacings[(spacings > 0) & (spacings <= LONGEST_MS)]
    return int(np.quantile(short, 0.1, method="lower")) if len(short) else DEFAULT_INTERVAL_MS


def evaluation_intervals(alerts: SeriesSet, since: SeriesSet, known_ms: Mapping[str, int] | None = None) -> Times:
    """Return how often the rule of each series of ``ALERTS`` is evaluated.

    Parameters
    ----------
    alerts : SeriesSet
        ``ALERTS``, both states.
    since : SeriesSet
        ``ALERTS_FOR_STATE``.
    known_ms : mapping of str to int, optional
        Interval of rules by alert name, as a server's rules API gives it. [ms]

    Returns
    -------
    int64 array, one a series of ``alerts``
        [ms]

    Notes
    -----
    Between two samples with the same value of ``ALERTS_FOR_STATE`` the alert never ended, so their spacing is a whole
    number of intervals: the shortest is the interval of that alert. An alert without such a pair takes the shortest of
    the others of its name, else what :func:`evaluation_interval` gives for all, but no more than half the spacing of
    two of its own episodes.

    Examples
    --------
    >>> alerts = SeriesSet.of([({"alertname": "A"}, [0, 60_000], [1, 1]), ({"alertname": "B"}, [0, 15_000], [1, 1])])
    >>> since = SeriesSet.of([({"alertname": "A"}, [0, 60_000], [5, 5]), ({"alertname": "B"}, [0, 15_000], [5, 5])])
    >>> evaluation_intervals(alerts, since).tolist()
    [60000, 15000]
    """
    known = known_ms or {}
    own: dict[LabelKey, int] = {}
    most: dict[LabelKey, int] = {}
    spacing, owner = _spacings(since)
    keys = [alert_key(labels) for labels in since.labels]
    if len(spacing):
        last = since.offsets[1:-1] - 1
        held = np.delete(np.diff(since.values) == 0, last[(last >= 0) & (last < since.samples - 1)])
        for shortest, same in ((own, True), (most, False)):
            chosen = held == same
            least = np.full(len(keys), np.iinfo(np.int64).max)
            np.minimum.at(least, owner[chosen], spacing[chosen])
            for key, value in zip(keys, least.tolist(), strict=True):
                if value < np.iinfo(np.int64).max:
                    shortest[key] = min(value, shortest.get(key, value))
    without_state = _stateless(alerts, set(keys))
    own |= {key: value for key, value in without_state.items() if key not in own}
    by_name: dict[str, int] = {}
    for key, value in own.items():
        name = dict(key).get("alertname", "")
        by_name[name] = min(value, by_name.get(name, value))
    overall = evaluation_interval(alerts, since)
    intervals = np.zeros(len(alerts), np.int64)
    for place, labels in enumerate(alerts.labels):
        key, name = alert_key(labels), labels.get("alertname", "")
        fallback = by_name.get(name, min(overall, max(most.get(key, 2 * overall) // 2, 1)))
        intervals[place] = known.get(name) or own.get(key) or fallback
    return intervals


def alert_key(labels: Mapping[str, str]) -> LabelKey:
    """Return the identity of an alert: its labels without those of its state."""
    return label_key({name: value for name, value in labels.items() if name not in STATE_LABELS})


def _stateless(alerts: SeriesSet, with_state: set[LabelKey]) -> dict[LabelKey, int]:
    """Shortest spacing of alerts whose state was not recorded, no longer than :data:`LONGEST_MS`. [ms]"""
    spacing, owner = _spacings(alerts)
    short = spacing <= LONGEST_MS
    least = np.full(len(alerts), np.iinfo(np.int64).max)
    np.minimum.at(least, owner[short], spacing[short])
    times: dict[LabelKey, int] = {}
    for labels, value in zip(alerts.labels, least.tolist(), strict=True):
        key = alert_key(labels)
        if key not in with_state and value <= LONGEST_MS:
            times[key] = min(value, times.get(key, value))
    return times


def _spacings(series: SeriesSet) -> tuple[Times, Times]:
    """Spacings of the samples of each series, and the place of the series of each. [ms]"""
    counts = np.diff(series.offsets)
    owner = np.repeat(np.arange(len(series)), counts)
    inside = owner[1:] == owner[:-1]
    return np.diff(series.times)[inside], owner[1:][inside]


def evaluated(signs: SeriesSet, interval_ms: int = 0) -> Evaluated | None:
    """Find the gaps in which a server gave no sign, from samples that it writes all the time.

    Parameters
    ----------
    signs : SeriesSet
        ``up`` of all targets: a server that evaluates no rules scrapes nothing either; also the alerts themselves.
    interval_ms : int
        Evaluation interval, where it is longer than that between scrapes. [ms]

    Returns
    -------
    Evaluated or None
        None without any sample.

    Examples
    --------
    >>> seen = evaluated(SeriesSet.of([({"job": "a"}, [0, 60, 120, 600], [1, 1, 1, 1])]), 60)
    >>> seen.gaps.tolist(), seen.blind_ms(0, 600), seen.blind_at(np.array([120, 300, 600])).tolist()
    ([[120, 600]], 480, [False, True, False])
    """
    times = np.unique(signs.times)
    if not len(times):
        return None
    scrapes = [row for row in signs if row[0].get("__name__") == "up"]
    usual = _usual(SeriesSet.of(scrapes) if scrapes else signs, times[:-1])
    wide = np.flatnonzero(np.diff(times) > BLIND * np.maximum(interval_ms, usual))
    return Evaluated(int(times[0]), int(times[-1]), np.column_stack([times[wide], times[wide + 1]]).astype(np.int64))


def _usual(signs: SeriesSet, times_ms: Times) -> NDArray[np.float64]:
    """Usual spacing of samples around each instant: older history may be kept in wider slices. [ms]"""
    spacing, _ = _spacings(signs)
    if not len(spacing):
        return np.full(len(times_ms), float(DEFAULT_INTERVAL_MS))
    counts = np.diff(signs.offsets)
    starts = np.delete(np.arange(signs.samples), signs.offsets[1:][counts > 0] - 1)
    first = int(min(signs.times.min(), times_ms.min(initial=signs.times.min()))) // DAY_MS
    days = signs.times[starts] // DAY_MS - first
    last = int(times_ms.max(initial=0)) // DAY_MS - first
    per_day = np.zeros(max(int(days.max()), last) + 3)
    order = np.argsort(days, kind="stable")
    present, begins = np.unique(days[order], return_index=True)
    for day, own in zip(present, np.split(spacing[order], begins[1:]), strict=True):
        per_day[day + 1] = np.median(own)
    around = np.maximum(np.maximum(per_day[:-2], per_day[1:-1]), per_day[2:])
    around[around == 0] = np.median(spacing)
    local: NDArray[np.float64] = around[times_ms // DAY_MS - first]
    return local
