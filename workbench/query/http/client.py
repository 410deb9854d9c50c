"""The conversation with a backend that does not speak the API of Prometheus: a reply or a document, else a typed error.

Each of them words its errors in its own way, many as plain text; :func:`reply_words` finds the words in all of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from workbench.core.settings import SourceSettings
from workbench.query.http import failures
from workbench.query.http.reading import read_json
from workbench.query.http.transport import Fields, Reply, Transport, ask, transport_of

T = TypeVar("T")
R = TypeVar("R")

#: Answers of "later" (429, 502, 503, 504) after which a question is given up, if its time is not up before. [count]
PATIENCE = 12

#: Questions to one server at a time. [count]
AT_ONCE = 4


class BackendClient:
    """One backend behind one transport; safe to use from several threads.

    Parameters
    ----------
    name : str
        Name of the source, put into every error.
    transport : Transport
        What sends a request and receives the answer.
    timeout_s : float
        For one request with its repetitions. [s]
    api : str
        What the backend is, for the error of a reader who gave the address of something else.
    """

    def __init__(self, name: str, transport: Transport, timeout_s: float, *, api: str) -> None:
        self.name = name
        self.transport = transport
        self.timeout_s = timeout_s
        self._api = api

    @classmethod
    def from_settings(cls, name: str, settings: SourceSettings, *, api: str) -> BackendClient:
        """Build the conversation from a source's part of the settings file.

        Raises
        ------
        SettingsError
            Address or credentials cannot be used.
        """
        return cls(name, transport_of(settings), settings.timeout_s, api=api)

    def __repr__(self) -> str:
        return f"Web({self.name!r}, {self.location!r})"

    @property
    def location(self) -> str:
        """Base address, without credentials."""
        return self.transport.location

    def naming(self, query: str) -> AbstractContextManager[None]:
        """Put source and query into every error that leaves."""
        return failures.named(self.name, query)

    def reply(
        self,
        path: str,
        fields: Fields = (),
        *,
        query: str = "",
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        fine: Collection[int] = (),
        timeout_s: float | None = None,
    ) -> Reply:
        """Ask, and return an answer of success or of a status in ``fine``.

        Parameters
        ----------
        path : str
            Path below the base address.
        fields : sequence of (str, str)
            Fields of the request, in order; one name may stand twice.
        query : str
            As the user knows it, for errors.
        method : str
            HTTP method.
        headers : mapping, optional
            Further headers of the request.
        body : object, optional
            Sent as JSON.
        fine : collection of int
            Statuses that are no failure here.
        timeout_s : float, optional
            In place of the source's. [s]

        Raises
        ------
        SourceError
        """
        sent = None if body is None else json.dumps(body).encode()
        with self.naming(query):
            reply = ask(
                self.transport,
                method,
                path,
                fields,
                timeout_s=timeout_s or self.timeout_s,
                attempts=PATIENCE,
                headers=headers or {},
                body=sent,
            )
            if 200 <= reply.status < 300 or reply.status in fine:
                return reply
            raise failures.of_reply(
                reply.status,
                reply.body,
                reply.content_type,
                query=query,
                path=path,
                location=failures.host_of(reply.headers.get("location", "")),
                words=reply_words(reply),
                api=self._api,
            )

    def document(self, path: str, fields: Fields = (), *, query: str = "", **options: Any) -> Any:
        """Ask for JSON, and return it; options as for :meth:`reply`."""
        reply = self.reply(path, fields, query=query, **options)
        with self.naming(query):
            return self.json(reply)

    def json(self, reply: Reply) -> Any:
        """Read the body of an answer.

        Raises
        ------
        AnswerUnreadable, AnswerTruncated
        """
        try:
            return read_json(reply.body, limit=reply.limit, until=reply.until)
        except RecursionError:
            raise failures.of_text(reply.body, reply.content_type, ValueError("too deep"), api=self._api) from None
        except ValueError as error:
            raise failures.of_text(reply.body, reply.content_type, error, api=self._api) from None


def reply_words(reply: Reply) -> str:
    """Words of an error answer, from plain text or from the usual places of JSON; empty for a page of HTML.

    Examples
    --------
    >>> reply_words(Reply(400, {"content-type": "text/plain"}, b"invalid start: out of range"))
    'invalid start: out of range'
    >>> reply_words(Reply(400, {}, b'{"data": null, "errors": [{"code": 400, "msg": "no service"}]}'))
    'no service'
    """
    text = bytes(reply.body[:65_536]).decode(errors="replace")
    try:
        words = _words(json.loads(text))
    except (ValueError, RecursionError):
        page = "<html" in text.lower() or "<!doctype" in text.lower() or "html" in reply.content_type
        words = "" if page else text
    return failures.clean(words)


def _words(document: Any) -> str:
    match document:
        case str():
            return document
        case {"error": dict() | str() as inner}:
            return _words(inner)
        case {"root_cause": [{"reason": str(reason)}, *_]}:
            return reason
        case {"reason": str(reason)} | {"message": str(reason)} | {"msg": str(reason)}:
            return reason
        case {"errors": [first, *_]}:
            return _words(first)
        case [first, *_]:
            return _words(first)
    return ""


def in_parallel(work: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
    """Give the results of a function in order, a few at a time; the first error ends the rest."""
    if len(items) <= 1:
        yield from map(work, items)
        return
    pool = ThreadPoolExecutor(max_workers=min(AT_ONCE, len(items)), thread_name_prefix="query")
    try:
        yield from pool.map(work, items)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
