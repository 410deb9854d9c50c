"""One process that computes answers, as its parent sees it; started before anything large is imported."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from typing import Any

#: A worker that is told to end has this long. [s]
ENDS_S = 2.0


class LostError(Exception):
    """A worker ended over a question."""


class Worker:
    """One process; it serves one question at a time.

    Parameters
    ----------
    ahead : int, optional
        Let it begin with what the first page asks, from this system on, until somebody asks it anything.
    """

    def __init__(self, ahead: int | None = None) -> None:
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "workbench.studies.answers.worker", *([] if ahead is None else [str(ahead)])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,  # Ctrl+C stops the dashboard, which ends its workers
        )
        self._ready = False

    def asked(self, request: bytes) -> tuple[dict[str, Any], bytes]:
        """Send a question and wait for the answer.

        Raises
        ------
        LostError
            The process ended.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            if not self._ready:
                self._head()
                self._ready = True
            self.process.stdin.write(request)
            self.process.stdin.flush()
            head = self._head()
            content = self.process.stdout.read(head["size"])
        except (OSError, ValueError) as error:
            raise LostError(str(error)) from error
        if len(content) < head["size"]:
            raise LostError("The answer stops in the middle.")
        return head, content

    def _head(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise LostError("The process ended.")
        head: dict[str, Any] = json.loads(line)
        return head

    def end(self) -> None:
        """Let the process end; one that is at work is stopped."""
        if self.process.stdin is not None:
            with suppress(OSError):
                self.process.stdin.close()
        try:
            self.process.wait(ENDS_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
