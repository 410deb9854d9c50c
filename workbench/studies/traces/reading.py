"""Whole traces of a window, from whatever keeps the spans of a system."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pandas as pd

from workbench.core.errors import QueryTooExpensive
from workbench.core.filters import SpanFilter
from workbench.core.frames import SPANS
from workbench.core.source import SpanSource
from workbench.core.timerange import TimeRange
from workbench.studies.sources.context import Context

#: Spans are read so much before and after a window, so that traces are not cut at its ends.
MARGIN = timedelta(minutes=10)

#: Spans of one question. [count]
MOST_SPANS = 2_000_000


@dataclass(frozen=True)
class TraceRows:
    """Whole traces.

    Attributes
    ----------
    spans : DataFrame
        The frame contract ``SPANS``.
    source : str
    warnings : tuple of str
    """

    spans: pd.DataFrame
    source: str
    warnings: tuple[str, ...]


def read_traces(ctx: Context, *, system: str, range: TimeRange, operation: str = "") -> TraceRows:
    """Read all spans of the traces that began in a window.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        Id of the system, as its profile names it.
    range : TimeRange
        Traces whose first span starts in it are returned, with their spans up to ten minutes after its end.
    operation : str
        Only traces of which some span has it.

    Raises
    ------
    SourceError
        As the source raises it; :class:`QueryTooExpensive` for more than two million spans.
    """
    ctx.catalog.profile(system)
    source = ctx.spans_for(system)
    wide = TimeRange(range.start - MARGIN, range.end + MARGIN)
    pieces: list[pd.DataFrame] = []
    warnings: dict[str, None] = {}
    count = 0
    for piece in source.spans(SpanFilter(services=_services(ctx, source, system)), wide):
        warnings |= dict.fromkeys(piece.attrs.get("warnings", ()))
        pieces.append(piece)
        count += len(piece)
        if count > MOST_SPANS:
            raise QueryTooExpensive(
                f"The traces of {range} hold more than {MOST_SPANS:,} spans.",
                source=source.name,
                hint="Shorten the window: --last 1h.",
            )
    held = [piece for piece in pieces if len(piece)]
    if not held:
        return TraceRows(pd.DataFrame(columns=list(SPANS.columns)), source.name, tuple(warnings))
    spans = pd.concat(held, ignore_index=True)
    first = spans.groupby("trace_id", sort=False)["start_ns"].transform("min")
    inside = first.between(range.start_ms * 1_000_000, range.end_ms * 1_000_000, inclusive="left")
    if operation:
        inside &= spans["trace_id"].isin(spans["trace_id"][spans["operation"] == operation].unique())
    return TraceRows(spans[inside].reset_index(drop=True), source.name, tuple(warnings))


def read_trace(ctx: Context, trace_id: str, *, system: str, range: TimeRange) -> TraceRows:
    """Read one trace, whatever services took part in it."""
    source = ctx.spans_for(system)
    pieces = [piece for piece in source.spans(SpanFilter(trace_id=trace_id), range) if len(piece)]
    warnings = dict.fromkeys(text for piece in pieces for text in piece.attrs.get("warnings", ()))
    spans = pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=list(SPANS.columns))
    return TraceRows(spans, source.name, tuple(warnings))


def _services(ctx: Context, source: SpanSource, system: str) -> tuple[str, ...]:
    """Services that tell a system's spans from others; none where the source holds only the system's."""
    return () if ctx.serves.get(source.name) == (system,) else ctx.services_of(system)
