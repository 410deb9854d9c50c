"""Latency objectives on histograms whose bounds are not the promised one, are written otherwise, or change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.studies.conftest import BEGIN, END, STEP, SYSTEM
from workbench.analysis.counting.latency import threshold_counts
from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.core.series import SeriesSet
from workbench.core.timerange import TimeRange, to_ms
from workbench.studies import Context, slo_compliance
from workbench.studies.counting.buckets import threshold_of

FAMILY = "http_request_duration_seconds"
TIMES = np.arange(to_ms(BEGIN), to_ms(END) + 1, STEP)
PASSED = (TIMES - TIMES[0]) // 1000


Rows = list[tuple[dict[str, str], np.ndarray, np.ndarray]]


def histogram(instance: str, shares: dict[str, float], *, times: np.ndarray = TIMES) -> Rows:
    """One histogram of a hundred requests a second; shares of them by bound."""
    job = {"system": SYSTEM, "job": SYSTEM, "instance": instance}
    target = {**job, "method": "GET"}
    passed = (times - TIMES[0]) // 1000
    return [
        *(
            ({"__name__": f"{FAMILY}_bucket", **target, "le": le}, times, np.round(passed * 100 * share))
            for le, share in shares.items()
        ),
        ({"__name__": f"{FAMILY}_count", **target}, TIMES, PASSED * 100),
        ({"__name__": "up", **job}, TIMES, np.ones(len(TIMES))),
    ]


@pytest.fixture
def judged(tmp_path: Path, context_over: Callable[..., Context]):
    def judge(*series):
        archive = Archive.open(tmp_path / "archive", create=True)
        archive.append_samples(SeriesSet.of([each for one in series for each in one]))
        ctx = context_over(ArchiveSource("demo", archive))
        study = slo_compliance(ctx, system=SYSTEM, slo="latency-p95", range=TimeRange.last("2d", until=END), as_of=END)
        return study.results["compliance"].frame.iloc[0], study

    return judge


@pytest.mark.slow
def test_a_threshold_between_bounds_has_a_low_a_high_and_no_verdict_when_they_straddle(judged) -> None:
    row, study = judged(histogram("a", {"1.0": 0.94, "2.5": 0.97, "+Inf": 1}))
    assert (row["sli_low"], row["sli_high"]) == (0.94, 0.97)
    assert row["sli"] == pytest.approx(0.94 + 0.03 * (2 - 1) / 1.5)
    assert row["status"] == "refused"
    assert any("whether it was met" in note for note in study.results["compliance"].notes)


@pytest.mark.slow
@pytest.mark.parametrize(("shares", "status"), [
    ({"1.0": 0.97, "2.5": 0.98, "+Inf": 1}, "ok"), ({"1.0": 0.80, "2.5": 0.94, "+Inf": 1}, "spent"),
])  # fmt: skip
def test_bounds_that_agree_give_a_verdict(judged, shares: dict[str, float], status: str) -> None:
    assert judged(histogram("a", shares))[0]["status"] == status


def test_a_bound_is_a_number_however_it_is_written(judged) -> None:
    row, study = judged(histogram("a", {"2.00": 0.96, "+Inf": 1}))
    assert (row["sli"], row["sli_low"], row["sli_high"]) == (0.96, 0.96, 0.96)
    assert study.warnings == ()


def test_a_bucket_that_changes_its_name_is_not_counted_twice(judged) -> None:
    half = len(TIMES) - 1440
    before, after = (
        histogram("a", {le: 0.96}, times=part) for le, part in (("2", TIMES[:half]), ("2.0", TIMES[half:]))
    )
    row, _ = judged([*before, after[0]])
    assert row["sli"] == pytest.approx(0.96, abs=1e-5)


def test_instances_with_other_bounds_are_counted_by_their_own(judged) -> None:
    row, study = judged(histogram("a", {"2": 0.96, "+Inf": 1}), histogram("b", {"1": 0.96, "4": 0.99, "+Inf": 1}))
    assert (row["sli_low"], row["sli_high"]) == pytest.approx((0.96, 0.975))
    assert any("2 different sets of bounds" in text for text in study.warnings)


@pytest.mark.parametrize(("selector", "bound"), [
    ('x_bucket{le="2"}', 2.0), (r'x_bucket{le=~"2|2\\.0"}', 2.0), (r'x_bucket{le=~"(1|2)"}', None),
    ('x_bucket{le!="2"}', None), ("x_count", None), ('x_bucket{le="fast"}', None),
])  # fmt: skip
def test_the_threshold_of_a_selector(selector: str, bound: float | None) -> None:
    assert threshold_of(selector) == bound


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 100), min_size=4, max_size=4), st.floats(0.1, 20))
def test_low_middle_and_high_are_in_order(steps: list[int], threshold: float) -> None:
    labels = [{"le": le} for le in ("0.5", "2.0", "8.0", "+Inf")]
    found = threshold_counts(labels, np.cumsum(np.array(steps, float))[:, None], threshold)
    assert found.low[0] <= found.middle[0] <= found.high[0] <= sum(steps)
    assert not found.repaired


def test_a_bucket_below_the_one_before_it_is_raised_and_said() -> None:
    found = threshold_counts([{"le": "1"}, {"le": "2"}, {"le": "+Inf"}], np.array([[5.0], [4.0], [6.0]]), 2.0)
    assert (found.middle.tolist(), found.repaired) == ([5.0], True)
