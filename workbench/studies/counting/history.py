"""Counts kept in the store, so that an overview need not read a month of samples again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.counting.counts import Counts, least_exact
from workbench.analysis.counting.events import joined_events
from workbench.catalog import Objective
from workbench.core.result import jsonable
from workbench.core.source import MetricSource
from workbench.core.timerange import TimeRange, to_ms
from workbench.store import HistoryKey, SliceHistory, Store
from workbench.studies.counting.composites import members_of
from workbench.studies.counting.indicators import Reading
from workbench.studies.counting.plans import slice_of
from workbench.studies.counting.verdicts import count, with_members
from workbench.studies.sources.context import Context
from workbench.studies.sources.deferred_work import afterwards

#: Stored counts are used when they were read from the source at most this long ago.
FRESH = timedelta(minutes=5)

#: Part of the collection that writes counts, and the longest time between two of its turns that is waited for.
COUNTS, LONGEST_TURN = "counts", timedelta(hours=1)

#: A slice read this long after its end is settled: what arrives later than that is found by the next whole reading.
SETTLES = timedelta(hours=6)

#: So often a collector reads everything again.
WHOLE = timedelta(hours=24)

_VERSION = 2  # raised when the way of counting changes, so that older counts are not used


def history_key(
    objective: Objective, *, scope: Mapping[str, str], source: MetricSource, member: str = ""
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
        "member": member,
    }
    text = json.dumps(jsonable(definition), sort_keys=True)
    revision = hashlib.sha256(text.encode()).hexdigest()
    return HistoryKey(objective.system, objective.id, revision, slice_of(objective))


@dataclass(frozen=True)
class Shelf:
    """The place of a system's counts in the store: the key of each objective, and of each member of a composite."""

    store: Store
    keys: Mapping[str, HistoryKey]

    @classmethod
    def of(cls, ctx: Context, system: str, objectives: Sequence[Objective], store: Store) -> Shelf:
        """Return the place of the counts of some objectives of a system."""
        scope, source = ctx.catalog.profile(system).scope, ctx.source_for(system)
        keys = {}
        for objective in objectives:
            for part in (objective, *members_of(objective)):
                member = part.id if part.id != objective.id else ""
                keys[part.id] = history_key(objective, scope=scope, source=source, member=member)
        return cls(store, keys)


def freshness(store: Store | None) -> timedelta:
    """How old stored counts may be: :data:`FRESH`, and as much more as a collector lets pass between two turns."""
    turns = (
        [collection.every_s for collection in store.collections() if collection.kind == COUNTS]
        if store is not None
        else []
    )
    return FRESH + min(timedelta(seconds=max(turns, default=0.0)), LONGEST_TURN)


def collected(store: Store | None, *, now: datetime) -> bool:
    """Whether a collector counts, so that settled slices need not be read again."""
    turns = store.collections() if store is not None else []
    return any(turn.kind == COUNTS and turn.succeeded is not None and turn.succeeded >= now - WHOLE for turn in turns)


def kept_counts(
    ctx: Context, system: str, objectives: Sequence[Objective], spans: Mapping[str, TimeRange], *, as_of: datetime
) -> Reading:
    """Return counts from the store where it holds them whole and fresh; the rest is read from the source, and stored.

    Where somebody waits for the answer it is stored afterwards.

    Parameters
    ----------
    ctx : Context
        Without a store all is read.
    system : str
        Id of the system, as its profile names it.
    objectives : sequence of Objective
        The objectives to count.
    spans : mapping of str to TimeRange
        Elapsed part of the window of each.
    as_of : datetime
        Instant up to which data is read.

    Raises
    ------
    ArchiveError
        The store cannot be used.
    """
    if ctx.store is None:
        return count(ctx, system, objectives, spans)
    shelf, now = Shelf.of(ctx, system, objectives, ctx.store), ctx.clock()
    fresh, settled = freshness(ctx.store), collected(ctx.store, now=now)
    counts = {
        objective.id: stored(shelf, objective, spans[objective.id], as_of=as_of, now=now, fresh=fresh, settled=settled)
        for objective in objectives
    }
    missing = [objective for objective in objectives if counts[objective.id] is None]
    read = count(ctx, system, missing, spans) if missing else Reading({})
    if missing:
        afterwards(partial(remember, shelf, read.counts.values(), now=now))
    return Reading({name: part or read.counts[name] for name, part in counts.items()})


def top_up(
    ctx: Context, system: str, objectives: Sequence[Objective], spans: Mapping[str, TimeRange], *, store: Store
) -> Reading:
    """Count what the store does not know for good, and write it down; a turn that is repeated changes nothing.

    Notes
    -----
    Each objective is counted from its first slice on that is missing, was read less than :data:`SETTLES` after its end,
    or longer than :data:`WHOLE` ago. One whose document fills slices without data is counted as a whole, because what
    they are filled with depends on the others.
    """
    shelf, now = Shelf.of(ctx, system, objectives, store), ctx.clock()
    rests, before = {}, {}
    for objective in objectives:
        name, span = objective.id, spans[objective.id]
        history = store.slices(shelf.keys[name], span)
        rests[name] = span if objective.absence != "ignore" else _unsettled(history, span, slice_of(objective), now=now)
        if history is not None and rests[name].start > span.start:
            members = [part.id for part in members_of(objective) if part.id != name]
            before[name] = history.header
            before |= {member: store_header(store, shelf.keys[member], span) for member in members}
    reading = count(ctx, system, objectives, rests)
    remember(shelf, reading.counts.values(), now=now, before=before)
    return reading


