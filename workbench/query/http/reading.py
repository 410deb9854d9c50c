"""Bytes of an answer and its JSON within a limit of memory: refused before it is spent."""

from __future__ import annotations

import json
import math
import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar

import urllib3.exceptions as broken

from workbench.core.errors import QueryTooExpensive, SourceUnavailable

#: Memory that one answer may take, where the settings say nothing (``answer_mib``). [bytes]
MAX_BYTES = 512 << 20

#: What Python's objects cost. [bytes]
_OBJECT, _LIST, _ITEM, _KEY, _QUOTE = 232, 88, 40, 80, 28

#: An escaped or encoded half of a surrogate pair, or a whole pair.
_WRITTEN_HALF = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
_HALF = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")

_PACKED = ("gzip", "x-gzip", "deflate")

_PIECE = 1 << 18

#: Smaller texts are read at once, whatever they hold. [bytes]
_LARGE = 1 << 20
_HINT = "Aggregate in the query or narrow it, or raise `answer_mib` of this source."

#: Objects, or rows made of them, between two looks at the clock. [count]
_LOOKED = 512

T = TypeVar("T")


class Pieces(Protocol):
    """An answer whose body is read piece by piece, as urllib3's."""

    def read1(self, amt: int | None = None, decode_content: bool | None = None) -> bytes:
        """Read what has come; empty at the end."""
        ...


def read_body(response: Pieces, encoding: str, *, limit: int, check: Callable[[], None]) -> bytearray:
    """Read and unpack a body, at most ``limit`` bytes of it, asking the clock after every piece.

    Parameters
    ----------
    response : Pieces
        The answer, before its body is read.
    encoding : str
        Its ``Content-Encoding``; another than gzip and deflate, e.g. the snappy of remote read, is left to the caller.
    limit : int
        [bytes]
    check : callable
        Raises when the time is up.

    Raises
    ------
    QueryTooExpensive
        The body, unpacked, is larger.
    urllib3.exceptions.DecodeError, urllib3.exceptions.IncompleteRead
        It cannot be unpacked, or ends in the middle.
    """
    kind = encoding.strip().lower()
    unpack = _Unpacker(kind) if kind in _PACKED else None
    body = bytearray()
    try:
        while piece := response.read1(_PIECE, decode_content=False):
            check()
            for part in [piece] if unpack is None else unpack.parts(piece):
                body += part
                if len(body) > limit:
                    raise too_large(limit)
                check()
        check()
        if unpack is not None and not unpack.whole:
            raise broken.IncompleteRead(len(body), 1)
    except BaseException:
        body.clear()  # the error holds this frame, and the next attempt would take as much beside it
        raise
    return body


def gathered(pieces: Iterable[bytes], *, deadline: float) -> bytearray:
    """Join the pieces of a body that another client unpacks.

    Parameters
    ----------
    pieces : iterable of bytes
        The body, in the order in which it came.
    deadline : float
        Of the monotonic clock. [s]

    Raises
    ------
    TimeoutError
        The deadline passed.
    QueryTooExpensive
        The body is larger than :data:`MAX_BYTES`.
    """
    body = bytearray()
    try:
        for piece in pieces:
            body += piece
            if time.monotonic() > deadline:
                raise TimeoutError
            if len(body) > MAX_BYTES:
                raise too_large(MAX_BYTES)
    except BaseException:
        body.clear()
        raise
    return body


def too_large(limit: int) -> QueryTooExpensive:
    """Return the error for an answer over the limit."""
    return QueryTooExpensive(f"The answer takes more memory than {limit >> 20:,} MiB.", hint=_HINT)


def in_time(items: Iterable[T], until: float) -> Iterator[T]:
    """Give items, such as the rows of an answer while they are made, until the time of the exchange is up.

    Parameters
    ----------
    items : iterable
        Made one by one.
    until : float
        Of the monotonic clock. [s]

    Raises
    ------
    SourceUnavailable
        The time is up.

    Examples
    --------
    >>> list(in_time("ab", time.monotonic() + 60))
    ['a', 'b']
    """
    for number, item in enumerate(items):
        if number % _LOOKED == 0:
            _look(until)
        yield item


