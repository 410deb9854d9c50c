"""Our own credentials struck out of whatever a server says: some servers and proxies repeat what they were sent."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from urllib.parse import quote, quote_plus

#: Shorter texts are found by chance: in words of an error, and in data, whose labels must stay as they are.
#: [characters]
LEAST, LEAST_IN_DATA = 4, 8

STRUCK = b"***"

#: What JavaScript's encodeURIComponent and encodeURI leave as it is.
_SAFE = ("!'()*", ";/?:@&=+$,#!'()*")

_URL_SAFE = bytes.maketrans(b"+/", b"-_")

#: Headers that hold credentials, whoever set them.
SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key", "x-amz-security-token"})


def struck_out(body: bytes | bytearray, secrets: Iterable[str], *, data: bool) -> bytes | bytearray:
    """Return a body without secrets, raw or as base64, hexadecimal, percent-encoded, in JSON or in HTML.

    Parameters
    ----------
    body : bytes
        Content of the answer.
    secrets : iterable of str
        As they were sent: passwords, tokens, whole values of headers.
    data : bool
        The body is an answer of success, so that short secrets stay: a label ``prom`` is no password.

    Examples
    --------
    >>> struck_out(b'you sent "s3cret/key" = czNjcmV0L2tleQ==', ["s3cret/key"], data=True)
    b'you sent "***" = ***'
    """
    for form in _forms(tuple(sorted(set(secrets))), LEAST_IN_DATA if data else LEAST):
        if form in body:
            body = body.replace(form, STRUCK)
    return body


def struck_headers(headers: Mapping[str, str], secrets: Iterable[str]) -> dict[str, str]:
    """Return headers of an answer, names in lower case, their values without secrets."""
    known = tuple(secrets)
    return {
        name.lower(): bytes(struck_out(value.encode("utf-8", "surrogateescape"), known, data=False)).decode(
            "utf-8", "replace"
        )
        for name, value in headers.items()
    }


@lru_cache(maxsize=64)
def _forms(secrets: tuple[str, ...], least: int) -> tuple[bytes, ...]:
    forms = {form for secret in secrets for part in _parts(secret) if len(part) >= least for form in _encoded(part)}
    return tuple(sorted(forms, key=len, reverse=True))  # a secret may be part of a longer one


def _parts(secret: str) -> Iterator[str]:
    """Yield a value and what stands in it: the token behind its scheme, the pair in base64 and its password."""
    yield secret
    scheme, _, token = secret.partition(" ")
    if not token:
        return
    yield token
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(token, validate=True).decode()
        except ValueError:
            return
        yield pair
        yield pair.partition(":")[2]


def _encoded(text: str) -> Iterator[bytes]:
    raw = text.encode("utf-8", "surrogateescape")
    yield raw
    for plain in (base64.b64encode(raw), base64.urlsafe_b64encode(raw)):
        yield plain
        yield plain.rstrip(b"=")
    yield from _inside_base64(raw)
    for safe in _SAFE:
        yield quote(text, safe=safe).encode()
    for percent in (quote(text, safe=""), quote(text), quote_plus(text), quote(quote(text, safe=""), safe="")):
        yield percent.encode()
        yield percent.encode().lower()
    for written in (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1]):
        # An error inside an error is escaped twice.
        for escaped in (written, json.dumps(written)[1:-1], json.dumps(json.dumps(written)[1:-1])[1:-1]):
            yield escaped.encode()
            yield escaped.replace("/", "\\/").encode()
    yield from (raw.hex().encode(), raw.hex().upper().encode())
    for escape in ("\\u{:04x}", "\\u{:04X}", "&#{};", "&#x{:x};"):
        every = "".join(escape.format(ord(letter)) for letter in text)
        yield from (every.encode(), json.dumps(every)[1:-1].encode())
    for double, single in (
        ("&quot;", "&#x27;"),
        ("&#34;", "&#39;"),
        ("&quot;", "&apos;"),
        ("&quot;", "&#39;"),
        ('"', "'"),
    ):
        yield html.escape(text, quote=False).replace('"', double).replace("'", single).encode()
    # nginx writes variables into logs and bodies so.
    yield "".join(rf"\x{byte:02X}" if byte in b'"\\' or not 32 <= byte < 127 else chr(byte) for byte in raw).encode()
    yield " ".join(map(str, raw)).encode()
    yield ", ".join(map(str, raw)).encode()
    yield base64.b32encode(raw).rstrip(b"=")


def _inside_base64(raw: bytes) -> Iterator[bytes]:
    """Yield what stands in base64 of a longer text, such as a whole header, wherever in it the secret begins."""
    for before, skipped in ((0, 0), (1, 2), (2, 3)):
        whole = (before + len(raw)) // 3 * 4
        part = base64.b64encode(bytes(before) + raw)[skipped:whole]
        if len(part) >= LEAST_IN_DATA:
            yield part
            yield part.translate(_URL_SAFE)
