"""How many spans there were, by one column or attribute, from those that were kept."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from workbench.analysis.traces.counts import SpanCounts, span_counts
from workbench.core.filters import SpanFilter
from workbench.core.frames import SPANS
from workbench.core.timerange import TimeRange
from workbench.studies.sources.context import Context


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
    narrowed = wanted if wanted.services or wanted.trace_id else replace(wanted, services=ctx.services_of(system))
    pieces = [piece for piece in ctx.spans_for(system).spans(narrowed, range) if len(piece)]
    spans = pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=list(SPANS.columns))
    return span_counts(spans, by)
