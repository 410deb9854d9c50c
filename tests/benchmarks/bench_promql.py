"""Time the engine against Prometheus 3 on the same samples: ``python tests/benchmarks/bench_promql.py [rounds]``.

680 series x 30 days at 60 s (200 gauges, 200 counters with five resets each, 20 classic histograms of 12 buckets with
sum and count), the ten queries of a day's work. Ours warm reads decoded arrays, ours cold opens the archive anew and
decodes from its files; the server's time ends with the last byte of its answer. Rounds are interleaved and the best of
each counts. What is built once lies in ``.bench``.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from workbench.archive import Archive
from workbench.core.series import Labels, Metrics, SeriesSet, label_key
from workbench.promql import MemoryStore, SampleStore, evaluate_range

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))


DAY, MINUTE = 86_400_000, 60_000
BOUNDS = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "+Inf")
END = 1_795_219_200_000
HOME = ROOT / ".bench" / "promql"

QUERIES = (
    ("sum by (zone) (rate(http_requests_total[5m]))", 30, 5 * MINUTE),
    ("rate(http_requests_total[5m])", 7, MINUTE),
    ("histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))", 30, 5 * MINUTE),
    ("avg_over_time(bench_gauge[1h])", 30, 60 * MINUTE),
    ("bench_gauge", 7, MINUTE),
    ("max_over_time(sum(rate(http_requests_total[5m]))[1h:1m])", 7, 60 * MINUTE),
    (
        'sum(rate(http_requests_total{code="500"}[1h])) / sum(rate(http_requests_total[1h])) > 0.1',
        30,
        5 * MINUTE,
    ),
    ("topk(5, sum by (instance) (rate(http_requests_total[5m])))", 7, 5 * MINUTE),
    ("quantile_over_time(0.99, bench_gauge[1h])", 7, 60 * MINUTE),
    ("increase(http_requests_total[1d])", 30, 60 * MINUTE),
)
#: Asked of the engine alone: too heavy for a server that others wait for.
FURTHER = (
    ("avg_over_time(bench_gauge[7d])", 30, 60 * MINUTE),
    ("stddev_over_time(bench_gauge[1h])", 7, 60 * MINUTE),
)
WARM_WORST, WARM_MEDIAN, COLD_MEDIAN, WIDE_S = 1.0, 0.4, 1.0, 3.0


def noisy(days: int = 30, seed: int = 7) -> SeriesSet:
    """Make the samples; the same arguments give the same values."""
    steps = days * DAY // MINUTE
    times = END - days * DAY + np.arange(1, steps + 1) * MINUTE
    hour = (times % DAY) / DAY * 2 * np.pi
    rng = np.random.default_rng(seed)
    series: list[tuple[Labels, np.ndarray, np.ndarray]] = []
    for i in range(200):
        walk = np.cumsum(rng.normal(0, 0.05, steps))
        value = rng.uniform(10, 90) + 10 * np.sin(hour + i) + walk + rng.normal(0, 1, steps)
        labels = {"__name__": "bench_gauge", "instance": f"host-{i:03d}:9100", "job": "node", "zone": f"z{i % 3}"}
        series.append((labels, times, (np.round(value, 2), np.round(value * 1e6), value)[i % 3]))
    for i in range(200):
        value = np.cumsum(rng.poisson(rng.uniform(5, 500) * (1 + 0.5 * np.sin(hour + i / 10)))).astype(float)
        for reset in sorted(rng.integers(0, steps, 5)):
            value[reset:] -= value[reset]
        labels = {
            "__name__": "http_requests_total",
            "instance": f"host-{i // 10:03d}:8080",
            "method": ("GET", "POST")[i % 2],
            "code": ("200", "201", "400", "404", "500")[i % 5],
            "zone": f"z{i % 3}",
            "n": str(i),
        }
        series.append((labels, times, value))
    for i in range(20):
        shares = rng.dirichlet(np.array([5, 10, 20, 40, 50, 30, 15, 8, 4, 2, 1, 0.3]) * 2)
        hits = rng.poisson(rng.uniform(50, 500) * (1 + 0.5 * np.sin(hour)))
        counts = np.cumsum(np.cumsum(np.stack([rng.poisson(hits * share) for share in shares]), axis=0), axis=1)
        name, instance = "http_request_duration_seconds", f"host-{i:03d}:8080"
        for bound, value in zip(BOUNDS, counts.astype(float), strict=True):
            series.append(({"__name__": f"{name}_bucket", "instance": instance, "le": bound}, times, value))
        series.append(({"__name__": f"{name}_count", "instance": instance}, times, counts[-1].astype(float)))
        series.append(({"__name__": f"{name}_sum", "instance": instance}, times, np.cumsum(hits * 0.12)))
    return SeriesSet.of(series)


def wide(series: int = 1000, days: int = 30, seed: int = 11) -> SeriesSet:
    """Make plain counters that were scraped together."""
    steps = days * DAY // MINUTE
    times = END - days * DAY + np.arange(1, steps + 1) * MINUTE
    rng = np.random.default_rng(seed)
    values = np.cumsum(rng.poisson(7, (series, steps)), axis=1).astype(float)
    labels = [{"__name__": "wide_total", "instance": f"host-{i:04d}", "zone": f"z{i % 10}"} for i in range(series)]
    return SeriesSet.of((own, times, row) for own, row in zip(labels, values, strict=True))


@contextmanager
def server(samples: SeriesSet) -> Iterator[str | None]:
    """Serve the samples with Prometheus 3; None where it is not installed. Its blocks are made once."""
    from tests.servers.openmetrics import write_openmetrics
    from tests.servers.prometheus import installed, load_blocks, prometheus

    release = installed("v3")
    if release is None:
        yield None
        return
    done = HOME / "server" / "data"
    if not done.exists():
        HOME.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(HOME / "making", ignore_errors=True)
        write_openmetrics(samples, HOME / "samples.om")
        load_blocks(release, HOME / "samples.om", HOME / "making")
        (HOME / "samples.om").unlink()
        done.parent.mkdir(exist_ok=True)
        (HOME / "making").rename(done)
    with prometheus(release, HOME / "server") as running:
        yield running.url


def archive_of(samples: SeriesSet) -> Path:
    """Folder of an archive with the samples, made once."""
    folder = HOME / "archive"
    if not folder.exists():
        shutil.rmtree(HOME / "archiving", ignore_errors=True)
        Archive.open(HOME / "archiving", create=True).append_samples(samples)
        (HOME / "archiving").rename(folder)
    return folder


def timed(work: Callable[[], object]) -> float:
    """Wall time of one call. [s]"""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def asked(url: str, query: str, days: int, step_ms: int) -> bytes:
    """Answer of the server, read to the last byte."""
    form = {"query": query, "start": (END - days * DAY) / 1000, "end": END / 1000, "step": step_ms / 1000}
    with urllib.request.urlopen(
        f"{url}/api/v1/query_range", urllib.parse.urlencode(form).encode(), timeout=300
    ) as body:
        answer: bytes = body.read()
    return answer


def evaluated(store: SampleStore, query: str, days: int, step_ms: int) -> Metrics:
    """Answer of the engine."""
    return evaluate_range(query, store, start_ms=END - days * DAY, end_ms=END, step_ms=step_ms)


def difference(ours: Metrics, theirs: bytes) -> float:
    """Largest relative difference of two answers; infinite where one has a point that the other lacks."""
    rows = {label_key(row["metric"]): row["values"] for row in json.loads(theirs)["data"]["result"]}
    if rows.keys() != {label_key(labels) for labels in ours.labels}:
        return float("inf")
    worst = 0.0
    for labels, values, present in zip(ours.labels, ours.values, ours.present, strict=True):
        row = rows[label_key(labels)]
        at = np.array([round(float(stamp) * 1000) for stamp, _ in row])
        if not np.array_equal(ours.times[present], at):
            return float("inf")
        theirs_values = np.array([float(value) for _, value in row])
        scale = np.maximum(np.abs(theirs_values), 1e-300)
        worst = max(worst, float(np.nanmax(np.abs(values[present] - theirs_values) / scale, initial=0.0)))
    return worst


def compared(store: SampleStore, folder: Path, url: str | None, rounds: int) -> tuple[list[float], list[float]]:
    """Print a line a query; return the ratios of ours, warm and cold, to the server's time."""
    warm_ratios, cold_ratios = [], []
    for question in QUERIES:
        best = [np.inf, np.inf, np.inf]
        for _ in range(rounds):
            walls = [timed(partial(evaluated, store, *question))]
            walls.append(timed(lambda asked_=question: evaluated(Archive.open(folder), *asked_)))
            walls.append(timed(partial(asked, url, *question)) if url is not None else np.inf)
            best = [min(pair) for pair in zip(best, walls, strict=True)]
        warm, cold, theirs = best
        row = f"{warm:8.3f} {cold:8.3f}"
        if url is not None:
            warm_ratios.append(warm / theirs)
            cold_ratios.append(cold / theirs)
            differs = difference(evaluated(store, *question), asked(url, *question))
            row += f" {theirs:8.3f} {warm_ratios[-1]:7.2f} {cold_ratios[-1]:7.2f} {differs:8.0e}"
        query, days, step = question
        print(f"{row}  {days:2d} d / {step // 1000:4d} s  {query}", flush=True)
    return warm_ratios, cold_ratios


