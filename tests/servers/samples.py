"""A small set of samples with everything that makes range functions hard; the same on every run."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from workbench.core.series import Labels, SeriesSet

#: 2026-11-01T00:00Z. [ms]
START_MS = 1_793_491_200_000
HOURS = 6
END_MS = START_MS + HOURS * 3_600_000

Triple = tuple[Labels, NDArray[np.int64], NDArray[np.float64]]


def sample_set() -> SeriesSet:
    """Return counters with resets and gaps, gauges with NaN and infinities, histograms, rare and late series."""
    rng = np.random.default_rng(20261101)
    return SeriesSet.of([*_counters(rng), *_gauges(rng), *_histograms(rng), *_oddities(rng)])


def _scrapes(rng: np.random.Generator, step_ms: int, *, jitter_ms: int = 0, missing: float = 0.0) -> NDArray[np.int64]:
    times = np.arange(START_MS + step_ms, END_MS + 1, step_ms, dtype=np.int64)
    times = times + rng.integers(-jitter_ms, jitter_ms + 1, len(times))
    return times[rng.random(len(times)) >= missing]


def _outage(times: NDArray[np.int64], from_hour: float, to_hour: float) -> NDArray[np.int64]:
    inside = (times > START_MS + from_hour * 3_600_000) & (times <= START_MS + to_hour * 3_600_000)
    return times[~inside]


def _running_total(rng: np.random.Generator, count: int, *, mean: float, resets: int) -> NDArray[np.float64]:
    steps = rng.poisson(mean, count).astype(np.float64)
    total = np.cumsum(steps)
    for at in np.sort(rng.integers(1, count, resets)):
        total[at:] -= total[at] - steps[at]
    return total


def _counters(rng: np.random.Generator) -> Iterator[Triple]:
    for instance, step, jitter in (("a:80", 15_000, 0), ("b:80", 15_000, 7), ("c:80", 60_000, 400)):
        yield {"__name__": "up", "job": "api", "instance": instance}, *_ups(rng, step, jitter)
        for method in ("GET", "POST"):
            for status, mean in (("200", 20.0), ("404", 0.4), ("500", 0.05)):
                times = _outage(_scrapes(rng, step, jitter_ms=jitter, missing=0.02), 2.0, 2.4)
                values = _running_total(rng, len(times), mean=mean, resets=3)
                labels = {"job": "api", "instance": instance, "method": method, "status": status}
                yield {"__name__": "requests_total", **labels}, times, values
                yield {"__name__": "cost_total", **labels}, times, values * 0.0137


def _ups(rng: np.random.Generator, step_ms: int, jitter_ms: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    times = _scrapes(rng, step_ms, jitter_ms=jitter_ms)
    down = (times > START_MS + 7_200_000) & (times <= START_MS + 8_640_000)
    return times, np.where(down, 0.0, 1.0)


def _gauges(rng: np.random.Generator) -> Iterator[Triple]:
    for room, scale in (("attic", 1.0), ("cellar", 1e-9), ("yard", -1e12)):
        times = _outage(_scrapes(rng, 30_000, jitter_ms=90, missing=0.05), 3.0, 3.6)
        values = (20 + np.cumsum(rng.normal(0, 0.3, len(times)))) * scale
        yield {"__name__": "temperature", "room": room, "unit": "celsius"}, times, values
    times = _scrapes(rng, 15_000)
    values = rng.normal(size=len(times))
    values[rng.random(len(times)) < 0.1] = np.nan
    yield {"__name__": "holes", "kind": "nan"}, times, values
    values = rng.normal(size=len(times))
    values[100:110], values[200:203], values[300] = np.inf, -np.inf, -0.0
    yield {"__name__": "holes", "kind": "inf"}, times, values


def _histograms(rng: np.random.Generator) -> Iterator[Triple]:
    bounds = np.array([0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0])
    names = ["0.05", "0.1", "0.25", "0.5", "1.0", "2.0", "5.0", "10.0", "+Inf"]
    for method, median in (("GET", 0.12), ("POST", 1.1)):
        times = _outage(_scrapes(rng, 15_000, missing=0.01), 4.0, 4.2)
        seen = rng.poisson(9.0, len(times))
        seconds = rng.lognormal(np.log(median), 0.9, int(seen.sum()))
        scrape = np.repeat(np.arange(len(times)), seen)
        for name, bound in zip(names, [*bounds, np.inf], strict=True):
            inside = np.bincount(scrape, weights=seconds <= bound, minlength=len(times))
            yield {"__name__": "duration_seconds_bucket", "method": method, "le": name}, times, np.cumsum(inside)
        yield {"__name__": "duration_seconds_count", "method": method}, times, np.cumsum(seen).astype(np.float64)
        sums = np.cumsum(np.bincount(scrape, weights=seconds, minlength=len(times)))
        yield {"__name__": "duration_seconds_sum", "method": method}, times, sums


def _oddities(rng: np.random.Generator) -> Iterator[Triple]:
    every = _scrapes(rng, 15_000)
    rare = _scrapes(rng, 1_200_000, jitter_ms=30_000)
    yield {"__name__": "rare_total", "job": "batch"}, rare, np.arange(1.0, len(rare) + 1)
    late = every[len(every) // 2 :]
    yield {"__name__": "late_total", "job": "batch"}, late, _running_total(rng, len(late), mean=2.0, resets=1)
    yield {"__name__": "once", "job": "batch"}, every[700:701], np.array([42.0])
    yield {"__name__": "big_total", "job": "batch"}, every, 123456789012345678.0 + np.arange(len(every)) * 4096.0
    yield {"__name__": "tiny", "job": "batch"}, every, 1e-300 * (1 + np.arange(len(every)))
    yield {"__name__": "flat", "job": "batch", "text": 'quote " slash \\ line\nend é'}, every, np.full(len(every), 3.0)
