"""A user's own ``httpx.Client`` as the way to a backend: its proxies, certificates, hooks and authentication are kept.

Ours is :class:`workbench.query.http.transport.HttpTransport`: a timeout of httpx counts between two pieces, so that a
server which drips headers would hold a request for ever.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing

import httpx

from workbench.core.errors import AnswerUnreadable, SourceUnavailable
from workbench.query.http import failures
from workbench.query.http.login import checked_url
from workbench.query.http.reading import gathered
from workbench.query.http.transport import Broken, Fields, Reply, reply_of


class HttpxTransport:
    """Requests through an ``httpx.Client``; redirects are not followed.

    Parameters
    ----------
    url : str
        ``http(s)://host[:port][/prefix]``, without credentials.
    client : httpx.Client
        The client that sends.
    """

    def __init__(self, url: str, client: httpx.Client) -> None:
        self._base = checked_url(url)
        self._client = client

    def __repr__(self) -> str:
        return f"HttpxTransport({self._base!r})"

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
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Reply:
        """Send once and read the whole answer, as :meth:`workbench.query.http.transport.HttpTransport.send`."""
        deadline = time.monotonic() + timeout_s
        form = method == "POST" and body is None
        sent = {"Accept": "application/json", "Accept-Encoding": "identity", **(headers or {})}
        sent |= (
            {"Content-Type": "application/x-www-form-urlencoded" if form else "application/json"}
            if (form or body is not None)
            else {}
        )
        request = self._client.build_request(
            method,
            self._base + path,
            params=httpx.QueryParams(list(fields)) if fields and not form else None,
            content=str(httpx.QueryParams(list(fields))).encode() if form else body,
            headers=sent,
            timeout=timeout_s,
        )
        where = failures.host_of(self._base)
        try:
            response = self._client.send(request, stream=True, follow_redirects=False)
            with closing(response):
                body_read = gathered(response.iter_bytes(), deadline=deadline)
        except (httpx.TimeoutException, TimeoutError):
            raise Broken(failures.of_exception(TimeoutError(), where, timeout_s), again=False) from None
        except httpx.DecodingError:
            raise Broken(
                AnswerUnreadable(f"The answer of {where} is compressed in a way that cannot be undone."), again=False
            ) from None
        except httpx.RequestError as error:
            cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
            failure = failures.of_exception(cause, where, timeout_s)
            if isinstance(error, httpx.ConnectError) and type(failure) is SourceUnavailable:
                hint = "Is the server running? Check the address."
                failure = SourceUnavailable(f"No connection to {where}.", hint=hint)
            raise Broken(failure, again=failures.is_lost(cause)) from None
        return reply_of(response.status_code, response.headers, body_read, sent=response.request.headers)
