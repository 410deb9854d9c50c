"""Where the real servers' programs are, and how one is started and ended."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS_3 = ROOT / ".servers" / "prometheus3" / "usr" / "bin"


def program(name: str) -> Path | None:
    """Find a program on the PATH or where Debian puts PostgreSQL's."""
    folders = [os.environ.get("PATH", ""), *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)]
    found = shutil.which(name, path=os.pathsep.join(folders))
    return Path(found) if found else None


def free_port() -> int:
    """Return a port of the loopback interface that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Server:
    """A running server: where it answers, its folder and its log."""

    url: str
    port: int
    directory: Path
    pid: int

    @property
    def log(self) -> str:
        """What it has printed so far."""
        return (self.directory / "log").read_text(errors="replace")


@contextmanager
def running(
    command: Callable[[int], Sequence[str | Path]],
    directory: Path,
    *,
    ready: str,
    deadline_s: float = 60.0,
) -> Iterator[Server]:
    """Run ``command(port)`` until the block ends; it counts as up once ``GET ready`` answers 200."""
    for attempt in (1, 2, 3):
        port = free_port()
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen([*leash(), *map(str, command(port))], stdout=log, stderr=log, cwd=directory)
        url = f"http://127.0.0.1:{port}"
        try:
            if not wait_for(process, lambda at=url + ready: answers(at), deadline_s=deadline_s):
                if attempt < 3 and "address already in use" in (directory / "log").read_text(errors="replace"):
                    continue
                said = (directory / "log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{process.args} is not ready after {deadline_s} s:\n{said}")
            yield Server(url, port, directory, process.pid)
            return
        finally:
            end(process)


def leash() -> list[str]:
    """Return the prefix by which a server dies with the test process, however that ends."""
    return ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []


def wait_for(process: subprocess.Popen[bytes], up: Callable[[], bool], *, deadline_s: float) -> bool:
    """Poll until the server answers; False when it ended or the deadline passed."""
    until = time.monotonic() + deadline_s
    while time.monotonic() < until and process.poll() is None:
        if up():
            return True
        time.sleep(0.05)
    return False


def answers(url: str) -> bool:
    """Say whether a GET gives 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask the server to stop, then make it."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
