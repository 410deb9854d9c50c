"""A small archive made by hand: its counts are known without the program."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.catalog import load_catalog
from workbench.core.series import SeriesSet
from workbench.core.source import MetricSource
from workbench.core.timerange import to_ms
from workbench.store import Store
from workbench.studies import Context

SYSTEM = "counterfactual-lab"
BEGIN = datetime(2026, 10, 20, tzinfo=UTC)
END = datetime(2026, 11, 1, tzinfo=UTC)
STEP = 60_000


def lab_series() -> SeriesSet:
    """Twelve days of two instances, a scrape a minute: one request a second each, half a percent of them errors.

    lab-1 restarts at noon of the 25th. lab-2 shows its first ``503`` (already 30 of them) at noon of the 28th.
    From 06:00 to 07:00 on the 30th nothing is scraped. Quality is 0.9, on the 29th from 00:00 to 02:00 it is 0.7.
    """
    times = np.arange(to_ms(BEGIN), to_ms(END) + 1, STEP)
    gap = (times > to_ms(datetime(2026, 10, 30, 6, tzinfo=UTC))) & (
        times < to_ms(datetime(2026, 10, 30, 7, tzinfo=UTC))
    )
    times = times[~gap]
    elapsed = (times - times[0]) // 1000
    restart = to_ms(datetime(2026, 10, 25, 12, tzinfo=UTC))
    restarted = np.where(times > restart, (times - restart) // 1000, elapsed + 5_000)
    born = times >= to_ms(datetime(2026, 10, 28, 12, tzinfo=UTC))
    low = (times > to_ms(datetime(2026, 10, 29, tzinfo=UTC))) & (times <= to_ms(datetime(2026, 10, 29, 2, tzinfo=UTC)))

    def labels(name: str, instance: str, **more: str) -> dict[str, str]:
        target = {"system": SYSTEM, "job": SYSTEM, "instance": f"{instance}:8000"}
        return {"__name__": name, **target, **more}

    counted = "http_requests_total"
    series = [
        (labels(counted, "lab-1", method="GET", status="200"), times, restarted * 995),
        (labels(counted, "lab-1", method="GET", status="503"), times, restarted * 5),
        (labels(counted, "lab-2", method="GET", status="200"), times, elapsed * 1000),
        (labels(counted, "lab-2", method="GET", status="503"), times[born], np.full(born.sum(), 30)),
    ]
    for instance in ("lab-1", "lab-2"):
        family = "http_request_duration_seconds"
        series += [
            (labels("up", instance), times, np.ones(len(times))),
            (labels(f"{family}_bucket", instance, method="GET", le="2.0"), times, elapsed * 96),
            (labels(f"{family}_bucket", instance, method="GET", le="5.0"), times, elapsed * 98),
            (labels(f"{family}_bucket", instance, method="GET", le="+Inf"), times, elapsed * 100),
            (labels(f"{family}_count", instance, method="GET"), times, elapsed * 100),
            (labels("counterfactual_quality_score", instance, method="icg"), times, np.where(low, 0.7, 0.9)),
        ]
    return SeriesSet.of(series)


@pytest.fixture(scope="session")
def lab_samples() -> SeriesSet:
    return lab_series()


@pytest.fixture(scope="session")
def lab_archive(lab_samples: SeriesSet, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    archive = Archive.open(tmp_path_factory.mktemp("lab") / "archive", create=True)
    archive.append_samples(lab_samples)
    return archive


@pytest.fixture
def context_over(tmp_path: Path) -> Callable[..., Context]:
    def build(*sources: MetricSource, **more: object) -> Context:
        given = {"store": Store(f"sqlite:///{tmp_path / 'store.db'}"), "clock": lambda: END, **more}
        return Context(sources={source.name: source for source in sources}, catalog=load_catalog(), **given)

    return build


@pytest.fixture
def lab(lab_archive: Archive, context_over: Callable[..., Context]) -> Context:
    return context_over(ArchiveSource("demo", lab_archive))
