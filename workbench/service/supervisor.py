"""The parts of the service as processes: started, watched, started again after a while, and stopped together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from workbench.service.json_log import JsonLog, span_id

#: Waits before a dead part is started again, doubled at each death in a row. [s]
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0

#: A part that lived so long has started well: the next wait is the first one again. [s]
SETTLED_S = 60.0

#: How often the parts are looked at. [s]
LOOK_S = 0.2

#: The kernel ends a part whose supervisor is gone, however that died; the part becomes the command itself.
_TIED = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 15, 0, 0, 0)\n"
    "if os.getppid() != int(sys.argv[1]): sys.exit(1)\n"
    "os.execv(sys.argv[2], sys.argv[2:])"
)


@dataclass(frozen=True)
class Part:
    """One part of the service: its name, its command, where it runs, and its environment."""

    name: str
    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str]


@dataclass
class Running:
    """How a part stands; only the supervisor's own thread changes it."""

    part: Part
    process: subprocess.Popen[str] | None = None
    span: str = ""
    started: float = 0.0
    restarts: int = 0
    deaths: int = 0
    again_at: float = 0.0
    last_code: int | None = None

    @property
    def up(self) -> bool:
        """Whether its process lives."""
        return self.process is not None and self.process.poll() is None


@dataclass
class Supervisor:
    """Keeps the parts of the service running until it is told to stop.

    Attributes
    ----------
    parts : sequence of Part
    log : JsonLog
    grace_s : float
        How long a part may take to stop before it is killed. [s]
    """

    parts: Sequence[Part]
    log: JsonLog
    grace_s: float = 10.0
    running: dict[str, Running] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.running = {part.name: Running(part) for part in self.parts}

    def run(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Start every part and keep it running; returns when all have stopped after a signal."""
        try:
            while not self.stopping.is_set():
                for child in self.running.values():
                    self._look(child, clock())
                self.stopping.wait(LOOK_S)
        finally:
            self._stop()

    def _look(self, child: Running, now: float) -> None:
        if child.up:
            return
        if child.process is not None:
            self._buried(child, now)
        if now >= child.again_at:
            self._start(child, now)

    def _buried(self, child: Running, now: float) -> None:
        assert child.process is not None
        child.last_code, child.process = child.process.returncode, None
        child.deaths = 1 if now - child.started >= SETTLED_S else child.deaths + 1
        wait_s = min(FIRST_WAIT_S * 2 ** (child.deaths - 1), LONGEST_WAIT_S)
        child.again_at = now + wait_s
        self.log.event(
            "ERROR", f"{child.part.name} ended with exit code {child.last_code}; it starts again in {wait_s:g} s.",
            span=child.span, process=child.part.name, exit_code=child.last_code, restart_in_s=wait_s,
        )  # fmt: skip

    def _start(self, child: Running, now: float) -> None:
        child.restarts += child.last_code is not None
        child.span, child.started = span_id(), now
        tied = [sys.executable, "-I", "-S", "-c", _TIED, str(os.getpid())] if sys.platform == "linux" else []
        trace = {"WORKBENCH_TRACE_ID": self.log.trace, "WORKBENCH_SPAN_ID": child.span, "PYTHONUNBUFFERED": "1"}
        try:
            child.process = subprocess.Popen(  # noqa: S603
                [*tied, *child.part.command], cwd=child.part.folder, env={**child.part.environment, **trace}, text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
                errors="backslashreplace",
            )  # fmt: skip
        except OSError as error:
            child.last_code, child.again_at = 127, now + LONGEST_WAIT_S
            self.log.event("ERROR", f"{child.part.name} cannot be started: {error}.", process=child.part.name)
            return
        self.log.event(
            "INFO", f"{child.part.name} started.", span=child.span, process=child.part.name, pid=child.process.pid
        )
        assert child.process.stdout is not None
        fields = {"process": child.part.name, "pid": child.process.pid}
        streams = (self.log, child.process.stdout, child.span)
        threading.Thread(target=_heard, args=streams, kwargs=fields, daemon=True).start()

    def _stop(self) -> None:
        """End every part: asked first, killed with all its own processes when the grace is over."""
        alive = [child for child in self.running.values() if child.up]
        for child in alive:
            self._signal(child, signal.SIGTERM)
        until = time.monotonic() + self.grace_s
        for child in alive:
            assert child.process is not None
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, until - time.monotonic()))
            if child.up:
                self.log.event("WARNING", f"{child.part.name} did not stop within {self.grace_s:g} s: it is killed.",
                               span=child.span, process=child.part.name)  # fmt: skip
            self._signal(child, signal.SIGKILL)
            child.process.wait()
            self.log.event("INFO", f"{child.part.name} stopped.", span=child.span, process=child.part.name)

    def _signal(self, child: Running, number: signal.Signals) -> None:
        assert child.process is not None
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.process.pid, number)


def _heard(log: JsonLog, stream: IO[str], span: str, **fields: object) -> None:
    with stream:
        log.lines(stream, span=span, **fields)
