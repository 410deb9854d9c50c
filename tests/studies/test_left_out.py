"""What the counters of a source leave out or take twice is a warning of every surface; a corrected count says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.studies.conftest import END, SYSTEM
from workbench.archive import Archive, ArchiveSource
from workbench.core.series import SeriesSet
from workbench.core.timerange import TimeRange, to_ms
from workbench.studies import Context, overview, slo_compliance

WEEK = TimeRange(END - timedelta(days=7), END)
TIMES = np.arange(to_ms(WEEK.start) - 3_600_000, to_ms(END) + 1, 60_000)
COUNTED = "http_requests_total"


@pytest.fixture
def over(tmp_path: Path, context_over: Callable[..., Context]) -> Callable[..., Context]:
    def build(*series: tuple[dict[str, str], np.ndarray, np.ndarray]) -> Context:
        archive = Archive.open(tmp_path / "archive", create=True)
        archive.append_samples(SeriesSet.of(series))
        return context_over(ArchiveSource("demo", archive))

    return build


def counter(instance: str, values: np.ndarray, times: np.ndarray = TIMES, **more: str):
    job = {"system": SYSTEM, "job": SYSTEM, "instance": instance}
    return {"__name__": COUNTED, **job, "method": "GET", "status": "200", **more}, times, values


def judged(ctx: Context, objective: str = "availability"):
    study = slo_compliance(ctx, system=SYSTEM, range=WEEK, as_of=END)
    return study, study.results["compliance"].frame.set_index("objective").loc[objective]


def test_pods_that_nobody_saw_begin_are_named_with_what_they_counted(over) -> None:
    rises = np.arange(len(TIMES)) * 10.0
    late = TIMES[5_000:5_004]
    study, row = judged(over(counter("lab-1", rises), counter("lab-2", 400.0 + np.arange(4), late)))
    assert row.method == "exact"
    (note,) = [text for text in study.warnings if text.startswith("Not counted")]
    assert "up to 400 of http_requests_total. 1 series" in note
    assert "instance lab-2" in note


def test_a_pair_of_prometheus_is_named_with_what_is_counted_twice(over) -> None:
    seen = [
        counter("lab-1", (TIMES + at) / 1_000.0, TIMES + at, replica=name) for name, at in (("a", 0), ("b", 20_000))
    ]
    study, row = judged(over(*seen))
    (note,) = [text for text in study.warnings if text.startswith("Counted twice")]
    assert "differ only in replica (a, b)" in note
    assert row.total == pytest.approx(2 * 7 * 86_400, rel=1e-3)


@pytest.mark.slow
def test_a_count_that_was_corrected_says_so_at_once_and_from_the_store(over) -> None:
    values = 7_000_000.0 + np.arange(len(TIMES)) * 60
    values[4_000] = values[3_999] - 1
    ctx = over(counter("lab-1", values))
    study, row = judged(ctx)
    assert (row.method, row.total) == ("corrected", 7 * 86_400)
    assert "corrected" in study.provenance.method
    assert any(text.startswith("Corrected: http_requests_total") for text in study.warnings)
    for _ in range(2):  # from the source, then from the store
        board = overview(ctx, range=WEEK, as_of=END)
        assert any(text.startswith("Corrected: http_requests_total") for text in board.warnings)
