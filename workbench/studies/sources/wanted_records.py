"""What a profile wants of the lines and spans of its system, and what a source of them has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from workbench.catalog import Profile
from workbench.core.filters import LogFilter
from workbench.core.source import LogSource, SpanSource
from workbench.core.timerange import TimeRange
from workbench.query.logs.elastic.source import ElasticSource
from workbench.query.traces.jaeger import JaegerSource
from workbench.query.traces.tempo import TempoSource
from workbench.studies.sources.context import Context

#: Lines at the end of a source are looked at for their fields, this long.
_SAMPLE = timedelta(minutes=10)


@dataclass(frozen=True)
class Wanted:
    """What a profile wants of one kind, and what there is; not ``sure`` where only a sample was looked at."""

    what: str
    wanted: set[str]
    known: set[str]
    sure: bool = True


def records_wanted(ctx: Context, name: str, source: object, system: str, recent: TimeRange) -> Iterator[Wanted]:
    """Compare a system's profile with a source of lines or spans that answers for it.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    name : str
        Of the source.
    source : object
        The source to look at.
    system : str
        Id of the system, as its profile names it.
    recent : TimeRange
        The last day of the source.

    Yields
    ------
    Wanted

    Raises
    ------
    SourceError
        As the source raises it.
    """
    profile = ctx.catalog.profile(system)
    if name in ctx.log_sources and isinstance(source, LogSource) and ctx.logs_for(system).name == name:
        yield from _of_lines(profile, ctx.by_profile(source, system), recent)
    elif name in ctx.span_sources and isinstance(source, SpanSource) and ctx.spans_for(system).name == name:
        yield from _of_spans(ctx, system, source, recent)


def _of_lines(profile: Profile, source: LogSource, recent: TimeRange) -> Iterator[Wanted]:
    services = {stream.service for stream in profile.logs if stream.service}
    if services:
        counts = source.log_counts(LogFilter(), recent, step_ms=recent.end_ms - recent.start_ms, by=["service"])
        yield Wanted("services with log lines", services, set(counts["service"]))
    fields = {field.path for stream in profile.logs for field in stream.fields}
    if fields and isinstance(source, ElasticSource):
        yield Wanted("fields of log lines", fields, fields - set(source.unmapped(sorted(fields), recent)))
    elif fields:
        yield from _in_sample(profile, source, TimeRange(max(recent.start, recent.end - _SAMPLE), recent.end))


def _in_sample(profile: Profile, source: LogSource, last: TimeRange) -> Iterator[Wanted]:
    """Look for the fields in the lines at the end of a source; one that is not among them may be rare."""
    wanted = {field.column or field.path for stream in profile.logs for field in stream.fields}
    seen: set[str] = set()
    for piece in islice(source.logs(LogFilter(), last), 1):
        seen |= {name for name in wanted & set(piece.columns) if (piece[name].astype("str") != "").any()}
        seen |= {name for attributes in piece["attributes"] for name in attributes}
    if seen:
        yield Wanted("fields of log lines in the last ten minutes", wanted, seen, sure=False)


def _of_spans(ctx: Context, system: str, source: SpanSource, recent: TimeRange) -> Iterator[Wanted]:
    if isinstance(source, JaegerSource):
        services = set(source.services())
    elif isinstance(source, TempoSource):
        services = set(source.attribute_values("resource.service.name", recent))
    else:
        return
    yield Wanted("traced services", set(ctx.services_of(system)), services)
