"""Log lines on their way into the archive: resident memory from row 100,000 to row 1,000,000, and rows pulled.

Run it: ``python tests/benchmarks/bench_logs.py``. Each way is measured in a process of its own. ``peer`` of the pull is
a pager that goes on from the last time of a full answer, as most clients of Loki do.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

BAR_MB = 100
FIRST, LAST = 100_000, 1_000_000


def written(folder: Path, rows: int) -> Path:
    """Write four logs of JSON lines whose times overlap, as replicas leave them."""
    for replica in range(4):
        with (folder / f"app-{replica}.log").open("w") as file:
            for number in range(replica, rows, 4):
                at = 1_793_500_000_000 + number * 20
                file.write(
                    f'{{"ts": {at}, "level": "INFO", "message": "handled order {number} in {number % 977} ms", '
                    f'"trace_id": "{number:032x}", '
                    f'"context": {{"user_id": "user_{number % 5000}", "model": "m{number % 7}"}}, '
                    f'"status": {200 + number % 4}, "instance": "api-{replica}"}}\n'
                )
    return folder / "app-*.log"


def resident_mb() -> float:
    """Memory that this process holds now, of which the system could take nothing back. [MB]"""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def streamed(kind: str, rows: int, first: int) -> None:
    """Stream lines into an archive under pseudonyms; print the memory at the first and the greatest after it."""
    from workbench.archive import Archive
    from workbench.archive.records.pseudonyms import Pseudonyms
    from workbench.core.filters import LogFilter
    from workbench.core.pieces import gathered
    from workbench.core.timerange import TimeRange, from_ms

    span = TimeRange(from_ms(1_793_000_000_000), from_ms(1_800_000_000_000))
    private = Pseudonyms(["user_id", "ip_address", "client_ip", "user_email"], b"a key for a benchmark")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if kind == "files":
            from workbench.query.logs.files.source import LogFileSource

            pieces = LogFileSource("files", written(folder, rows)).logs(LogFilter(), span)
        else:
            pieces = made(rows)
        archive = Archive.open(folder / "archive", create=True)
        done, at_first, most, began = 0, 0.0, 0.0, time.monotonic()
        for piece in gathered(pieces):
            archive.append_logs(private(piece))
            done += len(piece)
            if done >= first:
                at_first = at_first or resident_mb()
                most = max(most, resident_mb())
        print(json.dumps({"rows": done, "first": at_first, "most": most, "seconds": time.monotonic() - began}))


def made(rows: int) -> Iterator[pd.DataFrame]:
    """Give answers of a server as its decoder makes them: pieces of 5,000 rows."""
    from workbench.query.logs.lines import parsed_line
    from workbench.query.logs.rows import LogRows
    from workbench.query.logs.shape import LogShape

    for first in range(0, rows, 5_000):
        collected = LogRows(LogShape())
        for number in range(first, min(first + 5_000, rows)):
            record = {
                "level": "INFO",
                "message": f"handled order {number}",
                "user_id": f"user_{number % 5000}",
                "trace_id": f"{number:032x}",
                "status": 200 + number % 4,
            }
            read = parsed_line(json.dumps(record)).record
            collected.add(read, time_ns=(1_793_500_000_000 + number * 20) * 1_000_000)
        yield collected.frame()


def growth(kind: str, rows: int = LAST, first: int = FIRST) -> dict[str, float]:
    """Measure one way in a process of its own: ``rows``, ``first`` and ``most`` [MB], ``seconds``."""
    command = [sys.executable, __file__, "--streamed", kind, str(rows), str(first)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def pulled() -> tuple[int, int, int]:
    """Lines there, pulled by us and by a naive pager, from a Loki that loses rows at the hours."""
    from tests.query.served import serving
    from tests.query.test_loki_rows import ALL, SPAN, hundred_thousand, naive_pages, source_at

    with serving(hundred_thousand().answer) as served:
        ours = {message for piece in source_at(served.url).logs(ALL, SPAN) for message in piece["message"]}
        api = source_at(served.url).api
        peer = set(naive_pages(api, SPAN.start_ms * 10**6, SPAN.end_ms * 10**6))
    return 100_000, len(ours), len(peer)


def main() -> None:
    there, ours, peer = pulled()
    print(f"rows pulled from a Loki with bursts: there {there:,}  ours {ours:,}  peer {peer:,}  bar {there:,}")
    for kind in ("files", "answers"):
        told = growth(kind)
        grown = told["most"] - told["first"]
        print(
            f"memory, {kind} into the archive: {told['rows']:,.0f} rows, {told['first']:.0f} MB at {FIRST:,}, grows by "
            f"{grown:.0f} MB  bar {BAR_MB} MB  ({told['rows'] / told['seconds']:,.0f} rows/s)"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--streamed"]:
        streamed(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        main()
