"""The study finds the disk that the simulator fills, and says what has no limit."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.charts.capacity.tables import capacity_finding
from workbench.core.series import SeriesSet
from workbench.core.timerange import TimeRange, to_ms
from workbench.studies import Context, capacity_forecast
from workbench.studies.sources.unavailable import UnavailableSource

SYSTEM = "counterfactual-lab"
OCTOBER = TimeRange(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def event(demo_home: Path) -> Any:
    truth = json.loads((demo_home / "demo" / "truth.json").read_text())
    return next(one for one in truth["events"] if one["kind"] == "filling_disk" and one["system"] == SYSTEM)


@pytest.fixture
def demo(demo_home: Path, context_over: Callable[..., Context]) -> Context:
    return context_over(ArchiveSource("demo", Archive.open(demo_home / "demo")))


@pytest.mark.slow
def test_the_filling_disk_is_the_one_at_risk_and_its_true_date_lies_in_the_interval(event: Any, demo: Context) -> None:
    study = capacity_forecast(demo, system=SYSTEM, range=OCTOBER, as_of=OCTOBER.end)
    limits = study.results["limits"].frame
    assert study.status == "at_risk"
    risky = limits[limits["status"] == "at_risk"]
    assert risky["series"].unique().tolist() == ["device /dev/sdb1, filesystem ext4, instance node-2:9100, mount /data"]
    full = risky[risky["limit"] == "full"].iloc[0]
    truth = pd.Timestamp(event["expected"]["full_at"]["/data"])
    assert full["earliest"] <= truth <= full["latest"]
    assert abs(full["reached_at"] - truth) < pd.Timedelta(days=1)
    assert abs(full["changed_at"] - pd.Timestamp(event["start"])) <= pd.Timedelta(days=1)
    assert full["error"] < full["naive_error"]


@pytest.mark.slow
def test_before_it_fills_no_disk_has_a_date(event: Any, demo: Context) -> None:
    before = pd.Timestamp(event["start"]).to_pydatetime()
    span = TimeRange(before - timedelta(days=20), before)
    limits = capacity_forecast(demo, system=SYSTEM, range=span, as_of=before).results["limits"].frame
    assert limits.loc[limits["resource"] == "disk_left", "reached_at"].isna().all()


@pytest.mark.slow
def test_a_few_days_on_the_date_is_nearer_to_the_truth_than_a_line_of_six_hours(event: Any, demo: Context) -> None:
    truth = pd.Timestamp(event["expected"]["full_at"]["/data"])
    for days in (6, 9):
        now = (pd.Timestamp(event["start"]) + pd.Timedelta(days=days)).to_pydatetime()
        span = TimeRange(now - timedelta(days=20), now)
        limits = capacity_forecast(demo, system=SYSTEM, range=span, as_of=now).results["limits"].frame
        full = limits[limits["series"].str.contains("node-2.*/data") & (limits["limit"] == "full")].iloc[0]
        assert abs(full["reached_at"] - truth) < pd.Timedelta(days=4), days


def lab_disk(tmp_path: Path) -> Archive:
    """Twenty days of one disk of 100 bytes that loses one byte a day from 60 on, and of one container."""
    times = np.arange(to_ms(OCTOBER.end - timedelta(days=20)), to_ms(OCTOBER.end) + 1, 60_000)
    days = (times - times[0]) / 86_400_000
    target = {"system": SYSTEM, "job": "node", "instance": "n:9100", "mountpoint": "/", "device": "d", "fstype": "ext4"}
    container = {"system": SYSTEM, "instance": "n:8080", "name": "api", "__name__": "cf_lab:memory_usage_bytes"}
    archive = Archive.open(tmp_path / "disk", create=True)
    archive.append_samples(
        SeriesSet.of(
            [
                ({"__name__": "node_filesystem_avail_bytes", **target}, times, 60 - days),
                ({"__name__": "node_filesystem_size_bytes", **target}, times, np.full(len(times), 100.0)),
                (container, times, np.full(len(times), 2.0**30)),
            ]
        )
    )
    return archive


@pytest.mark.slow
def test_used_is_what_is_not_left_and_the_date_is_that_of_arithmetic(
    tmp_path: Path, context_over: Callable[..., Context]
) -> None:
    lab = context_over(ArchiveSource("demo", lab_disk(tmp_path)))
    study = capacity_forecast(lab, system=SYSTEM, range=OCTOBER, as_of=OCTOBER.end, horizon_days=90)
    limits = study.results["limits"].frame.set_index(["resource", "limit"])
    full = limits.loc[("disk_left", "full")]
    assert full["now"] == pytest.approx(0.6, abs=1e-6)
    assert full["trend"] == pytest.approx(0.01, abs=1e-6)
    assert pd.isna(full["reached_at"])
    memory = limits.loc[("memory", "> 3.0 GiB")]
    assert (memory["used"], memory["documented"]) == (pytest.approx(1 / 3), True)
    assert any("Memory used" in warning for warning in study.warnings)
    looked = int(limits.loc[limits["origins"] > 0, "ahead_days"].min())  # never further than the history is long
    assert looked < 90
    assert f"no limit within {looked} days" in capacity_finding(study).text


@pytest.mark.slow
def test_what_has_no_limit_is_not_measured(lab: Context) -> None:
    span = TimeRange(OCTOBER.end - timedelta(days=7), OCTOBER.end)
    study = capacity_forecast(lab, system="choreoai", range=span, as_of=span.end)
    assert study.status == "no_data"
    assert "not measured" in study.warnings[0]


def test_every_profile_asks_queries_that_can_be_read(lab: Context) -> None:
    span = TimeRange(OCTOBER.end - timedelta(days=7), OCTOBER.end)
    for system in lab.catalog.profiles:
        study = capacity_forecast(lab, system=system, range=span, as_of=span.end)
        assert study.status in ("no_data", "ok", "at_risk"), (system, study.warnings)


def test_a_source_that_is_down_is_a_status(context_over: Callable[..., Context]) -> None:
    down = context_over(UnavailableSource("down", "http://x", "It is down."))
    study = capacity_forecast(down, system=SYSTEM, range=OCTOBER, as_of=OCTOBER.end)
    assert study.status == "unavailable"
    assert study.results["limits"].frame.empty


@pytest.mark.slow
def test_every_disk_that_fills_is_full_within_its_interval(demo_home: Path, demo: Context) -> None:
    truth = json.loads((demo_home / "demo" / "truth.json").read_text())
    for one in truth["events"]:
        if one["kind"] == "filling_disk" and one["state"] == "open":
            study = capacity_forecast(demo, system=one["system"], range=OCTOBER, as_of=OCTOBER.end)
            limits = study.results["limits"].frame
            full = limits[(limits["resource"] == "disk_left") & (limits["limit"] == "full")]
            for place, at in one["expected"]["full_at"].items():
                own = full[full["series"].str.contains(place) & (full["status"] == "at_risk")]
                assert len(own) == 1, (one["id"], place)
                assert (own["earliest"] <= pd.Timestamp(at)).all(), one["id"]
                assert (own["latest"] >= pd.Timestamp(at)).all(), one["id"]


@pytest.mark.slow
def test_a_disk_that_was_made_larger_is_forecast_by_what_is_written_not_by_its_share(
    tmp_path: Path, context_over: Callable[..., Context]
) -> None:
    """One byte a day into 100 bytes, and from the 15th day on into 200: half a percent a day of what there is now."""
    archive = lab_disk(tmp_path)
    lab = context_over(ArchiveSource("demo", archive))
    times = np.arange(to_ms(OCTOBER.end - timedelta(days=20)), to_ms(OCTOBER.end) + 1, 60_000)
    days = (times - times[0]) / 86_400_000
    target = {"system": SYSTEM, "job": "node", "instance": "m:9100", "mountpoint": "/", "device": "d", "fstype": "ext4"}
    size = np.where(days < 15.02, 100.0, 200.0)
    archive.append_samples(
        SeriesSet.of(
            [
                ({"__name__": "node_filesystem_avail_bytes", **target}, times, size - 40 - days),
                ({"__name__": "node_filesystem_size_bytes", **target}, times, size),
            ]
        )
    )
    study = capacity_forecast(lab, system=SYSTEM, range=OCTOBER, as_of=OCTOBER.end, horizon_days=90)
    limits = study.results["limits"].frame
    full = limits[limits["series"].str.contains("m:9100") & (limits["limit"] == "full")].iloc[0]
    assert full["now"] == pytest.approx(0.3, abs=1e-6)
    assert full["trend"] == pytest.approx(0.005, abs=1e-5)
    assert full["needed"] == pytest.approx(0.3 + 0.005 * full["ahead_days"], abs=0.002)
    actual = study.results["forecasts"].frame.query("series.str.contains('m:9100')")["actual"].dropna()
    assert actual.max() < 0.301  # the hour of the change is no peak
    assert any("200 % of before" in warning for warning in study.warnings)
