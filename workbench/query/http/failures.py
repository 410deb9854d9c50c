"""What an HTTP failure means to the reader: each status, body and exception becomes one typed error.

Nothing secret gets into a message: no header, no parameter and no address beyond scheme, host and path is quoted.
"""

from __future__ import annotations

import html
import json
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import urllib3.exceptions as broken

from workbench.core.errors import (
    AnswerTruncated,
    AnswerUnreadable,
    CertificateInvalid,
    QueryRejected,
    QueryTooExpensive,
    SourceError,
    SourceUnavailable,
)
from workbench.core.foreign_text import visible

#: Statuses after which the same request may be sent again.
RETRIED = frozenset({429, 502, 503, 504})

#: Bytes of an answer that are read for its words.
_GLIMPSED = 1 << 20

_NARROW = "Ask for a shorter range, a longer step or fewer series."
_EXPENSIVE = re.compile(
    r"exceeded maximum resolution|too many (?:samples|points|outstanding|chunks|series)|cannot exceed -search\."
    r"|would load too many|time range exceeds|max(?:imum)? number of|maxSeries|maxUniqueTimeseries|maxQueryDuration"
    r"|maximum of series"
    r"|query timed out|timeout exceeded|exceeds the limit|exceeded the maximum|err-mimir-max|query length"
    r"|exceeds the maximum|exceeds max limit|start and end exceeds|is too small, minimum step|too_many_buckets"
    r"|result window is too large|circuit_breaking|search depth must be",
    re.IGNORECASE,
)
_POSITION = re.compile(r"\b(\d+):(\d+): parse error")
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_CONTROL = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")


@contextmanager
def named(source: str, query: str) -> Iterator[None]:
    """Put source and query into every error that leaves.

    Parameters
    ----------
    source, query : str
        Kept where the error has none yet.
    """
    try:
        yield
    except SourceError as error:
        error.source = error.source or source
        error.query = error.query or query
        raise


def clean(text: str, limit: int = 600) -> str:
    """Text of a server for a terminal or a page: no control characters, not endless."""
    plain = visible(_CONTROL.sub(" ", text).strip())
    return plain if len(plain) <= limit else plain[:limit] + "…"


def host_of(url: str) -> str:
    """Scheme, host and port of an address; the rest may hold a secret."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.hostname}{port}" if parts.hostname else ""


def position_in(query: str, message: str) -> int | None:
    """Index into ``query`` of a Prometheus ``line:column: parse error``, None when the server gives no place.

    Examples
    --------
    >>> position_in("sum(rate(x[5m])", "1:16: parse error: unclosed left parenthesis")
    15
    """
    match = _POSITION.search(message)
    if not match:
        return None
    line, column = int(match[1]), int(match[2])
    lines = query.split("\n")
    if not 1 <= line <= len(lines) or column < 1:
        return None
    before = sum(len(text) + 1 for text in lines[: line - 1])
    in_line = lines[line - 1].encode()[: column - 1].decode(errors="ignore")
    return before + len(in_line)


def is_timeout(status: int, body: bytes | bytearray) -> bool:
    """Whether a 503 is the server's own query timeout, which must not be sent again."""
    return status == 503 and b'"errorType":"timeout"' in bytes(body[:4096]).replace(b" ", b"")


def of_reply(
    status: int,
    body: bytes | bytearray,
    content_type: str,
    *,
    query: str,
    path: str,
    location: str = "",
    words: str = "",
    api: str = "Prometheus",
) -> SourceError:
    """Return the error that an answer other than 2xx stands for; ``words`` are the words of another ``api``."""
    message = _error_document(body)
    text = words or (clean(str(message.get("error", ""))) if message else "")
    if status in (401, 403):
        return SourceUnavailable(
            f"The server refuses our credentials (HTTP {status}) for {path}.",
            hint="Check username and password, bearer, headers or the client certificate of this source.",
        )
    if is_timeout(status, body):
        return QueryTooExpensive(f"The server gave the query up: {text}.", hint=_NARROW)
    if status == 413 or (text and status not in RETRIED and _EXPENSIVE.search(text)):
        return QueryTooExpensive(text or "The request is too large for the server (HTTP 413).", hint=_NARROW)
    if (message or words) and status in (400, 422):
        return QueryRejected(text or f"HTTP {status} without a reason.", position=position_in(query, text))
    if 300 <= status < 400:
        return AnswerUnreadable(
            f"The server sends us elsewhere (HTTP {status}{f' to {location}' if location else ''}) for {path}.",
            hint="Is a login page in front of it? Set the address it redirects to, or credentials.",
        )
    if text and status in RETRIED and _EXPENSIVE.search(text):
        return QueryTooExpensive(text, hint=_NARROW)
    if status == 429:
        return SourceUnavailable(
            f"The server asks for fewer requests (HTTP 429). {text}".strip(), hint="Try again in a minute."
        )
    if status >= 500:
        return SourceUnavailable(
            f"The server fails (HTTP {status}): {text or _glimpse(body, content_type)}",
            hint="See the server's log.",
        )
    return AnswerUnreadable(
        f"HTTP {status} for {path}: {text or _glimpse(body, content_type)}",
        hint=f"Is the address right, with its path prefix, and is this a {api} API?",
    )


