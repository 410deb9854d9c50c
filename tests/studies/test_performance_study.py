"""Performance from samples made by hand, on the Lab's profile and on one with providers, health gauges and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.core.series import SeriesSet
from workbench.core.timerange import TimeRange, to_ms
from workbench.studies import Context, service_performance
from workbench.studies.sources.unavailable import UnavailableSource

pytestmark = pytest.mark.slow

SYSTEM, PLATFORM = "counterfactual-lab", "llm-ab-testing"
END = datetime(2026, 10, 3, tzinfo=UTC)
BEGIN = END - timedelta(days=1)
MINUTES = 1440


def platform_series(scope: dict[str, str]) -> Iterator[tuple[dict[str, str], range, np.ndarray]]:
    """One day a scrape a minute: openai answers all of 60 a minute, anthropic fails 6 of 30; from 12:00 CPU is 95 %."""
    target = {**scope, "job": PLATFORM, "instance": "web-1"}
    times = range(to_ms(BEGIN), to_ms(END) + 1, 60_000)
    minutes = np.arange(len(times))

    def counter(name: str, each: float, **labels: str) -> tuple[dict[str, str], range, np.ndarray]:
        return {"__name__": name, **target, **labels}, times, minutes * each

    def gauge(name: str, values: np.ndarray, **labels: str) -> tuple[dict[str, str], range, np.ndarray]:
        return {"__name__": name, **target, **labels}, times, values.astype(float)

    models = "model_requests_total"
    yield counter(models, 60, provider="openai", model="gpt", status="success")
    yield counter(models, 24, provider="anthropic", model="claude", status="success")
    yield counter(models, 4, provider="anthropic", model="claude", status="error")
    yield counter(models, 2, provider="anthropic", model="claude", status="rate_limited")
    for le, each in (("1.0", 45), ("2.0", 90), ("+Inf", 90)):
        yield counter("model_response_time_seconds_bucket", each, provider="openai", model="gpt", le=le)
    yield counter("model_response_time_seconds_count", 90, provider="openai", model="gpt")
    yield gauge("health_check_status", minutes >= 360, check="openai")
    yield gauge("health_check_status", minutes >= 0, check="anthropic")
    yield gauge("system_cpu_usage_percent", np.where(minutes > 720, 95, 20), core="0")
    yield gauge("system_disk_usage_bytes", np.full(len(times), 75e9), type="free", device="sda")
    yield gauge("system_disk_usage_bytes", np.full(len(times), 100e9), type="total", device="sda")
    yield gauge("up", np.ones(len(times)))


@pytest.fixture
def platform(tmp_path: Path, context_over: Callable[..., Context]) -> Context:
    scope = context_over(UnavailableSource("none", "", "")).catalog.profile(PLATFORM).scope
    archive = Archive.open(tmp_path / "platform", create=True)
    archive.append_samples(SeriesSet.of(platform_series(scope)))
    return context_over(ArchiveSource("platform", archive))


@pytest.fixture
def day(platform: Context):
    return service_performance(platform, system=PLATFORM, range=TimeRange(BEGIN, END), as_of=END)


def test_requests_of_each_provider_are_what_was_counted(day):
    frame = day.results["flows"].frame
    rows = frame[frame["flow"] == "requests.provider"].set_index(["dimension", "group"])
    assert rows.loc[("", ""), "requests"] == 90 * MINUTES
    assert rows.loc[("provider", "anthropic"), "errors"] == 6 * MINUTES
    assert rows.loc[("provider", "anthropic"), "limited"] == 2 * MINUTES
    assert rows.loc[("provider", "openai"), "error_ratio"] == 0
    assert rows.loc[("model", "gpt"), "rate"] == 1.0


def test_quantiles_are_those_of_the_buckets(day):
    frame = day.results["flows"].frame.set_index(["flow", "dimension", "group"])
    whole = frame.loc[("requests.provider", "", "")]
    assert whole[["p50", "p95", "p99"]].tolist() == pytest.approx([1.0, 1.9, 1.98])
    assert frame.loc[("requests.provider", "provider", "openai"), "p95"] == pytest.approx(1.9)


def test_providers_are_available_by_requests_and_by_their_health(day):
    rows = day.results["availability"].frame.set_index(["basis", "group"])["share"]
    assert rows["requests", "anthropic"] == pytest.approx(0.8)
    assert rows["requests", "openai"] == 1.0
    assert rows["probes", "openai"] == pytest.approx(1 - 360 / 1440, abs=1e-3)
    assert rows["scrapes", "web-1"] == 1.0


def test_resources_are_shares_where_a_total_is_known(day):
    rows = day.results["resources"].frame.set_index("title")
    disk = rows.loc["Disk in use"]
    assert (disk["unit"], disk["mean"]) == ("ratio", pytest.approx(0.25))
    cpu = rows[rows["resource"] == "cpu"].iloc[0]
    assert (cpu["unit"], cpu["peak"], cpu["last"]) == ("ratio", pytest.approx(0.95), pytest.approx(0.95))


def test_a_threshold_is_broken_from_the_first_minute_on_and_still_is(day):
    rows = day.results["breaches"].frame
    critical = rows[rows["limit"] == "cpu-critical"].iloc[0]
    assert critical["start"] == BEGIN + timedelta(minutes=721)
    assert critical["ongoing"]
    assert day.status == "at_risk"


def test_what_a_profile_lacks_is_named(day):
    notes = day.results["flows"].notes
    assert "Caches are not measured: the profile has no counters of hits and misses." in notes
    assert "HTTP requests: no samples in this period." in notes


def test_counts_of_two_parts_of_a_range_add_up(lab):
    def counted(start: datetime, end: datetime) -> float:
        study = service_performance(lab, system=SYSTEM, range=TimeRange(start, end), as_of=end)
        return float(study.results["flows"].frame["requests"].iloc[0])

    begin, middle, end = (datetime(2026, 10, 29, hour, tzinfo=UTC) for hour in (0, 7, 12))
    assert counted(begin, middle) + counted(middle, end) == counted(begin, end) > 0


def test_the_lab_fell_below_its_quality_for_two_hours(lab):
    begin = datetime(2026, 10, 28, 20, tzinfo=UTC)
    study = service_performance(
        lab, system=SYSTEM, range=TimeRange(begin, begin + timedelta(hours=10)), as_of=begin + timedelta(hours=10)
    )
    totals = study.results["thresholds"].frame.set_index("limit")
    assert totals.loc["quality-score", "breaches"] == 1
    assert 7200 <= totals.loc["quality-score", "longest"] <= 7500
    assert totals.loc["memory", "status"] == "no_data"


def test_a_source_that_is_down_is_a_status(context_over):
    study = service_performance(context_over(UnavailableSource("x", "", "Down.")), system=SYSTEM, as_of=END)
    assert study.status == "unavailable"
    assert study.results["flows"].frame.empty
    assert "Down." in study.warnings[0]


def test_an_empty_archive_has_no_data(context_over, tmp_path):
    archive = Archive.open(tmp_path / "empty", create=True)
    study = service_performance(context_over(ArchiveSource("a", archive)), system=SYSTEM, as_of=END)
    assert study.status == "no_data"
    assert study.results["flows"].frame["requests"].isna().all()
