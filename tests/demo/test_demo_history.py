from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.demo.demo_histories import ALWAYS, ANCHOR, SMALL, lab_alone  # noqa: F401
from workbench.archive import Archive
from workbench.catalog import load_catalog
from workbench.core.filters import LogFilter, SpanFilter
from workbench.core.frames import SEVERITIES
from workbench.core.series import Labels, is_stale, label_key
from workbench.core.timerange import to_ms
from workbench.demo import build_demo
from workbench.demo.systems.lab import LAB
from workbench.promql import Matcher, evaluate_range, scoped

#: Each builds a demo.
pytestmark = pytest.mark.slow

END = ANCHOR + timedelta(hours=5, minutes=20)
DAY_MS, MINUTE_MS = 86_400_000, 60_000
SYSTEM = "counterfactual-lab"

Series = list[tuple[Labels, np.ndarray, np.ndarray]]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("history") / "demo"
    build_demo(directory, scenario=SMALL, seed=3, end=END, anchor=ANCHOR)
    return directory


@pytest.fixture(scope="module")
def archive(demo: Path) -> Archive:
    return Archive.open(demo)


@pytest.fixture(scope="module")
def truth(demo: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((demo / "truth.json").read_text())
    return told


def series(archive: Archive, name: str, **labels: str) -> Series:
    own = {"system": SYSTEM, **labels}
    matchers = [Matcher("__name__", "=", name), *(Matcher(label, "=~", value) for label, value in own.items())]
    return list(archive.select(matchers, 0, ALWAYS.end_ms))


def fresh(times: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    kept = ~is_stale(values)
    return times[kept], values[kept]


def increase(times: np.ndarray, values: np.ndarray, edges: list[int], *, start: int) -> np.ndarray:
    """Count by hand, one sample after the other."""
    times, values = fresh(times, values)
    counted, before, sums = 0.0, values[0] if times[0] == start else 0.0, []
    at = 0
    for edge in edges:
        while at < len(times) and times[at] <= edge:
            counted += values[at] - before if values[at] >= before else values[at]
            before = values[at]
            at += 1
        sums.append(counted)
    return np.diff(sums)


def counted(archive: Archive, truth: dict[str, Any], edges: list[int], name: str, **labels: str) -> list[float]:
    start = to_ms(datetime.fromisoformat(truth["range"]["start"]))
    found = [increase(times, values, edges, start=start) for _, times, values in series(archive, name, **labels)]
    return np.sum(found, axis=0).tolist()


def days(truth: dict[str, Any], objective: str) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = truth["systems"][SYSTEM]["objectives"][objective]["days"]
    return found


def test_counts_of_every_day_equal_the_truth(archive: Archive, truth: dict[str, Any]) -> None:
    known = days(truth, "availability")
    edges = [to_ms(datetime.fromisoformat(f"{day}T00:00:00+00:00")) for day in known] + [to_ms(END)]
    total = counted(archive, truth, edges, "http_requests_total")
    bad = counted(archive, truth, edges, "http_requests_total", status="5..")
    assert total == [day["total"] for day in known.values()]
    assert bad == [day["bad"] for day in known.values()]
    for objective, bound in (("latency-p95", "2.0"), ("latency-p99", "5.0")):
        fast = counted(archive, truth, edges, "http_request_duration_seconds_bucket", le=bound)
        assert fast == [day["good"] for day in days(truth, objective).values()]
    failed = counted(archive, truth, edges, "counterfactual_generation_total", status="failure")
    assert failed == [day["bad"] for day in days(truth, "generation-success").values()]


@pytest.mark.parametrize("magnitude", [0.05, 0.9])
def test_other_seeds_and_magnitudes_keep_counts_and_truth_together(tmp_path: Path, magnitude: float) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(
        SMALL.read_text().replace("magnitude: 0.5", f"magnitude: {magnitude}").replace("days: 3", "days: 2")
    )
    build_demo(tmp_path / "demo", scenario=file, seed=int(magnitude * 1000), end=ANCHOR)
    archive, truth = Archive.open(tmp_path / "demo"), json.loads((tmp_path / "demo" / "truth.json").read_text())
    known = days(truth, "availability")
    edges = [to_ms(datetime.fromisoformat(f"{day}T00:00:00+00:00")) for day in known]
    bad = counted(archive, truth, edges, "http_requests_total", status="5..")
    assert bad == [day["bad"] for day in known.values()][:-1]


def test_restarts_that_coincide_are_one(tmp_path: Path) -> None:
    lines = ["schema: 1", "name: busy", "days: 1", "events:"]
    for id, kind, start, more in (
        ("one", "deploy", "-12h", ""),
        ("two", "deploy", "-12h", ""),
        ("three", "crash", "-718m", ", duration: 6m"),
        ("four", "maintenance", "-13h", ", duration: 2h, magnitude: 0.5"),
    ):
        lines.append(f"  - {{id: {id}, kind: {kind}, system: {SYSTEM}, start: {start}{more}}}")
    file = tmp_path / "busy.yaml"
    file.write_text("\n".join(lines))
    build_demo(tmp_path / "demo", scenario=file, seed=5, end=ANCHOR)
    archive, truth = Archive.open(tmp_path / "demo"), json.loads((tmp_path / "demo" / "truth.json").read_text())
    start = to_ms(ANCHOR) - DAY_MS
    total = counted(archive, truth, [start, to_ms(ANCHOR)], "http_requests_total")
    assert total == [days(truth, "availability")["2026-10-31"]["total"]]
    for _, _, values in series(archive, "http_requests_total"):
        assert (values[~is_stale(values)] >= 0).all()


def test_an_event_moves_its_own_share_and_nothing_else(tmp_path: Path, truth: dict[str, Any]) -> None:
    quiet = tmp_path / "quiet.yaml"
    lines = SMALL.read_text().splitlines()
    quiet.write_text("\n".join(line for line in lines if "id: outage" not in line and "id: slow" not in line))
    build_demo(tmp_path / "quiet", scenario=quiet, seed=3, end=END, anchor=ANCHOR)
    other = json.loads((tmp_path / "quiet" / "truth.json").read_text())
    events = {event["id"]: event for event in truth["events"]}
    for objective, event in (("availability", "outage"), ("latency-p95", "slow"), ("latency-p99", "slow")):
        with_event, without = days(truth, objective), days(other, objective)
        more = sum(with_event[day]["bad"] - without[day]["bad"] for day in with_event)
        assert more == events[event]["injected"][objective] > 0
        assert [day["total"] for day in with_event.values()] == [day["total"] for day in without.values()]


def test_the_requests_of_a_histogram_are_the_requests_of_the_counter(archive: Archive) -> None:
    for labels, times, values in series(archive, "http_request_duration_seconds_count"):
        own = {label: labels[label] for label in ("instance", "method")}
        by_status = [
            dict(zip(*(part.tolist() for part in fresh(t, v)), strict=True))
            for _, t, v in series(archive, "http_requests_total", **own)
        ]
        at, count = fresh(times, values)
        assert [sum(one.get(t, 0.0) for one in by_status) for t in at.tolist()] == count.tolist()
        last = series(archive, "http_request_duration_seconds_bucket", le=r"\+Inf", **own)
        assert fresh(*last[0][1:])[1].tolist() == count.tolist()


def test_buckets_are_cumulative_and_the_sum_lies_within_them(archive: Archive) -> None:
    bounds = ["0.05", "0.1", "0.25", "0.5", "1.0", "2.0", "3.0", "5.0", "10.0"]
    own = {"instance": "lab-1:8000", "method": "POST"}
    buckets = [
        fresh(*series(archive, "http_request_duration_seconds_bucket", le=le.replace(".", r"\."), **own)[0][1:])[1]
        for le in [*bounds, r"\+Inf"]
    ]
    counts = np.diff(np.stack(buckets), axis=0, prepend=0)
    assert (counts >= 0).all()
    total = fresh(*series(archive, "http_request_duration_seconds_sum", **own)[0][1:])[1]
    edges = np.array([0.0, *map(float, bounds), 20.0])
    assert (edges[:-1] @ counts <= total).all()
    assert (total <= edges[1:] @ counts).all()
    assert (total * 1024 == np.round(total * 1024)).all()


def test_all_counters_of_a_process_start_anew_when_it_does(archive: Archive, truth: dict[str, Any]) -> None:
    restarts = truth["systems"][SYSTEM]["restarts"]
    assert {restart["reason"] for restart in restarts} >= {"deploy", "maintenance", "crash"}
    for instance in ("lab-1:8000", "lab-2:8000", "lab-3:8000"):
        _, times, started = series(archive, "process_start_time_seconds", instance=instance)[0]
        times, started = fresh(times, started)
        moved = times[1:][np.diff(started) != 0]
        own = [restart for restart in restarts if restart["instance"] == instance]
        assert started[np.flatnonzero(np.diff(started)) + 1].tolist() == [
            restart["process_start_time_seconds"] for restart in own
        ]
        for name in ("http_requests_total", "http_request_duration_seconds_count"):
            for labels, at, values in series(archive, name, instance=instance):
                at, values = fresh(at, values)
                fell = at[1:][np.diff(values) < 0]
                assert set(fell.tolist()) <= set(moved.tolist()), labels
                assert (values[np.isin(at, moved)] == 0).all()


def test_up_says_whether_the_series_of_a_target_are_there(archive: Archive) -> None:
    for labels, times, values in series(archive, "up", job="counterfactual-lab"):
        _, at, starts = series(archive, "process_start_time_seconds", instance=labels["instance"])[0]
        good = times[values == 1].tolist()
        assert at[~is_stale(starts)].tolist() == good
        failed = values == 0
        first = times[failed & ~np.concatenate([[False], failed[:-1]])]
        assert at[is_stale(starts)].tolist() == first.tolist(), "one stale mark, at the first scrape that fails"


def test_the_monitoring_gap_leaves_nothing_at_all(archive: Archive) -> None:
    start = to_ms(ANCHOR - timedelta(days=1, hours=20))
    inside = archive.select([], start, start + 15 * MINUTE_MS - 1)
    assert inside.samples == 0
    after = archive.select([Matcher("__name__", "=", "up")], start + 15 * MINUTE_MS, start + 15 * MINUTE_MS)
    assert len(after) == len(LAB.targets)


def test_an_unreachable_job_goes_on_counting(archive: Archive) -> None:
    start = to_ms(ANCHOR - timedelta(days=1, hours=15))
    _, times, values = series(archive, "up", instance="lab-1:8000")[0]
    within = (times >= start) & (times < start + 6 * MINUTE_MS)
    assert values[within].tolist() == [0.0] * 24
    _, times, values = series(archive, "http_requests_total", instance="lab-1:8000", method="GET", status="200")[0]
    times, values = fresh(times, values)
    before, after = values[times < start][-1], values[times >= start + 6 * MINUTE_MS][0]
    usual = np.median(np.diff(values[times < start][-60:]))
    assert after - before > 4 * usual


def test_a_series_is_born_with_its_first_event(archive: Archive) -> None:
    outage = to_ms(ANCHOR - timedelta(days=2, hours=13))
    for _, times, values in series(archive, "http_requests_total", status="503"):
        assert outage < times[0] <= outage + 2 * MINUTE_MS
        assert values[0] > 0


def test_both_resolutions_agree_on_full_minutes(tmp_path: Path, archive: Archive) -> None:
    build_demo(tmp_path / "later", scenario=SMALL, seed=3, end=ANCHOR + timedelta(days=4), anchor=ANCHOR)
    first, last = to_ms(ANCHOR) - DAY_MS, to_ms(ANCHOR) - 1
    rules = [Matcher("__name__", "!~", "cf_lab:.*|ALERTS.*")]
    fine = archive.select(rules, first, last)
    coarse = {label_key(labels): (t, v) for labels, t, v in Archive.open(tmp_path / "later").select(rules, first, last)}
    assert fine.samples > 3.9 * sum(len(times) for times, _ in coarse.values())
    for labels, times, values in fine:
        full = times % MINUTE_MS == 0
        kept_times, kept_values = coarse[label_key(labels)]
        assert times[full].tolist() == kept_times.tolist()
        np.testing.assert_array_equal(values[full].view(np.int64), kept_values.view(np.int64))


def test_recorded_series_are_what_the_engine_gives_at_the_evaluations(archive: Archive) -> None:
    profile = load_catalog().profile(SYSTEM)
    first, last = to_ms(ANCHOR - timedelta(days=1)) + 10_000, to_ms(END) - 50_000
    for rule in profile.recording_rules:
        asked = evaluate_range(
            scoped(rule.expr, profile.scope), archive, start_ms=first, end_ms=last, step_ms=MINUTE_MS
        )
        recorded = {
            label_key({name: value for name, value in labels.items() if name != "__name__"}): fresh(times, values)
            for labels, times, values in archive.select([Matcher("__name__", "=", rule.name)], first, last)
        }
        assert len(asked.labels) == len(recorded) > 0
        for labels, values, present in zip(asked.labels, asked.values, asked.present, strict=True):
            times, own = recorded[label_key({**labels, **rule.labels})]
            assert asked.times[present].tolist() == times.tolist()
            np.testing.assert_allclose(values[present], own, rtol=1e-12)


def test_episodes_are_the_runs_of_the_firing_series(archive: Archive) -> None:
    episodes = archive.episodes(ALWAYS)
    episodes = episodes[[labels["system"] == SYSTEM for labels in episodes["labels"]]]
    assert {"HighErrorRate", "HighMemoryUsage", "ServiceDown", "ModelGenerationLatency"} <= set(episodes["alertname"])
    found = []
    for labels, times, values in series(archive, "ALERTS", alertstate="firing"):
        marks = is_stale(values)
        # The monitoring gap ends a run without a mark.
        starts = ~marks & np.concatenate([[True], marks[:-1] | (np.diff(times) > MINUTE_MS)])
        found += [(labels["alertname"], time) for time in times[starts].tolist()]
    told = episodes["starts_at"].astype("int64").tolist()
    assert sorted(zip(episodes["alertname"], told, strict=True)) == sorted(found)


def test_the_scenario_s_alerts_come(truth: dict[str, Any]) -> None:
    events = {event["id"]: event for event in truth["events"]}
    names = {id: [alert["alertname"] for alert in event["alerts"]] for id, event in events.items()}
    assert "HighErrorRate" in names["outage"]
    assert "HighErrorRate" not in names["burn"], "too few errors for the alert: that is a slow burn"
    assert names["flap"].count("ModelGenerationLatency") == events["flap"]["expected"]["pulses"]
    assert "HighMemoryUsage" in names["leak"]
    assert events["leak"]["state"] == "open"
    assert events["full"]["expected"]["full_at"]["/data"] > "2026-11-01"
    own = [episode for episode in truth["episodes"] if episode["labels"]["system"] == SYSTEM]
    standing = [episode for episode in own if episode["ends_at"] is None]
    assert [episode["labels"]["alertname"] for episode in standing] == ["HighMemoryUsage"]


def records(archive: Archive) -> Iterator[pd.DataFrame]:
    yield archive.logs(LogFilter(services=(SYSTEM,)), ALWAYS)
    yield archive.spans(SpanFilter(services=(SYSTEM,)), ALWAYS)


def test_logs_and_spans_tell_of_the_events(archive: Archive) -> None:
    logs, spans = records(archive)
    assert set(logs["severity"]) <= set(SEVERITIES)
    start = to_ms(ANCHOR - timedelta(days=2, hours=13)) * 1_000_000
    during = logs[(logs["time_ns"] >= start) & (logs["time_ns"] < start + 20 * 60 * 10**9)]
    assert (during["severity"] == "ERROR").mean() > 0.5
    assert (logs["severity"] == "ERROR").mean() < 0.2
    slow = to_ms(ANCHOR - timedelta(days=1, hours=10)) * 1_000_000
    roots = spans[spans["operation"] == "http.request"]
    there = roots["attributes"].map(lambda own: own["service.instance.id"] == "lab-2:8000")
    then = roots["start_ns"].between(slow, slow + 5 * 3600 * 10**9)
    assert roots[there & then]["duration_ns"].median() > 2 * roots[~there & then]["duration_ns"].median()


def test_lines_and_spans_share_trace_ids(archive: Archive) -> None:
    logs, spans = records(archive)
    traced = logs[logs["trace_id"].isin(spans["trace_id"])]
    assert len(traced) > 500
    assert traced["span_id"].isin(spans["span_id"]).all()
    children = spans[spans["parent_id"] != ""]
    assert children["parent_id"].isin(spans["span_id"]).mean() > 0.99
    assert spans["span_id"].is_unique


def test_weights_bring_the_sample_back_to_the_number_of_requests(archive: Archive, truth: dict[str, Any]) -> None:
    _, spans = records(archive)
    roots = spans[spans["operation"] == "http.request"]
    total = truth["systems"][SYSTEM]["objectives"]["availability"]["months"]
    requests = sum(month["total"] for month in total.values())
    spread = float(np.sqrt((roots["weight"] ** 2).sum()))
    assert abs(roots["weight"].sum() - requests) < 4 * spread
