"""Tempo as a source of spans: TraceQL finds traces, each is then fetched by its id and filtered here.

What its search does not say, this module does not believe: an answer may stop at ``limit`` (no cursor), drops leading
zeros of ids, and knows whole seconds only [1]_.

References
----------
.. [1] Grafana Tempo, HTTP API and TraceQL metrics, versions 2.4 to 3.0; recorded answers in tests/query/captures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from workbench.core.errors import QueryRejected, QueryTooExpensive, WorkbenchError
from workbench.core.filters import SpanFilter
from workbench.core.series import Metrics
from workbench.core.source import SourceState
from workbench.core.timerange import TimeRange, from_ms, to_ms
from workbench.query.http.client import BackendClient, in_parallel
from workbench.query.http.failures import clean
from workbench.query.http.shapes import typed_answers
from workbench.query.traces.filter import checked, passing, traceql
from workbench.query.traces.server import TraceServer
from workbench.query.traces.spans import PIECE, Gathered, Span, plain_id
from workbench.query.traces.tempo_metrics import matrix_of
from workbench.query.traces.tempo_trace import Hit, TraceReader

#: Longest search and metrics query of the defaults. [s]
SEARCH_S, METRICS_S = 168 * 3600, 24 * 3600

#: Traces asked for at a time; a fuller window is halved. [count]
LIMIT = 1_000

#: Between this age and the flush of their block, spans are in no search of the defaults.
RECENT, FLUSHED = timedelta(minutes=15), timedelta(hours=1)

#: What a search says in place of the service of a root span that did not come.
_NO_ROOT = "<root span not yet received>"

_TOO_MANY = re.compile(r"limit \d+ exceeds max limit (\d+)")

_BATCH = 64

#: From this many traces on it pays to ask which of them the live stores hold. [count]
_MANY = 32


@typed_answers("Tempo")
class TempoSource(TraceServer):
    """A :class:`workbench.core.source.SpanSource` over the HTTP API of Tempo; a tenant is the header ``X-Scope-OrgID``.

    Its parameters are those of :class:`~workbench.query.traces.server.TraceServer`.
    """

    kind, api = "tempo", "Tempo"

    def __init__(self, name: str, web: BackendClient, **more: Any) -> None:
        super().__init__(name, web, **more)
        #: Traces asked for at a time: fewer where the server says so. [count]
        self._limit = LIMIT
        self._reader = TraceReader(web)

    def spans(self, wanted: SpanFilter, span: TimeRange) -> Iterator[pd.DataFrame]:
        """Give the spans that start in ``[start, end)`` and match, each once, as pieces of SPANS.

        Raises
        ------
        ParameterError
            The filter cannot be.
        SourceError
            ``QueryTooExpensive`` when one second holds more traces than the server lists.
        """
        checked(wanted)
        gathered = Gathered()
        now = self._clock()
        if span.start < now - RECENT and span.end > now - FLUSHED:
            gathered.warnings[
                "Tempo leaves spans out of search from 15 minutes after they came until their block is flushed"
            ] += 1
        rows: list[Span] = []
        whole = partial(self._reader.whole, sampling=self._sampling)
        for batch in _batches(self._matching_ids(wanted, span)):
            for (spans, cut), hit in zip(in_parallel(whole, batch), batch, strict=True):
                if not spans:
                    gathered.warnings["traces were found and then not given"] += 1
                    continue
                if len(spans) < hit.matched:
                    gathered.differences["traces are given with fewer spans than search finds in them"] += 1
                rows += gathered.trace(spans, cut=bool(cut))
                if cut:
                    gathered.warnings[f"Tempo gives a part of a trace only: {cut}"] += 1
            if len(rows) >= PIECE:
                yield passing(gathered.table(rows), wanted, span)
                rows = []
        yield passing(gathered.table(rows), wanted, span)

    def trace(self, trace_id: str) -> pd.DataFrame:
        """Return all spans of one trace; empty when the server has none."""
        gathered = Gathered()
        trace, cut = self._reader.trace(plain_id(trace_id, 32), self._sampling)
        return gathered.table(gathered.trace(trace, cut=bool(cut)))

    def metrics(self, query: str, span: TimeRange, *, step_ms: int) -> Metrics:
        """Evaluate a TraceQL metrics query at multiples of the step in ``[start, end)``, a day at a time.

        Raises
        ------
        QueryRejected
            Not a metrics query; a search would be answered with traces.
        """
        pieces = []
        warnings: dict[str, None] = {}
        for part in _cut(span, METRICS_S):
            fields = [("q", query), ("step", f"{step_ms}ms"), *_seconds(part)]
            answer = self.web.document("/api/metrics/query_range", fields, query=query)
            pieces.append(answer.get("series") or [])
            if answer.get("status") == "PARTIAL":
                why = clean(str(answer.get("message") or "no reason given"))
                warnings[f"Tempo gives a part of the series only: {why}."] = None
        meta = {
            "query": query,
            "source": self._name,
            "engine": "Tempo",
            "semantics": "",
            "range": span,
            "warnings": tuple(warnings),
        }
        return matrix_of(query, pieces, span, step_ms, meta)

    def search(self, query: str, span: TimeRange, *, limit: int) -> list[dict[str, Any]]:
        """Return the traces that a TraceQL search finds in ``[start, end)``, as the server lists them, newest first.

        Parameters
        ----------
        query : str
            TraceQL, e.g. ``{ status = error }``.
        span : TimeRange
            At most the 168 hours of the server's defaults.
        limit : int
            Traces to return. [count]

        Returns
        -------
        list of dict
            ``trace_id``, ``service`` and ``operation`` of the root span (empty where it is not known), ``start``
            (aware UTC), ``duration_ms``.

        Raises
        ------
        SourceError
            As the server answers; ``QueryTooExpensive`` for a longer range.
        """
        if span.seconds > SEARCH_S:
            raise QueryTooExpensive(
                f"A search of Tempo spans at most {SEARCH_S // 3600} hours, this one {span.seconds / 3600:,.0f}.",
                source=self._name,
                query=query,
                hint="Choose a shorter period.",
            )
        fields = [("q", query), ("limit", str(limit)), *_seconds(span)]
        traces = self.web.document("/api/search", fields, query=query).get("traces") or []
        rows: list[dict[str, Any]] = [
            {
                "trace_id": plain_id(str(each.get("traceID") or ""), 32),
                "service": str(each.get("rootServiceName") or "").removeprefix(_NO_ROOT),
                "operation": str(each.get("rootTraceName") or ""),
                "start": from_ms(int(each.get("startTimeUnixNano") or 0) // 1_000_000),
                "duration_ms": float(each.get("durationMs") or 0.0),
            }
            for each in traces
        ]
        return sorted(rows, key=lambda row: row["start"], reverse=True)[:limit]

    def attribute_values(self, attribute: str, span: TimeRange) -> tuple[str, ...]:
        """Values of an attribute in TraceQL's words, e.g. ``resource.service.name``, sorted."""
        path = f"/api/v2/search/tag/{attribute}/values"
        values: set[str] = set()
        for part in _cut(span, SEARCH_S):
            tags = self.web.document(path, _seconds(part), query=attribute).get("tagValues") or []
            values |= {str(tag.get("value")) for tag in tags}
        return tuple(sorted(values))

    def state(self) -> SourceState:
        """Say whether the source answers, and how new its spans are; never raises."""
        status, engine, detail, code, newest = "unavailable", "Tempo", "", 0, None
        try:
            build = self.web.document("/api/status/buildinfo")
            engine = f"Tempo {build.get('version') or ''}".strip()
            now = self._clock()
            newest = self.newest(TimeRange(now - FLUSHED, now))
            status = "ok" if newest else "no_data"
            detail = "" if newest else "It answers, but search finds no trace of the last hour."
        except WorkbenchError as error:
            detail, code = f"{error.message} {error.hint}".strip(), error.exit_code
        return SourceState(self._name, self.kind, self.location, status, engine, "", newest, detail, code)

    def newest(self, span: TimeRange) -> datetime | None:
        """Return when the newest trace of a range began; None when search finds none in it."""
        fields = [("q", "{ } with (most_recent=true)"), ("limit", "1"), *_seconds(span)]
        traces = self.web.document("/api/search", fields).get("traces") or []
        starts = [int(trace.get("startTimeUnixNano") or 0) for trace in traces]
        return from_ms(max(starts) // 1_000_000) if starts else None

    def _matching_ids(self, wanted: SpanFilter, span: TimeRange) -> Iterator[Hit]:
        """Traces with a matching span, each once."""
        if wanted.trace_id:
            yield Hit(plain_id(wanted.trace_id, 32))
            return
        query = traceql(wanted)
        seen: set[str] = set()
        windows = _cut(span, SEARCH_S)[::-1]
        while windows:
            window = windows.pop()
            fields = [("q", query), ("limit", str(self._limit)), ("spss", "1"), *_seconds(window)]
            try:
                hits = self.web.document("/api/search", fields, query=query).get("traces") or []
            except (QueryRejected, QueryTooExpensive) as error:
                if (most := _TOO_MANY.search(error.message)) and 0 < int(most[1]) < self._limit:
                    self._limit = int(most[1])
                    windows.append(window)
                    continue
                # A server before 2.6 knows nothing of events.
                older = traceql(wanted, events=False)
                if query == older or isinstance(error, QueryTooExpensive):
                    raise
                query = older
                windows.append(window)
                continue
            if len(hits) >= self._limit:
                halves = _halves(window)
                if not halves:
                    raise QueryTooExpensive(
                        f"More than {self._limit:,} traces match within one second at "
                        f"{window.start:%Y-%m-%d %H:%M:%S} UTC, and Tempo has no next page.",
                        source=self._name,
                        query=query,
                        hint="Name a service, an operation or an attribute.",
                    )
                windows += halves[::-1]
                continue
            for hit in self._listed(hits, window):
                if hit.trace_id and hit.trace_id not in seen:
                    seen.add(hit.trace_id)
                    yield hit

    def _listed(self, traces: Sequence[Mapping[str, Any]], window: TimeRange) -> Iterator[Hit]:
        """Traces of an answer; those of a long list that ended a while ago and are in no live store are flushed."""
        # What came in the last seconds is in no list yet; such spans are of traces that end about now.
        settled_ms = to_ms(self._clock() - RECENT)
        live = self._reader.live_ids(_seconds(window)) if len(traces) >= _MANY else None
        for trace in traces:
            trace_id = plain_id(str(trace.get("traceID") or ""), 32)
            end_ms = int(trace.get("startTimeUnixNano") or 0) // 1_000_000 + int(trace.get("durationMs") or 0)
            matched = int((trace.get("spanSet") or {}).get("matched") or 0)
            yield Hit(trace_id, matched, live is not None and trace_id not in live and end_ms < settled_ms)


def _batches(hits: Iterator[Hit]) -> Iterator[Sequence[Hit]]:
    batch: list[Hit] = []
    for hit in hits:
        batch.append(hit)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _seconds(span: TimeRange) -> list[tuple[str, str]]:
    """Bounds of a request: whole seconds around the range."""
    start = span.start_ms // 1000
    return [("start", str(start)), ("end", str(max(-(-span.end_ms // 1000), start + 1)))]


def _cut(span: TimeRange, longest_s: int) -> list[TimeRange]:
    """Adjacent parts no longer than the server takes, cut at whole seconds."""
    edges = np.arange(span.start_ms // 1000 * 1000, span.end_ms, longest_s * 1000, dtype=np.int64).tolist()
    edges = [span.start_ms, *edges[1:], span.end_ms]
    return [TimeRange.from_ms(low, high) for low, high in pairwise(edges) if low < high]


def _halves(window: TimeRange) -> list[TimeRange]:
    """Both halves of a window, cut at a whole second; none of a second."""
    middle = (window.start_ms + window.end_ms) // 2 // 1000 * 1000
    if not window.start_ms < middle < window.end_ms:
        return []
    return [TimeRange.from_ms(window.start_ms, middle), TimeRange.from_ms(middle, window.end_ms)]
