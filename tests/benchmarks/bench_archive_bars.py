"""The archive beside TSDB blocks of the same samples, and its speed: ``bench_archive_bars.py [days]``.

Three sets: the noisy one, the demo, and the demo under recorded traffic (ServeGen); the demos are built for this where
``WORKBENCH_TEST_HOME`` and ``WORKBENCH_SERVEGEN_HOME`` name no folder with one. Blocks are made by promtool with one
block for all the time, which is what compaction ends at. Prints ours, the peer's, the ratio and the bar.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from bench_promql import noisy

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.servers.openmetrics import without_stale_marks  # noqa: E402
from tests.servers.prometheus import installed, load_blocks  # noqa: E402
from workbench.archive import Archive  # noqa: E402
from workbench.archive.openmetrics import write_openmetrics  # noqa: E402
from workbench.archive.tiers.rollup import rollup  # noqa: E402
from workbench.archive.tiers.rollup_fast import compiled  # noqa: E402
from workbench.core.series import SeriesSet  # noqa: E402
from workbench.demo import build_demo  # noqa: E402
from workbench.promql import Matcher  # noqa: E402

MOST_OF_TSDB, LONGEST_READ_MS, LEAST_ROLLUP = 0.6, 60.0, 30e6
DAY_MS = 86_400_000
END = datetime(2026, 11, 1, tzinfo=UTC)
DEMOS = {
    "demo": ("WORKBENCH_TEST_HOME", None),
    "ServeGen": ("WORKBENCH_SERVEGEN_HOME", ROOT / "data" / "scenarios" / "servegen.yaml"),
}


def sets(days: int, folder: Path) -> Iterator[tuple[str, SeriesSet]]:
    """Give each set by name: its newest days, stale marks left out on both sides."""
    yield "noisy", noisy(days=days)
    for name, (variable, scenario) in DEMOS.items():
        kept = os.environ.get(variable)
        home = Path(kept) / "demo" if kept else folder / name
        if not (home / "archive.json").exists():
            build_demo(home, seed=7, end=END, scenario=scenario)
        archive = Archive.open(home)
        newest = archive.newest_ms() or 0
        yield name, without_stale_marks(archive.select([], newest - days * DAY_MS, newest))


def bytes_below(folder: Path) -> int:
    """Size of all files of a folder. [bytes]"""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def main(days: int = 30) -> None:
    """Print every figure with its bar; end with an error when one is missed."""
    missed = []
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        for name, samples in sets(days, folder):
            archive = Archive.open(folder / f"{name}-archive", create=True)
            archive.append_samples(samples)
            archive.compact()
            archive.vacuum(hours=0)
            ours = sum(bytes_below(archive.root / part) for part in ("samples", "series")) / samples.samples
            told = f"{name}: {len(samples):,} series, {samples.samples:,} samples, {ours:.3f} bytes a sample"
            release = installed("v3")
            if release is None:
                print(f"{told}; no promtool to make blocks with")
                continue
            text = folder / "samples.om"
            with text.open("wb") as file:
                write_openmetrics([samples], file)
            load_blocks(release, text, folder / f"{name}-tsdb")
            text.unlink()
            theirs = bytes_below(folder / f"{name}-tsdb") / samples.samples
            print(f"{told}, TSDB {theirs:.3f}, ratio {ours / theirs:.2f}, bar {MOST_OF_TSDB}")
            missed += [f"{name}: {ours / theirs:.2f} of the TSDB"] * (ours / theirs > MOST_OF_TSDB)
            if name == "noisy":
                missed += speeds(archive, samples, days)
    if missed:
        raise SystemExit(f"missed: {'; '.join(missed)}")


def speeds(archive: Archive, samples: SeriesSet, days: int) -> list[str]:
    """Print the read of one series and the rollup in memory; return the bars that were missed."""
    matchers = [Matcher("__name__", "=", "http_requests_total"), Matcher("n", "=", "17")]
    reads = []
    for _ in range(7):
        begun = time.perf_counter()
        archive.select(matchers, 0, 2**60)
        reads.append((time.perf_counter() - begun) * 1000)
    read_ms = float(np.median(reads))
    print(f"one series, {days} days, table opened: {read_ms:.1f} ms, bar {LONGEST_READ_MS:.0f}")
    compiled(samples, 300_000)
    walls = []
    for _ in range(3):
        begun = time.perf_counter()
        rollup(samples, 300_000)
        walls.append(time.perf_counter() - begun)
    rate = samples.samples / min(walls)
    print(f"slices of 5 minutes in memory: {rate / 1e6:.1f} M samples/s, bar {LEAST_ROLLUP / 1e6:.0f}")
    slow = [f"one series takes {read_ms:.0f} ms"] * (read_ms > LONGEST_READ_MS)
    return slow + [f"rollup of {rate / 1e6:.1f} M samples/s"] * (rate < LEAST_ROLLUP)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
