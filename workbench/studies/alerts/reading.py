"""Reads the episodes of a system: from samples where there are samples, from what was written down before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.counting.episodes import (
    Evaluated,
    evaluated,
    evaluation_intervals,
    firing_episodes,
    replica_labels,
)
from workbench.analysis.counting.kept import with_kept
from workbench.core.errors import EmptyAnswer
from workbench.core.series import SeriesSet, label_key
from workbench.core.source import MetricSource
from workbench.core.timerange import DAY_MS, HOUR_MS, TimeRange, from_ms, to_ms
from workbench.core.units import instant_text, nouns_text
from workbench.promql import scoped
from workbench.studies.alerts.ownership import alert_selectors, owns

#: How far before a period alerts are read, to see when those began that fire at its start. [ms]
MARGIN_MS = 3 * DAY_MS

#: How long after its condition an alert is looked for, when it fired before that and no rule says how long. [ms]
_FIRST_HOURS_MS = 6 * HOUR_MS

_NEVER = Evaluated(0, 0, np.zeros((0, 2), np.int64))


@dataclass(frozen=True)
class AlertReading:
    """The episodes that overlap a range, and what was looked at.

    Attributes
    ----------
    frame : DataFrame
        Frame contract ``EPISODES``, with ``phantom`` and ``disputed``.
    observed : int64 array, (n, 2)
        Stretches of the range in which alerts were recorded, disjoint and rising. [ms since the epoch]
    newest_ms : int or None
        Last sign of the server. [ms since the epoch]
    queries : tuple of str
    notes : tuple of str
        Where the episodes come from, when not from samples alone, and what may be told twice.
    """

    frame: pd.DataFrame
    observed: NDArray[np.int64]
    newest_ms: int | None
    queries: tuple[str, ...]
    notes: tuple[str, ...]


def read_alerts(
    source: MetricSource | None,
    scope: Mapping[str, str],
    span: TimeRange,
    *,
    without: Sequence[str] = (),
    for_ms: Mapping[str, int] | None = None,
    kept: Iterable[tuple[str, pd.DataFrame]] = (),
    names: tuple[str, ...] = (),
    watched: bool = True,
) -> AlertReading:
    """Read the firing episodes that overlap a range.

    Parameters
    ----------
    source : MetricSource or None
        Where metrics are read; None takes what was written down alone.
    scope : mapping of str to str
        Matchers of the system.
    span : TimeRange
        Period to read, without its end.
    without : sequence of str
        Labels that make no alert of their own.
    for_ms : mapping of str to int, optional
        ``for`` of known rules by alert name. [ms]
    kept : iterable of (str, DataFrame)
        Episodes that were written down, each with the words for who wrote them; those of the archive behind the source
        need not be named. ``.attrs`` may hold ``observed``, stretches that were looked at [ms], and ``warnings``.
    names : tuple of str
        Rules of the system: their alerts are its own although labels of the scope are absent from them.
    watched : bool
        Whether an alert that fired would be among the samples, so that ``up`` tells when rules were evaluated.

    Raises
    ------
    SourceError
        As the source raises it.
    """
    parts = [alert_selectors(metric, scope, names) for metric in ("ALERTS", "ALERTS_FOR_STATE")]
    queries = (*parts[0], *parts[1], scoped("up", scope)) if source is not None else ()
    wide = TimeRange.from_ms(span.start_ms - MARGIN_MS, span.end_ms)
    alerts, since = (_each_once([_raw(source, query, wide) for query in selectors]) for selectors in parts)
    up = _raw(source, scoped("up", scope), wide) if watched else SeriesSet.empty()
    seen = evaluated(SeriesSet.of([*alerts, *up]))
    waits = dict(for_ms or {})
    if source is not None and seen is not None:
        waits = _older(source, scope, alerts, since, seen, wide, waits) | waits
    sampled = firing_episodes(
        alerts,
        since,
        seen or _NEVER,
        interval_ms=evaluation_intervals(alerts, since),
        without=without,
        up=up,
        for_ms=waits,
    )
    archive = getattr(source, "archive", None)
    own = [("the archive", of_system(archive.episodes(span), scope, names))] if archive is not None else []
    given = (*kept, *own)
    named = [(name, frame) for name, frame in given if len(frame)]
    notes = [note for _, frame in given for note in frame.attrs.get("warnings", ())]
    observed = seen.stretches(span.start_ms, span.end_ms) if seen else np.zeros((0, 2), np.int64)
    looks = [each for _, frame in given for each in frame.attrs.get("observed", ())]
    for first_ms, last_ms in looks:
        observed = _united(observed, first_ms, last_ms, span)
    newest = [*([seen.last_ms] if seen else []), *(last_ms for _, last_ms in looks)]
    frame = sampled
    if named:
        times = (int(alerts.times.min()), int(alerts.times.max())) if alerts.samples else None
        together = pd.concat([frame for _, frame in named], ignore_index=True)
        joined = with_kept(sampled, together, seen=seen, samples_ms=times, without=without)
        frame = joined.frame
        looked = min((first_ms for first_ms, _ in looks), default=span.end_ms)
        first, last = joined.first, joined.last
        if joined.from_records and first is not None and last is not None and to_ms(first) < looked:
            observed = _united(observed, to_ms(first), min(to_ms(last), looked), span)
            notes.append(_edge(joined.from_records, [name for name, _ in named], first, times))
    twice = [name for name in replica_labels(alerts) if name not in without]
    if twice:
        notes.append(
            f"Some alerts differ in the label {twice[0]} alone: several servers evaluate the same rules, and each "
            f"alert is counted once per server. Count each once with --without {twice[0]}."
        )
    inside = (frame["starts_at"] < span.end) & ~(frame["ends_at"] <= span.start)
    return AlertReading(
        frame[inside].reset_index(drop=True), observed, max(newest, default=None), queries, tuple(dict.fromkeys(notes))
    )


def no_alerts() -> AlertReading:
    """Return the reading of a source that could not be read."""
    nothing = firing_episodes(SeriesSet.empty(), SeriesSet.empty(), _NEVER, interval_ms=1)
    return AlertReading(nothing, np.zeros((0, 2), np.int64), None, (), ())


def _older(
    source: MetricSource,
    scope: Mapping[str, str],
    alerts: SeriesSet,
    since: SeriesSet,
    seen: Evaluated,
    wide: TimeRange,
    known: Mapping[str, int],
) -> dict[str, int]:
    """Find ``for`` of alerts that fired before the range read, where their state says that they began. [ms]"""
    starts: dict[str, int] = {}
    firing = {labels.get("alertname", "") for labels in alerts.labels if labels.get("alertstate") == "firing"}
    for labels, _, values in since:
        name = labels.get("alertname", "")
        if name in known or name in starts or name not in firing or not len(values) or not np.isfinite(values[0]):
            continue
        active_ms = int(values[0] * 1000)
        if active_ms >= min(wide.start_ms, seen.first_ms):
            continue
        selector = scoped("ALERTS", {**scope, "alertname": name, "alertstate": "firing"})
        early = _raw(source, selector, TimeRange.from_ms(active_ms - 1000, active_ms + _FIRST_HOURS_MS))
        if early.samples:
            starts[name] = max(int(early.times.min()) - active_ms, 0)
    return starts


def of_system(frame: pd.DataFrame, scope: Mapping[str, str], names: tuple[str, ...]) -> pd.DataFrame:
    """Leave out the episodes of other systems."""
    inside = [
        owns(dict(labels) | {"alertname": str(name)}, scope, names)
        for labels, name in zip(frame["labels"], frame["alertname"], strict=True)
    ]
    return frame[np.array(inside, np.bool_)].reset_index(drop=True)


def _each_once(sets: Sequence[SeriesSet]) -> SeriesSet:
    """Join the answers to several selectors; a series that more than one of them gave is there once."""
    if len(sets) == 1:
        return sets[0]
    series = {label_key(labels): (labels, times, values) for part in sets for labels, times, values in part}
    return SeriesSet.of(list(series.values()))


def _united(observed: NDArray[np.int64], first_ms: int, last_ms: int, span: TimeRange) -> NDArray[np.int64]:
    """Add the time between the first and last record to the stretches that samples show."""
    first_ms, last_ms = max(first_ms, span.start_ms), min(last_ms, span.end_ms)
    if last_ms <= first_ms:
        return observed
    groups: list[list[int]] = []
    for start, end in sorted([*observed.tolist(), [first_ms, last_ms]]):
        if groups and start <= groups[-1][1]:
            groups[-1][1] = max(groups[-1][1], end)
        else:
            groups.append([start, end])
    return np.array(groups, np.int64)


def _edge(count: int, names: Sequence[str], first: pd.Timestamp, times: tuple[int, int] | None) -> str:
    come = "comes" if count == 1 else "come"
    since = f"from {instant_text(first)} on"
    records = f"{nouns_text(count, 'episode')} {since} {come} from {' and '.join(dict.fromkeys(names))}"
    samples = f"; samples of ALERTS begin {instant_text(from_ms(times[0]))}" if times else ""
    return (
        f"{records}{samples}. The time between the first and the last of them counts as observed: no record says when "
        "nothing was written down."
    )


def _raw(source: MetricSource | None, query: str, span: TimeRange) -> SeriesSet:
    if source is None:
        return SeriesSet.empty()
    try:
        return source.raw(query, span.left_open())
    except EmptyAnswer:
        return SeriesSet.empty()