def of_text(
    body: bytes | bytearray, content_type: str, error: ValueError, *, api: str = "Prometheus"
) -> AnswerUnreadable:
    """Return the error for a 2xx answer that cannot be read: cut off, or not JSON of this API at all."""
    starts = bytes(body[:64]).lstrip()[:1]
    if starts in (b"{", b"[") and isinstance(error, json.JSONDecodeError) and _at_end(error):
        return AnswerTruncated(
            f"The answer stops in the middle, after {len(body):,} bytes.", hint="Ask again; look at proxies' limits."
        )
    if not body:
        return AnswerUnreadable("The answer is empty.", hint="Is a proxy in front of the server?")
    return AnswerUnreadable(
        f"The answer is not one of the {api} API: {_glimpse(body, content_type)}.",
        hint="Is the address right, with its path prefix? A login page or another service may answer there.",
    )


def of_exception(error: Exception, where: str, timeout_s: float) -> SourceError:
    """Return the error that a failed exchange stands for; ``where`` is scheme, host and port."""
    cause = _ssl_cause(error)
    if cause is not None:
        return _of_tls(cause, where)
    if isinstance(error, broken.NameResolutionError):
        return SourceUnavailable(f"No address for the host of {where}.", hint="Check the name and the DNS.")
    if isinstance(error, broken.NewConnectionError):
        return SourceUnavailable(f"{where} refuses the connection.", hint="Is the server running? Check host and port.")
    if isinstance(error, broken.ConnectTimeoutError):
        return SourceUnavailable(
            f"No connection to {where} in time.", hint="Is the address right? Does a firewall drop it?"
        )
    if isinstance(error, (broken.ReadTimeoutError, TimeoutError)):
        return SourceUnavailable(
            f"No complete answer from {where} within {timeout_s:.3g} s; the query was given up, not repeated.",
            hint=f"{_NARROW} Or raise timeout_s of this source.",
        )
    if isinstance(error, broken.EmptyPoolError):
        return SourceUnavailable(
            f"No turn at {where} within {timeout_s:g} s: too many questions at once.", hint="Try again in a moment."
        )
    if isinstance(error, broken.ProxyError):
        return SourceUnavailable(
            f"The proxy did not connect us to {where}.", hint="Check HTTP_PROXY, HTTPS_PROXY and NO_PROXY."
        )
    if isinstance(error, broken.DecodeError):
        return AnswerUnreadable(f"The answer of {where} is compressed in a way that cannot be undone.")
    if isinstance(error, broken.IncompleteRead) or _is_incomplete(error):
        return AnswerTruncated(
            f"The connection to {where} ended in the middle of the answer.", hint="Look at the server and at proxies."
        )
    return SourceUnavailable(f"The connection to {where} was lost.", hint="Is the server restarting? Try again.")


def is_lost(error: Exception) -> bool:
    """Whether the exchange failed for want of a connection, so that it may be tried again."""
    if _ssl_cause(error) is not None or isinstance(error, broken.NameResolutionError):
        return False
    final = (broken.TimeoutError, TimeoutError, broken.ProxyError, broken.DecodeError, broken.EmptyPoolError)
    return isinstance(error, broken.NewConnectionError) or not isinstance(error, final)


def _error_document(body: bytes | bytearray) -> dict[str, Any]:
    try:
        document = json.loads(body[:_GLIMPSED])
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) and document.get("status") == "error" else {}


def _glimpse(body: bytes | bytearray, content_type: str) -> str:
    head = bytes(body[:4096])
    if b"<html" in head.lower() or b"<!doctype" in head.lower() or "text/html" in content_type:
        title = _TITLE.search(head)
        named = clean(html.unescape(title[1].decode(errors="replace")), 80) if title else ""
        return f"an HTML page titled {named!r}" if named else "an HTML page"
    return clean(head[:200].decode(errors="replace"), 160) or "an empty body"


def _at_end(error: json.JSONDecodeError) -> bool:
    return error.msg.startswith("Unterminated") or error.pos >= len(error.doc) - 8


def _is_incomplete(error: Exception) -> bool:
    return any(type(argument).__name__ in ("IncompleteRead", "InvalidChunkLength") for argument in error.args) or (
        isinstance(error, broken.InvalidChunkLength)
    )


def _ssl_cause(error: BaseException | None) -> BaseException | None:
    seen = 0
    while error is not None and seen < 8:
        if isinstance(error, ssl.SSLError):
            return error
        inner = next((argument for argument in error.args if isinstance(argument, BaseException)), None)
        reason = getattr(error, "reason", None)
        error = reason if isinstance(reason, BaseException) else inner or error.__cause__ or error.__context__
        seen += 1
    return None


def _of_tls(cause: BaseException, where: str) -> SourceUnavailable:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return CertificateInvalid(
            f"The certificate of {where} does not verify: {clean(cause.verify_message, 200)}.",
            hint="Set ca_file to the authority that issued it, and use the name it was issued for.",
        )
    text = str(cause).lower()
    if "certificate required" in text or "handshake failure" in text or "bad certificate" in text:
        return SourceUnavailable(
            f"{where} wants a client certificate, or refuses ours.", hint="Set cert_file and key_file of this source."
        )
    if "unknown ca" in text or "certificate unknown" in text:
        return SourceUnavailable(f"{where} does not know the authority of our client certificate.")
    if "wrong_version_number" in text or "wrong version number" in text or "record layer" in text:
        return SourceUnavailable(f"{where} does not speak TLS on this port.", hint="Use http:// or the TLS port.")
    return SourceUnavailable(f"No secure connection to {where}: {clean(getattr(cause, 'reason', '') or 'TLS failed')}.")
