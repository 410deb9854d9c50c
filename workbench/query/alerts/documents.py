"""Documents of JSON in a file: one a line, one over many lines, or a list of them."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Iterator
from typing import Any

from workbench.query.http.reading import without_halves


def documents_of(lines: Iterable[bytes]) -> Iterator[Any]:
    """Give the documents in the lines of a file; a line that belongs to none is given as its bytes.

    Examples
    --------
    >>> list(documents_of([b'{"a": 1}', b"{", b' "b": 2', b"}", b'[{"c": 3}]', b"no JSON"]))
    [{'a': 1}, {'b': 2}, {'c': 3}, b'no JSON']
    """
    begun: list[bytes] = []
    for line in (each.removeprefix(codecs.BOM_UTF8) for each in lines if each.strip()):
        whole = _read(line) if line[:1] in (b"{", b"[") else None
        if whole is not None:
            yield from (*begun, *_items(whole))
            begun = []
        elif not begun and line[:1] not in (b"{", b"["):
            yield line
        else:
            begun.append(line)
            if line.rstrip() in (b"}", b"]") and (whole := _read(b"".join(begun))) is not None:
                yield from _items(whole)
                begun = []
    yield from begun


def _read(text: bytes) -> Any:
    try:
        return without_halves(json.loads(text), text)
    except (ValueError, RecursionError):
        return None


def _items(document: Any) -> list[Any]:
    """Documents in a list; alerts in a list are one answer of the API."""
    if not isinstance(document, list) or not document:
        return [document]
    alerts = [each for each in document if isinstance(each, dict) and "startsAt" in each]
    return [{"data": document}] if len(alerts) == len(document) else document
