"""One question over HTTP: pooled connections, a deadline on the whole exchange, patient repetition.

``Transport`` is the seam: :class:`HttpTransport` (urllib3) is ours, ``client.py`` brings a user's own session of
``requests``, ``httpx_client.py`` one of httpx.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Protocol
from urllib.parse import urlencode, urlsplit

import urllib3
import urllib3.exceptions as broken

from workbench.core.errors import SourceError, SourceUnavailable
from workbench.core.settings import SourceSettings
from workbench.query.http import failures
from workbench.query.http.login import Login, checked_url, login_of, pool_for
from workbench.query.http.reading import MAX_BYTES, read_body
from workbench.query.http.secrets import SECRET_HEADERS, struck_headers, struck_out
from workbench.query.http.timed import Exchange, exchange

Fields = Sequence[tuple[str, str]]

#: How often a question is put to a server that cannot be reached. [count]
ATTEMPTS = 4

_CONNECT_S = 10.0
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.25, 5.0
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_SLOW_GATEWAY_S = 10.0
_chance = random.SystemRandom()


@dataclass(frozen=True)
class Reply:
    """Answer of a server, its body read to the end; header names are in lower case.

    ``limit`` is the memory that it may take, its objects included [bytes]; ``until`` the instant of the monotonic clock
    at which it must have been read, as time for one question is one for asking and for reading. [s]
    """

    status: int
    headers: Mapping[str, str]
    body: bytes | bytearray
    limit: int = MAX_BYTES
    until: float = math.inf

    @property
    def content_type(self) -> str:
        """Media type, in lower case."""
        return self.headers.get("content-type", "").lower()


def reply_of(
    status: int,
    headers: Mapping[str, str],
    body: bytes | bytearray,
    *,
    secrets: Iterable[str] = (),
    sent: Mapping[str, str] = _NO_HEADERS,
    limit: int = MAX_BYTES,
) -> Reply:
    """Return an answer without the secrets of its request.

    Parameters
    ----------
    status : int
        HTTP status.
    headers : mapping
        Of the answer.
    body : bytes
        Content of the answer.
    secrets : iterable of str
        As they were sent.
    sent : mapping
        Headers of the request; the values of those that carry credentials are secrets too.
    limit : int
        Memory that the answer may take. [bytes]
    """
    known = [*secrets, *(str(value) for name, value in sent.items() if name.lower() in SECRET_HEADERS)]
    text = struck_out(body, known, data=200 <= status < 300)
    return Reply(status, struck_headers(headers, known), text, limit)


class Broken(Exception):
    """An exchange that ended without a whole answer; ``again`` says whether it may be repeated."""

    def __init__(self, error: SourceError, *, again: bool) -> None:
        super().__init__(str(error))
        self.error = error
        self.again = again


class Transport(Protocol):
    """One attempt at one request."""

    @property
    def location(self) -> str:
        """Base address, without credentials."""
        ...

    def send(
        self,
        method: str,
        path: str,
        fields: Fields,
        *,
        timeout_s: float,
        headers: Mapping[str, str] = _NO_HEADERS,
        body: bytes | None = None,
    ) -> Reply:
        """Send once and read the whole answer, or raise :class:`Broken`; any status is an answer.

        Redirects are answers too: nothing follows them, so credentials reach only the host of the settings.
        """
        ...


class HttpTransport:
    """Requests over urllib3, at most ``connections`` at a time; safe to use from several threads.

    ``limit`` is the memory that one answer may take. [bytes]
    """

    def __init__(
        self,
        url: str,
        login: Login | None = None,
        *,
        gzip: bool = False,
        connections: int = 4,
        limit: int = MAX_BYTES,
    ) -> None:
        self.limit = limit
        self._base = checked_url(url)
        self._login = login or Login()
        self._gzip = gzip
        self._pool = pool_for(self._base, self._login, connections=connections)
        parts = urlsplit(self._base)
        self._where = f"{parts.scheme}://{parts.netloc}"

    def __repr__(self) -> str:
        return f"HttpTransport({self._base!r})"

    @property
    def location(self) -> str:
        """Base address, without credentials."""
        return self._base

    def send(
        self,
        method: str,
        path: str,
        fields: Fields,
        *,
        timeout_s: float,
        headers: Mapping[str, str] = _NO_HEADERS,
        body: bytes | None = None,
    ) -> Reply:
        """Send once and read the whole answer within ``timeout_s``, or raise :class:`Broken`.

        Parameters
        ----------
        method : str
            ``POST`` without a body puts the fields into one, everything else into the address.
        path : str
            Path below the base address.
        fields : sequence of (str, str)
            Fields of the request, in order; one name may stand twice.
        timeout_s : float
            For everything, from the connection to the last byte. [s]
        headers : mapping
            Of this request, e.g. ``Accept``; those of the login count more.
        body : bytes, optional
            To send in place of a form; JSON where the headers say no other type.
        """
        sent = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip" if self._gzip else "identity",
            "User-Agent": "slo-workbench",
            **headers,
            **self._login.request_headers(),
        }
        url = self._base + path
        if method == "POST" and body is None:
            body = urlencode(fields).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        else:
            url += f"?{urlencode(fields)}" if fields else ""
            if body is not None:
                sent.setdefault("Content-Type", "application/json")
        sent |= self._login.signed(method, url, sent, body)
        with exchange(timeout_s) as running:
            try:
                return self._exchanged(method, url, body, sent, timeout_s, running)
            except (broken.HTTPError, OSError) as error:
                cause = TimeoutError() if running.late and not isinstance(error, broken.EmptyPoolError) else error
                failure = failures.of_exception(cause, self._where, timeout_s)
                raise Broken(failure, again=not running.late and failures.is_lost(error)) from None

    def _exchanged(
        self, method: str, url: str, body: bytes | None, sent: dict[str, str], timeout_s: float, running: Exchange
    ) -> Reply:
        response = self._pool.request(
            method,
            url,
            body=body,
            headers=sent,
            preload_content=False,
            redirect=False,
            retries=False,
            pool_timeout=timeout_s,
            timeout=urllib3.Timeout(connect=min(_CONNECT_S, timeout_s), read=timeout_s),
        )
        try:
            encoding = response.headers.get("Content-Encoding", "")
            read = read_body(response, encoding, limit=self.limit, check=running.check)
        except BaseException:
            response.close()
            raise
        finally:
            response.release_conn()
        secrets = self._login.secrets(sent)
        return reply_of(response.status, response.headers, read, secrets=secrets, limit=self.limit)


def transport_of(settings: SourceSettings) -> HttpTransport:
    """Return the way to a source of the settings.

    Raises
    ------
    SettingsError
        Address or credentials cannot be used.
    """
    limit = settings.answer_mib << 20 if settings.answer_mib else MAX_BYTES
    return HttpTransport(settings.url, login_of(settings), gzip=settings.gzip, limit=limit)


def ask(
    transport: Transport,
    method: str,
    path: str,
    fields: Fields,
    *,
    timeout_s: float,
    attempts: int = ATTEMPTS,
    headers: Mapping[str, str] = _NO_HEADERS,
    body: bytes | None = None,
) -> Reply:
    """Ask until there is a final answer or the time is up.

    Waits with full jitter (0.25 s doubling to 5 s), or as long as ``Retry-After`` says, after 429, 502, 503, 504 and
    a lost connection. A query that timed out, here or at the server, is never asked again: it would cost as much.

    Parameters
    ----------
    transport : Transport
        What sends a request and receives the answer.
    method, path, fields, headers, body
        As in :meth:`HttpTransport.send`.
    timeout_s : float
        For all attempts and pauses together, and for reading the answer. [s]
    attempts : int
        At most so many; a lost connection is tried four times. [count]

    Returns
    -------
    Reply
        The last answer, of any status.

    Raises
    ------
    SourceError
        No answer came.
    """
    deadline = time.monotonic() + timeout_s
    for attempt in range(attempts):
        began = time.monotonic()
        last = attempt == attempts - 1
        try:
            left_s = max(deadline - began, 0.001)
            reply = transport.send(method, path, fields, timeout_s=left_s, headers=headers, body=body)
        except Broken as failure:
            pause = _pause(attempt, None)
            if last or attempt + 1 >= ATTEMPTS or not failure.again or time.monotonic() + pause >= deadline:
                raise failure.error from None
        else:
            slow = reply.status == 504 and time.monotonic() - began > _SLOW_GATEWAY_S
            pause = _pause(attempt, reply.headers.get("retry-after"))
            if (
                last
                or slow
                or reply.status not in failures.RETRIED
                or failures.is_timeout(reply.status, reply.body)
                or time.monotonic() + pause >= deadline
            ):
                return replace(reply, until=deadline)
        time.sleep(pause)
    raise SourceUnavailable(f"No answer from {transport.location}.")


def _pause(attempt: int, retry_after: str | None) -> float:
    if retry_after:
        wait_s = _seconds(retry_after.strip())
        if wait_s is not None:
            return max(wait_s, 0.0)
    return _chance.uniform(0.0, min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2**attempt))


def _seconds(text: str) -> float | None:
    if text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return (moment.astimezone(UTC) - datetime.now(UTC)).total_seconds()
