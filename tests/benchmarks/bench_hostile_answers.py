"""Answers that swell or drip: memory and time of each against the limits, and a sound answer beside them.

Bars: at most 1.5 times ``answer_mib`` of memory, and an end within ``timeout_s`` + 1 s.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.query.swollen_answers import SWOLLEN_BY_KIND, cost_of, writer
from tests.query.test_lying_servers import _ASKED, DRIPPED, SWOLLEN, TIMEOUT_S, full, many_series, server
from workbench.query.http.transport import Broken, HttpTransport

LIMIT = 128 << 20


def swollen(name: str, answer: bytes) -> bool:
    """Ask for an answer in a process of its own; print what it cost."""
    with server(lambda peer, _: peer.sendall(answer)) as url:
        asked = [sys.executable, "-c", textwrap.dedent(_ASKED), url, str(LIMIT)]
        said, memory, seconds = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()[-3:]
    share, held = int(memory) / LIMIT, int(memory) <= 1.5 * LIMIT and float(seconds) < 11
    print(f"{name:<18} {len(answer) / 1e6:8.1f} MB  {said:<18} {share:5.2f} x limit  {float(seconds):6.2f} s  {held}")
    return held


def swollen_by_kind(name: str, megabytes: int, timeout_s: float = 5.0) -> bool:
    """Ask a server of another kind, its answer read to rows; print what it cost."""
    size, write = writer(SWOLLEN_BY_KIND[name], megabytes)
    with server(write) as url:
        said, memory, seconds = cost_of(SWOLLEN_BY_KIND[name], url, mib=LIMIT >> 20, timeout_s=timeout_s)
    held = memory <= 1.5 * LIMIT and seconds < timeout_s + 1
    print(f"{name:<22} {size / 1e6:8.1f} MB  {said:<18} {memory / LIMIT:5.2f} x limit  {seconds:6.2f} s  {held}")
    return held


def dripped(name: str) -> bool:
    """Ask a server that drips; print when the exchange ended."""
    with server(DRIPPED[name]) as url:
        began = time.monotonic()
        try:
            HttpTransport(url).send("GET", "/x", (), timeout_s=TIMEOUT_S)
            said = "answered"
        except Broken as failure:
            said = type(failure.error).__name__
        seconds = time.monotonic() - began
    print(f"{name:<18} {said:<18} {seconds:6.2f} s of {TIMEOUT_S:g} s + 1 s  {seconds < TIMEOUT_S + 1}")
    return seconds < TIMEOUT_S + 1


if __name__ == "__main__":
    fine = swollen("sound answer", full(many_series(20_000)))
    for name, make in SWOLLEN.items():
        fine &= swollen(name, make())
    for name in SWOLLEN_BY_KIND:
        for megabytes in (2, 6, 12, 40):
            fine &= swollen_by_kind(name, megabytes)
    for name in DRIPPED:
        fine &= dripped(name)
    print("all within the bars" if fine else "OUTSIDE THE BARS")