def store_header(store: Store, key: HistoryKey, span: TimeRange) -> Mapping[str, Any]:
    """Return what was written down with stored counts; nothing where there are none."""
    history = store.slices(key, TimeRange(span.end, span.end))
    return {} if history is None else history.header


def _unsettled(history: SliceHistory | None, span: TimeRange, slice_ms: int, *, now: datetime) -> TimeRange:
    """Rest of a window, from the first slice on that is not settled."""
    if history is None or not len(history.frame):
        return span
    starts = history.frame["time"].dt.as_unit("ms").astype("int64").to_numpy()
    expected = span.start_ms + np.arange(len(starts)) * slice_ms
    good = (starts == expected) & _settled(history, now=now)
    first = int(np.argmin(good)) if not good.all() else len(good)
    return TimeRange.from_ms(min(span.start_ms + first * slice_ms, span.end_ms), span.end_ms)


def _settled(history: SliceHistory, *, now: datetime) -> NDArray[np.bool_]:
    ends = history.frame["time"].dt.as_unit("ms").astype("int64").to_numpy() + history.key.slice_ms
    settled: NDArray[np.bool_] = (history.read_ms >= ends + SETTLES // timedelta(milliseconds=1)) & (
        history.read_ms >= to_ms(now - WHOLE)
    )
    return settled


def stored(
    shelf: Shelf,
    objective: Objective,
    span: TimeRange,
    *,
    as_of: datetime,
    now: datetime,
    fresh: timedelta = FRESH,
    settled: bool = False,
) -> Counts | None:
    """Return the counts of an objective from the store; None when they are not there, not whole or not fresh.

    Parameters
    ----------
    shelf : Shelf
        Keys of the system's counts in the store.
    objective : Objective
        The objective to read.
    span : TimeRange
        Elapsed part of its window.
    as_of, now : datetime
        Instant up to which data is read, and the present one.
    fresh : timedelta
        How old counts may be. Slices that began within it before ``as_of`` may be missing.
    settled : bool
        Whether slices that a collector read after they had settled count as fresh.
    """
    slice_ms = slice_of(objective)
    known_ms = min(span.end_ms, to_ms(as_of - fresh)) - span.start_ms
    wanted = max(0, known_ms // slice_ms)

    def part(name: str) -> Counts | None:
        history = shelf.store.slices(shelf.keys[name], span)
        if history is None or not history.header:
            return None
        header = {**history.header, "objective": name, "members": []}
        begun_ms, ended_ms = header["span_ms"]
        if header["failure"] is not None:
            whole = begun_ms <= span.start_ms and ended_ms >= span.start_ms + known_ms
            young = header["read_ms"] >= to_ms(now - fresh)
            return Counts.of({**header, "span_ms": [span.start_ms, span.end_ms]}, {}) if whole and young else None
        if objective.absence != "ignore" and abs(begun_ms - span.start_ms) > fresh // timedelta(milliseconds=1):
            return None  # what its slices without data were filled with depends on the others
        if not len(history.frame) or not _fresh(history, now=now, fresh=fresh, settled=settled):
            return None
        if len(history.frame) < wanted:
            return None
        seen = history.frame["time"][history.frame["covered"] > 0]
        if len(seen):  # the header may be that of an older period, counted after these slices
            last_ms = to_ms(seen.iloc[-1])
            header["newest_ms"] = min(last_ms + slice_ms, max(last_ms, header["newest_ms"] or last_ms + slice_ms))
        names = pd.Categorical.from_codes(np.zeros(len(history.frame), np.int8), categories=[name])
        events = joined_events([history.frame.assign(objective=names)])
        return Counts.of({**header, "span_ms": [span.start_ms, span.end_ms]}, {name: events})

    members = [part(member.id) for member in members_of(objective) if member.id != objective.id]
    own = part(objective.id)
    if own is None or not all(members):
        return None
    return replace(own, members=tuple(member for member in members if member is not None))


def _fresh(history: SliceHistory, *, now: datetime, fresh: timedelta, settled: bool) -> bool:
    young = history.read_ms >= to_ms(now - fresh)
    return bool((young | _settled(history, now=now) if settled else young).all())


def remember(
    shelf: Shelf,
    counts: Iterable[Counts],
    *,
    now: datetime,
    before: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Write counts down, and what is to be known about them.

    That a source was not there is not written down: it may be back at the next look.

    Parameters
    ----------
    shelf : Shelf
        Keys of the system's counts in the store.
    counts : iterable of Counts
        The counts to keep.
    now : datetime
        When they were read.
    before : mapping of str to mapping, optional
        What is known of the earlier part of those that were counted from some slice on only.
    """
    for part in with_members(counts):
        earlier = (before or {}).get(part.objective)
        if part.failure == "unavailable" or (part.failure is not None and earlier is not None):
            continue
        header = {**part.header(), "read_ms": to_ms(now)}
        if earlier:
            header["span_ms"] = [min(earlier["span_ms"][0], part.span.start_ms), part.span.end_ms]
            for name in ("warnings", "queries", "engines"):
                header[name] = list(dict.fromkeys([*earlier[name], *header[name]]))
            header["method"] = least_exact((earlier["method"], part.method))
            header["newest_ms"] = max(filter(None, (earlier["newest_ms"], part.newest_ms)), default=None)
        del header["members"]
        shelf.store.put_slices(
            shelf.keys[part.objective], part.events, method=header["method"], read_at=now, header=header
        )  # fmt: skip
