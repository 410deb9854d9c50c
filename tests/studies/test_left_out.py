"""What the counters of a source leave out or take twice is a warning of every surface; a corrected count says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.studies.conftest import END, SYSTEM
from workbench.archive import Archive, ArchiveSource
from workbench.catalog import RatioIndicator, load_catalog
from workbench.core.series import SeriesSet
from workbench.core.timerange import TimeRange, to_ms
from workbench.studies import Context, overview, service_performance, slo_compliance
from workbench.studies.counting.indicators import read_counts

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


@pytest.mark.slow
def test_pods_that_nobody_saw_begin_are_named_with_what_they_counted(over) -> None:
    rises = np.arange(len(TIMES)) * 10.0
    late = TIMES[5_000:5_004]
    study, row = judged(over(counter("lab-1", rises), counter("lab-2", 400.0 + np.arange(4), late)))
    assert row.method == "exact"
    (note,) = [text for text in study.warnings if text.startswith("Not counted")]
    assert "up to 400 of http_requests_total. 1 series" in note
    assert "instance lab-2" in note


@pytest.mark.slow
def test_a_pod_that_began_within_the_period_is_counted_from_its_start(over) -> None:
    rises = np.arange(len(TIMES)) * 10.0
    late = TIMES[5_000:5_004]
    pod = counter("lab-2", np.array([8.0, 18.0, 28.0, 38.0]), late)
    began = ({**pod[0], "__name__": "process_start_time_seconds"}, late, np.full(4, late[0] / 1_000 - 40))
    plain, known = (judged(over(counter("lab-1", rises), pod, *more)) for more in ((), (began,)))
    assert known[1].total == plain[1].total + 8
    assert not [text for text in known[0].warnings if text.startswith("Not counted")]


PAIR = (("a", 0), ("b", 20_000))


@pytest.mark.slow
@pytest.mark.parametrize(("label", "counted"), [("replica", 1), ("cluster", 2)])
def test_a_pair_of_prometheus_is_counted_once_where_the_label_names_it_and_named_else(over, label, counted) -> None:
    seen = [counter("lab-1", (TIMES + at) / 1_000.0, TIMES + at, **{label: name}) for name, at in PAIR]
    study, row = judged(over(*seen))
    (note,) = [text for text in study.warnings if text.startswith("Counted once" if counted == 1 else "Counted twice")]
    assert f"differ only in {label} (a, b)" in note
    assert row.total == pytest.approx(counted * 7 * 86_400, rel=1e-3)
    assert row.method == ("corrected" if counted == 1 else "exact")


@pytest.mark.slow
def test_failures_that_a_pair_saw_once_are_counted_once_beside_their_total(over) -> None:
    seen = [counter("lab-1", (TIMES + at) / 1_000.0, TIMES + at, replica=name) for name, at in PAIR]
    failed = [counter("lab-1", np.ones(9), TIMES[5_000:5_009] + at, replica=name, status="500") for name, at in PAIR]
    up = [
        ({**counter("lab-1", TIMES)[0], "__name__": "up", "replica": name}, TIMES + at, TIMES**0) for name, at in PAIR
    ]
    _, row = judged(over(*seen, *failed, *up))
    assert row.bad == 1
    assert row.total == pytest.approx(7 * 86_400, rel=1e-3)


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


def test_a_load_balancer_in_front_of_two_processes_is_refused(over) -> None:
    turns, rises = np.arange(len(TIMES)) % 2, np.arange(len(TIMES)) * 30.0
    study, row = judged(over(counter("lab-1", np.where(turns, 3_000_000 + rises, 500_000 + rises))))
    assert row.status == "refused"
    assert any("shows the counts of several processes in turn" in text for text in study.warnings)


@pytest.mark.slow
@pytest.mark.parametrize("kept", [400, 4_000])
def test_an_address_that_moves_between_processes_is_refused(over, kept) -> None:
    turns, rises = (np.arange(len(TIMES)) // kept) % 2, np.arange(len(TIMES)) * 30.0
    _, row = judged(over(counter("lab-1", np.where(turns, 500_000 + rises, 3_000_000 + rises))))
    assert row.status == "refused"


@pytest.mark.parametrize("up", ["down", "gone", "none"])
@pytest.mark.parametrize(
    ("bad", "total"),
    [
        ("failed_total", COUNTED),
        ("sum(ceil(increase(failed_total[5m])))", f"sum(ceil(increase({COUNTED}[5m])))"),
        ("sum(ceil(increase(failed_total[5m]))) or vector(0)", f"sum(ceil(increase({COUNTED}[5m])))"),
    ],
)
def test_failures_counted_by_a_job_that_died_are_not_zero(tmp_path, up, bad, total) -> None:
    end = len(TIMES) * 7 // 10
    counts = (np.arange(len(TIMES)) // 30).astype(float)
    labels = {"__name__": "up", "system": SYSTEM, "job": "failures", "instance": "f"}
    seen = {
        "down": [(labels, TIMES, (np.arange(len(TIMES)) < end).astype(float))],
        "gone": [(labels, TIMES[:end], np.ones(end))],
        "none": [],
    }[up]
    counted = counter("lab-1", np.arange(len(TIMES)) * 60.0)
    failed = ({"__name__": "failed_total", "job": "failures", "instance": "f"}, TIMES[:end], counts[:end])
    archive = Archive.open(tmp_path / "archive", create=True)
    archive.append_samples(SeriesSet.of([counted, failed, *seen]))
    indicator = RatioIndicator(bad=bad, total=total)
    objective = replace(load_catalog().objective(SYSTEM, "availability"), indicator=indicator)
    counts = read_counts(ArchiveSource("demo", archive), {}, [objective], {objective.id: WEEK}).counts[objective.id]
    assert counts.events.covered.mean() == pytest.approx(0.7, abs=0.01)


@pytest.mark.slow
def test_no_question_counts_the_counters_of_several_processes(over) -> None:
    """A scraper keeps its connection, so the process that answers changes twenty times a day, not at each scrape."""
    rng = np.random.default_rng(3)
    moves = np.cumsum(rng.random(len(TIMES)) < 0.02)
    process = rng.integers(0, 4, moves[-1] + 1)[moves]
    heights = np.cumsum(rng.poisson(0.5, (4, len(TIMES))), axis=1) * np.array([[1.0], [1.2], [1.5], [1.1]]).round()
    ctx = over(counter("lab-1", heights[process, np.arange(len(TIMES))]))
    _, row = judged(ctx)
    assert row.status == "refused"
    study = service_performance(ctx, system=SYSTEM, range=WEEK, as_of=END)
    assert study.status == "refused"
    assert study.results["flows"].frame["requests"].dropna().empty
    assert any(text.startswith("Left out: ") and "several processes in turn" in text for text in study.warnings)


RISES, HALF = np.arange(len(TIMES)) * 60.0, len(TIMES) // 2
FAILED = np.arange(len(TIMES)) // 100 * 1.0


def test_a_label_of_failures_that_was_renamed_leaves_the_rest_unknown(over) -> None:
    after = {"status": "", "code": "200"}
    study, row = judged(
        over(
            counter("lab-1", RISES[:HALF], TIMES[:HALF]),
            counter("lab-1", FAILED[:HALF], TIMES[:HALF], status="500"),
            counter("lab-1", RISES[:-HALF], TIMES[HALF:], **after),
            counter("lab-1", FAILED[:-HALF], TIMES[HALF:], **after | {"code": "500"}),
        )
    )
    assert row.status == "no_data"
    assert row.coverage == pytest.approx(0.5, abs=0.01)
    assert any("Doubtful: no failure is counted since" in text for text in study.warnings)


@pytest.mark.parametrize(("failed", "doubtful"), [(FAILED, True), (np.floor(FAILED / 20), False)])
def test_a_series_of_failures_that_ended_is_named_when_some_would_be_usual(over, failed, doubtful) -> None:
    study, _ = judged(over(counter("lab-1", RISES), counter("lab-1", failed[:HALF], TIMES[:HALF], status="500")))
    assert any("Doubtful: no failure is counted since" in text for text in study.warnings) == doubtful


@pytest.mark.slow
@pytest.mark.parametrize(
    ("failed", "leapt_good", "leapt_failed", "status"),
    [(0.3, 5e6, 0, "refused"), (0.01, 0, 3_000, "refused"), (0.01, 5e6, 0, "ok"), (0.01, 0, 0, "ok")],
)
def test_a_leap_that_decides_whether_an_objective_is_met_leaves_it_unknown(
    over, failed, leapt_good, leapt_failed, status
) -> None:
    """About 600,000 events of which failed / 60 fail; the target is 99.9 %."""
    leapt = np.arange(len(TIMES)) >= HALF
    good, bad = RISES + leapt * leapt_good, np.floor(np.arange(len(TIMES)) * failed) + leapt * leapt_failed
    study, row = judged(over(counter("lab-1", good), counter("lab-1", bad, status="500")))
    assert row.status == status, study.warnings
    assert any("Doubtful" in text for text in study.warnings) == bool(leapt_good or leapt_failed)


@pytest.mark.slow
def test_an_outage_that_turns_all_requests_into_failures_is_no_leap(over) -> None:
    down = (np.arange(len(TIMES)) >= HALF) & (np.arange(len(TIMES)) < HALF + 4)
    good, bad = np.cumsum(np.where(down, 0, 9_000.0)), np.cumsum(np.where(down, 9_000.0, np.arange(len(TIMES)) % 2))
    study, row = judged(over(counter("lab-1", good), counter("lab-1", bad, status="500")))
    assert row.status != "refused"
    assert not any("Doubtful" in text for text in study.warnings)
