"""One trace of Tempo by its id, by the way that costs the server least and still gives all of it.

A frontend asks its querier fifty times for one trace. The querier itself looks into the live stores (ingesters before
version 3) and into the blocks; the live stores take half of its time or more and hold the newest spans only. So a
trace is read at the querier where that gives what the frontend gave, and from the blocks alone where no live store has
a span of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, NamedTuple

from workbench.core.errors import SourceError
from workbench.query.http.client import BackendClient
from workbench.query.http.transport import Reply
from workbench.query.traces.otlp import answer_of, of_json, trace_of
from workbench.query.traces.spans import Sampling, Span, plain_id

#: Answers of a server, or of a proxy before it, that leads no one to the querier.
_REFUSALS = (400, 401, 403, 404, 405, 500, 501)

#: Traces of the live stores asked for in one list; a full list says nothing of the others. [count]
LIVE_LIMIT = 20_000

_PROTOBUF = {"Accept": "application/protobuf"}


class Hit(NamedTuple):
    """A trace that search lists."""

    trace_id: str
    #: Spans that search says match; the most of one block where several hold some. [count]
    matched: int = 0
    #: Whether no live store holds a span of it in the range asked for.
    flushed: bool = False


class TraceReader:
    """Reads traces by their ids, and remembers which ways this server knows.

    Parameters
    ----------
    web : BackendClient
        Client of the server.
    """

    def __init__(self, web: BackendClient) -> None:
        self.web = web
        #: Whether the server knows only version 1 of "trace by id".
        self._v1 = False
        #: Whether the querier gives traces as the frontend does; not known before both were asked for one.
        self._short: bool | None = None
        self._deciding = Lock()

    def live_ids(self, bounds: Sequence[tuple[str, str]]) -> frozenset[str] | None:
        """Return the traces of which a live store holds a span between two times; None where that is not known.

        Asked at the querier, a search without a block looks into the live stores alone.

        Parameters
        ----------
        bounds : sequence of (str, str)
            Fields ``start`` and ``end`` of the request. [s since the epoch]
        """
        if self._short is False:
            return None
        fields = [("q", "{ }"), ("limit", str(LIVE_LIMIT)), ("spss", "1"), *bounds]
        try:
            reply = self.web.reply("/querier/api/search", fields, fine=_REFUSALS)
            document = self.web.json(reply) if reply.status == 200 else None
        except SourceError:
            return None
        traces = document.get("traces", []) if isinstance(document, dict) and "metrics" in document else None
        if not isinstance(traces, list) or len(traces) >= LIVE_LIMIT:
            return None
        return frozenset(plain_id(str(trace.get("traceID") or ""), 32) for trace in traces if isinstance(trace, dict))

    def whole(self, hit: Hit, sampling: Sampling) -> tuple[list[Span], str]:
        """Return the spans of a trace and why it is not whole, by the shorter way where it gives what search found."""
        if self._short is None:
            with self._deciding:
                if self._short is None:
                    return self._decided(hit.trace_id, sampling)
        for mode in ("blocks", "all")[not hit.flushed :] if self._short else ():
            spans, cut = self._directly(hit.trace_id, mode, sampling)
            if spans and len(spans) >= hit.matched and not cut and (mode == "all" or not _orphans(spans)):
                return spans, cut
        return self.trace(hit.trace_id, sampling)

    def _decided(self, trace_id: str, sampling: Sampling) -> tuple[list[Span], str]:
        """Read a trace both ways, and take the shorter one from now on when they agree."""
        spans, cut = self.trace(trace_id, sampling)
        if spans and not cut:
            direct, _ = self._directly(trace_id, "all", sampling)
            self._short = _same(spans) == _same(direct)
        return spans, cut

    def _directly(self, trace_id: str, mode: str, sampling: Sampling) -> tuple[list[Span], str]:
        """Ask the querier itself, for all it reaches or for ``blocks`` alone; nothing when it is away."""
        path = f"/querier/api/v2/traces/{trace_id}"
        try:
            reply = self.web.reply(path, [("mode", mode)], query=trace_id, headers=_PROTOBUF, fine=_REFUSALS)
            if reply.status == 200 and "protobuf" in reply.content_type:
                return self._read(reply, answer_of, sampling)
        except SourceError:
            pass
        if mode == "all":
            self._short = False
        return [], ""

    def trace(self, trace_id: str, sampling: Sampling) -> tuple[list[Span], str]:
        """Return the spans of one trace as the frontend gives them and why it is not whole; none of an unknown id."""
        if not self._v1:
            reply = self.web.reply(f"/api/v2/traces/{trace_id}", query=trace_id, headers=_PROTOBUF, fine=(404,))
            if reply.status != 404:
                return self._read(reply, answer_of, sampling)
            if not reply.body:
                return [], ""
            # A server before 2.6 does not know the path, and says so in words.
            self._v1 = True
        reply = self.web.reply(f"/api/traces/{trace_id}", query=trace_id, headers=_PROTOBUF, fine=(404,))
        if reply.status == 404:
            return [], ""
        return self._read(reply, trace_of, sampling)

    def _read(
        self, reply: Reply, binary: Callable[..., tuple[list[Span], str]], sampling: Sampling
    ) -> tuple[list[Span], str]:
        with self.web.naming(""):
            if "protobuf" in reply.content_type:
                return binary(reply.body, sampling, limit=reply.limit, until=reply.until)
            document = self.web.json(reply)
            cut = str(document.get("message") or "a part only") if document.get("status") == "PARTIAL" else ""
            return of_json(document, sampling, until=reply.until), cut


def _orphans(spans: Sequence[Span]) -> bool:
    """Whether a span names a parent that did not come."""
    known = {span.span_id for span in spans}
    return any(span.parent_id and span.parent_id not in known for span in spans)


def _same(spans: Sequence[Span]) -> list[tuple[Any, ...]]:
    """Return what makes two readings of a trace one."""
    return sorted((span.span_id, span.start_ns, span.kind, sorted(span.attributes.items())) for span in spans)
