"""Which process something belongs to, and whether that process still lives: host, boot, process and its start."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_HOST_LENGTH = 48


@dataclass(frozen=True)
class Process:
    """A process, told from every other one: a number is used again, a number with its start is not.

    Attributes
    ----------
    host : str
    boot : str
        Identity of the run of the operating system; empty where it has none.
    pid : int
    started : str
        Start of the process in ticks since the boot; empty where the system does not say.
    """

    host: str
    boot: str
    pid: int
    started: str

    def __str__(self) -> str:
        return f"{self.host}/{self.boot}/{self.pid}/{self.started}"

    def lives(self) -> bool | None:
        """Say whether the process still runs; None for one of another host.

        Examples
        --------
        >>> this_process().lives()
        True
        """
        own = this_process()
        if self.host != own.host:
            return None
        if self.boot != own.boot:
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        return _started(self.pid) == self.started


def this_process() -> Process:
    """Return the process that asks; a child that was forked is another one."""
    return _process(os.getpid())


def read_process(text: str) -> Process | None:
    """Read what ``str`` of a process gave; None for any other text.

    Examples
    --------
    >>> read_process("web-1/5f3a/4711/123456").pid
    4711
    >>> read_process("web-1:4711") is None
    True
    """
    parts = text.split("/")
    if len(parts) != 4 or not parts[2].isdigit():
        return None
    return Process(parts[0], parts[1], int(parts[2]), parts[3])


def boot_seconds() -> float:
    """Return the time since the boot, also while asleep: no clock that is set moves it. [s]"""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@lru_cache(maxsize=1)
def _process(pid: int) -> Process:
    host = socket.gethostname().replace("/", "-")[:_HOST_LENGTH]
    return Process(host, _read("/proc/sys/kernel/random/boot_id").replace("-", "")[:12], pid, _started(pid))


def _started(pid: int) -> str:
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()  # the name before may hold anything
    if len(fields) < 20:
        return ""
    return "dead" if fields[0] in "ZX" else fields[19]


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
