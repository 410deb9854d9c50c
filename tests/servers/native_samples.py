"""A small set of native histograms with everything that makes them hard; the same on every run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from workbench.core.histograms import CUSTOM, Histogram, Histograms, marks
from workbench.core.series import Labels, SeriesSet

START_MS = 1_793_491_200_000
HOURS = 2
END_MS = START_MS + HOURS * 3_600_000
STEP_MS = 15_000
BOUNDS = (0.05, 0.1, 0.5, 1.0, 5.0)

Row = tuple[Labels, np.ndarray, list[float | Histogram]]


def native_sample_set() -> SeriesSet:
    """Return counters and gauges of several resolutions, custom buckets, negative values, floats among histograms."""
    rng = np.random.default_rng(20261102)
    rows = list(_rows(rng))
    block = [point for _, _, points in rows for point in points if isinstance(point, Histogram)]
    numbers = iter(marks(np.arange(len(block))))
    series = SeriesSet.of(
        (labels, times, np.array([next(numbers) if isinstance(point, Histogram) else point for point in points]))
        for labels, times, points in rows
    )
    return replace(series, histograms=Histograms.of(block))


def _rows(rng: np.random.Generator) -> Iterator[Row]:
    times = np.arange(START_MS + STEP_MS, END_MS + 1, STEP_MS)
    for instance, schema in (("a:80", 3), ("b:80", 0), ("c:80", 3)):
        for method, middle in (("GET", 0.0), ("POST", 2.0)):
            kept = times[rng.random(len(times)) > 0.03]
            labels = {"__name__": "wait_seconds", "instance": instance, "method": method}
            yield labels, kept, _counter(rng, len(kept), schema, middle, spread=1.0, resets=2)
    labels = {"__name__": "drift", "instance": "a:80"}
    yield labels, times, _counter(rng, len(times), 2, 0.0, spread=1.0, resets=1, signed=True)
    gauges = [replace(one, hint="gauge") for one in _counter(rng, len(times), 1, 1.0, spread=0.5, resets=40)]
    yield {"__name__": "queue_age", "instance": "a:80"}, times, gauges
    for instance in ("a:80", "b:80"):
        yield {"__name__": "size_bytes", "instance": instance}, times, _custom(rng, len(times))
    mixed: list[float | Histogram] = list(_counter(rng, len(times), 1, 0.0, spread=1.0, resets=0))
    mixed[: len(mixed) // 2] = rng.normal(size=len(mixed) // 2).tolist()
    yield {"__name__": "turned", "instance": "a:80"}, times, mixed
    yield {"__name__": "level", "instance": "a:80"}, times, np.cumsum(rng.normal(size=len(times))).tolist()
    yield {"__name__": "level", "instance": "b:80"}, times, np.round(rng.normal(size=len(times))).tolist()


def _counter(
    rng: np.random.Generator,
    count: int,
    schema: int,
    middle: float,
    *,
    spread: float,
    resets: int,
    signed: bool = False,
) -> list[Histogram]:
    """Running totals of a few observations a scrape, in exponential buckets."""
    fresh = set(rng.integers(1, count, resets).tolist())
    total, found = Histogram(schema, zero_threshold=1e-3), []
    for scrape in range(count):
        if scrape in fresh:
            total = Histogram(schema, zero_threshold=1e-3)
        values = np.exp(rng.normal(middle, spread, rng.poisson(4)))
        values[rng.random(len(values)) < 0.05] = 0.0
        signs = np.where(rng.random(len(values)) < 0.4, -1.0, 1.0) if signed else np.ones(len(values))
        positive, negative, zeros = dict(total.positive), dict(total.negative), total.zero_count
        for value, sign in zip(values, signs, strict=True):
            if value <= 1e-3:
                zeros += 1
                continue
            side = positive if sign > 0 else negative
            number = int(np.ceil(np.log2(value) * 2.0**schema))
            side[number] = side.get(number, 0) + 1
        total = replace(
            total,
            count=total.count + len(values),
            sum=total.sum + float((values * signs).sum()),
            zero_count=zeros,
            positive=positive,
            negative=negative,
        )
        found.append(total)
    return found


def _custom(rng: np.random.Generator, count: int) -> list[Histogram]:
    counts = np.cumsum(rng.poisson(1.0, (count, len(BOUNDS) + 1)), axis=0)
    return [
        Histogram(
            CUSTOM,
            float(row.sum()),
            float(row @ np.arange(6)),
            positive=dict(enumerate(row.tolist())),
            custom_bounds=BOUNDS,
        )
        for row in counts
    ]
