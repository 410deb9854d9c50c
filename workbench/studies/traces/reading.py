"""Whole traces of a window, from whatever keeps the spans of a system."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

import pandas as pd

from workbench.core.errors import QueryTooExpensive
from workbench.core.filters import SpanFilter
from workbench.core.frames import SPANS
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
    count = 0
    for piece in source.spans(SpanFilter(services=ctx.services_within(source, system)), wide):
        pieces.append(piece)
        count += len(piece)
        if count > MOST_SPANS:
            raise QueryTooExpensive(
                f"The traces of {range} hold more than {MOST_SPANS:,} spans.",
                source=source.name,
                hint="Shorten the window: --last 1h.",
            )
    read = joined(pieces, source.name)
    spans = read.spans
    first = spans.groupby("trace_id", sort=False)["start_ns"].transform("min")
    inside = first.between(range.start_ms * 1_000_000, range.end_ms * 1_000_000, inclusive="left")
    if operation:
        inside &= spans["trace_id"].isin(spans["trace_id"][spans["operation"] == operation].unique())
    return replace(read, spans=spans[inside].reset_index(drop=True))


def read_trace(ctx: Context, trace_id: str, *, system: str, range: TimeRange) -> TraceRows:
    """Read one trace, whatever services took part in it."""
    source = ctx.spans_for(system)
    return joined(source.spans(SpanFilter(trace_id=trace_id), range), source.name)


def joined(pieces: Iterable[pd.DataFrame], source: str) -> TraceRows:
    """Join the pieces of one question; the last of them says all that the source doubts."""
    held: list[pd.DataFrame] = []
    warnings: tuple[str, ...] = ()
    for piece in pieces:
        warnings = tuple(piece.attrs.get("warnings", ()))
        held += [piece] if len(piece) else []
    spans = pd.concat(held, ignore_index=True) if held else pd.DataFrame(columns=list(SPANS.columns))
    return TraceRows(spans, source, warnings)
