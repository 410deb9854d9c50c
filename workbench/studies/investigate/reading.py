"""What an investigation reads: the lines and spans of a window and of its baselines, each range once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from workbench.analysis.investigate.windows import Baseline, Windows
from workbench.core.errors import WorkbenchError
from workbench.core.filters import LogFilter, SpanFilter
from workbench.core.frames import SPANS
from workbench.core.secret_text import masked_records
from workbench.core.timerange import TimeRange, duration_ms, from_ms, parse_instant
from workbench.studies.logs.reading import read_lines
from workbench.studies.sources.context import Context
from workbench.studies.sources.newest import recorded_until

#: Spans and lines read for one range. [count]
MOST = 300_000

_HOUR = timedelta(hours=1)
_WEEK = timedelta(days=7)


@dataclass
class Readings:
    """Rows of all ranges of one kind, and what a reader must know.

    Attributes
    ----------
    frame : DataFrame
        LOGS with ``probability``, or SPANS; empty where nothing could be read.
    windows : Windows or None
        The range and those baselines that hold rows; None where there is nothing to compare.
    notes : list of str
    failure : WorkbenchError or None
        Why the source did not answer.
    queries : tuple of str
    """

    frame: pd.DataFrame
    windows: Windows | None = None
    notes: list[str] = field(default_factory=list)
    failure: WorkbenchError | None = None
    queries: tuple[str, ...] = ()


def default_windows(span: TimeRange) -> Windows:
    """Compare with the same hours a week before, and with the hour before."""
    before = TimeRange(span.start - _HOUR, span.start)
    week = TimeRange(span.start - _WEEK, span.end - _WEEK)
    return Windows(span, (Baseline("a week before", week), Baseline("the hour before", before)))


def window_against(text: str, span: TimeRange, *, zone: str) -> TimeRange:
    """Read what to compare with: a length, for the same hours so long before, or ``START..END``.

    Raises
    ------
    ParameterError
        The text is neither.
    """
    start, separator, end = text.partition("..")
    if separator:
        return TimeRange(parse_instant(start, zone=zone), parse_instant(end, zone=zone))
    moved = timedelta(milliseconds=duration_ms(text))
    return TimeRange(span.start - moved, span.end - moved)


def lines_of(ctx: Context, system: str, windows: Windows) -> Readings:
    """Read the lines of a system in all ranges of a comparison."""
    frames, notes, queries, ranges = list[pd.DataFrame](), dict[str, None](), dict[str, None](), list[TimeRange]()
    try:
        source, newest = ctx.logs_for(system), ctx.source_for(system).state().newest
        wanted = LogFilter(services=ctx.services_within(source, system))
        for span in windows.spans:
            read = read_lines(source, wanted, span, most=MOST)
            frames.append(read.frame)
            times = read.frame["time_ns"]
            ranges.append(_known(times, span, newest) if read.whole else _reached(times, span))
            notes |= dict.fromkeys(str(text) for text in read.attrs.get("warnings", ()))
            queries |= dict.fromkeys(filter(None, [str(read.attrs.get("query", ""))]))
    except WorkbenchError as error:
        return Readings(pd.DataFrame(), notes=[f"No log lines: {error}"], failure=error)
    return _compared("log lines", frames, _cut(windows, ranges, notes), notes, tuple(queries))


def spans_of(ctx: Context, system: str, windows: Windows) -> Readings:
    """Read the spans of a system in all ranges of a comparison."""
    frames, notes, ranges = list[pd.DataFrame](), dict[str, None](), list[TimeRange]()
    try:
        source, newest = ctx.spans_for(system), ctx.source_for(system).state().newest
        wanted = SpanFilter(services=ctx.services_within(source, system))
        for span in windows.spans:
            pieces, count = list[pd.DataFrame](), 0
            for piece in source.spans(wanted, span):
                pieces.append(piece.head(MOST - count))
                notes |= dict.fromkeys(str(text) for text in piece.attrs.get("warnings", ()))
                count += len(piece)
                if count > MOST:
                    notes[f"Only the first {MOST:,} spans of {span} were read."] = None
                    break
            frames.append(pd.concat(pieces, ignore_index=True) if pieces else _no_spans())
            times = frames[-1]["start_ns"]
            ranges.append(_known(times, span, newest) if count <= MOST else _reached(times, span))
    except WorkbenchError as error:
        return Readings(pd.DataFrame(), notes=[f"No spans: {error}"], failure=error)
    compared = _compared("spans", frames, _cut(windows, ranges, notes), notes, ())
    return Readings(
        masked_records(compared.frame) if len(compared.frame) else compared.frame,
        compared.windows,
        compared.notes,
        queries=(),
    )


def _known(times_ns: pd.Series, span: TimeRange, newest: datetime | None) -> TimeRange:
    """Return the part of a range up to which records are known."""
    last_ns = int(times_ns.max()) if len(times_ns) else None
    return TimeRange(span.start, recorded_until(newest, last_ns, span))


def _reached(times_ns: pd.Series, span: TimeRange) -> TimeRange:
    """Return the part of a range that the rows read cover: rates of a cut reading count that time only."""
    first, last = int(times_ns.min()) // 1_000_000, int(times_ns.max()) // 1_000_000 + 1
    return TimeRange(max(from_ms(first), span.start), min(from_ms(last), span.end))


def _cut(windows: Windows, ranges: list[TimeRange], notes: dict[str, None]) -> Windows:
    """Shorten each range of a comparison to what was read of it."""
    for span, part in zip(windows.spans, ranges, strict=True):
        if part != span and part.start < part.end:
            notes[f"Rates of {span} are those of {part}, the part that was read."] = None
    names = (baseline.name for baseline in windows.baselines)
    return Windows(ranges[0], tuple(Baseline(name, part) for name, part in zip(names, ranges[1:], strict=True)))


def _no_spans() -> pd.DataFrame:
    kinds = {"str": "str", "int": "int64", "float": "float64", "map": "object"}
    return pd.DataFrame({name: pd.Series(dtype=kinds[kind]) for name, kind in SPANS.columns.items()})


def _compared(
    what: str, frames: list[pd.DataFrame], windows: Windows, notes: dict[str, None], queries: tuple[str, ...]
) -> Readings:
    """Put ranges together; a baseline without any row is no evidence that nothing happened, and is left out."""
    empty = [number for number, frame in enumerate(frames[1:]) if frame.empty]
    remarks = [*notes]
    remarks += [
        f"There are no {what} of {windows.baselines[number].name} ({windows.baselines[number].range}): "
        "it is not compared with."
        for number in empty
    ]
    if frames[0].empty:
        return Readings(pd.DataFrame(), notes=[*notes, f"There are no {what} in {windows.range}."], queries=queries)
    kept = [frame for frame in frames if len(frame)]
    whole = pd.concat(kept, ignore_index=True)
    if len(empty) == len(windows.baselines):
        return Readings(whole, notes=remarks, queries=queries)
    return Readings(_once(whole, what), windows.without(empty), remarks, queries=queries)


def _once(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    """Leave out spans that two ranges gave; lines of adjacent ranges never overlap."""
    if what == "spans":
        first = ~frame.duplicated(["trace_id", "span_id", "start_ns"]).to_numpy(np.bool_)
        return frame[first].reset_index(drop=True)
    return frame
