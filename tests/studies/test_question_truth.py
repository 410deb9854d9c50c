"""Cost and performance find again what the simulator spent, counted and broke in the demo."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.core.result import Study
from workbench.core.settings import Settings
from workbench.core.timerange import TimeRange, calendar_range, parse_instant
from workbench.studies import Context, alert_load, open_context, service_performance, spend_and_tokens

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def truth(demo_home: Path) -> Any:
    return json.loads((demo_home / "demo" / "truth.json").read_text())


@pytest.fixture
def demo(demo_home: Path, context_over: Callable[..., Context]) -> Context:
    return context_over(ArchiveSource("demo", Archive.open(demo_home / "demo")))


@pytest.fixture(scope="module")
def spent_in_month(truth: Any, shared_settings: Settings) -> Callable[[str], Study]:
    """Spend of a system in the month before the end of the demo, read once for all tests."""
    ctx = open_context(shared_settings)

    @cache
    def study(system: str) -> Study:
        month, _ = last_month(truth, system)
        return spend_and_tokens(ctx, system=system, range=month, as_of=month.end)

    return study


def event(truth: Any, name: str) -> tuple[Any, TimeRange]:
    found = next(one for one in truth["events"] if one["id"] == name)
    return found, TimeRange(parse_instant(found["start"]), parse_instant(found["end"]))


def amounts(study: Study) -> dict[str, float]:
    """Amounts by measure, dimension and group, as the truth names them."""
    rows = study.results["groups"].frame.itertuples()
    return {f"{row.measure}.{row.dimension}.{row.group}": float(row.amount) for row in rows}


def last_month(truth: Any, system: str) -> tuple[TimeRange, dict[str, float]]:
    """The month before the end of the demo, and what the simulator spent and used in it."""
    month = calendar_range("last-month", zone="UTC", now=parse_instant(truth["range"]["end"]))
    return month, truth["systems"][system]["amounts"]["months"][f"{month.start:%Y-%m}"]


@pytest.mark.parametrize("system", ["conduit", "choreoai"])
def test_the_money_of_a_month_is_what_was_spent(
    system: str, truth: Any, spent_in_month: Callable[[str], Study]
) -> None:
    _, known = last_month(truth, system)
    found = amounts(spent_in_month(system))
    spent = {name: value for name, value in known.items() if name.startswith("cost.")}
    assert len(spent) >= 5
    assert {name: found[name] for name in spent} == pytest.approx(spent, rel=1e-9)


@pytest.mark.parametrize("system", ["conduit", "choreoai", "llm-ab-testing"])
def test_the_tokens_of_a_month_are_those_that_were_used(
    system: str, truth: Any, spent_in_month: Callable[[str], Study]
) -> None:
    _, known = last_month(truth, system)
    found = amounts(spent_in_month(system))
    used: dict[str, float] = {}
    for name, value in known.items():
        if name.startswith("tokens."):
            kind = f"tokens.token_class.{name.rpartition('.')[2]}"
            used[kind] = used.get(kind, 0) + value
    assert len(used) == 2
    assert {name: found[name] for name in used} == used


@pytest.mark.parametrize("name", ["switch-gpt-4o", "key-gone-wild", "switch-gpt-4"])
def test_a_jump_of_cost_stands_in_the_groups_that_it_concerns(name: str, truth: Any, demo: Context) -> None:
    found, span = event(truth, name)
    study = spend_and_tokens(demo, system=found["system"], range=span, as_of=span.end)
    rows = study.results["groups"].frame
    changes = {f"{row.measure}.{row.dimension}.{row.group}": float(row.change) for row in rows.itertuples()}
    for group, injected in found["injected_amounts"].items():
        if group in changes and injected > 100:
            assert changes[group] > 0.5 * injected, group


@pytest.mark.parametrize(
    ("name", "group", "injected"),
    [
        ("switch-gpt-4o", "vk-001", "cost.key.vk-001"),
        ("key-gone-wild", "vk-004", "cost.key.vk-004"),
        ("switch-gpt-4", "gpt-4", "cost.model.gpt-4"),
    ],
)
def test_a_jump_of_cost_stands_out_with_its_days_and_what_it_cost(
    name: str, group: str, injected: str, truth: Any, spent_in_month: Callable[[str], Study]
) -> None:
    found, span = event(truth, name)
    jumps = spent_in_month(found["system"]).results["jumps"].frame
    named = (jumps["group"] == group) | jumps["also"].str.split(", ").map(
        lambda also: any(one.endswith(f" {group}") for one in also)
    )
    (row,) = jumps[(jumps["measure"] == "cost") & named & (jumps["direction"] == "up")].head(1).itertuples()
    assert row.first == f"{span.start:%Y-%m-%d}"
    length = (span.end - span.start) / timedelta(days=1)
    if length > 14:
        assert row.settled, "a step that stays is the new usual after a fortnight"
        assert row.impact / row.days == pytest.approx(found["injected_amounts"][injected] / length, rel=0.2)
        return
    assert row.last in (f"{span.end:%Y-%m-%d}", f"{span.end - timedelta(days=1):%Y-%m-%d}")
    assert row.impact == pytest.approx(found["injected_amounts"][injected], rel=0.08)


@pytest.mark.parametrize(
    ("name", "alertname", "mark"),
    [
        ("flapping-generation", "ModelGenerationLatency", "flapping"),
        ("leak-lab-2", "HighMemoryUsage", "stale"),
    ],
)
def test_alerts_that_flap_or_stand_are_marked_so(
    name: str, alertname: str, mark: str, truth: Any, demo: Context
) -> None:
    found, span = event(truth, name)
    period = TimeRange(span.start - timedelta(hours=6), span.end + timedelta(hours=6))
    frame = alert_load(demo, system=found["system"], range=period, as_of=period.end).results["episodes"].frame
    own = frame[(frame["alertname"] == alertname) & frame[mark]]
    assert len(own) == found["expected"].get("pulses", 1)
    assert own["starts_at"].min() >= span.start
    assert own["starts_at"].max() <= span.end


@pytest.mark.parametrize("name", ["limit-openai", "limit-anthropic", "limit-openai-choreo"])
def test_a_provider_that_limits_stands_among_the_limits(name: str, truth: Any, demo: Context) -> None:
    found, span = event(truth, name)
    study = service_performance(demo, system=found["system"], range=span, as_of=span.end)
    limits = study.results["limits"].frame
    refused = limits[limits["group"] == found["where"]["provider"][0]].iloc[0]
    assert refused["refused"] >= found["injected"]["provider-success"]
    assert refused["share"] == pytest.approx(found["magnitude"], abs=0.05)


@pytest.mark.parametrize("name", ["outage-anthropic", "outage-anthropic-choreo"])
def test_a_provider_that_fails_is_the_least_available(name: str, truth: Any, demo: Context) -> None:
    found, span = event(truth, name)
    rows = service_performance(demo, system=found["system"], range=span, as_of=span.end).results["availability"].frame
    worst = rows[rows["basis"] == "requests"].iloc[0]
    assert worst["group"] == found["where"]["provider"][0]
    assert worst["share"] == pytest.approx(1 - found["magnitude"], abs=0.06)


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("cache-drift-redis", "cache-drift"),
        ("burst-database", "cpu-critical"),
        ("leak-app-1", "memory-warning"),
        ("disk-app-2", "disk-warning"),
        ("slow-choreo", "latency"),
        ("outage-storage", "error-rate"),
    ],
)
def test_a_broken_threshold_lies_within_its_event(name: str, limit: str, truth: Any, demo: Context) -> None:
    found, span = event(truth, name)
    end = min(parse_instant(truth["range"]["end"]), span.end + timedelta(hours=1))
    period = TimeRange(span.start - timedelta(hours=1), end)
    study = service_performance(demo, system=found["system"], range=period, as_of=end)
    rows = study.results["breaches"].frame
    mine = rows[rows["limit"] == limit]
    assert len(mine)
    assert mine["start"].min() >= span.start
    assert mine["end"].max() <= span.end + timedelta(minutes=10)


@pytest.mark.parametrize("name", ["queue-images", "queue-choreo"])
def test_a_queue_that_backs_up_peaks_in_its_event(name: str, truth: Any, demo: Context) -> None:
    found, span = event(truth, name)
    period = TimeRange(span.start - timedelta(hours=12), span.end + timedelta(hours=2))
    rows = service_performance(demo, system=found["system"], range=period, as_of=period.end).results["resources"].frame
    queue = rows[rows["resource"] == "queue"].iloc[0]
    assert span.start < queue["peak_at"] <= span.end + timedelta(minutes=10)
    assert queue["peak"] > 20 * queue["mean"] or queue["peak"] > 100
