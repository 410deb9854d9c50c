"""A study looks once at each archive it reads, however many questions it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar, cast, runtime_checkable

from workbench.core.errors import WorkbenchError
from workbench.core.source import MetricSource


class Reading(Protocol):
    """The part of a context that says which sources there are, and for which systems."""

    @property
    def sources(self) -> Mapping[str, MetricSource]:
        """By name."""
        ...

    @property
    def serves(self) -> Mapping[str, tuple[str, ...]]:
        """Systems each source answers for; empty means all."""
        ...


C = TypeVar("C", bound=Reading)
P = ParamSpec("P")
R = TypeVar("R")


@runtime_checkable
class Looking(Protocol):
    """A source whose state can be held still for a thread."""

    def one_look(self) -> AbstractContextManager[None]:
        """Answer from one state inside the context."""
        ...


def one_look(study: Callable[Concatenate[C, P], R]) -> Callable[Concatenate[C, P], R]:
    """Let a study read all its archives in one state each; a study inside it shares the look."""

    @wraps(study)
    def looking(ctx: C, *args: P.args, **kwargs: P.kwargs) -> R:
        with _look(ctx, str(kwargs.get("system") or "")):
            return study(ctx, *args, **kwargs)

    return cast(Callable[Concatenate[C, P], R], looking)


@contextmanager
def _look(ctx: Reading, system: str) -> Iterator[None]:
    with ExitStack() as looks:
        for name, source in ctx.sources.items():
            served = ctx.serves.get(name, ())
            if isinstance(source, Looking) and (not system or not served or system in served):
                with suppress(WorkbenchError):  # the study meets the same error, and says it
                    looks.enter_context(source.one_look())
        yield
