"""What pages make of an answer, made once for all its readers: who shares its results shares what came of them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from types import FunctionType
from typing import Any, TypeVar

from workbench.charts.theme import Mode
from workbench.core.result import Result, Study
from workbench.core.timerange import TimeRange

R = TypeVar("R")

#: Figures, sentences, tables that are kept; the one shown longest ago goes first. [count]
KEPT = 1000

#: Values that stand in a key as they are. What else is compared by identity is named in :func:`_part`.
_PLAIN = (str, int, float, bool, type(None), datetime, TimeRange)


class Same:
    """An object as part of a key: equal to itself alone, and alive as long as the key is."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


class _NoKeyError(Exception):
    """What a value depends on is unknown, so it cannot be shared."""


_made: OrderedDict[Any, Any] = OrderedDict()
_guard = threading.Lock()


def once(make: Callable[..., R], *given: Any, **named: Any) -> R:
    """Make something of its arguments, or return what was made of the same ones; nobody may change it.

    Parameters
    ----------
    make : callable
        Works from its arguments alone. One that keeps other values (a closure, a method) is called every time.
    *given, **named : Study, Result, list, function or plain value
        A study is the same as long as its results and its facts are; its warnings and its age may differ.
    """
    try:
        key = _part(make), *map(_part, given), *((name, _part(value)) for name, value in sorted(named.items()))
    except _NoKeyError:
        return make(*given, **named)
    with _guard:
        if key in _made:
            _made.move_to_end(key)
            made: R = _made[key]
            return made
    made = make(*given, **named)
    with _guard:
        _made[key] = made
        while len(_made) > KEPT:
            _made.popitem(last=False)
    return made


def drawn(draw: Callable[..., Any], *results: Any, mode: Mode) -> Any:
    """Draw a figure in a theme, or return the one that was drawn of the same results; nobody may change it."""
    return once(_still, draw, *results, mode=mode)


def _still(draw: Callable[..., Any], *results: Any, mode: Mode) -> Any:
    return still(draw(*results, mode=mode))


def still(figure: Any) -> Any:
    """Let a figure that nobody changes any more say once what it holds; Plotly copies all of it for each reader."""
    document = figure.to_dict()
    figure.to_dict = lambda: document
    return figure


def _part(value: object) -> Any:
    """Return a value as part of a key, with its type: 1 and True are equal, but make not the same figure."""
    if isinstance(value, _PLAIN):
        return type(value), value
    if isinstance(value, Study):
        facts = (value.name, value.system, value.range, value.as_of, value.status, value.freshness)
        return Same(value.results), Same(value.provenance), repr(value.coverage), facts
    if isinstance(value, (Result, list)):
        return Same(value)
    if isinstance(value, tuple):
        return tuple(map(_part, value))
    if isinstance(value, FunctionType) and not value.__closure__:
        bound = (*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).items())
        return value.__module__, value.__code__, tuple(map(_part, bound))
    raise _NoKeyError
