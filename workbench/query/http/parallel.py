"""Several requests of one question at a time, as many as a server bears."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from workbench.query.metrics.plan import WORKERS

Answered = TypeVar("Answered")


def in_parallel(ask: Callable[[int], Answered], count: int) -> list[Answered]:
    """Ask for the parts 0 to ``count - 1`` on two workers, in order; the first failure stops those not begun.

    Examples
    --------
    >>> in_parallel(lambda part: part * 10, 3)
    [0, 10, 20]
    """
    if count == 1:
        return [ask(0)]
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="query") as workers:
        futures = [workers.submit(ask, number) for number in range(count)]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()
