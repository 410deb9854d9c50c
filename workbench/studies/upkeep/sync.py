"""Copies history from servers into an archive, a day at a time: a run that was broken off is simply repeated.

First the data of a stretch is committed, then the note that it is held. Whatever ends a run in between (a signal, a
full disk, a server that dies), the next one copies that stretch again, and samples, lines, spans and episodes that the
archive holds already change nothing. Of the newest day only what reaches up to its newest row is noted: a clock that is
ahead would else note hours as held that nobody has measured yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pandas as pd

from workbench.archive import Archive
from workbench.core.errors import QueryRejected, QueryTooExpensive, SourceError, SourceUnavailable
from workbench.core.filters import LogFilter, SpanFilter
from workbench.core.pieces import gathered
from workbench.core.secret_text import masked_records
from workbench.core.series import LabelKey, SeriesSet, label_key
from workbench.core.timerange import TimeRange, from_ms, to_ms
from workbench.studies.sources.context import Context
from workbench.studies.upkeep.plan import LATE, Stretch, selector_of, server_of

_SHORTEST = timedelta(minutes=15)

#: End of a plan in which the clock is not trusted. [ms]
_DOUBTFUL_MS = 86_400_000
_LATE_MS = LATE // timedelta(milliseconds=1)


Private = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class Copied:
    """How one stretch went.

    Attributes
    ----------
    stretch : Stretch
    read, added : int
        Samples or records that came, and those that the archive did not hold. [count]
    way : str
        How raw samples were pulled.
    notes : tuple of str
        What could not be kept.
    error : str
        Why it was not copied; the next run tries again.
    exit_code : int
        Of the error, 0 without one.
    """

    stretch: Stretch
    read: int = 0
    added: int = 0
    way: str = ""
    notes: tuple[str, ...] = ()
    error: str = ""
    exit_code: int = 0


def sync(
    ctx: Context,
    archive: Archive,
    plan: Sequence[Stretch],
    *,
    stop: Callable[[], bool] = lambda: False,
    private: Private | None = None,
) -> Iterator[Copied]:
    """Copy the stretches of a plan, in its order; gives how each went, as it goes.

    After a source became unavailable its other stretches are left for the next run.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    archive : Archive
        The archive to read or to write.
    plan : sequence of Stretch
        From :func:`workbench.studies.upkeep.plan.sync_plan`.
    stop : callable
        Asked before each stretch; True ends the run.
    private : callable, optional
        Puts pseudonyms into a LOGS or SPANS frame. Without it, no lines and spans are copied while the settings name
        fields that need one.

    Raises
    ------
    ArchiveError
        The archive cannot be written (a full disk), or another process copies into it.
    """
    gone: dict[str, SourceError] = {}
    doubtful_ms = max((stretch.span.end_ms for stretch in plan), default=0) - _DOUBTFUL_MS
    with archive.copying():
        for stretch in plan:
            if stop():
                return
            if stretch.source in gone:
                yield _failed(stretch, gone[stretch.source])
                continue
            try:
                yield _copy(ctx, archive, stretch, private, doubtful_ms)
            except SourceError as error:
                if isinstance(error, SourceUnavailable):
                    gone[stretch.source] = error
                yield _failed(stretch, error)


def _failed(stretch: Stretch, error: SourceError) -> Copied:
    return Copied(stretch, error=" ".join(str(error).split()), exit_code=error.exit_code)


def _copy(ctx: Context, archive: Archive, stretch: Stretch, private: Private | None, doubtful_ms: int) -> Copied:
    before, way = _held(archive, stretch), ""
    notes: tuple[str, ...] = ()
    if stretch.kind == "samples":
        read, newest_ms, way = _samples(ctx, archive, stretch)
    else:
        read, newest_ms, notes = _records(ctx, archive, stretch, private)
    subjects = [f"{stretch.system}/{subject}" for subject in stretch.subjects]
    start_ms, until_ms = stretch.span.start_ms, stretch.span.end_ms
    if until_ms > doubtful_ms and newest_ms < until_ms - _LATE_MS:
        until_ms = newest_ms + 1
    if until_ms > start_ms:
        archive.note_covered(stretch.source, subjects, start_ms, until_ms)
    return Copied(stretch, read, _held(archive, stretch) - before, way, notes)


def _held(archive: Archive, stretch: Stretch) -> int:
    """Rows of the kind of a stretch; native histograms are samples too. [count]"""
    return archive.rows(stretch.kind) + (archive.rows("histograms") if stretch.kind == "samples" else 0)


def _samples(ctx: Context, archive: Archive, stretch: Stretch) -> tuple[int, int, str]:
    """Copy samples; give how many came, the time of the newest, and how they were pulled."""
    source = server_of(ctx, stretch.system)
    if source is None:
        raise SourceUnavailable("It has no raw samples to copy.", source=stretch.source)
    scope = ctx.catalog.profile(stretch.system).scope
    selector = selector_of(stretch.subjects, scope)
    read, newest_ms, way = 0, 0, ""
    waiting = [stretch.span]
    while waiting:
        span = waiting.pop(0)
        try:
            pulled = source.history(selector, span)
        except QueryTooExpensive:
            if span.end - span.start <= _SHORTEST:
                raise
            middle = from_ms((span.start_ms + span.end_ms) // 2)
            waiting[:0] = [TimeRange(span.start, middle), TimeRange(middle, span.end)]
            continue
        archive.append_samples(_distinct(pulled.series))
        read, way = read + pulled.series.samples, pulled.way
        newest_ms = max(newest_ms, int(pulled.series.times.max(initial=0)))
    return read, newest_ms, way


def _distinct(series: SeriesSet) -> SeriesSet:
    """Leave out series that say nothing: a server may tell a label set twice, once with an empty label."""
    seen: dict[LabelKey, int] = {}
    for row, labels in enumerate(series.labels):
        seen.setdefault(label_key(labels), row)
    if len(seen) == len(series):
        return series
    rows = list(series)
    return replace(SeriesSet.of([rows[row] for row in seen.values()]), histograms=series.histograms)


def _records(
    ctx: Context, archive: Archive, stretch: Stretch, private: Private | None
) -> tuple[int, int, tuple[str, ...]]:
    """Copy records; give how many came, the time of the newest, and what could not be kept."""
    if stretch.kind == "episodes":
        frame = ctx.episodes_for(stretch.system).episodes(stretch.span)
        archive.append_episodes(frame)
        newest = frame["starts_at"].max() if len(frame) else None
        return len(frame), 0 if newest is None else to_ms(newest), ()
    if private is None and ctx.privacy.pseudonyms:
        named = ", ".join(ctx.privacy.pseudonyms)
        raise QueryRejected(
            f"The {stretch.kind} may hold {named}, and nothing puts pseudonyms in their place.",
            source=stretch.source,
            hint="Set privacy.pseudonyms = [] in the settings to keep these fields as they are.",
        )
    if stretch.kind == "logs":
        lines = ctx.logs_for(stretch.system)
        pieces = lines.logs(LogFilter(services=ctx.services_within(lines, stretch.system)), stretch.span)
        append = archive.append_logs
    else:
        spans = ctx.spans_for(stretch.system)
        pieces = spans.spans(SpanFilter(services=ctx.services_within(spans, stretch.system)), stretch.span)
        append = archive.append_spans
    read, newest_ns, notes = 0, 0, dict[str, None]()
    time = "time_ns" if stretch.kind == "logs" else "start_ns"
    for piece in gathered(pieces):
        append(masked_records(private(piece) if private else piece))
        read, newest_ns = read + len(piece), max(newest_ns, int(piece[time].max()) if len(piece) else 0)
        notes |= dict.fromkeys(str(text) for text in piece.attrs.get("warnings", ()))
    return read, newest_ns // 1_000_000, tuple(notes)
