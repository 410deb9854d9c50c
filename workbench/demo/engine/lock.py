"""One builder at a time for a demo folder; the lock dies with its holder, so it never goes stale."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.core.errors import ArchiveError

_POLL_S = 0.2


@contextmanager
def building(directory: Path, *, patience_s: float = 600.0) -> Iterator[None]:
    """Hold the lock of a demo folder, waiting for another builder to finish.

    The lock is the operating system's and stands beside the folder, which may itself be exchanged; when its holder is
    killed it is free at once. The process id in the file is for people.

    Parameters
    ----------
    patience_s : float
        How long to wait. [s]

    Raises
    ------
    ArchiveError
        Another process still builds after that time.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    path = directory.parent / f".{directory.name}.lock"
    with path.open("a+", encoding="utf-8") as file:
        deadline = time.monotonic() + patience_s
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    file.seek(0)
                    raise ArchiveError(
                        f"Process {file.read().strip() or '?'} has been building {directory} for {patience_s:.0f} s.",
                        hint="Wait for it or end it, then run the command again.",
                    ) from None
                time.sleep(_POLL_S)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
