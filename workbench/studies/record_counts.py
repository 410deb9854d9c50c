"""Log lines and spans counted per slice, for objectives whose events they are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.catalog import RecordsIndicator
from workbench.core.errors import EmptyAnswer
from workbench.core.filters import LogFilter, SpanFilter
from workbench.core.source import LogSource, SpanSource
from workbench.core.timerange import TimeRange
from workbench.query.span_filter import checked, passing
from workbench.studies.context import Context

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RecordCounts:
    """Good records and all, per slice; ``covered`` is 1 from the first slice with a record to the last."""

    good: Floats
    total: Floats
    covered: Floats
    newest_ms: int | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class RecordSources:
    """Where a system's log lines and spans are, and the services that are its own.

    Attributes
    ----------
    logs : LogSource
    spans : SpanSource
    log_services, span_services : tuple of str
        Put into filters that name no service; empty where all records are the system's.
    """

    logs: LogSource
    spans: SpanSource
    log_services: tuple[str, ...] = ()
    span_services: tuple[str, ...] = ()

    def counts(self, indicator: RecordsIndicator, span: TimeRange, slice_ms: int) -> RecordCounts:
        """Count the records of an indicator per slice; a record at an edge belongs to the slice that begins there.

        Raises
        ------
        EmptyAnswer
            No record at all in the range.
        SourceError
            As the source raises it.

        Notes
        -----
        Log lines are counted by the backend. Spans are read once and counted here, each with its weight 1/p where it
        stands for others that were not kept. Between the first and the last record silence is no traffic; before and
        after, nobody knows.
        """
        counted = (_lines if indicator.kind == "logs" else _spans)(self._own(indicator), self, span, slice_ms)
        seen = np.flatnonzero(counted.total)
        if not len(seen):
            raise EmptyAnswer(f"No {indicator.kind} in the period.", hint="Check the filter of the total.")
        covered = np.zeros(len(counted.total))
        covered[seen[0] : seen[-1] + 1] = 1.0
        return replace(counted, covered=covered, newest_ms=span.start_ms + (int(seen[-1]) + 1) * slice_ms)

    def _own(self, indicator: RecordsIndicator) -> RecordsIndicator:
        services = self.log_services if indicator.kind == "logs" else self.span_services
        parts = {
            name: replace(asked, services=asked.services or services)
            for name, asked in vars(indicator).items()
            if asked is not None
        }
        return replace(indicator, **parts)


def record_sources(ctx: Context, system: str) -> RecordSources:
    """Return the sources of a system's log lines and spans; one that is not there says so when it is asked."""
    logs = ctx.logs_for(system)
    return RecordSources(logs, ctx.spans_for(system), ctx.services_within(logs, system), ctx.services_of(system))


def _lines(indicator: RecordsIndicator, sources: RecordSources, span: TimeRange, slice_ms: int) -> RecordCounts:
    size, warnings = (span.end_ms - span.start_ms) // slice_ms, list[str]()

    def counted(wanted: LogFilter | SpanFilter | None) -> Floats:
        assert isinstance(wanted, LogFilter)
        frame = sources.logs.log_counts(wanted, span, step_ms=slice_ms)
        warnings.extend(frame.attrs.get("warnings", ()))
        slots = (frame["time"].dt.as_unit("ms").astype("int64").to_numpy() - span.start_ms) // slice_ms
        counts: Floats = np.bincount(slots, frame["count"].to_numpy(np.float64), size).astype(np.float64)
        return counts

    total = counted(indicator.total)
    good = counted(indicator.good) if indicator.good is not None else total - counted(indicator.bad)
    return RecordCounts(good, total, total, None, tuple(dict.fromkeys(warnings)))


def _spans(indicator: RecordsIndicator, sources: RecordSources, span: TimeRange, slice_ms: int) -> RecordCounts:
    size, warnings = (span.end_ms - span.start_ms) // slice_ms, list[str]()
    part = indicator.bad if indicator.good is None else indicator.good
    assert isinstance(indicator.total, SpanFilter)
    assert isinstance(part, SpanFilter)
    counts = {"total": np.zeros(size), "part": np.zeros(size)}
    for piece in sources.spans.spans(checked(indicator.total), span):
        warnings.extend(piece.attrs.get("warnings", ()))
        _add(counts["total"], piece, span, slice_ms)
        _add(counts["part"], passing(piece, checked(part), span), span, slice_ms)
    total, counted = counts["total"], counts["part"]
    good = total - counted if indicator.good is None else counted
    return RecordCounts(good, total, total, None, tuple(dict.fromkeys(warnings)))


def _add(counts: Floats, piece: pd.DataFrame, span: TimeRange, slice_ms: int) -> None:
    if len(piece):
        slots = (piece["start_ns"].to_numpy(np.int64) // 1_000_000 - span.start_ms) // slice_ms
        counts += np.bincount(slots, piece["weight"].to_numpy(np.float64), len(counts))
