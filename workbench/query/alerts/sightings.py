"""From what was seen of alerts to episodes: messages, events, and looks at the alerts of a moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.core.frames import EPISODES, check
from workbench.core.series import LabelKey
from workbench.core.timerange import MINUTE_MS, TimeRange
from workbench.query.alerts.lines import Look, Sighting

#: Two looks further apart than this leave the time between them unobserved. [ms]
APART_MS = 15 * MINUTE_MS


@dataclass
class _Episode:
    """One label set since one start: when it was last reported to fire, and how it ended. [ms]"""

    starts: int
    fires: int = -1
    over: int = -1
    ends: int | None = None
    looked: tuple[int, int] | None = None

    def add(self, alert: Sighting) -> None:
        if alert.ends_ms is None:
            self.fires = max(self.fires, alert.seen_ms)
            return
        self.over = max(self.over, alert.seen_ms)
        if alert.ends_by_ms is None:
            self.ends = alert.ends_ms if self.ends is None else max(self.ends, alert.ends_ms)
        else:
            self.looked = max(self.looked or (-1, -1), (alert.ends_ms, alert.ends_by_ms))

    @property
    def firing(self) -> bool:
        return self.fires > self.over

    @property
    def upto(self) -> int:
        """Last instant at which it is known to have fired."""
        known = [self.starts, self.fires] if self.firing else [self.starts, self.ends or (self.looked or (-1,))[0]]
        return max(known)

    def covers(self, began: int) -> bool:
        """Whether it was still firing when the same label set is said to have begun."""
        return began <= self.upto if self.firing else began < self.upto

    def join(self, later: _Episode) -> None:
        """Add the reports of the same alert under a later start."""
        self.fires, self.over = max(self.fires, later.fires), max(self.over, later.over)
        self.ends = max((end for end in (self.ends, later.ends) if end is not None), default=None)
        self.looked = max((look for look in (self.looked, later.looked) if look), default=None)


def episodes_of(seen: Iterable[Sighting], span: TimeRange, warnings: Iterable[str] = ()) -> pd.DataFrame:
    """Join sightings to episodes: one label set that fired since one instant is one episode, however often it was seen.

    Parameters
    ----------
    seen : iterable of Sighting
        When each alert was seen, and in which state.
    span : TimeRange
        Range that the episodes overlap.
    warnings : iterable of str
        Put into ``.attrs``.

    Notes
    -----
    A label set fires once at a time: of starts that overlap, as two Prometheus servers and two Alertmanagers give them,
    the earliest counts. An alert reported as firing after it was reported as over, since the same start, fires on.
    An episode without a seen end, though the alert fired again later, ends where it was last seen (right-censored);
    the newest of a label set is open. An end between two looks at most :data:`APART_MS` apart is that of the second,
    and ``unknown_s`` is the time between them; looks further apart leave the end unknown, and so does a message that
    an alert is over which does not say since when.
    """
    by_alert: dict[LabelKey, dict[int, _Episode]] = {}
    for alert in seen:
        starts = by_alert.setdefault(alert.labels, {})
        starts.setdefault(alert.starts_ms, _Episode(alert.starts_ms)).add(alert)
    rows = []
    for key, starts in by_alert.items():
        labels = dict(key)
        joined: list[_Episode] = []
        for began in sorted(starts):
            if joined and joined[-1].covers(began):
                joined[-1].join(starts[began])
            else:
                joined.append(starts[began])
        for place, episode in enumerate(joined):
            ends, lost, unknown_ms = _end(episode, last=place + 1 == len(joined))
            if episode.starts >= span.end_ms or (ends is not None and ends <= span.start_ms):
                continue
            rows.append(
                {
                    "alertname": labels.get("alertname", ""),
                    "severity": labels.get("severity", ""),
                    "labels": {name: text for name, text in labels.items() if name not in ("alertname", "severity")},
                    "active_at": episode.starts,
                    "starts_at": episode.starts,
                    "ends_at": ends,
                    "left_censored": False,
                    "right_censored": lost or ends is None,
                    "unknown_s": unknown_ms / 1000,
                }
            )
    frame = _frame(rows)
    frame.attrs["warnings"] = tuple(warnings)
    return frame


def _end(episode: _Episode, *, last: bool) -> tuple[int | None, bool, int]:
    """End of an episode, whether it may have ended later, and the time before it that nobody saw. [ms]"""
    if episode.firing:
        return (None, True, 0) if last else (episode.upto, True, 0)
    if episode.ends is not None:
        return max(episode.ends, episode.starts), False, 0
    assert episode.looked is not None
    by = episode.looked[1]
    seen = max(episode.looked[0], episode.fires, episode.starts)
    if by - seen > APART_MS or by <= episode.starts:
        return seen, True, 0
    return by, False, by - seen


def watchers(files: Iterable[Sequence[Look]]) -> list[list[Look]]:
    """Put files of looks after one another that one watcher wrote; those that overlap in time are of several."""
    chains: list[list[Look]] = []
    sorted_files = [sorted(looks, key=lambda look: look.seen_ms) for looks in files if looks]
    for looks in sorted(sorted_files, key=lambda looks: looks[0].seen_ms):
        chain = next((each for each in chains if each[-1].seen_ms < looks[0].seen_ms), None)
        if chain is None:
            chains.append(looks)
        else:
            chain += looks
    return chains


def endings(chains: Iterable[Sequence[Look]]) -> Iterator[Sighting]:
    """Give the ends that follow from looks, oldest first: an alert that the next look does not have is over.

    An alert that has fired since an earlier start, reported by another server, continues.
    """
    for looks in chains:
        for look, after in pairwise(looks):
            for labels, starts_ms in look.alerts.items():
                anew = after.alerts.get(labels, after.seen_ms)
                if labels not in after.alerts or anew > starts_ms:
                    yield Sighting(labels, after.seen_ms, starts_ms, look.seen_ms, min(anew, after.seen_ms))


def observed(looks: Iterable[tuple[int, int]], span: TimeRange) -> NDArray[np.int64]:
    """Stretches of a range that looks at most :data:`APART_MS` apart cover, disjoint and rising. [ms], (n, 2)

    Parameters
    ----------
    looks : iterable of (int, int)
        First and last of looks that followed each other without a break. [ms since the epoch]
    span : TimeRange
        Period to read, without its end.

    Examples
    --------
    >>> observed([(0, 60_000), (120_000, 120_000), (9_000_000, 9_000_000)], TimeRange.from_ms(0, 10_000_000)).tolist()
    [[0, 120000]]
    """
    joined: list[list[int]] = []
    for first, last in sorted(looks):
        if joined and first - joined[-1][1] <= APART_MS:
            joined[-1][1] = max(joined[-1][1], last)
        else:
            joined.append([first, last])
    inside = [[max(first, span.start_ms), min(last, span.end_ms)] for first, last in joined]
    return np.array([each for each in inside if each[1] > each[0]], np.int64).reshape(-1, 2)


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
    return check(frame, EPISODES, where="Alertmanager")
