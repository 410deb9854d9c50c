"""From an objective of the catalog to its EVENTS: planned, read from a source, counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from workbench.analysis.counting.absence import filled
from workbench.analysis.counting.counts import Counts, Method, least_exact
from workbench.analysis.counting.events import (
    joined_events,
    raw_events,
    sampled_events,
    slice_events,
    threshold_events,
    timeslice_events,
)
from workbench.analysis.counting.increase import Floats
from workbench.analysis.counting.leaps import leap_bounds
from workbench.catalog import (
    CompositeIndicator,
    Objective,
    RatioIndicator,
    RawIndicator,
    RecordsIndicator,
    ThresholdIndicator,
)
from workbench.catalog.slo.indicators import indicator_texts
from workbench.core.errors import (
    EmptyAnswer,
    FrameError,
    QueryRejected,
    QueryTooExpensive,
    SourceUnavailable,
    WorkbenchError,
)
from workbench.core.result import Status
from workbench.core.series import Metrics
from workbench.core.source import MetricSource
from workbench.core.timerange import TimeRange
from workbench.promql import events_factor
from workbench.studies.counting import doubts
from workbench.studies.counting.buckets import bucket_warnings, counted_to_threshold, missing_bound, threshold_of
from workbench.studies.counting.composites import composed_counts, members_of
from workbench.studies.counting.counters import CounterReader
from workbench.studies.counting.missing_failures import labelled_slices, stopped_failures, watched_slices
from workbench.studies.counting.plans import Plan, plans_of, slice_of
from workbench.studies.counting.record_counts import RecordSources
from workbench.studies.sources.newest import newest_samples


@dataclass(frozen=True)
class Reading:
    """What one reading of a source counted.

    Attributes
    ----------
    counts : mapping of str to Counts
        By objective, also of those that could not be counted.
    plans : tuple of Plan
        How each was counted, members of composites one by one.
    reader : CounterReader or None
        Holds the counters that were read, so that they can be asked by label too.
    """

    counts: Mapping[str, Counts]
    plans: tuple[Plan, ...] = ()
    reader: CounterReader | None = None

    def withheld(self) -> Reading:
        """Take the counts out, where exclusions cannot be read: without them they would be wrong."""
        return replace(self, counts={name: counts.withheld() for name, counts in self.counts.items()})


def read_counts(
    source: MetricSource,
    scope: Mapping[str, str],
    objectives: Sequence[Objective],
    spans: Mapping[str, TimeRange],
    *,
    records: RecordSources | None = None,
) -> Reading:
    """Count all objectives over the elapsed part of their windows; a failing source becomes a status.

    A source that is not there is asked once: every further question would only wait for the same answer. One that
    merely took too long over a question is asked the others.

    Parameters
    ----------
    source : MetricSource
        Where metrics are read.
    scope : mapping of str to str
        Matchers of the system.
    objectives : sequence of Objective
        The objectives to count.
    spans : mapping of str to TimeRange
        Elapsed part of the window of each objective, on edges of its slices.
    records : RecordSources, optional
        Where log lines and spans are counted; without it, objectives that count them are unavailable.
    """
    plans, refused = plans_of(objectives, scope, spans)
    reader: CounterReader | None = None
    if plans:
        whole = TimeRange(
            min(plan.span.start for plan in plans.values()), max(plan.span.end for plan in plans.values())
        )
        selectors = [text for plan in plans.values() for text in plan.selectors.values()]
        reader = CounterReader(source, scope, whole, selectors)
    gone: SourceUnavailable | None = None
    parts: dict[str, Counts] = {}
    evaluated: dict[str, tuple[str, ...]] = {}
    for objective in objectives:
        span, slice_ms = spans[objective.id], slice_of(objective)
        for part in members_of(objective):
            if reader is None or part.id in refused:
                parts[part.id] = _failed(part, span, slice_ms, refused[part.id])
                continue
            plan = plans[part.id]
            recorded = isinstance(part.indicator, RecordsIndicator)
            counter = _Counter(plan, reader, source, records)
            try:
                if gone is not None and not recorded:
                    raise gone
                parts[part.id] = counter.counts()
                evaluated[part.id] = tuple(counter.evaluated)
            except WorkbenchError as error:
                parts[part.id] = _failed(part, span, slice_ms, error, method=plan.method, queries=counter.queries)
                if gone is None and isinstance(error, SourceUnavailable) and not recorded:
                    gone = error if source.state().status == "unavailable" else None
    parts |= _dated(source, {name: parts[name] for name, queries in evaluated.items() if queries}, evaluated)
    counts: dict[str, Counts] = {}
    for objective in objectives:
        members = [parts[part.id] for part in members_of(objective)]
        composite = isinstance(objective.indicator, CompositeIndicator)
        counts[objective.id] = (
            composed_counts(objective, spans[objective.id], slice_of(objective), members) if composite else members[0]
        )
    return Reading(counts, tuple(plans.values()), reader)


def _dated(
    source: MetricSource, parts: Mapping[str, Counts], evaluated: Mapping[str, Sequence[str]]
) -> dict[str, Counts]:
    """Say how new the data behind evaluated queries is: the time of an evaluation says nothing about it."""
    if not parts:
        return {}
    start_ms = min(part.span.start_ms + part.slice_ms for part in parts.values())
    end_ms = max(part.span.end_ms for part in parts.values())
    queries = dict.fromkeys(query for name in parts for query in evaluated[name])
    newest = newest_samples(source, queries, start_ms=start_ms, end_ms=end_ms)
    return {
        name: replace(
            part, newest_ms=max((newest[query] for query in evaluated[name] if query in newest), default=None)
        )
        for name, part in parts.items()
    }


def _failed(
    objective: Objective,
    span: TimeRange,
    slice_ms: int,
    error: WorkbenchError,
    *,
    method: Method = "exact",
    queries: tuple[str, ...] = (),
) -> Counts:
    if isinstance(error, EmptyAnswer):
        status: Status = "no_data"
    elif isinstance(error, (QueryRejected, QueryTooExpensive, FrameError)):
        status = "refused"
    else:
        status = "unavailable"
    place = f" ({objective.file}:{objective.line})" if status == "refused" and objective.file else ""
    return Counts(
        objective=objective.id,
        span=span,
        slice_ms=slice_ms,
        events=joined_events([]),
        method=method,
        failure=status,
        warnings=(f"{objective.id}{place}: {error}",),
        queries=queries,
    )


class _Counter:
    """Counts one plan, and remembers what was asked for it and what was said."""

    def __init__(self, plan: Plan, reader: CounterReader, source: MetricSource, records: RecordSources | None) -> None:
        self._plan, self._reader, self._source, self._records = plan, reader, source, records
        self._queries: dict[str, None] = {}
        self.evaluated: dict[str, None] = {}
        self._engines: set[str] = set()
        self._warnings: list[str] = []
        self._newest_ms: int | None = None
        self._method = plan.method

    @property
    def queries(self) -> tuple[str, ...]:
        """What was asked, counters first."""
        self._take()
        return tuple(self._queries)

    def counts(self) -> Counts:
        """Count the events of each slice.

        Raises
        ------
        WorkbenchError
            As the source raises it, or because the answer gives no counts.
        """
        plan = self._plan
        objective, events = plan.objective, joined_events([])
        if plan.span.end > plan.span.start:
            events, absent = filled(
                self._events(),
                plan.span,
                plan.slice_ms,
                objective.absence,
                slices=objective.method != "occurrences",
            )
            if absent:
                self._warnings.append(
                    f"{objective.id}: {absent} slices without data count as {objective.absence}, as its document says."
                )
        queries = self.queries
        return Counts(
            objective=objective.id,
            span=plan.span,
            slice_ms=plan.slice_ms,
            events=events,
            method=self._method,
            queries=queries,
            warnings=tuple(self._warnings),
            newest_ms=self._newest_ms,
            engines=tuple(sorted(self._engines)),
        )

    def _take(self) -> None:
        """Take down which counters were used."""
        used = self._reader.used()
        self._queries = dict.fromkeys((*self._queries, *used.queries))
        self._warnings.extend(used.warnings)
        self._method = least_exact((self._method, used.method))
        self._saw(used.newest_ms)

    def _saw(self, newest_ms: int | None) -> None:
        self._newest_ms = max((ms for ms in (self._newest_ms, newest_ms) if ms is not None), default=None)

    def _answer(self, query: str) -> Metrics:
        """Value of a query at the end of each slice."""
        plan = self._plan
        self._queries[query] = None
        ends = TimeRange.from_ms(plan.span.start_ms + plan.slice_ms, plan.span.end_ms)
        answer = self._source.range(query, ends, step_ms=plan.slice_ms)
        self._engines.add(str(answer.meta.get("engine", "")))
        self._warnings.extend(answer.warnings)
        if answer.present.any():
            self.evaluated[query] = None
        return answer

    def _events(self) -> pd.DataFrame:
        plan = self._plan
        objective, indicator = plan.objective, plan.objective.indicator
        match indicator:
            case ThresholdIndicator(samples=True):
                series = self._reader.samples(plan.queries["query"])
                edges, value = plan.span.edges_ms(plan.slice_ms), float(indicator.value)
                counted = sampled_events(objective.id, series, edges, op=indicator.op, threshold=value)
            case ThresholdIndicator():
                answer, value = self._answer(plan.queries["query"]), float(indicator.value)
                self._warnings += doubts.far_threshold(
                    objective.id, plan.queries["query"], answer, op=indicator.op, threshold=value
                )
                return threshold_events(
                    objective.id, answer, op=indicator.op, threshold=value, slice_ms=plan.slice_ms
                )  # fmt: skip
            case RawIndicator():
                answer = self._answer(plan.queries["query"])
                counted = raw_events(objective.id, answer, kind=indicator.kind, slice_ms=plan.slice_ms)
                doubts.check_lifetime(plan.queries["query"], self._answer)
                doubts.check_bounds(plan.queries["query"], self._has_data)
                if len(counted) and (counted["good"] == counted["total"]).all():
                    self._warnings += doubts.unknown_labels(objective.id, plan.queries["query"], self._has_data)
            case RatioIndicator():
                counted = self._counted() if plan.selectors else self._evaluated()
            case RecordsIndicator():
                counted = self._recorded(indicator)
            case _:
                raise QueryRejected(f"The indicator of {objective.id} is not read from samples.")
        if objective.method == "occurrences":
            return counted
        slice_target = objective.slice_target if objective.method == "timeslices" else None
        return timeslice_events(counted, slice_target=slice_target, slice_ms=plan.slice_ms)

    def _slices(
        self, *, good: Floats, total: Floats, covered: Floats, bounds: tuple[Floats, Floats] | None = None
    ) -> pd.DataFrame:
        edges = self._plan.span.edges_ms(self._plan.slice_ms)
        return slice_events(self._plan.objective.id, edges, good=good, total=total, covered=covered, bounds=bounds)

    def _recorded(self, indicator: RecordsIndicator) -> pd.DataFrame:
        if self._records is None:
            raise SourceUnavailable(f"Nothing here reads {indicator.kind}.", hint="Ask for this objective by itself.")
        counted = self._records.counts(indicator, self._plan.span, self._plan.slice_ms)
        self._queries |= {f"{part} {text}": None for part, text in indicator_texts(indicator).items()}
        self._warnings.extend(counted.warnings)
        self._saw(counted.newest_ms)
        return self._slices(good=counted.good, total=counted.total, covered=counted.covered)

    def _counted(self) -> pd.DataFrame:
        plan, reader = self._plan, self._reader
        parts = {part: reader.counts(text, plan.span, plan.slice_ms) for part, text in plan.selectors.items()}
        total = parts["total"]
        for text in plan.selectors.values():
            reader.check_counters(text)
        self._warnings.extend(doubts.check_within(plan, reader))
        part = plan.selectors["bad" if "bad" in parts else "good"]
        watched = reader.watched(part, plan.selectors["total"], plan.span, plan.slice_ms)
        watched &= labelled_slices(plan, reader)
        total = replace(total, covered=total.covered * watched)
        if "bad" in parts:
            self._warnings.extend((*doubts.bad_unmatched(plan, reader), *stopped_failures(plan, reader)))
            good = total.per_slice - self._settled("bad", parts["bad"].per_slice, total.per_slice)
            bounds = self._leap_bounds(good, total.per_slice)
            return self._slices(good=good, total=total.per_slice, covered=total.covered, bounds=bounds)
        threshold = threshold_of(plan.selectors["good"])
        if threshold is not None and missing_bound(reader, plan.selectors["good"], plan.selectors["total"]):
            between = counted_to_threshold(reader, plan.selectors["good"], threshold, plan.span, plan.slice_ms)
            if between.bounds:
                self._warnings.extend(bucket_warnings(plan.objective.id, threshold, between))
                bounds = (between.low, between.high) if between.bounds != (threshold,) else None
                return self._slices(
                    good=between.middle, total=total.per_slice, covered=total.covered, bounds=bounds
                )  # fmt: skip
        if not parts["good"].series and total.series:
            raise EmptyAnswer(
                "The good selector matches no series while the total does, so every event would count as bad.",
                query=plan.selectors["good"],
                hint="Check its label values.",
            )
        self._warnings.extend(stopped_failures(plan, reader))
        good = self._settled("good", parts["good"].per_slice, total.per_slice)
        bounds = self._leap_bounds(good, total.per_slice)
        return self._slices(good=good, total=total.per_slice, covered=total.covered, bounds=bounds)

    def _leap_bounds(self, good: Floats, total: Floats) -> tuple[Floats, Floats] | None:
        """Bounds of the good events where a counter leapt, which may be true or not."""
        leapt = {part: self._reader.leapt(text) for part, text in self._plan.selectors.items()}
        bad = leapt["bad"] if "bad" in leapt else leapt["total"] - leapt["good"]
        return leap_bounds(good, total, bad_leapt=bad, leapt=leapt["total"])

    def _settled(self, name: str, part: Floats, total: Floats) -> Floats:
        query = (self._plan.selectors or self._plan.queries)[name]
        counts, warnings = doubts.settled_part(self._plan.objective.id, name, part, total, query=query)
        self._warnings += warnings
        return counts

    def _has_data(self, query: str) -> bool:
        return bool(self._answer(query).present.any())

    def _evaluated(self) -> pd.DataFrame:
        plan = self._plan
        answers = {part: self._answer(text) for part, text in plan.queries.items()}
        if answers["total"].present.any():
            for part in (part for part, answer in answers.items() if not answer.present.any()):
                self._warnings += doubts.empty_part(plan.objective.id, part, plan.queries[part], self._has_data)
        for query in plan.queries.values():
            doubts.check_lifetime(query, self._answer)
            doubts.check_differences(query, self._has_data)
        sums = {part: _summed(plan.queries[part], answer, plan.slice_ms) for part, answer in answers.items()}
        total = sums["total"]
        name = "bad" if "bad" in sums else "good"
        counted = self._settled(name, sums[name], total)
        if name == "bad" and answers["total"].present.any() and answers["bad"].present.any():
            self._warnings += doubts.unknown_terms(plan.objective.id, plan.queries["bad"], self._has_data)
        good = total - counted if name == "bad" else counted
        covered = answers["total"].present.any(axis=0)
        covered = covered & watched_slices(plan.queries[name], plan.queries["total"], self._answer)
        return self._slices(good=good, total=total, covered=np.asarray(covered, np.float64))


def _summed(query: str, answer: Metrics, slice_ms: int) -> Floats:
    """Events of each slice: a query of rates counts per second, one of increases per window."""
    values: Floats = np.where(answer.present & np.isfinite(answer.values), answer.values, 0.0).sum(axis=0)
    return values * events_factor(query, slice_ms)
