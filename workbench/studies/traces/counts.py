"""How many spans there were, by one column or attribute, from those that were kept."""

from __future__ import annotations

from dataclasses import replace

from workbench.analysis.traces.counts import SpanCounts, span_counts
from workbench.core.filters import SpanFilter
from workbench.core.timerange import TimeRange
from workbench.studies.sources.context import Context
from workbench.studies.traces.reading import joined


def count_spans(ctx: Context, *, system: str, range: TimeRange, wanted: SpanFilter, by: str) -> SpanCounts:
    """Estimate the spans of a system that match, by one column or attribute.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        Id of the system, as its profile names it.
    range : TimeRange
        Period to read, without its end.
    wanted : SpanFilter
        Conditions that each span must fulfil.
    by : str
        ``service``, ``operation``, ``status``, ``kind``, or the name of an attribute.

    Raises
    ------
    SourceError
        As the source raises it; this is a question of a person, not a study.
    """
    ctx.catalog.profile(system)
    source = ctx.spans_for(system)
    named = wanted.services or wanted.trace_id
    narrowed = wanted if named else replace(wanted, services=ctx.services_within(source, system))
    read = joined(source.spans(narrowed, range), source.name)
    counts = span_counts(read.spans, by)
    return replace(counts, notes=(*counts.notes, *read.warnings))
