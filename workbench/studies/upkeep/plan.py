"""What is to be copied into an archive: the series and records of the catalog's systems, for the time not yet held."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from workbench.archive import Archive
from workbench.archive.coverage import missing
from workbench.catalog import Profile
from workbench.core.timerange import TimeRange, to_ms
from workbench.promql import print_query
from workbench.promql.parser.matchers import Matcher
from workbench.promql.parser.nodes import Selector
from workbench.promql.parser.scope import scope_matchers
from workbench.query import PrometheusSource
from workbench.studies.sources.context import Context

Kind = Literal["samples", "logs", "spans", "episodes"]

#: How far behind the newest copied sample the next copy begins, for samples that come late.
LATE = timedelta(hours=1)

_DAY_MS = 86_400_000
_ALWAYS = ("up", "ALERTS", "ALERTS_FOR_STATE")
_SUFFIXES = {"histogram": ("", "_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}


@dataclass(frozen=True)
class Stretch:
    """One piece of the work: subjects of one kind of one system from one source, for at most a day.

    ``gap`` says that older and newer time is held already.
    """

    source: str
    system: str
    kind: Kind
    subjects: tuple[str, ...]
    span: TimeRange
    gap: bool = False


def server_of(ctx: Context, system: str) -> PrometheusSource | None:
    """Return the server that has the raw samples of a system: one that names it, else one that answers for all."""
    servers = {name: source for name, source in ctx.sources.items() if isinstance(source, PrometheusSource)}
    named = [source for name, source in servers.items() if system in ctx.serves.get(name, ())]
    general = [source for name, source in servers.items() if not ctx.serves.get(name)]
    return next(iter([*named, *general]), None)


def metric_names(profile: Profile) -> tuple[str, ...]:
    """Names of the series of a system: its families with their suffixes, recorded series, and those of alerts."""
    names = dict.fromkeys(_ALWAYS)
    for name, family in profile.metrics.items():
        for metric in (name, *family.aliases):
            names |= dict.fromkeys(metric + suffix for suffix in _SUFFIXES.get(family.kind, ("",)))
    names |= dict.fromkeys(rule.name for rule in profile.recording_rules)
    return tuple(names)


def selector_of(names: Sequence[str], scope: Mapping[str, str]) -> str:
    """One selector of several metrics within a scope.

    Examples
    --------
    >>> selector_of(["up", "a:b"], {"system": "lab"})
    '{__name__=~"up|a:b",system="lab"}'
    """
    if len(names) == 1:
        return print_query(Selector(names[0], scope_matchers(scope)))
    pattern = "|".join(re.escape(name) for name in names)
    return print_query(Selector("", (Matcher("__name__", "=~", pattern), *scope_matchers(scope))))


def sync_plan(
    ctx: Context, archive: Archive, *, back: timedelta, as_of: datetime, again: timedelta = timedelta(0)
) -> list[Stretch]:
    """List what the archive lacks of the time before ``as_of``, oldest first.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    archive : Archive
        The archive to read or to write.
    back : timedelta
        How far back history is kept.
    as_of : datetime
        Aware instant up to which is copied.
    again : timedelta
        Copy this much of the newest time once more, whatever the archive holds of it.
    """
    start_ms, end_ms = to_ms(as_of - back), to_ms(as_of)
    doubtful_ms = end_ms - max(again, LATE) // timedelta(milliseconds=1)
    plan: list[Stretch] = []
    for source, system, kind, subjects in _wanted(ctx):
        held = archive.covered(source)
        by_time: dict[tuple[int, int, bool], list[str]] = {}
        for subject in subjects:
            known = held.get(f"{system}/{subject}", [])
            certain = _certain(known, again_from_ms=doubtful_ms if again else None)
            for low, high in missing(certain, start_ms, end_ms):
                gap = any(b <= low for _, b in known) and any(a >= high for a, _ in known)
                for day in _days(low, high):
                    by_time.setdefault((*day, gap), []).append(subject)
        plan += [
            Stretch(source, system, kind, tuple(names), TimeRange.from_ms(low, high), gap)
            for (low, high, gap), names in by_time.items()
        ]
    return sorted(plan, key=lambda part: (part.span.start, part.source, part.system))


def _certain(known: Sequence[tuple[int, int]], *, again_from_ms: int | None) -> list[tuple[int, int]]:
    """Leave out the end of each stretch, where samples may have come late, and what is to be copied once more."""
    late_ms = LATE // timedelta(milliseconds=1)
    kept = [(start, end - late_ms if (start, end) == known[-1] else end) for start, end in known]
    if again_from_ms is not None:
        kept = [(start, min(end, again_from_ms)) for start, end in kept]
    return [(start, end) for start, end in kept if start < end]


def _wanted(ctx: Context) -> Iterator[tuple[str, str, Kind, tuple[str, ...]]]:
    """Give the sources with what each has of each system; archives are not copied from."""
    for system in ctx.systems:
        profile = ctx.catalog.profile(system)
        server = server_of(ctx, system)
        if server is not None:
            yield server.name, system, "samples", metric_names(profile)
        if (logs := ctx.logs_for(system)).name in ctx.log_sources:
            yield logs.name, system, "logs", ("logs",)
        if (spans := ctx.spans_for(system)).name in ctx.span_sources:
            yield spans.name, system, "spans", ("spans",)
        if (episodes := ctx.episodes_for(system)).name in ctx.episode_sources:
            yield episodes.name, system, "episodes", ("episodes",)


def _days(low: int, high: int) -> Iterator[tuple[int, int]]:
    """Cut a stretch at midnight UTC."""
    while low < high:
        upto = min((low // _DAY_MS + 1) * _DAY_MS, high)
        yield low, upto
        low = upto
