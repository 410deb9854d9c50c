"""Counters of one source, each selector read once and counted exactly per slice."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.analysis.counting.amounts import exact_amounts
from workbench.analysis.counting.births import Birth, begun_within, birth_notes, going_on, unseen_births
from workbench.analysis.counting.counts import Method
from workbench.analysis.counting.increase import Floats, Sightings, born_while_up, exact_increases
from workbench.analysis.counting.latency import merged_bounds
from workbench.analysis.counting.leaps import Leap, leap_notes, leaps_in, several_processes
from workbench.analysis.counting.overlaps import gauges_in, named_twice, overlap_note, sum_beside_parts
from workbench.analysis.counting.twice import Twice, one_counter, scraped_once, scraped_twice, twice_note
from workbench.core.counters.dips import Dip, Evidence, dip_notes, without_dips
from workbench.core.errors import EmptyAnswer, QueryRejected
from workbench.core.series import Labels, SeriesSet, label_key, target_of
from workbench.core.source import MetricSource
from workbench.core.timerange import TimeRange
from workbench.core.units import series_text
from workbench.promql import Selector, keep_series, parse, scoped
from workbench.studies.counting.evidence import read_evidence

#: How far before a period counters are read, to have a value to start from. [ms]
MARGIN_MS = 86_400_000

#: A job was watched in a slice that begins so long after its last sample. [ms]
_LOOKBACK_MS = 300_000


@dataclass(frozen=True)
class Counts:
    """What a selector counted: per slice, with the observed share of each slice and the number of series."""

    per_slice: Floats
    covered: Floats
    series: int


@dataclass(frozen=True)
class Used:
    """Selectors that were used, the newest sample of them [ms since the epoch], and what is to be known about them."""

    queries: tuple[str, ...]
    newest_ms: int | None
    warnings: tuple[str, ...]
    method: Method


class CounterReader:
    """Reads each counter once and serves every selector that asks for it, or for a part of it.

    Parameters
    ----------
    source : MetricSource
        Where metrics are read.
    scope : mapping of str to str
        Matchers of the system, for ``up``; the selectors carry them already.
    span : TimeRange
        Period of all questions; samples are read from one day before it.
    selectors : iterable of str
        Every selector that will be asked for. ``a{x="1"}`` is served from ``a`` when both are among them.
    """

    def __init__(
        self, source: MetricSource, scope: Mapping[str, str], span: TimeRange, selectors: Iterable[str]
    ) -> None:
        self._source, self._scope, self._span = source, scope, span
        self._read_span = TimeRange.from_ms(span.start_ms - MARGIN_MS, span.end_ms)
        self._selectors = {text: _selector(text) for text in selectors}
        self._raw: dict[str, SeriesSet] = {}
        self._counted: dict[tuple[str, int, int, int], tuple[Floats, Floats]] = {}
        self._sightings: dict[tuple[int, int, int], Sightings] = {}
        self._up: dict[str, SeriesSet] = {}
        self._newest: dict[str, int] = {}
        self._jobs: dict[tuple[str, int, int, int], tuple[str, ...]] = {}
        self._used: dict[str, None] = {}
        self._corrected: dict[str, tuple[SeriesSet, tuple[Dip, ...]]] = {}
        self._births: dict[str, tuple[Birth, ...]] = {}
        self._twice: dict[str, Twice | None] = {}
        self._repeats: dict[str, tuple[str, ...]] = {}
        self._leapt: dict[str, tuple[Leap, ...]] = {}
        self._evident: dict[str, Evidence | None] = {}
        self._turns: dict[str, list[Labels]] = {}
        self._gauges: dict[str, list[Labels]] = {}
        self._shared: set[tuple[str, str]] = set()
        self._refused: dict[str, str] = {}

    @property
    def newest_ms(self) -> int | None:
        """Newest sample of all that was read. [ms since the epoch]"""
        return max(self._newest.values(), default=None)

    @property
    def queries(self) -> tuple[str, ...]:
        """Selectors that were read, in order."""
        return (*self._raw, *map(self._up_query, self._up))

    def used(self) -> Used:
        """Say what was used since this was last asked.

        A selector read for one indicator and used by another counts for both.
        """
        queries, self._used = tuple(self._used), {}
        newest = [self._newest[query] for query in queries if query in self._newest]
        return Used(queries, max(newest, default=None), self._notes(queries), self._method(queries))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is wrong with the counters: corrected falls, counts left out, counts taken twice."""
        return (*dict.fromkeys(self._refused.values()), *self._notes(self._corrected))

    @property
    def method(self) -> Method:
        """``corrected`` where some counter fell and was no restart, or was scraped twice, else ``exact``."""
        return self._method(self._corrected)

    def _method(self, selectors: Collection[str]) -> Method:
        once = any(pair.once and pair.at_stake > 0 for text in selectors if (pair := self._twice.get(text)))
        return "corrected" if once or self._dips(selectors) else "exact"

    def _dips(self, selectors: Iterable[str]) -> list[Dip]:
        own = (dip for text in selectors if text in self._corrected for dip in self._corrected[text][1])
        dips = {(label_key(dip.labels), dip.time_ms): dip for dip in own if dip.time_ms > self._span.start_ms}
        return list(dips.values())

    def _notes(self, selectors: Iterable[str]) -> tuple[str, ...]:
        used = [text for text in selectors if text in self._corrected]
        births = {label_key(birth.labels): birth for text in used for birth in self._births.get(text, ())}
        repeats = dict.fromkeys(note for text in used for note in self._repeated(text))
        dips = dip_notes(self._dips(used), since_ms=self._span.start_ms)
        return (*dips, *birth_notes(list(births.values())), *repeats)

    def _repeated(self, selector: str) -> tuple[str, ...]:
        """Say what of a selector may be counted twice, or was never counted."""
        if selector not in self._repeats:
            series, pair = self._counters(selector), self._twice[selector]
            named = named_twice(series, lambda first, second: one_counter(series, first, second)) if not pair else None
            self._repeats[selector] = (
                *leap_notes(self._leaps(selector)),
                *([twice_note(pair)] if pair and pair.at_stake > 0 else []),
                *(overlap_note(each) for each in (named, sum_beside_parts(series)) if each),
            )
        return self._repeats[selector]

    def countable(self, selector: str) -> bool:
        """Whether the increases of a selector are events; if not, the warnings say why.

        Raises
        ------
        SourceError
            As the source raises it; no matching series is no error.
        """
        try:
            self.check_counters(selector)
        except QueryRejected as error:
            self._refused[selector] = f"Left out: {error.message} {error.hint}"
        return selector not in self._refused

    def check_counters(self, selector: str) -> None:
        """Refuse what only a gauge does, and the counts of several processes in one series.

        Raises
        ------
        QueryRejected
            A series falls in many of its changes, and not to where a counter starts again.
        """
        broad = self._broadest(selector)
        series = self._series(broad)
        if broad not in self._gauges:
            self._gauges[broad] = [series.labels[row] for row in gauges_in(series)]
        gauges, matchers = self._gauges[broad], self._selectors[selector].matchers
        for row in keep_series(matchers, gauges)[:1]:
            raise QueryRejected(
                f"{gauges[row].get('__name__', '')} falls as often as a gauge does, so its increases are no events.",
                query=selector,
                hint="Count a counter; for a gauge, use sum_over_time() or a threshold. "
                "If several processes answer at one address, scrape each under its own.",
            )
        self._shared |= {target_of(labels) for labels in self._in_turn(broad)}
        shared = [labels for labels in series.labels if target_of(labels) in self._shared]
        for row in keep_series(matchers, shared)[:1]:
            raise QueryRejected(
                f"{series_text(shared[row])} shows the counts of several processes in turn, so its increases are no "
                "events.",
                query=selector,
                hint="Scrape each process under its own address, or let the server add up its processes "
                "(Python: multiprocess mode of the Prometheus client).",
            )

    def _in_turn(self, selector: str) -> list[Labels]:
        """Series that show several processes in turn; start times are read only where a series looks so without."""
        if selector not in self._turns:
            series, rows = self._series(selector), several_processes(self._series(selector))
            if evidence := self._evidence(selector, needed=bool(rows)):
                rows = several_processes(series, evidence.starts)
            self._turns[selector] = [series.labels[row] for row in rows] or self._moving(selector)
        return self._turns[selector]

    def _moving(self, selector: str) -> list[Labels]:
        """Series that fell to another count and leapt back: an address that moves between processes."""
        leaps = self._leaps(selector)  # corrects the falls, which are told apart only then
        fallen = {label_key(dip.labels) for dip in self._dips([selector]) if dip.back_ms is None}
        return [leap.labels for leap in leaps if label_key(leap.labels) in fallen]

    def leapt(self, selector: str) -> float:
        """Return what leaps add to the count of a selector in the period. [count]

        Raises
        ------
        SourceError
            As the source raises it; no matching series is no error.
        """
        leaps = self._leaps(self._broadest(selector))
        rows = keep_series(self._selectors[selector].matchers, [leap.labels for leap in leaps])
        return float(sum(leaps[row].risen for row in rows.tolist()))

    def _leaps(self, selector: str) -> tuple[Leap, ...]:
        if selector not in self._leapt:
            self._leapt[selector] = leaps_in(self._counters(selector), since_ms=self._span.start_ms)
        return self._leapt[selector]

    def also(self, selector: str) -> None:
        """Let one more selector be asked for."""
        self._selectors.setdefault(selector, _selector(selector))

    def labels(self, selector: str) -> tuple[Labels, ...]:
        """Label sets of a selector in the period.

        Raises
        ------
        SourceError
            As the source raises it; no matching series is no error.
        """
        held = self._series(self._broadest(selector)).labels
        return tuple(held[row] for row in keep_series(self._selectors[selector].matchers, held))

    def samples(self, selector: str) -> SeriesSet:
        """Return the samples of a selector, from a day before the period on.

        Raises
        ------
        SourceError
            As the source raises it; no matching series is no error.
        """
        self.also(selector)
        return self._series(selector)

    def counts(self, selector: str, span: TimeRange, slice_ms: int) -> Counts:
        """Exact increases of a selector, summed over its series, per slice of the period.

        Raises
        ------
        SourceError
            As the source raises it; no matching series is no error but ``series == 0``.
        """
        broad = self._broadest(selector)
        series = self._series(broad)
        increases, covered = self._count(broad, span, slice_ms)
        rows = keep_series(self._selectors[selector].matchers, series.labels)
        return Counts(increases[rows].sum(axis=0), covered, len(rows))

    def labelled(self, selector: str, span: TimeRange, slice_ms: int) -> tuple[tuple[Labels, ...], Floats]:
        """Label sets of a selector and their exact increases per slice, ``(n_series, n_slices)``.

        Raises
        ------
        SourceError
            As the source raises it; no matching series is no error.
        """
        broad = self._broadest(selector)
        increases, _ = self._count(broad, span, slice_ms)
        labels = self._series(broad).labels
        rows = keep_series(self._selectors[selector].matchers, labels)
        return tuple(labels[row] for row in rows), increases[rows]

    def amounts(self, selector: str, edges: Sequence[int]) -> tuple[SeriesSet, pa.ChunkedArray]:
        """Return samples of a selector and its exact increases as decimals, all slices of one series after another.

        Raises
        ------
        SourceError
            As the source raises it; no matching series is no error.
        """
        broadest = self._broadest(selector)
        broad = self._counters(broadest)
        wanted = set(keep_series(self._selectors[selector].matchers, broad.labels).tolist())
        late = self._late_jobs(broad, self._span)
        series = broad if len(wanted) == len(broad) else SeriesSet.of(x for i, x in enumerate(broad) if i in wanted)
        return series, exact_amounts(series, edges, self._born(broadest, series, late, self._span.start_ms))

    def watched(self, part: str, whole: str, span: TimeRange, slice_ms: int) -> NDArray[np.bool_]:
        """Whether each slice was watched by the jobs that count a part, where other jobs count the whole.

        A series of the part may be absent because nothing failed, so ``up`` of its jobs tells too. Without ``up`` a
        slice is unwatched only after the last sample.

        Raises
        ------
        SourceError
            As the source raises it; no matching series is no error.
        """
        edges = np.asarray(span.edges_ms(slice_ms), np.int64)
        jobs, others = ({labels.get("job", "") for labels in self.labels(text)} for text in (part, whole))
        if not jobs or jobs & others or "" in jobs:
            return np.ones(len(edges) - 1, np.bool_)
        for job in sorted(jobs - self._up.keys()):
            self._up[job] = self._read(self._up_query(job))
        self._used |= dict.fromkeys(map(self._up_query, sorted(jobs)))
        up = [times[values == 1.0] for job in sorted(jobs) for _, times, values in self._up[job]]
        own = [times[np.isfinite(values)] for _, times, values in self._series(part)]
        seen = np.sort(np.concatenate([*up, *own]))
        after = np.searchsorted(seen, edges[1:], side="right") > np.searchsorted(seen, edges[:-1] - _LOOKBACK_MS)
        return after if up else after | (edges[:-1] < seen[-1:].max(initial=0))

    def has(self, selector: str) -> bool:
        """Whether a selector matches any series of the period."""
        return len(self.labels(selector)) > 0

    def _broadest(self, selector: str) -> str:
        wanted = self._selectors[selector]
        held = set(wanted.all_matchers)
        wider = [text for text, other in self._selectors.items() if set(other.all_matchers) <= held and other.name]
        return min(wider, key=lambda text: len(self._selectors[text].matchers), default=selector)

    def _series(self, selector: str) -> SeriesSet:
        if selector not in self._raw:
            self._raw[selector] = self._read(selector)
        self._used[selector] = None
        return self._raw[selector]

    def _counters(self, selector: str) -> SeriesSet:
        """Return the samples of a selector, each counter once, corrected so that its only falls are restarts."""
        if selector not in self._corrected:
            series, evidence = self._series(selector), self._evidence(selector)
            pair = self._twice[selector] = scraped_twice(series, since_ms=self._span.start_ms)
            series = scraped_once(series, pair) if pair and pair.once else series
            self._corrected[selector] = without_dips(series, evidence) if evidence else (series, ())
        return self._corrected[selector][0]

    def _evidence(self, selector: str, *, needed: bool = False) -> Evidence | None:
        if self._evident.get(selector) is None and (needed or selector not in self._evident):
            self._evident[selector] = read_evidence(
                self._source, self._scope, self._series(selector), self._read_span, needed=needed
            )
        return self._evident[selector]

    def _read(self, selector: str) -> SeriesSet:
        try:
            series = merged_bounds(self._source.raw(selector, self._read_span.left_open()))
        except EmptyAnswer:
            series = SeriesSet.empty()
        if series.samples:
            self._newest[selector] = series.newest_ms
        return series

    def _up_query(self, job: str) -> str:
        return scoped("up", {**self._scope, "job": job})

    def _count(self, selector: str, span: TimeRange, slice_ms: int) -> tuple[Floats, Floats]:
        key = (selector, span.start_ms, span.end_ms, slice_ms)
        if key not in self._counted:
            series, edges = self._counters(selector), span.edges_ms(slice_ms)
            self._jobs[key] = self._late_jobs(series, span)
            increases = exact_increases(series, edges, self._born(selector, series, self._jobs[key], span.start_ms))
            self._counted[key] = increases, self._sightings.setdefault(key[1:], Sightings(edges)).share(series)
        self._used |= dict.fromkeys([selector, *map(self._up_query, self._jobs[key])])
        return self._counted[key]

    def _late_jobs(self, series: SeriesSet, span: TimeRange) -> tuple[str, ...]:
        """Jobs with births within the period; earlier ones change no slice of it, so ``up`` is read only for these."""
        late = (labels for labels, times, _ in series if len(times) and times[0] > span.start_ms)
        return tuple(sorted({labels.get("job", "") for labels in late} - {""}))

    def _born(self, selector: str, series: SeriesSet, jobs: Sequence[str], since_ms: int) -> NDArray[np.bool_]:
        """Whether each series counted its first value within the period; those of which nobody knows are taken down."""
        born = np.zeros(len(series), np.bool_)
        for job in jobs:
            if job not in self._up:
                self._up[job] = self._read(self._up_query(job))
            born |= born_while_up(series, self._up[job])
        goes_on, too_high = going_on(series, born)
        births = unseen_births(series, born & ~too_high, since_ms=since_ms)
        if births and (evidence := self._evidence(selector, needed=True)):
            born |= begun_within(series, evidence.starts, since_ms=since_ms)
        if selector not in self._births:
            self._births[selector] = unseen_births(series, born & ~too_high, since_ms=self._span.start_ms)
        return born & ~(goes_on | too_high)


def _selector(text: str) -> Selector:
    node = parse(text)
    if not isinstance(node, Selector):
        raise TypeError(f"{text!r} is no selector")
    return node
