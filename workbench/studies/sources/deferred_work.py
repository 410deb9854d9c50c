"""Work that an answer need not wait for: what was counted is written down after the reader has the answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from workbench.core.errors import WorkbenchError

_LOG = logging.getLogger(__name__)

_waiting: ContextVar[list[Callable[[], object]] | None] = ContextVar("waiting", default=None)


def afterwards(work: Callable[[], object]) -> None:
    """Do something when the answer is given where somebody waits for one (:func:`answer_first`), else now.

    Parameters
    ----------
    work : callable
        What goes wrong in it afterwards is logged and changes no answer.

    Raises
    ------
    WorkbenchError
        As the work raises it, where it is done now.
    """
    waiting = _waiting.get()
    if waiting is None:
        work()
    else:
        waiting.append(work)


@contextmanager
def answer_first() -> Iterator[None]:
    """Put off what can be done afterwards until the context ends; give the answer inside it."""
    waiting: list[Callable[[], object]] = []
    token = _waiting.set(waiting)
    try:
        yield
    finally:
        _waiting.reset(token)
        for work in waiting:
            try:
                work()
            except WorkbenchError as error:
                _LOG.warning("Not written down: %s", error)
