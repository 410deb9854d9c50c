"""The conversation with one server: fields out, samples or documents in, every failure a typed error with its query."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from workbench.core.errors import AnswerUnreadable, SourceUnavailable
from workbench.core.settings import Limits
from workbench.query.http import failures
from workbench.query.http.transport import ATTEMPTS, Fields, Reply, Transport, ask
from workbench.query.metrics.decode import Answer, decode, envelope
from workbench.query.metrics.decode_parts import Sink
from workbench.query.metrics.plan import seconds_text

#: After a server could not be reached in all attempts, other questions try it once only for so long. [s]
AWAY_S = 5.0


_OTHER = "Is the address right, with its path prefix? Another service may answer there."


class PrometheusApi:
    """The HTTP API of Prometheus behind one transport; safe to use from several threads.

    Parameters
    ----------
    name : str
        Name of the source, put into every error.
    transport : Transport
        What sends a request and receives the answer.
    timeout_s : float
        For one question with its repetitions. [s]

    Attributes
    ----------
    extra : sequence of (str, str)
        Goes with every query, once it is known which store answers.
    max_series : int
        Answers with more are refused before they are read. [series]
    """

    def __init__(self, name: str, transport: Transport, timeout_s: float) -> None:
        self.name = name
        self.transport = transport
        self.timeout_s = timeout_s
        self.extra: Fields = ()
        self.max_series = Limits().series
        self._method = "POST"
        self._away_until = 0.0

    def naming(self, query: str) -> AbstractContextManager[None]:
        """Put source and query into every error that leaves."""
        return failures.named(self.name, query)

    def reply(self, path: str, fields: Fields = (), *, form: bool = False, query: str = "") -> Reply:
        """Send fields, with ``form`` in the body (in the address where a proxy forbids that); return any answer."""
        with self.naming(query):
            return self._send(path, fields, form, self.timeout_s)

    def succeeded(self, path: str, fields: Fields, *, query: str) -> Reply:
        """Send fields as a form; an answer that is a refusal becomes an error."""
        reply = self.reply(path, fields, form=True, query=query)
        with self.naming(query):
            _expect_success(reply, query, path)
        return reply

    def document(self, path: str, fields: Fields = (), *, form: bool = False, query: str = "") -> Any:
        """Return ``data`` of an answer that holds no samples."""
        reply = self.reply(path, fields, form=form, query=query)
        with self.naming(query):
            _expect_success(reply, query, path)
            return envelope(reply.body, limit=reply.limit, until=reply.until)[0]

    def rows(
        self,
        path: str,
        fields: Fields = (),
        *,
        form: bool = False,
        query: str = "",
        each: Callable[[Any], bool],
    ) -> list[Any]:
        """Return ``data`` of an answer that is a list, every item of which passes a check."""
        rows = self.document(path, fields, form=form, query=query)
        if not isinstance(rows, list) or not all(map(each, rows)):
            with self.naming(query):
                raise AnswerUnreadable(f"The answer of {path} is no list of the Prometheus API.", hint=_OTHER)
        return rows

    def post(self, path: str, body: bytes, headers: Mapping[str, str], *, query: str = "") -> Reply:
        """Post a body of another kind than a form; with a query a refusal is an error, else any answer is given."""
        with self.naming(query):
            reply = ask(self.transport, "POST", path, (), timeout_s=self.timeout_s, headers=headers, body=body)
            if query:
                _expect_success(reply, query, path)
            return reply

    def samples(
        self, path: str, fields: Fields, sink: Sink, *, query: str = "", deadline: float | None = None
    ) -> Answer:
        """Evaluate a query and hand its series to ``sink``.

        The server is told our timeout, so it does not go on computing for nobody.

        Parameters
        ----------
        path : str
            Path of the endpoint.
        fields : sequence of (str, str)
            Fields of the request, in order; one name may stand twice.
        sink : callable
            Receives the series, piece by piece.
        query : str
            As the user wrote it, for errors.
        deadline : float, optional
            Moment of ``time.monotonic()`` by which a question of several requests must be done. [s]
        """
        timeout_s = self.timeout_s
        if deadline is not None:
            timeout_s = min(timeout_s, max(deadline - time.monotonic(), 0.001))
        with self.naming(query):
            reply = self._send(path, [*fields, *self.extra, ("timeout", f"{max(int(timeout_s), 1)}s")], True, timeout_s)
            _expect_success(reply, query, path)
            return decode(reply.body, sink, limit=reply.limit, until=reply.until, max_series=self.max_series)

    def number(self, query: str, time_ms: int | None = None, *, about: str = "") -> float | None:
        """Evaluate a query to one number at an instant (the server's now without one); None when there is none."""
        numbers: list[float] = []
        fields = [("query", query)] + ([("time", seconds_text(time_ms))] if time_ms is not None else [])
        self.samples(
            "/api/v1/query", fields, lambda series: numbers.extend(series.values.tolist()), query=about or query
        )
        return numbers[0] if numbers else None

    def _send(self, path: str, fields: Fields, form: bool, timeout_s: float) -> Reply:
        method = self._method if form else "GET"
        reply = self._ask(method, path, fields, timeout_s)
        if method == "POST" and reply.status in (405, 501):
            self._method = "GET"
            reply = self._ask("GET", path, fields, timeout_s)
        return reply

    def _ask(self, method: str, path: str, fields: Fields, timeout_s: float) -> Reply:
        """Ask patiently, but only once while the server is known to be away: a page puts many questions to it."""
        attempts = 1 if time.monotonic() < self._away_until else ATTEMPTS
        try:
            reply = ask(self.transport, method, path, fields, timeout_s=timeout_s, attempts=attempts)
        except AnswerUnreadable:
            raise
        except SourceUnavailable:
            self._away_until = time.monotonic() + AWAY_S
            raise
        self._away_until = 0.0
        return reply


def _expect_success(reply: Reply, query: str, path: str) -> None:
    if 200 <= reply.status < 300:
        return
    elsewhere = failures.host_of(reply.headers.get("location", ""))
    raise failures.of_reply(reply.status, reply.body, reply.content_type, query=query, path=path, location=elsewhere)
