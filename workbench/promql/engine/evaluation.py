"""The state of one evaluation: steps, samples, limits and annotations."""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from workbench.core.errors import QueryRejected, QueryTooExpensive
from workbench.core.histograms import is_mark, marked_rows, marks
from workbench.core.series import STALE_BITS, SeriesSet
from workbench.promql.engine.store import EvaluationLimits, SampleStore
from workbench.promql.engine.values import Ints, Vector, go_float
from workbench.promql.engine.windows import Matrix, sliding
from workbench.promql.native.operations import Pool
from workbench.promql.native.statistics import text
from workbench.promql.parser.lexer import place, rejected
from workbench.promql.parser.matchers import Matcher
from workbench.promql.parser.nodes import At, Node, Selector, opening

#: What parts of queries gave over one state of the samples, and how many they took.
Known = dict[Hashable, tuple[Vector, int]]


@dataclass
class Ledger:
    """What an evaluation has used and said so far; shared by all its parts."""

    limits: EvaluationLimits
    started: float = field(default_factory=time.monotonic)
    samples: int = 0
    warnings: dict[str, None] = field(default_factory=dict)
    infos: dict[str, None] = field(default_factory=dict)
    selected: dict[tuple[object, ...], SeriesSet] = field(default_factory=dict)
    pool: Pool = field(default_factory=Pool)
    #: Vectors that other queries over the same samples gave, each with the samples it took.
    known: Known | None = None


