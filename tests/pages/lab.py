"""A small archive of the Lab: six days at one scrape a minute, with an outage, a gap and a slow burn, all by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from workbench.archive import Archive
from workbench.core.series import SeriesSet
from workbench.core.timerange import to_ms

#: "Now" of every page test; the newest sample is three minutes older.
NOW = datetime(2026, 11, 7, 0, 3, 20, tzinfo=UTC)
NEWEST = datetime(2026, 11, 7, tzinfo=UTC)
DAYS = 6

_STEP_MS = 60_000
_TARGET = {"system": "counterfactual-lab", "job": "counterfactual-lab", "instance": "lab-1:8000"}


def build_lab(directory: Path, newest: datetime = NEWEST) -> Path:
    """Write the archive and return its folder."""
    archive = Archive.open(directory, create=True)
    archive.append_samples(SeriesSet.of(_series(newest)))
    # Alerts were copied as well, and none fired.
    archive.note_covered("prom", ["counterfactual-lab/ALERTS"], to_ms(newest - timedelta(days=DAYS)), to_ms(newest))
    return directory


def _series(newest: datetime) -> Iterator[tuple[dict[str, str], np.ndarray, np.ndarray]]:
    minutes = np.arange(DAYS * 1440 + 1)
    times = to_ms(newest - timedelta(days=DAYS)) + minutes * _STEP_MS
    scraped = (minutes < 5_000) | (minutes >= 5_120)
    times, minutes = times[scraped], minutes[scraped]
    outage = (minutes >= 3_000) & (minutes < 3_060)

    def counter(name: str, per_minute: np.ndarray, **labels: str) -> tuple[dict[str, str], np.ndarray, np.ndarray]:
        return {"__name__": name, **_TARGET, **labels}, times, np.cumsum(per_minute).astype(float)

    def gauge(name: str, values: np.ndarray, **labels: str) -> tuple[dict[str, str], np.ndarray, np.ndarray]:
        return {"__name__": name, **_TARGET, **labels}, times, values.astype(float)

    each = np.full(len(minutes), 100.0)
    bad = np.where(outage, 40.0, 0.0)
    yield counter("http_requests_total", each - bad, method="GET", status="200")
    yield counter("http_requests_total", bad, method="GET", status="500")
    slow = np.where(minutes % 5 == 0, 20.0, 0.0)
    yield counter("http_request_duration_seconds_bucket", each - slow, method="GET", le="2.0")
    yield counter("http_request_duration_seconds_bucket", each, method="GET", le="5.0")
    yield counter("http_request_duration_seconds_bucket", each, method="GET", le="+Inf")
    yield counter("http_request_duration_seconds_count", each, method="GET")
    yield counter("counterfactual_generation_total", each / 10, method="modicf", status="success")
    yield counter("counterfactual_generation_total", each * 0, method="modicf", status="failure")
    yield gauge("counterfactual_quality_score", np.full(len(minutes), 0.9), method="modicf")
    yield gauge("up", np.ones(len(minutes)))
