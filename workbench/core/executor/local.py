"""Tasks in processes of this machine."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from workbench.core.executor.task import TaskDied, begun, ended

#: Tasks at once; a report has a kernel of its own, with up to about 1.3 gigabytes. [count]
MOST_AT_ONCE = 4


class LocalProcesses:
    """As many tasks at once as there are processors, at most four.

    Parameters
    ----------
    slots : int, optional
        Another number of tasks at once.
    """

    def __init__(self, slots: int | None = None) -> None:
        self.slots = slots or self.usual_slots()
        self._pool = ThreadPoolExecutor(self.slots, thread_name_prefix="task")
        self._children: set[subprocess.Popen[bytes]] = set()
        self._guard, self._closed = threading.Lock(), False

    @staticmethod
    def usual_slots() -> int:
        """Tasks at once where nothing else is said."""
        return max(1, min(MOST_AT_ONCE, os.cpu_count() or 1))

    def submit(self, function: str, arguments: Mapping[str, Any]) -> Future[Any]:
        """Begin a task, or let it wait for a slot."""
        return self._pool.submit(self._run, function, dict(arguments))

    def _run(self, function: str, arguments: Mapping[str, Any]) -> Any:
        with self._guard:
            if self._closed:
                raise TaskDied("The task was not begun: its executor is closed.")
            child = begun(function, arguments)
            self._children.add(child)
        try:
            return ended(child, function)
        finally:
            with self._guard:
                self._children.discard(child)

    def close(self) -> None:
        """Kill what still runs."""
        with self._guard:
            self._closed = True
            for child in self._children:
                child.kill()
        self._pool.shutdown(cancel_futures=True)