def main(rounds: int = 3) -> None:
    """Print wall times of both, their ratios and the bars. [s]"""
    samples = noisy()
    held = (samples.times.nbytes + samples.values.nbytes) / 1e6
    print(f"{len(samples)} series, {samples.samples:,} samples, {held:.0f} MB decoded; best of {rounds} rounds")
    print(f"{'warm':>8} {'cold':>8} {'server':>8} {'warm x':>7} {'cold x':>7} {'differs':>8}")
    store, folder = MemoryStore(samples), archive_of(samples)
    with server(samples) as url:
        warm, cold = compared(store, folder, url, rounds)
    for question in FURTHER:
        best = min(timed(partial(evaluated, store, *question)) for _ in range(rounds))
        print(f"{best:8.3f} {'':42}  {question[1]:2d} d / {question[2] // 1000:4d} s  {question[0]}")
    if warm:
        print(
            f"warm: worst {max(warm):.2f} (bar {WARM_WORST}), median {statistics.median(warm):.2f} (bar {WARM_MEDIAN})"
        )
        print(f"cold: median {statistics.median(cold):.2f} (bar {COLD_MEDIAN})")
    del store, samples
    question = ("sum by (zone) (rate(wide_total[5m]))", 30, 5 * MINUTE)
    best = min(timed(partial(evaluated, store, *question)) for store in [MemoryStore(wide())] for _ in range(rounds))
    print(f"1,000 series x 30 d, sum by (rate) every 5 minutes: {best:.2f} s (bar {WIDE_S:g} s)")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
