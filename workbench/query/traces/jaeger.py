"""Jaeger as a source of spans, by its API v1 or, where that is gone, v3.

Neither has pages: an answer with as many traces as were asked for is not whole, so a shorter window is asked. Version 1
takes microseconds and answers milliseconds with silence [1]_; version 3 takes RFC 3339 and calls "nothing" a 404.

References
----------
.. [1] Jaeger, APIs, versions 1.6 to 2.17; recorded answers in tests/query/captures/jaeger.
.. [2] Jaeger, issue 166, and internal/storage/v1/cassandra/spanstore/reader.go of 1.76.
.. [3] The same, internal/storage/v1/elasticsearch/spanstore/reader.go, multiRead.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal

import pandas as pd

from workbench.core.errors import ParameterError, QueryTooExpensive, WorkbenchError
from workbench.core.filters import SpanFilter
from workbench.core.source import SourceState
from workbench.core.timerange import TimeRange, from_ms
from workbench.query.http.client import BackendClient
from workbench.query.http.reading import in_time, json_bytes, too_large
from workbench.query.http.shapes import typed_answers
from workbench.query.http.transport import Fields
from workbench.query.traces.filter import checked, jaeger_tags, passing
from workbench.query.traces.jaeger_json import NO_SERVICE, of_jaeger
from workbench.query.traces.otlp import of_json
from workbench.query.traces.server import TraceServer
from workbench.query.traces.spans import PIECE, Gathered, Span, plain_id

#: Traces asked for at a time; a fuller window is shortened. [count]
LIMIT = 1_000

#: Rows of an index that Cassandra reads for each trace asked for (``limitMultiple``). [count]
ROWS = 3

#: Share of the limit that a window should hold, and how much wider than the one before it may be. [ratio]
_FILLED, _WIDER = 0.7, 8
_RECENT = timedelta(hours=1)

#: Services asked for their newest span; each is a question of its own. [count]
_ASKED = 20

_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

Version = Literal["auto", "v1", "v3"]


def micros(at_ms: int) -> str:
    """Instant of the API v1. [µs since the epoch]

    Raises
    ------
    ParameterError
        An instant outside 2000 to 2200: seconds or microseconds were taken for milliseconds, and Jaeger would give an
        empty answer without an error.

    Examples
    --------
    >>> micros(1_795_288_553_000)
    '1795288553000000'
    """
    if not _EARLIEST.timestamp() * 1000 <= at_ms < _LATEST.timestamp() * 1000:
        raise ParameterError(
            f"{at_ms} ms since the epoch is not between 2000 and 2200.",
            hint="Times are milliseconds here; Jaeger would answer with nothing.",
        )
    return str(at_ms * 1000)


@typed_answers("Jaeger")
class JaegerSource(TraceServer):
    """A :class:`workbench.core.source.SpanSource` over the HTTP API of Jaeger's query service.

    Parameters
    ----------
    version : {"auto", "v1", "v3"}
        Which API; ``auto`` takes v1 where there is one. The others are those of
        :class:`~workbench.query.traces.server.TraceServer`.
    """

    kind, api = "jaeger", "Jaeger"

    def __init__(self, name: str, web: BackendClient, *, version: Version = "auto", **more: Any) -> None:
        super().__init__(name, web, **more)
        self._version = version
        self._limit = LIMIT
        #: Whether the storage cuts rows of its indices; not known before it was asked.
        self._rows: bool | None = None

    def services(self) -> tuple[str, ...]:
        """Services that sent spans, sorted."""
        if self._version != "v3":
            reply = self.web.reply("/api/services", fine=(404,) if self._version == "auto" else ())
            if reply.status != 404:
                answer = self.web.json(reply)
                if self._version == "auto":
                    self._version = "v1"
                return tuple(sorted(answer.get("data") or ()))
        answer = self.web.document("/api/v3/services")
        self._version = "v3"
        return tuple(sorted(answer.get("services") or ()))

    def spans(self, wanted: SpanFilter, span: TimeRange) -> Iterator[pd.DataFrame]:
        """Give the spans that start in ``[start, end)`` and match, each once, as pieces of SPANS.

        Without a service in the filter every service is asked, as Jaeger searches within one.

        Raises
        ------
        ParameterError
            The filter or the range cannot be.
        SourceError
            ``QueryTooExpensive`` when one millisecond holds more traces than one answer.
        """
        checked(wanted)
        gathered = Gathered()
        rows: list[Span] = []
        for trace, fresh in self._traces(wanted, span, gathered):
            rows += gathered.trace(trace, fresh=fresh)
            if len(rows) >= PIECE:
                yield passing(gathered.table(rows), wanted, span)
                rows = []
        yield passing(gathered.table(rows), wanted, span)

    def trace(self, trace_id: str) -> pd.DataFrame:
        """Return all spans of one trace; empty when the server has none."""
        gathered = Gathered()
        traces = self._trace(plain_id(trace_id, 32), gathered)
        return gathered.table([row for trace in traces for row in gathered.trace(trace)])

    def state(self) -> SourceState:
        """Say whether the source answers, and how new its spans are; never raises."""
        status, detail, code, newest = "unavailable", "", 0, None
        try:
            now = self._clock()
            newest = self.newest(TimeRange(now - _RECENT, now))
            status = "ok" if newest else "no_data"
            detail = "" if newest else "It answers, but no service sent a span in the last hour."
        except WorkbenchError as error:
            detail, code = f"{error.message} {error.hint}".strip(), error.exit_code
        engine = "Jaeger" if self._version == "auto" else f"Jaeger API {self._version}"
        return SourceState(self._name, self.kind, self.location, status, engine, "", newest, detail, code)

    def newest(self, span: TimeRange) -> datetime | None:
        """Return when the newest span began that a search of a range finds, among the first services."""
        starts: list[int] = []
        for service in self.services()[:_ASKED]:
            spans = self._search(service, "", SpanFilter(), span, 1, Gathered())
            starts += [row.start_ns for trace in spans for row in trace]
        return from_ms(max(starts) // 1_000_000) if starts else None

    def _traces(
        self, wanted: SpanFilter, span: TimeRange, gathered: Gathered
    ) -> Iterator[tuple[list[Span], Callable[[Span], bool]]]:
        """Traces with a span that may match, and which of their spans are taken from here: each once.

        Elasticsearch gives of a trace what lies within an hour of the window asked for [3]_, so of each window only the
        spans in it are taken, unless they came with a window of another service.
        """
        if wanted.trace_id:
            for trace in self._trace(plain_id(wanted.trace_id, 32), gathered):
                yield trace, lambda _: True
            return
        known = self.services() if not wanted.services or self._version == "auto" else ()
        read: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for name in wanted.services or known:
            # A span without a service is kept under a name of Jaeger's; without even that no search finds it.
            service = name or NO_SERVICE
            if not name and wanted.services == () and NO_SERVICE not in known:
                gathered.warnings["Jaeger keeps spans without a service, and no search finds them."] += 1
                continue
            for operation in wanted.operations or ("",):
                for window, traces in self._windows(service, operation, wanted, span, gathered):
                    place = window.start_ms * 10**6, window.end_ms * 10**6
                    for trace in filter(None, traces):
                        before = read[trace[0].trace_id]
                        yield trace, partial(_fresh, place, tuple(before))
                        before.append(place)

    def _windows(
        self, service: str, operation: str, wanted: SpanFilter, span: TimeRange, gathered: Gathered
    ) -> Iterator[tuple[TimeRange, list[list[Span]]]]:
        """Windows of a range, from its end to its start, and the whole answer for each.

        A full answer is asked again: the traces in it, the newest as a rule, and those of the window before say how
        long the next window may be. Only an answer that is not full is believed.
        """
        several = bool(operation) + len(jaeger_tags(wanted)) > 1 or wanted.min_duration_ns
        if several and self._cuts_rows(service):
            wanted = SpanFilter()
        end, width = span.end_ms, span.end_ms - span.start_ms
        while end > span.start_ms:
            window = TimeRange.from_ms(max(end - width, span.start_ms), end)
            try:
                traces = self._search(service, operation, wanted, window, self._limit, gathered)
            except QueryTooExpensive as error:
                if "search depth" not in error.message or self._limit == 1:
                    raise
                self._limit //= 2  # The storage gives fewer traces at a time.
                continue
            width = end - window.start_ms
            own = [row for trace in traces for row in trace if row.service in (service, "")]
            cut = len(own) >= ROWS * self._limit and self._cuts_rows(service)
            if len(traces) < self._limit and not cut:
                yield window, traces
                end, width = window.start_ms, int(width * min(_FILLED * self._limit / max(len(traces), 1), _WIDER)) + 1
                continue
            if width <= 1:
                raise QueryTooExpensive(
                    f"More traces of {service} start within a millisecond at {window.start} than Jaeger gives at "
                    f"a time ({self._limit:,}), and it has no next page.",
                    source=self._name,
                    hint="Name an operation or an attribute.",
                )
            starts = sorted(min(row.start_ns for row in trace) // 1_000_000 for trace in traces if trace) or [0]
            width = max(min(end - starts[int(len(starts) * (1 - _FILLED))], width - 1), 1)

    def _cuts_rows(self, service: str) -> bool:
        """Whether the storage cuts each index of a search at some rows: only Cassandra refuses durations with tags.

        A trace has a row for each span, so fewer traces than asked for may come though there are more, and of those
        that fulfil two conditions hardly any [2]_.
        """
        if self._rows is None:
            now = self._clock()
            window = TimeRange(now - timedelta(milliseconds=1), now)
            path, fields = self._question(service, "", SpanFilter(status="error", min_duration_ns=1000), window, 1)
            self._rows = b"duration and tags" in self.web.reply(path, fields, query=service, fine=(400, 404, 500)).body
        return self._rows

    def _search(
        self, service: str, operation: str, wanted: SpanFilter, window: TimeRange, limit: int, gathered: Gathered
    ) -> list[list[Span]]:
        path, fields = self._question(service, operation, wanted, window, limit)
        return (
            self._otlp(path, fields, service) if self._version == "v3" else self._data(path, fields, service, gathered)
        )

    def _question(
        self, service: str, operation: str, wanted: SpanFilter, window: TimeRange, limit: int
    ) -> tuple[str, list[tuple[str, str]]]:
        """Return path and fields of a search in the version that is spoken."""
        if self._version == "v3":
            return "/api/v3/traces", self._fields_v3(service, operation, wanted, window, limit)
        # The end of a window belongs to the next one; Jaeger includes both ends.
        fields = [
            ("service", service),
            ("start", micros(window.start_ms)),
            ("end", str(int(micros(window.end_ms)) - 1)),
            ("limit", str(limit)),
        ]
        fields += [("operation", operation)] if operation else []
        fields += [("minDuration", f"{wanted.min_duration_ns // 1000}us")] if wanted.min_duration_ns >= 1000 else []
        tags = jaeger_tags(wanted)
        fields += [("tags", json.dumps(tags))] if tags else []
        return "/api/traces", fields

    def _fields_v3(
        self, service: str, operation: str, wanted: SpanFilter, window: TimeRange, limit: int
    ) -> list[tuple[str, str]]:
        fields = [
            ("query.service_name", service),
            ("query.start_time_min", _rfc3339(window.start_ms)),
            ("query.start_time_max", _rfc3339(window.end_ms)),
            ("query.num_traces", str(limit)),
            ("query.search_depth", str(limit)),
        ]
        fields += [("query.operation_name", operation)] if operation else []
        if wanted.min_duration_ns:
            fields.append(("query.duration_min", f"{wanted.min_duration_ns}ns"))
        tags = jaeger_tags(wanted)
        fields += [("query.attributes", json.dumps(tags))] if tags else []
        return fields

    def _trace(self, trace_id: str, gathered: Gathered) -> list[list[Span]]:
        if self._version == "auto":
            self.services()
        if self._version == "v3":
            return self._otlp(f"/api/v3/traces/{trace_id}", (), trace_id)
        return self._data(f"/api/traces/{trace_id}", (), trace_id, gathered)

    def _data(self, path: str, fields: Fields, query: str, gathered: Gathered) -> list[list[Span]]:
        reply = self.web.reply(path, fields, query=query, fine=(404,))
        with self.web.naming(query):
            read = self.web.json(reply)
            document = read if isinstance(read, dict) else {}
            for failure in document.get("errors") or ():
                if failure.get("code") != 404 and failure.get("msg") != "trace not found":
                    gathered.warnings[f"Jaeger says: {failure.get('msg')}"] += 1
                elif document.get("data"):
                    gathered.warnings["traces were asked for and not found"] += 1
            traces = (of_jaeger([trace], self._sampling) for trace in document.get("data") or ())
            return [list(in_time(trace, reply.until)) for trace in traces]

    def _otlp(self, path: str, fields: Fields, query: str) -> list[list[Span]]:
        reply = self.web.reply(path, fields, query=query, fine=(404,))
        if reply.status == 404:
            return []
        traces: dict[str, list[Span]] = {}
        with self.web.naming(query):
            if json_bytes(reply.body) > reply.limit + reply.limit // 2:
                raise too_large(reply.limit)
            for document in _documents(bytes(reply.body).decode(errors="replace"), lambda: self.web.json(reply)):
                for span in of_json(document, self._sampling, until=reply.until):
                    span.service = "" if span.service == NO_SERVICE else span.service
                    traces.setdefault(span.trace_id, []).append(span)
        return list(traces.values())


def _fresh(window: tuple[int, int], before: tuple[tuple[int, int], ...], row: Span) -> bool:
    """Whether a span starts in a window and in none before; all in ns."""
    return window[0] <= row.start_ns < window[1] and not any(low <= row.start_ns < high for low, high in before)


def _documents(text: str, whole: Callable[[], Any]) -> Iterator[Any]:
    """One document, or several one after the other as gRPC's gateway streams them."""
    decoder, place = json.JSONDecoder(), 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        try:
            document, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            whole()
            return
        yield document


def _rfc3339(ms: int) -> str:
    micros(ms)
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
