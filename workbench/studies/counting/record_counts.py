"""Log lines and spans counted per slice, for objectives whose events they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.counting.silence import observed_slices
from workbench.catalog import RecordsIndicator
from workbench.core.errors import AnswerUnreadable, EmptyAnswer, WorkbenchError
from workbench.core.filters import LogFilter, SpanFilter
from workbench.core.source import LogSource, SpanSource
from workbench.core.timerange import TimeRange
from workbench.promql import scoped
from workbench.query.logs.reconcile import count_differences
from workbench.query.traces.filter import checked, passing
from workbench.studies.counting.counters import CounterReader
from workbench.studies.sources.context import Context

Floats = NDArray[np.float64]

_DAY_MS = 86_400_000

#: With so many lines without a level, the others say nothing of how many failed. [ratio]
_MOST_UNKNOWN = 0.5


@dataclass(frozen=True)
class RecordCounts:
    """Good records and all, per slice; ``kept`` are all without weights, ``covered`` is 1 where they are known."""

    good: Floats
    total: Floats
    kept: Floats
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
    requests : callable, optional
        Gives the requests that the system's own counters saw per slice of a range, NaN where they saw nothing; None
        where no such counter is.
    """

    logs: LogSource
    spans: SpanSource
    log_services: tuple[str, ...] = ()
    span_services: tuple[str, ...] = ()
    requests: Callable[[TimeRange, int], Floats | None] | None = None

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
        stands for others that were not kept. Before the first record and after the last nobody knows. Between them a
        slice without a record was observed when anything else of the system was recorded in it; else its silence is
        held against the requests that the metrics counted, or against the other days
        (:func:`workbench.analysis.counting.silence.observed_slices`): a shipper that died is no quiet night.
        """
        counted = (_lines if indicator.kind == "logs" else _spans)(self._own(indicator), self, span, slice_ms)
        seen = np.flatnonzero(counted.kept)
        if not len(seen):
            raise EmptyAnswer(f"No {indicator.kind} in the period.", hint="Check the filter of the total.")
        known = np.zeros(len(counted.kept), np.bool_)
        known[seen[0] : seen[-1] + 1] = True
        silent = np.flatnonzero(known & (counted.kept == 0))
        warnings = counted.warnings
        if len(silent):
            known &= self._believed(indicator.kind, counted.kept, (int(silent[0]), int(silent[-1]) + 1), span, slice_ms)
            if lost := int(np.count_nonzero(~known[silent])):
                note = f"{lost} slices are not observed: no {indicator.kind} at all, though there should be some."
                warnings = (*warnings, note)
        newest_ms = span.start_ms + (int(seen[-1]) + 1) * slice_ms
        return replace(counted, covered=known.astype(np.float64), newest_ms=newest_ms, warnings=warnings)

    def _believed(
        self, kind: str, kept: Floats, silent: tuple[int, int], span: TimeRange, slice_ms: int
    ) -> NDArray[np.bool_]:
        """Whether the silence of each slice is believed, by whatever else was seen of the system."""
        first, last = silent
        part = TimeRange.from_ms(span.start_ms + first * slice_ms, span.start_ms + last * slice_ms)
        records = kept.copy()
        records[first:last] += (_any_line if kind == "logs" else _any_span)(self, part, slice_ms)
        requests = self.requests(span, slice_ms) if self.requests is not None else None
        return observed_slices(records, requests, slices_a_day=max(1, _DAY_MS // slice_ms))

    def _own(self, indicator: RecordsIndicator) -> RecordsIndicator:
        services = self.log_services if indicator.kind == "logs" else self.span_services
        parts = {
            name: replace(query, services=query.services or services)
            for name, query in vars(indicator).items()
            if query is not None
        }
        return replace(indicator, **parts)


def record_sources(ctx: Context, system: str) -> RecordSources:
    """Return the sources of a system's log lines and spans; one that is not there says so when it is asked."""
    logs, services = ctx.logs_for(system), ctx.services_of(system)
    return RecordSources(
        logs, ctx.spans_for(system), ctx.services_within(logs, system), services, partial(_requests, ctx, system)
    )


def _requests(ctx: Context, system: str, span: TimeRange, slice_ms: int) -> Floats | None:
    profile = ctx.catalog.profile(system)
    role = profile.roles.get("requests")
    if role is None or role.kind != "counter":
        return None
    selector = scoped(role.select, profile.scope)
    try:
        counted = CounterReader(ctx.source_for(system), profile.scope, span, [selector]).counts(
            selector, span, slice_ms
        )
    except WorkbenchError:
        return None  # the other days are the witness then
    return np.where(counted.covered > 0, counted.per_slice, np.nan) if counted.series else None


