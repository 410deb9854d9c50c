"""The archive as a source of metrics: the engine evaluates in process over its samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import pandas as pd

import workbench
from workbench.archive.archive import Archive
from workbench.archive.storage.document import RAW_DELETED_BEFORE
from workbench.archive.storage.layout import LOGS, SPANS, Layout
from workbench.archive.tiers.long_history import standing_in
from workbench.archive.tiers.query import on_slices
from workbench.archive.tiers.store import TierStore
from workbench.archive.tiers.verdicts import RAW, TIERS, Tier, answering_tier
from workbench.core.counting import counted_lines
from workbench.core.errors import (
    ArchiveError,
    ParameterError,
    QueryRejected,
    QueryTooExpensive,
    SourceError,
    SourceUnavailable,
)
from workbench.core.filters import LogFilter, SpanFilter
from workbench.core.series import Labels, Metrics, SeriesSet, label_key
from workbench.core.settings import Limits
from workbench.core.source import QueryCost, SourceState
from workbench.core.timerange import DAY_MS, TimeRange, from_ms, to_ms
from workbench.promql import (
    EvaluationLimits,
    Node,
    SampleStore,
    Selector,
    evaluate_instant,
    evaluate_range,
    parse,
    print_query,
)
from workbench.promql.engine.evaluate import LOOKBACK_MS
from workbench.promql.engine.evaluation import Known
from workbench.promql.parser.nodes import At, Subquery, bare, children

_ENGINE = f"workbench {workbench.__version__}"


@dataclass(frozen=True)
class _Evaluation:
    """A query as it is evaluated: its text, over which samples, of which tier."""

    text: str
    store: SampleStore
    tier: Tier
    semantics: Literal["v2", "v3"]
    lookback_ms: int
    known: Known | None = None


class ArchiveSource:
    """A source of metrics, logs, spans and episodes (:mod:`workbench.core.source`) over an archive.

    Parameters
    ----------
    name : str
        Name in the settings.
    archive : Archive
        The archive to read or to write.
    semantics : str
        ``v3`` (left-open ranges, Prometheus 3) or ``v2`` (closed).
    limits : Limits
        What one query may read and take.
    """

    kind = "archive"

    def __init__(self, name: str, archive: Archive, semantics: str = "v3", limits: Limits | None = None) -> None:
        if semantics not in ("v2", "v3"):
            raise ParameterError(f"{semantics!r} is not a range semantics.", hint="Use v3 (left-open) or v2 (closed).")
        self._name = name
        self._semantics: Literal["v2", "v3"] = "v2" if semantics == "v2" else "v3"
        self._limits = limits or Limits()
        self.archive = archive

    @property
    def name(self) -> str:
        """Name in the settings."""
        return self._name

    @property
    def semantics(self) -> str:
        """``v2`` or ``v3``, recorded with every result."""
        return self._semantics

    @property
    def location(self) -> str:
        """Folder or URL of the archive."""
        return str(self.archive.place)

    def one_look(self) -> AbstractContextManager[None]:
        """Answer what this thread asks inside from one state of the archive (:meth:`Archive.one_look`)."""
        return self.archive.one_look()

    def range(self, query: str, span: TimeRange, *, step_ms: int) -> Metrics:
        """Evaluate at ``start, start + step, ...`` up to and including the end.

        Raises
        ------
        QueryRejected
            The query is wrong, or no tier may answer it.
        QueryTooExpensive
            It would read more than the limits allow, or did.
        SourceUnavailable
            The archive cannot be read.
        """
        with self._answering(query):
            evaluation = self._evaluation_for(query, span.start_ms, span.end_ms)
            answer = evaluate_range(
                evaluation.text,
                evaluation.store,
                start_ms=span.start_ms,
                end_ms=span.end_ms,
                step_ms=step_ms,
                semantics=evaluation.semantics,
                lookback_ms=evaluation.lookback_ms,
                limits=self._evaluation_limits(),
                known=evaluation.known,
            )
            return self._labelled(answer, query, evaluation, span)

    def instant(self, query: str, at: datetime) -> Metrics:
        """Evaluate once; the matrix has one step. Raises as :meth:`range`."""
        with self._answering(query):
            moment = to_ms(at)
            evaluation = self._evaluation_for(query, moment, moment)
            answer = evaluate_instant(
                evaluation.text,
                evaluation.store,
                time_ms=moment,
                semantics=evaluation.semantics,
                lookback_ms=evaluation.lookback_ms,
                limits=self._evaluation_limits(),
                known=evaluation.known,
            )
            return self._labelled(answer, query, evaluation, TimeRange(at, at))

    def raw(self, selector: str, span: TimeRange) -> SeriesSet:
        """Read the samples of a plain selector in ``(start, end]``, as they were scraped; without stale marks.

        Where the samples were deleted, each slice gives one: a total without resets, so that increases stay exact.
        """
        with self._answering(selector):
            plain = plain_selector(selector)
            self._affordable(plain, span.start_ms, span.end_ms)
            return self.archive.history(plain.all_matchers, span.start_ms, span.last_ms)

    def tier_at(self, start_ms: int) -> Tier:
        """Return the coarsest tier that :meth:`raw` reads from an instant on. [ms since the epoch]"""
        with self._answering(""):
            gone_ms = int(self.archive.meta.get(RAW_DELETED_BEFORE, 0))
            return standing_in(self.archive, start_ms) if start_ms < gone_ms else RAW

    def series(self, matchers: Sequence[str], span: TimeRange) -> tuple[Labels, ...]:
        """Label sets that have samples in the range and fulfil one of the selectors, each once."""
        labels_by_key: dict[object, Labels] = {}
        for selector in matchers:
            with self._answering(selector):
                plain = plain_selector(selector)
                for labels in self.archive.series(plain.all_matchers, span.start_ms, span.last_ms):
                    labels_by_key.setdefault(label_key(labels), labels)
        return tuple(labels_by_key.values())

    def label_values(self, label: str, span: TimeRange) -> tuple[str, ...]:
        """Values of one label among the series with samples in the range, sorted."""
        with self._answering(""):
            known = self.archive.series((), span.start_ms, span.last_ms)
        return tuple(sorted({labels[label] for labels in known if labels.get(label)}))

    def metadata(self) -> Mapping[str, Mapping[str, str]]:
        """``metric family -> {type, help, unit}``, as it was archived with the samples."""
        with self._answering(""):
            return dict(sorted(self.archive.families.items()))

    def cost(self, query: str, span: TimeRange, *, step_ms: int) -> QueryCost:
        """Say what :meth:`range` would read, from the series table and the statistics of the files."""
        with self._answering(query):
            series, samples = self._reads(parse(query), span.start_ms, span.end_ms)
        steps = (span.end_ms - span.start_ms) // step_ms + 1
        text = f"{series:,} series, about {samples:,} samples read from the archive for {steps:,} steps"
        return QueryCost(series, steps, samples, 0, text)

    def logs(self, wanted: LogFilter, span: TimeRange) -> Iterator[pd.DataFrame]:
        """Give the lines of ``[start, end)`` that pass, oldest first, a day a piece: LOGS."""
        for day in self._days(LOGS, span):
            with self._answering(""):
                piece = self.archive.logs(wanted, day)
            yield piece

    def log_counts(self, wanted: LogFilter, span: TimeRange, *, step_ms: int, by: Sequence[str] = ()) -> pd.DataFrame:
        """Count lines a step: :func:`workbench.core.counting.counted_lines`."""
        return counted_lines(self.logs(wanted, span), span, step_ms=step_ms, by=by)

    def spans(self, wanted: SpanFilter, span: TimeRange) -> Iterator[pd.DataFrame]:
        """Give the spans that start in ``[start, end)`` and pass, oldest first, a day a piece: SPANS."""
        for day in self._days(SPANS, span):
            with self._answering(""):
                piece = self.archive.spans(wanted, day)
            yield piece

    def episodes(self, span: TimeRange) -> pd.DataFrame:
        """Give the episodes that overlap ``[start, end)``: EPISODES, by start."""
        with self._answering(""):
            return self.archive.episodes(span)

    def _days(self, layout: Layout, span: TimeRange) -> Iterator[TimeRange]:
        """Cut a range at midnight UTC, without the days that no file holds."""
        with self._answering(""):
            held = self.archive.files(layout)
        start_ms = max(
            span.start_ms, min((file.low[layout.time] // layout.per_ms for file in held), default=span.end_ms)
        )
        until_ms = min(span.end_ms, max((file.high[layout.time] // layout.per_ms + 1 for file in held), default=0))
        while start_ms < until_ms:
            end_ms = min(until_ms, (start_ms // DAY_MS + 1) * DAY_MS)
            low, high = start_ms * layout.per_ms, end_ms * layout.per_ms
            if any(file.low[layout.time] < high and file.high[layout.time] >= low for file in held):
                yield TimeRange.from_ms(start_ms, end_ms)
            start_ms = end_ms

    def state(self) -> SourceState:
        """Say whether the archive can be read and how new it is; never raises."""
        status, newest, detail = "unavailable", None, ""
        try:
            held = self.archive.newest_ms()
            newest = None if held is None else from_ms(held)
            status = "no_data" if held is None else "ok"
            detail = "" if held is not None else "The archive is empty. Build the demo, or append samples to it."
        except Exception as error:
            detail = str(error) or type(error).__name__
        return SourceState(self._name, self.kind, self.location, status, _ENGINE, self._semantics, newest, detail)

    def _labelled(self, answer: Metrics, query: str, evaluation: _Evaluation, span: TimeRange) -> Metrics:
        facts = {
            "query": query,
            "source": self._name,
            "engine": _ENGINE,
            "semantics": evaluation.semantics,
            "range": span,
        }
        return replace(answer, meta={**answer.meta, **facts, "tier": evaluation.tier.name})

    def _evaluation_for(self, query: str, start_ms: int, end_ms: int) -> _Evaluation:
        """Choose the finest tier that reaches back far enough, and write the query for it."""
        node = parse(query)
        tier = answering_tier(node, self._reaching(node, start_ms, end_ms))
        if tier == RAW:
            self._affordable(node, start_ms, end_ms)
            return _Evaluation(query, self.archive, tier, self._semantics, LOOKBACK_MS, self.archive.looks.known())
        lookback_ms = max(LOOKBACK_MS, tier.resolution_ms)
        return _Evaluation(print_query(on_slices(node)), TierStore(self.archive, tier), tier, "v3", lookback_ms)

    def _reaching(self, node: Node, start_ms: int, end_ms: int) -> tuple[Tier, ...]:
        """Tiers that hold the first instant a query reads; those that reach back furthest where none does."""
        windows = list(_windows(node, start_ms, end_ms, start_ms, end_ms))
        first = min((low for _, low, _ in windows), default=start_ms)
        oldest = {tier: self.archive.oldest_of(tier) for tier in TIERS}
        held = {tier: ms for tier, ms in oldest.items() if ms is not None}
        if not held or RAW_DELETED_BEFORE not in self.archive.meta:
            return (RAW,)
        furthest = max(first, min(held.values()))
        tiers = tuple(tier for tier, ms in held.items() if ms <= furthest + tier.resolution_ms) or (RAW,)
        return tiers if RAW in tiers else self._native_or(tiers, [each for each, _, _ in windows])

    def _native_or(self, tiers: tuple[Tier, ...], selectors: Sequence[Selector]) -> tuple[Tier, ...]:
        """Native histograms are kept as they were scraped while floats live on in slices; a query is of one kind."""
        kinds = {self.archive.native_only(each.all_matchers) for each in selectors}
        if kinds == {True}:
            return (RAW,)
        if kinds <= {False}:
            return tiers
        raise QueryRejected(
            "It asks for native histograms and for floats whose samples were deleted.",
            hint="Ask for each by itself, or for a range whose raw samples are still kept.",
        )

    def _evaluation_limits(self) -> EvaluationLimits:
        return EvaluationLimits(
            max_samples=self._limits.samples, max_series=self._limits.series, max_seconds=self._limits.seconds
        )

    def _affordable(self, node: Node, start_ms: int, end_ms: int) -> None:
        """Refuse a query before anything is read when it would read too much."""
        series, samples = self._reads(node, start_ms, end_ms)
        for count, limit, unit in (
            (series, self._limits.series, "series"),
            (samples, self._limits.samples, "samples"),
        ):
            if count > limit:
                raise QueryTooExpensive(
                    f"It would read about {count:,} {unit}; the limit is {limit:,}.",
                    hint=f"Match fewer series, ask for a shorter range, or raise limits.{unit} in the settings.",
                )

    def _reads(self, node: Node, start_ms: int, end_ms: int) -> tuple[int, int]:
        wanted = {
            (selector.all_matchers, first, last)
            for selector, first, last in _windows(node, start_ms, end_ms, start_ms, end_ms)
        }
        counts = [self.archive.estimate(*each) for each in wanted]
        return sum(series for series, _ in counts), sum(samples for _, samples in counts)

    @contextmanager
    def _answering(self, query: str) -> Iterator[None]:
        """Name source and query in every error, and make an unreadable archive an unavailable source."""
        try:
            yield
        except SourceError as error:
            error.source = error.source or self._name
            error.query = error.query or query
            raise
        except ArchiveError as error:
            raise SourceUnavailable(error.message, source=self._name, query=query, hint=error.hint) from error


def plain_selector(text: str) -> Selector:
    """Read a selector without function, range or offset, or raise :class:`QueryRejected`."""
    node = bare(parse(text))
    if isinstance(node, Selector) and node.range_ms is None and not node.offset_ms and node.at is None:
        return node
    raise QueryRejected(
        "Only a plain selector has raw samples.",
        query=text,
        hint='Leave functions, ranges and offsets out: up{job="a"}.',
    )


def _windows(
    node: Node, start_ms: int, end_ms: int, query_start_ms: int, query_end_ms: int
) -> Iterator[tuple[Selector, int, int]]:
    """Each selector of a query with the first and last instant it reads."""
    if isinstance(node, Selector | Subquery):
        start_ms, end_ms = _pinned(node.at, start_ms, end_ms, query_start_ms, query_end_ms)
        back = node.range_ms if node.range_ms is not None else LOOKBACK_MS
        start_ms, end_ms = start_ms - node.offset_ms - back, end_ms - node.offset_ms
    if isinstance(node, Selector):
        yield node, start_ms, end_ms
    for child in children(node):
        yield from _windows(child, start_ms, end_ms, query_start_ms, query_end_ms)


def _pinned(at: At | None, start_ms: int, end_ms: int, query_start_ms: int, query_end_ms: int) -> tuple[int, int]:
    if at is None:
        return start_ms, end_ms
    moment = {"time": at.ms, "start": query_start_ms, "end": query_end_ms}[at.kind]
    return moment, moment