def _look(until: float) -> None:
    if time.monotonic() > until:
        raise SourceUnavailable(
            "The answer came, but reading it takes longer than the source's timeout_s allows; it was given up.",
            hint="Ask for less: a shorter range, fewer series, lines or spans. Or raise timeout_s of this source.",
        )


def _clocked(until: float) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return what JSON's reader calls for each object, so that it can be ended in the middle."""
    objects = 0

    def look(made: dict[str, Any]) -> dict[str, Any]:
        nonlocal objects
        objects += 1
        if objects % _LOOKED == 0:
            _look(until)
        return made

    return look


def check_size(text: bytes | bytearray, *, limit: int, times: float = 1.0) -> None:
    """Refuse a text whose objects take so many times its size, where that is more than the limit leaves.

    Raises
    ------
    QueryTooExpensive
    """
    if len(text) >= _LARGE and len(text) * times > limit + limit // 2:
        raise too_large(limit)


def read_json(text: bytes | bytearray, *, limit: int = MAX_BYTES, until: float = math.inf) -> Any:
    """Read JSON, unless its objects would take more memory than the limit leaves, or more time.

    Objects are counted by their punctuation first, as a small text can become large: ``[[],[],...`` twenty-fold. Halves
    of surrogate pairs, which no text may hold, become U+FFFD.

    Raises
    ------
    ValueError
        It is no JSON.
    QueryTooExpensive
    SourceUnavailable
        The time is up: ``until``, of the monotonic clock. [s]

    Examples
    --------
    >>> read_json(b'{"a": [1]}')
    {'a': [1]}
    """
    if json_bytes(text) > limit + limit // 2:
        raise too_large(limit)
    clocked = _clocked(until) if len(text) >= _LARGE and until < math.inf else None
    document = json.loads(text, object_hook=clocked)
    _look(until)
    return without_halves(document, text)


def without_halves(document: Any, text: bytes | bytearray | str) -> Any:
    """Write halves of surrogate pairs of a document as U+FFFD, where its text has any: no column takes them."""
    halves = _WRITTEN_HALF.search(text) if isinstance(text, str) else _HALF.search(text)
    return _whole(document) if halves else document


def json_bytes(text: bytes | bytearray) -> int:
    """Memory for reading a JSON text, from above: the bytes, their text, and the objects. [bytes]"""
    if len(text) < _LARGE:
        return len(text)
    wide = 2 if text.isascii() else 5
    return (
        len(text) * (1 + wide)
        + text.count(b"{") * _OBJECT
        + text.count(b"[") * _LIST
        + text.count(b",") * _ITEM
        + text.count(b":") * _KEY
        + text.count(b'"') * _QUOTE
    )


def _whole(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [_whole(item) for item in value]
        case dict():
            return {_whole(name): _whole(item) for name, item in value.items()}
    return value


class _Unpacker:
    """gzip (of several members) or deflate, never more than a piece at a time."""

    def __init__(self, encoding: str) -> None:
        self._raw = encoding == "deflate"
        self._inner = zlib.decompressobj(zlib.MAX_WBITS | 32)
        self._begun = self.whole = False

    def parts(self, piece: bytes) -> Any:
        """Yield what a piece unpacks to, some of it empty, so that the clock is asked in between."""
        while piece:
            if self._inner.eof:
                if not piece.strip(b"\0"):
                    return
                self._inner, self.whole = zlib.decompressobj(zlib.MAX_WBITS | 32), False
            yield self._step(piece)
            piece = self._inner.unused_data if self._inner.eof else self._inner.unconsumed_tail
            self.whole = self._inner.eof

    def _step(self, piece: bytes) -> bytes:
        try:
            part = self._inner.decompress(piece, _PIECE)
        except zlib.error as error:
            if self._begun or not self._raw:
                raise broken.DecodeError(str(error)) from None
            self._inner = zlib.decompressobj(-zlib.MAX_WBITS)  # deflate without the header of zlib
            self._begun = True
            return self._step(piece)
        self._begun = True
        return part
