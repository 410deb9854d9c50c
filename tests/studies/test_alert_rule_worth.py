"""Rules of the demo held against its truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.core.timerange import TimeRange
from workbench.studies import Context, alert_rule_worth

OCTOBER = TimeRange(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def truth(demo_home: Path) -> Any:
    return json.loads((demo_home / "demo" / "truth.json").read_text())


@pytest.mark.parametrize("system", ["counterfactual-lab", "llm-ab-testing"])
def test_planted_rules_are_named_and_none_that_tells_of_planted_events_is_useless(
    system: str, truth: Any, demo_home: Path, context_over: Callable[..., Context]
) -> None:
    ctx = context_over(ArchiveSource("demo", Archive.open(demo_home / "demo")))
    table = alert_rule_worth(ctx, system=system, range=OCTOBER, as_of=OCTOBER.end).results["worth"].frame
    table = table.set_index("alertname")
    planted = [one for one in truth["events"] if one["system"] == system]
    for kind, verdict in (("stale_alert", "standing"), ("flapping_alert", "flapping")):
        for one in (event for event in planted if event["kind"] == kind):
            meant = {"leak-lab-2": "HighMemoryUsage", "leak-app-1": "elevated_memory_usage",
                     "flapping-generation": "ModelGenerationLatency"}[one["id"]]  # fmt: skip
            assert table.loc[meant, "verdict"] == verdict
    spans = [
        (pd.Timestamp(one["start"]), pd.Timestamp(one["end"]))
        for one in planted
        if one["injected"] and one["kind"] not in ("stale_alert", "flapping_alert")
    ]
    episodes = pd.DataFrame(
        [
            {"name": one["labels"]["alertname"], "start": pd.Timestamp(one["starts_at"])}
            for one in truth["episodes"]
            if one["labels"]["system"] == system
        ]
    )
    for name, own in episodes.groupby("name"):
        inside = own["start"].map(lambda start: any(first <= start <= last for first, last in spans))
        if inside.mean() > 0.5 and name in table.index:
            assert table.loc[name, "verdict"] not in ("useless", "flapping"), name


def test_precision_and_recall_of_the_availability_rules_are_those_of_the_truth(
    truth: Any, demo_home: Path, context_over: Callable[..., Context]
) -> None:
    system, objective = "counterfactual-lab", "availability"
    ctx = context_over(ArchiveSource("demo", Archive.open(demo_home / "demo")))
    table = alert_rule_worth(ctx, system=system, range=OCTOBER, as_of=OCTOBER.end).results["worth"].frame
    table = table.set_index("alertname")
    events = [
        (pd.Timestamp(one["start"]), pd.Timestamp(one["end"]))
        for one in truth["events"]
        if one["system"] == system and one["injected"].get(objective)
    ]
    events = [pair for pair in events if pair[0] >= pd.Timestamp(OCTOBER.start)]
    grace = pd.Timedelta(hours=1)
    for name in ("AvailabilityBudgetBurnFast", "AvailabilityBudgetBurnSlow", "HighErrorRate"):
        starts = [
            pd.Timestamp(one["starts_at"])
            for one in truth["episodes"]
            if one["labels"]["alertname"] == name and one["labels"]["system"] == system
        ]
        starts = [start for start in starts if start >= pd.Timestamp(OCTOBER.start)]
        true = sum(any(first <= start <= last + grace for first, last in events) for start in starts)
        caught = sum(any(first <= start <= last + grace for start in starts) for first, last in events)
        assert table.loc[name, "alerts"] == len(starts)
        assert table.loc[name, "precision"] == true / len(starts)
        assert (table.loc[name, "caught"], table.loc[name, "events"]) == (caught, len(events))
