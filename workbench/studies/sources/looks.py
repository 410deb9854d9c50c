"""A study looks once at each archive it reads, however many questions it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar, cast, runtime_checkable

from workbench.core.errors import WorkbenchError
from workbench.studies.sources.context import Context

P = ParamSpec("P")
R = TypeVar("R")


@runtime_checkable
class Looking(Protocol):
    """A source whose state can be held still for a thread."""

    def one_look(self) -> AbstractContextManager[None]:
        """Answer from one state inside the context."""
        ...


def one_look(study: Callable[Concatenate[Context, P], R]) -> Callable[Concatenate[Context, P], R]:
    """Let a study read all its archives in one state each; a study inside it shares the look."""

    @wraps(study)
    def looking(ctx: Context, *args: P.args, **kwargs: P.kwargs) -> R:
        with _look(ctx, str(kwargs.get("system") or "")):
            return study(ctx, *args, **kwargs)

    return cast(Callable[Concatenate[Context, P], R], looking)


@contextmanager
def _look(ctx: Context, system: str) -> Iterator[None]:
    with ExitStack() as looks:
        for name, source in ctx.sources.items():
            served = ctx.serves.get(name, ())
            if isinstance(source, Looking) and (not system or not served or system in served):
                with suppress(WorkbenchError):  # the study meets the same error, and says it
                    looks.enter_context(source.one_look())
        yield
