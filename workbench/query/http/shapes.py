"""Answers of another shape than an API documents: a typed error with the source, never a fault of the workbench."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar, cast

from workbench.core.errors import AnswerUnreadable, SourceError
from workbench.core.source import SourceState

C = TypeVar("C")
F = TypeVar("F", bound=Callable[..., Any])

#: What reading foreign JSON raises where a list, an object or a number is another thing.
WRONG = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError)

_ASKED = (
    *("range", "instant", "raw", "history", "series", "label_values", "metadata", "cost", "document"),
    *("logs", "log_counts", "spans", "episodes"),
)


@contextmanager
def expected(source: str, api: str = "") -> Iterator[None]:
    """Turn what goes wrong while an answer is read into an error that names the source.

    Examples
    --------
    >>> try:
    ...     with expected("prod", "Loki"):
    ...         {"data": 1}["values"]
    ... except AnswerUnreadable as error:
    ...     print(error.message)
    The answer has another shape than one of Loki (KeyError: 'values').
    """
    try:
        yield
    except SourceError as error:
        error.source = error.source or source
        raise
    except WRONG as error:
        what = f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
        raise AnswerUnreadable(
            f"The answer has another shape than one of {api or 'its API'} ({what}).",
            source=source,
            hint="Is the address right, and is this the kind of server the settings say?",
        ) from error


def typed_by(api: str) -> Callable[[F], F]:
    """Let a function, whose first argument is a source, end with an answer or a typed error."""

    def changed(function: F) -> F:
        @wraps(function)
        def answer(source: Any, *args: Any, **options: Any) -> Any:
            with expected(source.name, api):
                return function(source, *args, **options)

        return cast(F, answer)

    return changed


def typed_answers(api: str) -> Callable[[type[C]], type[C]]:
    """Let every question of a source end with an answer or a typed error, and its state never raise.

    Parameters
    ----------
    api : str
        Name of the API, for people.
    """

    def changed(kind: type[C]) -> type[C]:
        for name in _ASKED:
            if name in vars(kind):
                setattr(kind, name, _typed(vars(kind)[name], api))
        if "state" in vars(kind):
            kind.state = _stated(vars(kind)["state"], api)  # type: ignore[attr-defined]
        return kind

    return changed


def _typed(method: Callable[..., Any], api: str) -> Callable[..., Any]:
    if inspect.isgeneratorfunction(method):

        @wraps(method)
        def pieces(self: Any, *args: Any, **options: Any) -> Iterator[Any]:
            with expected(self.name, api):
                yield from method(self, *args, **options)

        return pieces

    @wraps(method)
    def answer(self: Any, *args: Any, **options: Any) -> Any:
        with expected(self.name, api):
            return method(self, *args, **options)

    return answer


def _stated(method: Callable[..., SourceState], api: str) -> Callable[..., SourceState]:
    @wraps(method)
    def state(self: Any) -> SourceState:
        try:
            with expected(self.name, api):
                return method(self)
        except AnswerUnreadable as error:
            where, detail = str(getattr(self, "location", "")), f"{error.message} {error.hint}"
            return SourceState(self.name, api.lower(), where, "unavailable", "", "", None, detail, error.exit_code)

    return state
