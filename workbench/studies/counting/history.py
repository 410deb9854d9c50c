"""Counts kept in the store, so that an overview need not read a month of samples again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.counting.events import joined_events
from workbench.analysis.slo.objective import Promise
from workbench.catalog import Objective
from workbench.core.result import jsonable
from workbench.core.source import MetricSource
from workbench.core.timerange import TimeRange, to_ms
from workbench.store import HistoryKey, SliceHistory, Store
from workbench.studies.counting.indicators import Measured, measure
from workbench.studies.counting.record_counts import RecordSources

#: Stored counts are used when they were read from the source at most this long ago.
FRESH = timedelta(minutes=5)

#: Part of the collection that writes counts, and the longest time between two of its turns that is waited for.
COUNTS, LONGEST_TURN = "counts", timedelta(hours=1)

#: A slice read this long after its end is settled: what arrives later than that is found by the next whole reading.
SETTLES = timedelta(hours=6)

#: So often a collector reads everything again.
WHOLE = timedelta(hours=24)

_VERSION = 1  # raised when the way of counting changes, so that older counts are not used


def history_key(
    objective: Objective, promise: Promise, *, scope: Mapping[str, str], source: MetricSource
) -> HistoryKey:
    """Whose counts these are: what is counted, where, and how; the target is no part of it."""
    definition: dict[str, Any] = {
        "version": _VERSION,
        "source": [source.name, source.semantics, str(getattr(source, "location", ""))],
        "scope": dict(scope),
        "indicator": vars(objective.indicator),
        "method": objective.method,
        "slice_target": objective.slice_target,
        "absence": objective.absence,
    }
    text = json.dumps(jsonable(definition), sort_keys=True)
    revision = hashlib.sha256(text.encode()).hexdigest()
    return HistoryKey(objective.system, objective.id, revision, promise.slice_ms)


def freshness(store: Store | None) -> timedelta:
    """How old stored counts may be: :data:`FRESH`, and as much more as a collector lets pass between two turns."""
    turns = [one.every_s for one in store.collections() if one.kind == COUNTS] if store is not None else []
    return FRESH + min(timedelta(seconds=max(turns, default=0.0)), LONGEST_TURN)


def collected(store: Store | None, *, now: datetime) -> bool:
    """Whether a collector counts, so that settled slices need not be read again."""
    found = store.collections() if store is not None else []
    return any(one.kind == COUNTS and one.succeeded is not None and one.succeeded >= now - WHOLE for one in found)


def top_up(
    store: Store,
    keys: Mapping[str, HistoryKey],
    promises: Sequence[Promise],
    objectives: Sequence[Objective],
    *,
    source: MetricSource,
    scope: Mapping[str, str],
    as_of: datetime,
    now: datetime,
    records: RecordSources | None = None,
) -> Measured:
    """Count what the store does not know for good, and write it down; a turn that is repeated changes nothing.

    Notes
    -----
    Each objective is counted from its first slice on that is missing, was read less than :data:`SETTLES` after its end,
    or longer than :data:`WHOLE` ago.
    """
    spans = {one.objective: _unsettled(store, keys[one.objective], one, as_of=as_of, now=now) for one in promises}
    found = measure(source, scope, objectives, spans, records=records)
    remember(store, keys, found, now=now)
    return found


def _unsettled(store: Store, key: HistoryKey, promise: Promise, *, as_of: datetime, now: datetime) -> TimeRange:
    """Rest of a window, from the first slice on that is not settled."""
    elapsed = promise.elapsed(as_of)
    history = store.slices(key, elapsed)
    if history is None or not len(history.frame):
        return elapsed
    starts = history.frame["time"].dt.as_unit("ms").astype("int64").to_numpy()
    expected = elapsed.start_ms + np.arange(len(starts)) * key.slice_ms
    good = (starts == expected) & _settled(history, now=now)
    first = int(np.argmin(good)) if not good.all() else len(good)
    return TimeRange.from_ms(min(elapsed.start_ms + first * key.slice_ms, elapsed.end_ms), elapsed.end_ms)


def _settled(history: SliceHistory, *, now: datetime) -> NDArray[np.bool_]:
    ends = history.frame["time"].dt.as_unit("ms").astype("int64").to_numpy() + history.key.slice_ms
    settled: NDArray[np.bool_] = (history.read_ms >= ends + SETTLES // timedelta(milliseconds=1)) & (
        history.read_ms >= to_ms(now - WHOLE)
    )
    return settled


def stored(
    store: Store,
    keys: Mapping[str, HistoryKey],
    promises: Sequence[Promise],
    *,
    as_of: datetime,
    now: datetime,
    fresh: timedelta = FRESH,
    settled: bool = False,
) -> Measured | None:
    """Read the counts of all promises from the store; None when any is not there, not whole or not fresh.

    With ``settled``, slices that a collector read after they had settled count as fresh.

    Slices that began within ``fresh`` before ``as_of`` may be missing, as counts may be that old.
    """
    found = Measured(joined_events([]))
    frames = []
    for promise in promises:
        elapsed = promise.elapsed(as_of)
        history = store.slices(keys[promise.objective], elapsed)
        known = promise.elapsed(as_of - fresh)
        if (
            history is None
            or history.read_at is None
            or not _fresh(history, now=now, fresh=fresh, settled=settled)
            or len(history.frame) < (known.end_ms - known.start_ms) // promise.slice_ms
        ):
            return None
        found.methods[promise.objective] = cast('Literal["exact", "extrapolated"]', history.method)
        names = pd.Categorical.from_codes(np.zeros(len(history.frame), np.int8), categories=[promise.objective])
        frames.append(history.frame.assign(objective=names))
        seen = history.frame["time"][history.frame["covered"] > 0]
        if len(seen):
            newest_ms = TimeRange(seen.iloc[-1], seen.iloc[-1]).start_ms + promise.slice_ms
            found.newest_ms = max(found.newest_ms or 0, newest_ms)
    if not frames:
        return None
    found.events = joined_events(frames)
    return found


def _fresh(history: SliceHistory, *, now: datetime, fresh: timedelta, settled: bool) -> bool:
    young = history.read_ms >= to_ms(now - fresh)
    return bool((young | _settled(history, now=now) if settled else young).all())


def remember(store: Store, keys: Mapping[str, HistoryKey], measured: Measured, *, now: datetime) -> None:
    """Write the counts of what could be measured."""
    for name, part in measured.events.groupby("objective", observed=True, sort=False):
        objective = str(name)
        store.put_slices(keys[objective], part, method=measured.methods[objective], read_at=now)
