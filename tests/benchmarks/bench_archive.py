"""Size and speed of the archive on 680 series x 30 days at 60 s: ``python tests/benchmarks/bench_archive.py [rounds]``.

The peer is pyarrow with its own defaults (zstd) over the same rows in one sorted file; rounds are interleaved.
"""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from bench_promql import noisy

from workbench.archive import Archive
from workbench.core.series import SeriesSet
from workbench.promql import Matcher

ALWAYS = (0, 2**60)


def main(rounds: int = 5) -> None:
    """Print ours, the peer's and the ratio: bytes a sample, and the median wall time of reads. [s]"""
    samples = noisy()
    with tempfile.TemporaryDirectory() as folder:
        archive, plain = Archive.open(Path(folder) / "archive", create=True), Path(folder) / "plain.parquet"
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        ours = timed(lambda: archive.append_samples(samples))
        more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        print(f"append: {samples.samples / ours / 1e6:.1f} M samples/s, {more:.0f} MB above the samples themselves")
        theirs = timed(lambda: write_plain(samples, plain))
        line("write [s]", ours, theirs)
        size = sum(file.stat().st_size for file in archive.root.rglob("*.parquet"))
        line("bytes a sample", size / samples.samples, plain.stat().st_size / samples.samples)
        metrics = np.array([labels["__name__"] for labels in samples.labels])
        for name, matchers, ids in (
            ("one counter, 30 d", [Matcher("n", "=", "17")], [217]),
            ("200 counters, 30 d", [Matcher("__name__", "=", "http_requests_total")], None),
            ("200 gauges, 30 d", [Matcher("__name__", "=", "bench_gauge")], None),
        ):
            wanted = ids or np.flatnonzero(metrics == matchers[0].value).tolist()
            walls: tuple[list[float], list[float]] = ([], [])
            for _ in range(rounds):
                walls[0].append(timed(lambda matchers=matchers: archive.select(matchers, *ALWAYS)))
                walls[1].append(timed(lambda wanted=wanted: read_plain(plain, wanted)))
            line(f"{name} [s]", *map(statistics.median, walls))


def timed(work: Callable[[], object]) -> float:
    """Wall time of one call. [s]"""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def line(what: str, ours: float, theirs: float) -> None:
    """Print one comparison."""
    print(f"{what:20} ours {ours:8.3f}   pyarrow {theirs:8.3f}   ratio {ours / theirs:.2f}")


def write_plain(samples: SeriesSet, path: Path) -> None:
    """Write the rows as anyone would."""
    ids = np.repeat(np.arange(len(samples), dtype=np.int32), np.diff(samples.offsets))
    rows = pa.table({"series_id": ids, "ts": samples.times, "value": samples.values})
    pq.write_table(rows, path, compression="zstd")


def read_plain(path: Path, ids: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Read some series as anyone would."""
    found = pq.read_table(path, filters=pc.field("series_id").isin(ids))
    return found["ts"].to_numpy(), found["value"].to_numpy()


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
