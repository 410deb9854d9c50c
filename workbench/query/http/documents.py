"""Large documents read fast: orjson where the extra ``fast`` is installed, and Python's cyclic collector held back.

A document is a tree of many small objects, none of them garbage; the collector would walk it again and again.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from workbench.query.http.reading import without_halves


@contextmanager
def without_collector() -> Iterator[None]:
    """Hold the cyclic collector back while many objects are made; reference counts free what is not needed as ever."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def read_json(body: bytes) -> Any:
    """Read one document whose numbers fit 64 bits, as those of OpenTelemetry do: larger ones are text there.

    Raises
    ------
    ValueError
        It is no JSON; a NaN, which Python's reader takes, is taken here too.
    RecursionError

    Examples
    --------
    >>> read_json(b'{"a": [1, "2"]}'), read_json(b'{"a": NaN}')
    ({'a': [1, '2']}, {'a': nan})
    """
    with without_collector():
        try:
            if (fast := _fast_reader()) is not None:
                return fast(body)
        except ValueError:
            pass
        return without_halves(json.loads(body), body)


@cache
def _fast_reader() -> Callable[[bytes], Any] | None:
    try:
        import orjson
    except ImportError:
        return None
    reader: Callable[[bytes], Any] = orjson.loads
    return reader
