"""Processes that compute answers, as their parent sees them; begun before anything large is imported."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Any

#: Workers that are told to end have this long. [s]
ENDS_S = 2.0

#: Elsewhere than on Linux libraries of the system do not survive a fork.
FORKS = sys.platform == "linux"

#: How much a worker gives way to the web process, which only draws.
NICER = 5

#: Workers are as many as cores, and threads do not survive a fork.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}

#: Byte that asks for a worker without work of its own; any other is the system to begin with.
IDLE = 255


class LostError(Exception):
    """A worker ended over a question."""


class Nursery:
    """A process that loads once what workers need, and makes them: where it can, by forking.

    A forked worker is there in some milliseconds and shares what was loaded.

    Parameters
    ----------
    near : socket, optional
        Asks a process that was begun before.
    process : Forked, optional
        That process.
    """

    def __init__(self, near: socket.socket | None = None, process: Forked | None = None) -> None:
        self._near = near
        self._process: subprocess.Popen[bytes] | Forked | None = process
        self._lock = threading.Lock()

    def worker(self, ahead: int | None = None) -> Worker:
        """Return a worker that is being made.

        Parameters
        ----------
        ahead : int, optional
            Let it begin with what the first page asks, from this system on, until somebody asks it anything.

        Raises
        ------
        LostError
            The process that makes workers cannot be started.
        """
        near, far = socket.socketpair()
        with self._lock, far:
            for _ in range(2):
                with suppress(OSError):
                    if self._near is None:
                        self._start()
                    assert self._near is not None
                    socket.send_fds(self._near, [bytes([IDLE if ahead is None else ahead])], [far.fileno()])
                    return Worker(near)
                self._stop()
        near.close()
        raise LostError("No process can be started.")

    def _start(self) -> None:
        near, far = socket.socketpair()
        with far:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "workbench.studies.answers.nursery", str(far.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[far.fileno()],
                process_group=0,  # Ctrl+C stops the dashboard, which ends its workers
                env={**os.environ, **ONE_THREAD},
            )
        self._near = near

    def _stop(self) -> None:
        if self._near is not None:
            self._near.close()
        if self._process is not None:
            try:
                self._process.wait(ENDS_S)  # it waits for its workers
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        self._near = self._process = None

    def end(self) -> None:
        """End the process, and workers that do not end by themselves."""
        with self._lock:
            self._stop()


class Forked:
    """A process that was forked, as :class:`subprocess.Popen` shows one.

    Parameters
    ----------
    pid : int
        Number of the process.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def wait(self, timeout: float | None = None) -> None:
        """Wait until it ended. [s]

        Raises
        ------
        subprocess.TimeoutExpired
            It did not in time.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while os.waitpid(self.pid, 0 if until is None else os.WNOHANG) == (0, 0):
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired("nursery", timeout or 0.0)
            time.sleep(0.01)


class Worker:
    """One process; it serves one question at a time.

    Parameters
    ----------
    connection : socket
        Its other side is with the process.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._stream = connection.makefile("rwb")
        self.pid: int | None = None
        self.answers = 0

    def asked(self, request: bytes) -> tuple[dict[str, Any], bytes]:
        """Send a question and wait for the answer.

        Raises
        ------
        LostError
            The process ended.
        """
        try:
            if self.pid is None:
                self.pid = self._head()["pid"]
            self._stream.write(request)
            self._stream.flush()
            head = self._head()
            content = self._stream.read(head["size"])
        except (OSError, ValueError) as error:
            raise LostError(str(error)) from error
        if len(content) < head["size"]:
            raise LostError("The answer stops in the middle.")
        self.answers += 1
        return head, content

    def _head(self) -> dict[str, Any]:
        line = self._stream.readline()
        if not line:
            raise LostError("The process ended.")
        head: dict[str, Any] = json.loads(line)
        return head

    def kill(self) -> None:
        """Stop the process at its work."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def end(self) -> None:
        """Let the process end when it has written down what it counted."""
        with suppress(OSError):
            self._stream.close()
        self._connection.close()
