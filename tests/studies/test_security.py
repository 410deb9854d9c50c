"""Security and access: what the simulator attacked is found, and a refusal that never happened is zero, not unknown."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.pages.lab import NEWEST, build_lab
from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.core.access.identity import Grant, Identity
from workbench.core.errors import WorkbenchError
from workbench.core.series import SeriesSet
from workbench.core.timerange import TimeRange, parse_instant, to_ms
from workbench.studies import Context, security_and_access
from workbench.studies.sources.unavailable import UnavailableSource

END = datetime(2026, 10, 31, tzinfo=UTC)


@pytest.mark.slow
def test_the_attacks_of_the_demo_are_found_with_their_hours(demo_home: Path, context_over: Callable[..., Context]):
    truth = json.loads((demo_home / "demo" / "truth.json").read_text())
    context = context_over(ArchiveSource("demo", Archive.open(demo_home / "demo")))
    end = parse_instant(truth["range"]["end"]).replace(minute=0, second=0, microsecond=0)
    period = TimeRange(end - timedelta(days=30), end)
    study = security_and_access(context, system="llm-ab-testing", range=period, as_of=end)
    attacks = [
        (parse_instant(event["start"]), parse_instant(event["end"]))
        for event in truth["events"]
        if event["kind"] == "auth_attack" and period.start <= parse_instant(event["start"]) < period.end
    ]
    rises = study.results["rises"].frame
    for role in ("errors.authentication", "security", "refused.401"):
        mine = rises[rises["role"] == role]
        assert sorted((row.start.to_pydatetime(), row.end.to_pydatetime()) for row in mine.itertuples()) == attacks
    security = rises[rises["role"] == "security"]
    assert set(security["group"]) <= {"brute_force", "high"}
    assert attacks, "the demo has attacks in its last 30 days"
    assert study.status == "at_risk"


def _study(context: Context, **more: object):
    period = TimeRange(NEWEST - timedelta(days=3), NEWEST)
    return security_and_access(context, system="counterfactual-lab", range=period, as_of=NEWEST, **more)


@pytest.fixture
def lab_context(tmp_path: Path, context_over: Callable[..., Context]) -> Context:
    return context_over(ArchiveSource("lab", Archive.open(build_lab(tmp_path / "lab"))))


def test_a_refusal_that_never_happened_is_zero_where_requests_were_counted(lab_context):
    study = _study(lab_context)
    amounts = study.results["totals"].frame.set_index(["role", "dimension"])["amount"]
    assert amounts["rate_limited", ""] == 0
    assert amounts["refused.401", ""] == 0
    assert study.status == "ok"
    days = study.results["days"].frame
    assert set(days.loc[days["role"] == "rate_limited", "amount"]) == {0.0}


@pytest.mark.slow
def test_refusals_are_exact_increases_and_a_flood_that_lasts_is_at_risk(lab_context, tmp_path):
    minutes = np.arange(6 * 1440 + 1)
    times = to_ms(NEWEST - timedelta(days=6)) + minutes * 60_000
    flood = np.where(minutes > 6 * 1440 - 120, 30.0, 0.0)
    labels = {"__name__": "http_requests_total", "system": "counterfactual-lab", "job": "counterfactual-lab"}
    labels |= {"instance": "lab-1:8000", "method": "POST", "status": "401"}
    source = lab_context.sources["lab"]
    source.archive.append_samples(SeriesSet.of([(labels, times, np.cumsum(flood))]))
    study = _study(lab_context)
    totals = study.results["totals"].frame.set_index(["role", "dimension", "group"])["amount"]
    assert totals["refused.401", "", ""] == 120 * 30
    assert totals["refused.401", "method", "POST"] == 120 * 30
    (row,) = study.results["rises"].frame.itertuples()
    assert (row.role, row.amount, row.open) == ("refused.401", 120 * 30, True)
    assert row.start.to_pydatetime() == NEWEST - timedelta(hours=2)
    assert study.status == "at_risk"


def test_a_source_that_is_down_is_a_status(context_over):
    study = _study(context_over(UnavailableSource("none", "it does not answer", "")))
    assert study.status == "unavailable"
    assert study.results["totals"].frame["amount"].isna().all()


def test_nobody_sees_the_sign_ins_of_another_team(lab_context):
    stranger = lab_context.for_identity(Identity("ana", (Grant("viewer", ("conduit",)),)))
    with pytest.raises(WorkbenchError):
        _study(stranger)
