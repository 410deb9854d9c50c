"""Time the engine on 680 series x 30 days at 60 s, arrays in memory: ``python tests/benchmarks/bench_promql.py``.

The set holds 200 gauges, 200 counters with five resets each and 20 classic histograms of 12 buckets with sum and count.
"""

from __future__ import annotations

import statistics
import sys
import time

import numpy as np

from workbench.core.series import Labels, SeriesSet
from workbench.promql import MemoryStore, evaluate_range

DAY, MINUTE = 86_400_000, 60_000
BOUNDS = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "+Inf")
END = 1_795_219_200_000

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
    ("avg_over_time(bench_gauge[7d])", 30, 60 * MINUTE),
    ("stddev_over_time(bench_gauge[1h])", 7, 60 * MINUTE),
)


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


def main(rounds: int = 5) -> None:
    """Print the median wall time of every query. [s]"""
    samples = noisy()
    store = MemoryStore(samples)
    print(f"{len(samples)} series, {samples.samples:,} samples, median of {rounds} rounds")
    for query, days, step_ms in QUERIES:
        walls = []
        for _ in range(rounds):
            begun = time.perf_counter()
            answer = evaluate_range(query, store, start_ms=END - days * DAY, end_ms=END, step_ms=step_ms)
            walls.append(time.perf_counter() - begun)
        points = f"{len(answer.labels)} x {len(answer.times)}"
        print(f"{statistics.median(walls):8.3f} s  {points:>12}  {days:3d} d / {step_ms // 1000:5d} s  {query}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
