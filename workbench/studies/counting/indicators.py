"""From an objective of the catalog to its EVENTS: planned, read from a source, counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd

from workbench.analysis.counting.absence import filled
from workbench.analysis.counting.events import (
    joined_events,
    raw_events,
    sampled_events,
    slice_events,
    threshold_events,
    timeslice_events,
)
from workbench.analysis.counting.increase import Floats
from workbench.analysis.counting.latency import ThresholdCounts
from workbench.catalog import (
    CompositeIndicator,
    Objective,
    RatioIndicator,
    RawIndicator,
    RecordsIndicator,
    ThresholdIndicator,
)
from workbench.catalog.slo.indicators import indicator_texts, promql_texts
from workbench.core.errors import (
    EmptyAnswer,
    FrameError,
    QueryRejected,
    QueryTooExpensive,
    SourceUnavailable,
    WorkbenchError,
)
from workbench.core.result import Status, worst
from workbench.core.series import Metrics
from workbench.core.source import MetricSource
from workbench.core.timerange import TimeRange
from workbench.promql import events_factor, ratio_plan, scoped
from workbench.studies.counting.buckets import counted_to_threshold, missing_bound, threshold_of
from workbench.studies.counting.composites import composed, members_of
from workbench.studies.counting.counters import CounterReader
from workbench.studies.counting.record_counts import RecordSources
from workbench.studies.sources.newest import newest_sample

#: Slices of promises that count events. [ms]
SLICE_MS = 300_000


@dataclass(frozen=True)
class Plan:
    """How the counts of an objective are made.

    Attributes
    ----------
    objective : Objective
    span : TimeRange
        Elapsed part of its window, on slice edges.
    slice_ms : int
        [ms]
    selectors : mapping
        Counter selector by part (``good``, ``bad``, ``total``), scope included; empty when a query is evaluated.
    queries : mapping
        Query by part, scope included, to be evaluated once per slice.
    """

    objective: Objective
    span: TimeRange
    slice_ms: int
    selectors: Mapping[str, str] = field(default_factory=dict)
    queries: Mapping[str, str] = field(default_factory=dict)

    @property
    def method(self) -> Literal["exact", "extrapolated"]:
        """Whether events are exact increases, or a ratio is evaluated by PromQL with ``rate`` or ``increase``."""
        ratio = isinstance(self.objective.indicator, RatioIndicator)
        return "extrapolated" if self.queries and ratio else "exact"


@dataclass
class Measured:
    """EVENTS of all objectives of a system, and what became of those that could not be measured.

    ``ranges`` are EVENTS with the fewest and the most good ones, where a threshold lies between two buckets;
    ``members`` those of the members of each composite, by their ids.
    """

    events: pd.DataFrame
    methods: dict[str, Literal["exact", "extrapolated"]] = field(default_factory=dict)
    failed: dict[str, Status] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    queries: tuple[str, ...] = ()
    engines: tuple[str, ...] = ()
    newest_ms: int | None = None
    ranges: dict[str, tuple[pd.DataFrame, pd.DataFrame]] = field(default_factory=dict)
    plans: tuple[Plan, ...] = ()
    reader: CounterReader | None = None
    members: dict[str, dict[str, pd.DataFrame]] = field(default_factory=dict)

    def withheld(self, objectives: Sequence[Objective]) -> Measured:
        """Take the counts out of objectives whose exclusions cannot be read: without them they would be wrong."""
        unread: dict[str, Status] = {one.id: "unavailable" for one in objectives}
        failed = {**self.failed, **unread}
        return replace(self, events=joined_events([]), failed=failed, ranges={}, plans=(), members={})

    def parts(self) -> dict[str, pd.DataFrame]:
        """EVENTS of the members of all composites, by their ids."""
        return {name: events for own in self.members.values() for name, events in own.items()}


def slice_of(objective: Objective) -> int:
    """Length of the slices an objective is counted in. [ms]"""
    return objective.slice_ms or SLICE_MS


def planned(objective: Objective, scope: Mapping[str, str], span: TimeRange) -> Plan:
    """Decide how an objective is counted.

    Raises
    ------
    QueryRejected
        The parts of a ratio of counters cannot be counted in one way, see :func:`workbench.promql.ratio_plan`.
    """
    texts = {part: scoped(text, scope) for part, text in promql_texts(objective.indicator).items()}
    indicator, slice_ms = objective.indicator, slice_of(objective)
    if isinstance(indicator, RatioIndicator) and indicator.counter:
        plan = ratio_plan(texts, slice_ms=slice_ms)
        return Plan(objective, span, slice_ms, selectors=plan.selectors, queries=plan.queries)
    return Plan(objective, span, slice_ms, queries=texts)


def measure(
    source: MetricSource,
    scope: Mapping[str, str],
    objectives: Sequence[Objective],
    spans: Mapping[str, TimeRange],
    *,
    records: RecordSources | None = None,
) -> Measured:
    """Count all objectives over the elapsed part of their windows; a failing source becomes a status.

    A source that is not there is asked once: every further question would only wait for the same answer. One that
    merely took too long over a question is asked the others.

    Parameters
    ----------
    source : MetricSource
    scope : mapping of str to str
        Matchers of the system.
    objectives : sequence of Objective
    spans : mapping of str to TimeRange
        Elapsed part of the window of each objective, on edges of its slices.
    records : RecordSources, optional
        Where log lines and spans are counted; without it, objectives that count them are unavailable.
    """
    found = Measured(joined_events([]))
    plans: list[Plan] = []
    for objective in objectives:
        for one in members_of(objective):
            try:
                plans.append(planned(one, scope, spans[objective.id]))
            except WorkbenchError as error:
                _fail(found, one, error)
    frames: dict[str, pd.DataFrame] = {}
    if plans:
        whole = TimeRange(min(plan.span.start for plan in plans), max(plan.span.end for plan in plans))
        reader = CounterReader(source, scope, whole, [text for plan in plans for text in plan.selectors.values()])
        found.plans, found.reader = tuple(plans), reader
        query_reader = _Asker(source)
        gone: SourceUnavailable | None = None
        for plan in plans:
            recorded = isinstance(plan.objective.indicator, RecordsIndicator)
            try:
                found.methods[plan.objective.id] = plan.method
                if gone is not None and not recorded:
                    raise gone
                if plan.span.end > plan.span.start:
                    counted = (
                        _recorded(plan, records, found) if recorded else _events(plan, reader, query_reader, found)
                    )
                    frames[plan.objective.id] = _whole(plan, counted, found)
            except WorkbenchError as error:
                _fail(found, plan.objective, error)
                if gone is None and isinstance(error, SourceUnavailable) and not recorded:
                    gone = error if source.state().status == "unavailable" else None
        found.queries += reader.queries + tuple(query_reader.asked)
        found.engines = tuple(sorted(query_reader.engines))
        found.warnings.extend((*reader.warnings, *query_reader.warnings))
        newest = (found.newest_ms, reader.newest_ms, query_reader.newest_ms())
        found.newest_ms = max((ms for ms in newest if ms is not None), default=None)
    for objective in objectives:
        if isinstance(objective.indicator, CompositeIndicator):
            _compose(objective, spans[objective.id], frames, found)
    found.events = joined_events(list(frames.values()))
    return found


def _compose(objective: Objective, span: TimeRange, frames: dict[str, pd.DataFrame], found: Measured) -> None:
    """Make one of the members of a composite; one that could not be measured leaves the whole unmeasured."""
    names, slice_ms = [one.id for one in members_of(objective)], slice_of(objective)
    own = {name: frames.pop(name) for name in names if name in frames}
    methods = {found.methods.get(name, "exact") for name in names}
    found.methods[objective.id] = "extrapolated" if "extrapolated" in methods else "exact"
    if failed := [name for name in names if name in found.failed]:
        found.failed[objective.id] = worst([found.failed[name] for name in failed])
        found.warnings.append(f"{objective.id} is not judged: it is made of {', '.join(failed)} too.")
        return
    if not own:
        return
    found.members[objective.id] = own
    if any(name in found.ranges for name in names):
        low, high = (
            composed(
                objective, {name: found.ranges.get(name, (own[name],) * 2)[side] for name in names}, span, slice_ms
            )
            for side in (0, 1)
        )
        found.ranges[objective.id] = low, high
        for name in names:
            found.ranges.pop(name, None)
    frames[objective.id] = composed(objective, own, span, slice_ms)


def _whole(plan: Plan, events: pd.DataFrame, found: Measured) -> pd.DataFrame:
    """Count slices without data as the objective says."""
    one = plan.objective
    counts, absent = filled(events, plan.span, plan.slice_ms, one.absence, slices=one.method != "occurrences")
    if absent:
        found.warnings.append(f"{one.id}: {absent} slices without data count as {one.absence}, as its document says.")
    return counts


def _fail(found: Measured, objective: Objective, error: WorkbenchError) -> None:
    if isinstance(error, EmptyAnswer):
        status: Status = "no_data"
    elif isinstance(error, (QueryRejected, QueryTooExpensive, FrameError)):
        status = "refused"
    else:
        status = "unavailable"
    found.failed[objective.id] = status
    place = f" ({objective.file}:{objective.line})" if status == "refused" and objective.file else ""
    found.warnings.append(f"{objective.id}{place}: {error}")


class _Asker:
    """Evaluates queries once per slice, each once, and remembers what the engine said."""

    def __init__(self, source: MetricSource) -> None:
        self._source = source
        self.asked: dict[str, None] = {}
        self.engines: set[str] = set()
        self.warnings: list[str] = []
        self._bounds_ms: tuple[int, int] | None = None

    def newest_ms(self) -> int | None:
        """Time of the newest sample behind the answers; None without any. [ms since the epoch]"""
        if self._bounds_ms is None:
            return None
        return newest_sample(self._source, self.asked, start_ms=self._bounds_ms[0], end_ms=self._bounds_ms[1])

    def answer(self, query: str, span: TimeRange, slice_ms: int) -> Metrics:
        """Value of the query at the end of each slice of the span."""
        self.asked[query] = None
        ends = TimeRange.from_ms(span.start_ms + slice_ms, span.end_ms)
        answer = self._source.range(query, ends, step_ms=slice_ms)
        self.engines.add(str(answer.meta.get("engine", "")))
        self.warnings.extend(answer.warnings)
        if answer.present.any():
            start_ms, end_ms = self._bounds_ms or (ends.start_ms, ends.end_ms)
            self._bounds_ms = min(start_ms, ends.start_ms), max(end_ms, ends.end_ms)
        return answer


def _events(plan: Plan, reader: CounterReader, query_reader: _Asker, found: Measured) -> pd.DataFrame:
    objective, indicator = plan.objective, plan.objective.indicator
    match indicator:
        case ThresholdIndicator(samples=True):
            counted = sampled_events(
                objective.id,
                reader.samples(plan.queries["query"]),
                plan.span.edges_ms(plan.slice_ms),
                op=indicator.op,
                threshold=float(indicator.value),
            )
        case ThresholdIndicator():
            answer = query_reader.answer(plan.queries["query"], plan.span, plan.slice_ms)
            return threshold_events(
                objective.id, answer, op=indicator.op, threshold=float(indicator.value), slice_ms=plan.slice_ms
            )
        case RawIndicator():
            answer = query_reader.answer(plan.queries["query"], plan.span, plan.slice_ms)
            counted = raw_events(objective.id, answer, kind=indicator.kind, slice_ms=plan.slice_ms)
        case RatioIndicator():
            counted = _counted(plan, reader, found) if plan.selectors else _evaluated(plan, query_reader)
        case _:
            raise QueryRejected(f"The indicator of {objective.id} is not read from samples.")
    if objective.id in found.ranges:
        low, high = (_in_slices(plan, part) for part in found.ranges[objective.id])
        found.ranges[objective.id] = low, high
    return _in_slices(plan, counted)


def _recorded(plan: Plan, records: RecordSources | None, found: Measured) -> pd.DataFrame:
    indicator = plan.objective.indicator
    assert isinstance(indicator, RecordsIndicator)
    if records is None:
        raise SourceUnavailable(f"Nothing here reads {indicator.kind}.", hint="Ask for this objective by itself.")
    counted = records.counts(indicator, plan.span, plan.slice_ms)
    found.queries += tuple(f"{part} {text}" for part, text in indicator_texts(indicator).items())
    found.warnings.extend(counted.warnings)
    if counted.newest_ms is not None:
        found.newest_ms = max(found.newest_ms or 0, counted.newest_ms)
    events = slice_events(
        plan.objective.id,
        plan.span.edges_ms(plan.slice_ms),
        good=counted.good,
        total=counted.total,
        covered=counted.covered,
    )
    return _in_slices(plan, events)


def _in_slices(plan: Plan, counted: pd.DataFrame) -> pd.DataFrame:
    objective = plan.objective
    if objective.method == "occurrences":
        return counted
    judged = objective.slice_target if objective.method == "timeslices" else None
    return timeslice_events(counted, slice_target=judged, slice_ms=plan.slice_ms)


def _counted(plan: Plan, reader: CounterReader, found: Measured) -> pd.DataFrame:
    parts = {part: reader.counts(text, plan.span, plan.slice_ms) for part, text in plan.selectors.items()}
    total = parts["total"]
    edges = plan.span.edges_ms(plan.slice_ms)

    def events(good: Floats) -> pd.DataFrame:
        return slice_events(plan.objective.id, edges, good=good, total=total.per_slice, covered=total.covered)

    if "bad" in parts:
        return events(total.per_slice - parts["bad"].per_slice)
    threshold = threshold_of(plan.selectors["good"])
    if threshold is not None and missing_bound(reader, plan.selectors["good"], plan.selectors["total"]):
        between = counted_to_threshold(reader, plan.selectors["good"], threshold, plan.span, plan.slice_ms)
        if between.bounds:
            found.warnings.extend(_told(plan.objective.id, threshold, between))
            if between.bounds != (threshold,):
                found.ranges[plan.objective.id] = events(between.low), events(between.high)
            return events(between.middle)
    if not parts["good"].series and total.series:
        raise EmptyAnswer(
            "The good selector matches no series while the total does, so every event would count as bad.",
            query=plan.selectors["good"],
            hint="Check its label values.",
        )
    return events(parts["good"].per_slice)


def _told(objective: str, threshold: float, between: ThresholdCounts) -> list[str]:
    told = []
    if between.bounds != (threshold,):
        bounds = ", ".join(f"{bound:g}" for bound in between.bounds)
        told.append(f"{objective}: {threshold:g} is no bound of its buckets ({bounds}); the SLI lies between two.")
    if between.layouts > 1:
        told.append(f"{objective}: its histograms have {between.layouts} different sets of bounds.")
    if between.repaired:
        told.append(f"{objective}: a bucket counted less than the one below it, and was raised to it.")
    return told


def _evaluated(plan: Plan, query_reader: _Asker) -> pd.DataFrame:
    answers = {part: query_reader.answer(text, plan.span, plan.slice_ms) for part, text in plan.queries.items()}
    sums = {part: _summed(plan.queries[part], answer, plan.slice_ms) for part, answer in answers.items()}
    total = sums["total"]
    good = total - sums["bad"] if "bad" in sums else sums["good"]
    return slice_events(
        plan.objective.id,
        plan.span.edges_ms(plan.slice_ms),
        good=good,
        total=total,
        covered=np.asarray(answers["total"].present.any(axis=0), np.float64),
    )


def _summed(query: str, answer: Metrics, slice_ms: int) -> Floats:
    """Events of each slice: a query of rates counts per second, one of increases per window."""
    values: Floats = np.where(answer.present & np.isfinite(answer.values), answer.values, 0.0).sum(axis=0)
    return values * events_factor(query, slice_ms)
