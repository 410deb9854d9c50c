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

#: How many strings of JSON a secret may lie in, one in the other. [count]
_DEEP = 4

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
    absent = [mark for mark in (b"\\", b"&", b"%") if mark not in body]  # most answers have none of them
    for form in _forms(tuple(sorted(set(secrets))), LEAST_IN_DATA if data else LEAST):
        if not any(mark in form for mark in absent) and form in body:
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
    plain = {form for secret in secrets for part in _parts(secret) if len(part) >= least for form in _encoded(part)}
    forms = {escaped for form in plain for escaped in _in_json(form)}
    return tuple(sorted(forms, key=len, reverse=True))  # a secret may be part of a longer one


def _in_json(form: bytes) -> Iterator[bytes]:
    """Yield a form, what it is in a string of JSON, and in an error inside an error; each also as PHP writes it."""
    texts = {form.decode("utf-8", "surrogateescape")}
    for _ in range(_DEEP + 1):
        for text in texts:
            raw = text.encode("utf-8", "surrogateescape")
            yield raw
            yield raw.replace(b"/", b"\\/")
        texts = {json.dumps(text, ensure_ascii=ascii_only)[1:-1] for text in texts for ascii_only in (True, False)}


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
    yield from (repr(text)[1:-1].encode(), repr(raw)[2:-1].encode())
    yield from (raw.hex().encode(), raw.hex().upper().encode())
    for escape in ("\\u{:04x}", "\\u{:04X}", "&#{};", "&#x{:x};"):
        yield "".join(escape.format(ord(letter)) for letter in text).encode()
    for double, single in (
        ("&quot;", "&#x27;"),
        ("&#34;", "&#39;"),
        ("&quot;", "&apos;"),
        ("&quot;", "&#39;"),
        ('"', "'"),
    ):
        yield html.escape(text, quote=False).replace('"', double).replace("'", single).encode()
    # nginx writes variables into logs and bodies so; others every byte.
    for shown in (b"", bytes(set(range(32, 127)) - set(b'"\\'))):
        for form in ("\\x{:02X}", "\\x{:02x}"):
            yield "".join(chr(byte) if byte in shown else form.format(byte) for byte in raw).encode()
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
