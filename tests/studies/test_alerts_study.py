"""The study finds the episodes that the simulator made, and says what it could not know."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.core.errors import ParameterError, SourceUnavailable
from workbench.core.series import SeriesSet
from workbench.core.timerange import TimeRange, parse_instant
from workbench.studies import Context, alert_load
from workbench.studies.overview.state import read_system_state

SYSTEM = "counterfactual-lab"
OCTOBER = TimeRange(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def truth(demo_home: Path) -> Any:
    return json.loads((demo_home / "demo" / "truth.json").read_text())


@pytest.fixture
def demo(demo_home: Path, context_over: Callable[..., Context]) -> Context:
    return context_over(ArchiveSource("demo", Archive.open(demo_home / "demo")))


@pytest.fixture
def october(demo: Context) -> Any:
    return alert_load(demo, system=SYSTEM, range=OCTOBER, as_of=OCTOBER.end)


def times(text: str | None) -> pd.Timestamp | None:
    return None if text is None else pd.Timestamp(text)


@pytest.mark.slow
def test_every_episode_of_the_truth_is_found_with_its_times_and_what_is_unknown(truth: Any, demo: Context) -> None:
    span = TimeRange(parse_instant(truth["range"]["start"]), parse_instant(truth["range"]["end"]))
    found = alert_load(demo, system=SYSTEM, range=span, as_of=span.end).results["episodes"].frame
    told = [one for one in truth["episodes"] if one["labels"]["system"] == SYSTEM]
    assert [
        (row.alertname, row.active_at, row.starts_at, None if pd.isna(row.ends_at) else row.ends_at,
         row.left_censored, row.right_censored)
        for row in found.sort_values(["starts_at", "alertname"]).itertuples()
    ] == [
        (one["labels"]["alertname"], times(one["active_at"]), times(one["starts_at"]), times(one["ends_at"]),
         one["left_censored"], one["right_censored"])
        for one in sorted(told, key=lambda one: (times(one["starts_at"]), one["labels"]["alertname"]))
    ]  # fmt: skip


def event(truth: Any, kind: str) -> tuple[pd.Timestamp, pd.Timestamp, Any]:
    one = next(one for one in truth["events"] if one["kind"] == kind and one["system"] == SYSTEM)
    return pd.Timestamp(one["start"]), pd.Timestamp(one["end"]), one


@pytest.mark.slow
def test_the_flapping_event_is_marked_episode_for_episode(truth: Any, october: Any) -> None:
    start, end, told = event(truth, "flapping_alert")
    frame = october.results["episodes"].frame
    during = frame[(frame["starts_at"] >= start) & (frame["starts_at"] < end)]
    own = during[during["alertname"] == "ModelGenerationLatency"]
    assert len(own) == told["expected"]["pulses"]
    assert own["flapping"].all()


@pytest.mark.slow
def test_the_stale_alert_and_the_maintenance_are_there(truth: Any, october: Any) -> None:
    frame = october.results["episodes"].frame
    start, end, _ = event(truth, "stale_alert")
    leak = frame[(frame["alertname"] == "HighMemoryUsage") & (frame["starts_at"] >= start) & (frame["starts_at"] < end)]
    assert leak["stale"].tolist() == [True]
    start, end, _ = event(truth, "maintenance")
    during = frame[(frame["starts_at"] >= start) & (frame["starts_at"] < end)]
    assert any("lab-3:8000" in labels for labels in during.loc[during["alertname"] == "ServiceDown", "labels"])


@pytest.mark.slow
def test_the_scrape_gap_is_time_that_nobody_watched(truth: Any, october: Any) -> None:
    start, end, _ = event(truth, "scrape_gap")
    blind_s = (1 - october.coverage) * OCTOBER.seconds
    gap_s = (end - start).total_seconds()
    assert gap_s <= blind_s <= gap_s + 2 * 60
    frame = october.results["episodes"].frame
    assert (frame.loc[frame["right_censored"], "ends_at"] - start < pd.Timedelta(minutes=2)).all()
    assert frame["right_censored"].any()


@pytest.mark.slow
def test_a_part_of_the_period_has_the_episodes_that_began_in_it(demo: Context, october: Any) -> None:
    half = TimeRange(OCTOBER.start, OCTOBER.start + timedelta(days=15))
    rest = TimeRange(half.end, OCTOBER.end)
    parts = [alert_load(demo, system=SYSTEM, range=span, as_of=span.end) for span in (half, rest)]
    begun = [int(part.results["episodes"].frame["started"].sum()) for part in parts]
    assert sum(begun) == int(october.results["episodes"].frame["started"].sum())


@pytest.mark.slow
def test_rules_are_quiet_only_where_an_alert_that_fired_would_be_seen(
    lab_samples: SeriesSet, context_over: Callable[..., Context], tmp_path: Path
) -> None:
    archive = Archive.open(tmp_path / "archive", create=True)
    archive.append_samples(lab_samples)
    ctx = context_over(ArchiveSource("demo", archive))
    span = TimeRange(datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
    study = alert_load(ctx, system=SYSTEM, range=span, as_of=span.end)
    assert study.status == "no_data"
    assert "demo holds no samples of ALERTS and lists no rules, so whether alerts fired is not known." in study.warnings
    assert read_system_state(ctx, SYSTEM, as_of=span.end).read["alert"] == 0

    archive.note_covered("prom", [f"{SYSTEM}/ALERTS"], span.start_ms, span.end_ms)
    study = alert_load(ctx, system=SYSTEM, range=span, as_of=span.end)
    assert read_system_state(ctx, SYSTEM, as_of=span.end).read["alert"] > 0
    rules = study.results["rules"].frame
    assert set(rules["alertname"]) >= {"ServiceDown", "QualityScoreLow"}
    assert rules["episodes"].sum() == 0
    assert study.status == "ok"
    assert (1 - study.coverage) * span.seconds == pytest.approx(3600, abs=120)


def test_a_period_nobody_watched_is_no_data(lab: Context) -> None:
    span = TimeRange(datetime(2026, 8, 1, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC))
    study = alert_load(lab, system=SYSTEM, range=span, as_of=span.end)
    assert (study.status, study.coverage) == ("no_data", 0.0)


def test_a_source_that_is_down_is_a_status(context_over: Callable[..., Context]) -> None:
    from workbench.studies.sources.unavailable import UnavailableSource

    study = alert_load(
        context_over(UnavailableSource("down", "http://x", "It is down.")),
        system=SYSTEM,
        range=OCTOBER,
        as_of=OCTOBER.end,
    )
    assert study.status == "unavailable"
    assert "It is down." in study.warnings[0]
    assert SourceUnavailable.exit_code == 3


def test_nobody_on_call_is_refused(lab: Context) -> None:
    with pytest.raises(ParameterError, match="0 people"):
        alert_load(lab, system=SYSTEM, range=OCTOBER, as_of=OCTOBER.end, positions=0)


@pytest.mark.slow
def test_every_burst_of_the_scenario_is_found(truth: Any, demo: Context) -> None:
    heaps = [one for one in truth["events"] if one["kind"] == "alert_burst" and one["state"] == "over"]
    for system in {one["system"] for one in heaps}:
        span = TimeRange(parse_instant(truth["range"]["start"]), parse_instant(truth["range"]["end"]))
        bursts = alert_load(demo, system=system, range=span, as_of=span.end).results["bursts"].frame
        own = [one for one in heaps if one["system"] == system]
        for one in own:
            start, end = pd.Timestamp(one["start"]), pd.Timestamp(one["end"])
            assert ((bursts["start"] < end) & (bursts["end"] > start)).any(), one["id"]