def _any_line(sources: RecordSources, span: TimeRange, slice_ms: int) -> Floats:
    return _per_slice(sources.logs.log_counts(LogFilter(sources.log_services), span, step_ms=slice_ms), span, slice_ms)


def _any_span(sources: RecordSources, span: TimeRange, slice_ms: int) -> Floats:
    counts = np.zeros((span.end_ms - span.start_ms) // slice_ms)
    for piece in sources.spans.spans(SpanFilter(sources.span_services), span):
        _add(counts, piece, span, slice_ms, weighted=False)
    return counts


def _lines(indicator: RecordsIndicator, sources: RecordSources, span: TimeRange, slice_ms: int) -> RecordCounts:
    warnings = list[str]()

    def counted(wanted: LogFilter | SpanFilter | None) -> Floats:
        assert isinstance(wanted, LogFilter)
        frame = sources.logs.log_counts(wanted, span, step_ms=slice_ms)
        warnings.extend(frame.attrs.get("warnings", ()))
        _check(count_differences(sources.logs, wanted, span, frame), sources.logs.name)
        return _per_slice(frame, span, slice_ms)

    total = counted(indicator.total)
    good = counted(indicator.good) if indicator.good is not None else total - counted(indicator.bad)
    part = indicator.bad if indicator.good is None else indicator.good
    if isinstance(part, LogFilter) and part.severity:
        unknown, lines = _without_level(indicator.total, sources, span, slice_ms), total.sum()
        if unknown and unknown >= (lines if indicator.good is not None else _MOST_UNKNOWN * lines):
            known = f"Only {lines - unknown:,.0f}" if unknown < lines else "None"
            raise EmptyAnswer(
                f"{known} of the {lines:,.0f} log lines {'have' if unknown < lines else 'has'} a level that is known, "
                "so failures could not be seen.",
                hint="Name the field of the level, or the system's words for levels, under logs in the profile.",
            )
        if unknown:
            share = f"{unknown:,.0f} of {lines:,.0f} log lines have no level that is known"
            warnings.append(f"{share}; they count as {'good' if indicator.good is None else 'bad'}.")
    return RecordCounts(good, total, total, total, None, tuple(dict.fromkeys(warnings)))


def _check(differences: Sequence[str], source: str) -> None:
    """Make no number of answers that contradict each other."""
    if differences:
        raise AnswerUnreadable(
            " ".join(differences),
            source=source,
            hint="No number is made of answers that contradict each other. Ask again; else narrow the filters.",
        )


def _without_level(total: LogFilter | SpanFilter, sources: RecordSources, span: TimeRange, slice_ms: int) -> float:
    """Count the lines of a filter whose level nobody knows; 0 where the backend cannot tell them apart."""
    assert isinstance(total, LogFilter)
    if total.severity:
        return 0.0
    try:
        frame = sources.logs.log_counts(total, span, step_ms=slice_ms, by=("severity",))
    except WorkbenchError:
        return 0.0
    return float(frame.loc[frame["severity"] == "", "count"].sum())


def _per_slice(frame: pd.DataFrame, span: TimeRange, slice_ms: int) -> Floats:
    slots = (frame["time"].dt.as_unit("ms").astype("int64").to_numpy() - span.start_ms) // slice_ms
    size = (span.end_ms - span.start_ms) // slice_ms
    counts: Floats = np.bincount(slots, frame["count"].to_numpy(np.float64), size).astype(np.float64)
    return counts


def _spans(indicator: RecordsIndicator, sources: RecordSources, span: TimeRange, slice_ms: int) -> RecordCounts:
    size, warnings = (span.end_ms - span.start_ms) // slice_ms, list[str]()
    part = indicator.bad if indicator.good is None else indicator.good
    assert isinstance(indicator.total, SpanFilter)
    assert isinstance(part, SpanFilter)
    counts = {"total": np.zeros(size), "part": np.zeros(size)}
    kept = np.zeros(size)
    for piece in sources.spans.spans(checked(indicator.total), span):
        warnings.extend(piece.attrs.get("warnings", ()))
        _check(piece.attrs.get("differences", ()), sources.spans.name)
        _add(counts["total"], piece, span, slice_ms)
        _add(kept, piece, span, slice_ms, weighted=False)
        _add(counts["part"], passing(piece, checked(part), span), span, slice_ms)
    total, counted = counts["total"], counts["part"]
    good = total - counted if indicator.good is None else counted
    return RecordCounts(good, total, kept, total, None, tuple(dict.fromkeys(warnings)))


def _add(counts: Floats, piece: pd.DataFrame, span: TimeRange, slice_ms: int, *, weighted: bool = True) -> None:
    if len(piece):
        slots = (piece["start_ns"].to_numpy(np.int64) // 1_000_000 - span.start_ms) // slice_ms
        counts += np.bincount(slots, piece["weight"].to_numpy(np.float64) if weighted else None, len(counts))
