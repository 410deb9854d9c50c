"""Compiled readers: loading one takes a second, so a process earns it by reading some megabytes first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Reader = TypeVar("Reader")


class Compiled(Generic[Reader]):
    """A reader that is loaded when it is worth it, and never where numba is not installed.

    Parameters
    ----------
    load : callable
        Imports the reader; ``ImportError`` means that there is none.
    worth : int
        Bytes after which a process loads it. [bytes]
    """

    def __init__(self, load: Callable[[], Reader], *, worth: int) -> None:
        self._load = load
        self._worth = worth
        self._lock = threading.Lock()
        self._seen = 0
        self._reader: Reader | None = None
        self._tried = False

    def after(self, size: int) -> Reader | None:
        """Return the reader if it is loaded, or if with ``size`` more bytes it is worth loading.

        While one thread loads it the others do not wait, they read as if it were not there.
        """
        self._seen += size
        if self._seen >= self._worth and not self._tried and self._lock.acquire(blocking=False):
            try:
                self._try()
            finally:
                self._lock.release()
        return self._reader

    def now(self) -> Reader | None:
        """Return the reader, loaded now; None without numba."""
        with self._lock:
            self._try()
            return self._reader

    def _try(self) -> None:
        if self._tried:
            return
        try:
            self._reader = self._load()
        except (ImportError, RuntimeError):
            self._reader = None
        self._tried = True
