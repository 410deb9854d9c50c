"""The study finds again what the simulator counted when it made the demo."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.core.timerange import TimeRange, calendar_range, parse_instant
from workbench.studies import Context, slo_compliance

pytestmark = pytest.mark.slow

SYSTEM = "counterfactual-lab"


@pytest.fixture(scope="module")
def truth(demo_home: Path) -> Any:
    return json.loads((demo_home / "demo" / "truth.json").read_text())


@pytest.fixture
def demo(demo_home: Path, context_over: Callable[..., Context]) -> Context:
    return context_over(ArchiveSource("demo", Archive.open(demo_home / "demo")))


def counted(ctx: Context, span: TimeRange, as_of: datetime) -> dict[str, dict[str, float]]:
    frame = slo_compliance(ctx, system=SYSTEM, range=span, as_of=as_of).results["compliance"].frame
    exact = frame[frame["unit"] == "events"].set_index("objective")
    return {str(name): {part: float(row[part]) for part in ("good", "bad", "total")} for name, row in exact.iterrows()}


@pytest.mark.parametrize("place", ["last", "one before"])
def test_every_event_of_a_month_is_counted_once(place: str, truth: Any, demo: Context) -> None:
    end = parse_instant(truth["range"]["end"])
    known = truth["systems"][SYSTEM]["objectives"]
    begun = sorted(name for name, counts in known["availability"]["months"].items() if counts["total"])
    month = begun[-1 if place == "last" else -2]
    found = counted(demo, calendar_range(month, zone="UTC", now=end), end)
    assert set(found) == {"availability", "latency-p95", "latency-p99", "generation-success"}
    assert found == {name: known[name]["months"][month] for name in found}


def test_every_event_of_a_day_is_counted_on_that_day(truth: Any, demo: Context) -> None:
    known = truth["systems"][SYSTEM]["objectives"]
    eventful = {parse_instant(event["start"]).date() for event in truth["events"] if event["state"] == "over"}
    for date in sorted(eventful)[-12:]:
        start = datetime(date.year, date.month, date.day, tzinfo=UTC)
        day = TimeRange(start, start + timedelta(days=1))
        found = counted(demo, day, day.end)
        assert found == {name: known[name]["days"][date.isoformat()] for name in found}, date
