"""Figures drawn once for all readers of an answer: who shares its results shares what was drawn from them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from types import FunctionType
from typing import Any

from workbench.charts.theme import Mode
from workbench.core.result import Result

#: Figures that are kept; the one shown longest ago goes first. [count]
KEPT = 48


class _Same:
    """A result as part of a key: equal to itself alone, and alive as long as the key is."""

    def __init__(self, result: Result) -> None:
        self.result = result

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.result is self.result

    def __hash__(self) -> int:
        return id(self.result)


_figures: OrderedDict[Any, Any] = OrderedDict()
_guard = threading.Lock()


def drawn(draw: Callable[..., Any], *results: Any, mode: Mode) -> Any:
    """Draw a figure, or return the one that was drawn of the same results; nobody may change it.

    Parameters
    ----------
    draw : callable
        Draws from its arguments alone. One that keeps other values (a closure, a method) is called every time.
    *results : Result or plain value
        What the figure is drawn from.
    mode : str
        Theme.
    """
    key = _key(draw, results, mode)
    if key is None:
        return draw(*results, mode=mode)
    with _guard:
        if key in _figures:
            _figures.move_to_end(key)
            return _figures[key]
    figure = draw(*results, mode=mode)
    with _guard:
        _figures[key] = figure
        while len(_figures) > KEPT:
            _figures.popitem(last=False)
    return figure


def _key(draw: Callable[..., Any], results: tuple[Any, ...], mode: Mode) -> Any:
    """Return all that a figure depends on; None where that cannot be said."""
    if not isinstance(draw, FunctionType) or draw.__closure__:
        return None
    bound = (*(draw.__defaults__ or ()), *(draw.__kwdefaults__ or {}).items())
    parts = [_Same(each) if isinstance(each, Result) else each for each in results]
    plain = (str, int, float, bool, type(None))
    flat = [part for each in bound for part in (each if isinstance(each, tuple) else (each,))]
    if not all(isinstance(part, (_Same, *plain)) for part in (*parts, *flat)):
        return None
    kinds = tuple(type(part) for part in (*parts, *flat))  # 1 and True are equal, but not the same figure
    return draw.__module__, draw.__code__, bound, tuple(parts), kinds, mode