@dataclass(frozen=True)
class Evaluation:
    """Steps at which an expression is evaluated, and everything it needs for that.

    Attributes
    ----------
    query : str
        Text of the whole query, for messages.
    store : SampleStore
    times : int64 array, (n_steps,)
        Evaluation times of this part; a subquery has its own. [ms]
    start_ms, end_ms : int
        What ``@ start()`` and ``@ end()`` mean. [ms]
    lookback_ms : int
        How old a sample may be to count as current. [ms]
    v2 : bool
        Closed ranges and the extrapolation of Prometheus 2.
    experimental : bool
        Whether functions behind Prometheus' feature flag are evaluated.
    subquery_step_ms : int
        Resolution of subqueries that give none. [ms]
    ledger : Ledger
    """

    query: str
    store: SampleStore
    times: Ints
    start_ms: int
    end_ms: int
    lookback_ms: int
    v2: bool
    experimental: bool
    subquery_step_ms: int
    ledger: Ledger

    @property
    def pool(self) -> Pool:
        """Native histograms that marks among the values stand for."""
        return self.ledger.pool

    @property
    def native(self) -> bool:
        """Whether any histogram has been read; where none has, values are floats and nothing need be told apart."""
        return self.ledger.pool.size > 0

    @property
    def steps(self) -> int:
        """Number of steps. [count]"""
        return len(self.times)

    def over(self, times: Ints) -> Evaluation:
        """Return the same evaluation at other times."""
        return replace(self, times=times)

    def reject(self, message: str, node: Node, hint: str = "") -> QueryRejected:
        """Build the error for a part of the query that cannot be evaluated."""
        return rejected(message, self.query, node.position, hint=hint)

    def warn(self, text: str, node: Node) -> None:
        """Record a warning with its place, as Prometheus words it."""
        self.ledger.warnings[self._placed(f"PromQL warning: {text}", node)] = None

    def inform(self, text: str, node: Node) -> None:
        """Record an info with its place."""
        self.ledger.infos[self._placed(f"PromQL info: {text}", node)] = None

    def _placed(self, text: str, node: Node) -> str:
        line, column = place(self.query, opening(node))
        return f"{text} ({line}:{column})"

    def check(self) -> None:
        """Stop when the time is up."""
        seconds = time.monotonic() - self.ledger.started
        if seconds > self.ledger.limits.max_seconds:
            raise QueryTooExpensive(
                f"The query ran for more than max_seconds = {self.ledger.limits.max_seconds:g} s.",
                query=self.query,
                hint="Ask for a shorter range or a longer step, or raise the limit.",
            )
        self.charge(0, 0)

    def written(self, value: float) -> str:
        """Text of a point for a label: a number, or a histogram with its buckets."""
        point = np.array([value])
        return text(self.pool.block.at(int(marked_rows(point)[0]))) if is_mark(point)[0] else go_float(value)

    def charge(self, samples: int, series: int) -> None:
        """Count samples read or points computed against the limits."""
        limits = self.ledger.limits
        self.ledger.samples += samples
        if self.ledger.samples + self.pool.buckets > limits.max_samples:
            raise QueryTooExpensive(
                f"The query needs more than max_samples = {limits.max_samples:,} samples.",
                query=self.query,
                hint="Match fewer series, ask for a shorter range or a longer step, or raise the limit.",
            )
        if series > limits.max_series:
            raise QueryTooExpensive(
                f"The query touches {series:,} series, more than max_series = {limits.max_series:,}.",
                query=self.query,
                hint="Add label matchers, or aggregate in a recording rule.",
            )

    def ends(self, offset_ms: int, at: At | None) -> Ints:
        """Return the reference time of each step under ``offset`` and ``@``. [ms]"""
        if at is None:
            return self.times - offset_ms
        fixed = {"time": at.ms, "start": self.start_ms, "end": self.end_ms}[at.kind]
        return np.full(self.steps, fixed - offset_ms, np.int64)

    def samples(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, marks: bool = True) -> SeriesSet:
        """Read samples from the store, each selection once a query."""
        key = (tuple(matchers), start_ms, end_ms, marks)
        series = self.ledger.selected.get(key)
        if series is None:
            series = self.store.select(matchers, start_ms, end_ms, marks=marks)
            self.charge(series.samples, len(series))
            series = self._pooled(series)
            self.ledger.selected[key] = series
        return series

    def _pooled(self, series: SeriesSet) -> SeriesSet:
        """Take the histograms of a selection into the pool; its marks then stand for rows there."""
        if series.histograms is None:
            return series
        native = is_mark(series.values)
        values = series.values.copy()
        # A NaN that only looks like a mark is a NaN.
        odd = native & (marked_rows(values) >= len(series.histograms))
        values[odd], native[odd] = np.nan, False
        block = series.histograms.take(marked_rows(values[native]))
        values[native] = marks(self.pool.add(block) + np.arange(len(block)))
        return SeriesSet(series.labels, series.offsets, series.times, values)

    def matrix(self, node: Selector) -> Matrix:
        """Range selector: the samples under the window of each step."""
        range_ms = node.range_ms or 0
        ends = self.ends(node.offset_ms, node.at)
        start = int(ends[0]) - range_ms + (not self.v2)
        samples = self.samples(node.all_matchers, start, int(ends[-1]), marks=False)
        return sliding(samples, range_ms=range_ms, ends=ends, evaluated=self.times, closed=self.v2)

    def vector(self, node: Selector, *, sample_times: bool = False) -> Vector:
        """Instant selector: the newest sample of each series that is not older than the lookback nor a stale mark.

        With ``sample_times`` the values are the times of the samples. [s]
        """
        ends = self.ends(node.offset_ms, node.at)
        start = int(ends[0]) - self.lookback_ms + (not self.v2)
        samples = self.samples(node.all_matchers, start, int(ends[-1]))
        newest = sliding(samples, range_ms=self.lookback_ms, ends=ends, evaluated=self.times, closed=self.v2)
        bits = samples.values.view(np.int64)
        shape = (len(samples), self.steps)
        values, present = np.zeros(shape), np.zeros(shape, np.bool_)
        for rows, windows in newest.blocks():
            if not samples.samples:
                break
            last = windows.last
            present[rows] = (windows.count > 0) & (bits[last] != STALE_BITS)
            values[rows] = samples.times[last] / 1000.0 if sample_times else samples.values[last]
        self.charge(values.size, len(samples))
        return Vector(samples.labels, values, present).seen()
