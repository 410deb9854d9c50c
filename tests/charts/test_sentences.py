"""Sentences and lines say what was seen, once, and in an order that a reader expects."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.counting.events import slice_events
from workbench.analysis.slo.compliance import compliance
from workbench.analysis.slo.objective import Goal
from workbench.analysis.slo.outlook import burn_outlook
from workbench.catalog.slo.burn_policies import read_burn_policies
from workbench.charts.alerts.tables import alerts_finding, measure_rows
from workbench.charts.performance.tables import threshold_rows
from workbench.charts.slo.burn_tables import outlook_sentence
from workbench.charts.slo.spending_tables import spending_finding
from workbench.charts.tables import Table, compliance_rows, titled
from workbench.charts.unusual import performance_lines, slo_lines, usual_sentence
from workbench.core.timerange import HOUR_MS, TimeRange, to_ms

NAN, NOW = float("nan"), datetime(2026, 11, 30, 11, 30, tzinfo=UTC)


def result(as_of: datetime = NOW, **columns: object) -> SimpleNamespace:
    return SimpleNamespace(frame=pd.DataFrame(columns), as_of=as_of)


def test_a_measure_without_a_limit_is_not_called_within_it():
    measures = result(
        title=["Episodes that flap", "Time in floods"], status=["ok", "ok"], value=[23.0, 0.0],
        limit=[NAN, 0.01], unit=["count", "ratio"], standard=["our own", "ISA-18.2"],
    )  # fmt: skip
    assert [row["verdict"] for row in measure_rows(measures)] == ["no limit", "within"]


def alerts(episodes: list[int]) -> str:
    rules = result(
        alertname=["First", "Second"], episodes=episodes, share=[each / sum(episodes) for each in episodes],
        per_week=[0.2, 0.2], flapping=[0, 0], asleep=[0, 0],
    )  # fmt: skip
    none = pd.DataFrame({"stale": pd.Series(dtype="bool"), "duration_s": [], "alertname": []})
    study = SimpleNamespace(
        status="ok", coverage=1.0, results={"rules": rules, "episodes": SimpleNamespace(frame=none)}
    )
    return alerts_finding(study).text


def test_no_rule_is_named_as_the_noisiest_where_all_fired_alike():
    assert "First made" not in alerts([2, 2])
    assert "First made 75 % of them." in alerts([3, 1])


def test_a_threshold_of_yes_and_no_has_no_worst_value():
    totals = {"limit": ["down", "errors"], "title": ["Instance down", "Error rate"],
              "severity": ["critical", "warning"], "status": ["ok", "at_risk"],
              "breaches": [1, 2], "seconds": [300.0, 600.0], "worst": [0.0, 0.5],
              "last_known": pd.Timestamp(NOW), "last_end": pd.Timestamp(NOW),
              "unit": ["bool", "ratio"], "value": [0.0, 0.05], "rule": ["== for 2m", "> for 5m"]}  # fmt: skip
    none = pd.DataFrame({"limit": [], "seconds": [], "group": []})
    thresholds = result(**totals)
    study = SimpleNamespace(results={"thresholds": thresholds, "breaches": SimpleNamespace(frame=none)})
    errors, down = performance_lines(study)
    assert down.evidence == "broken once, 5 min in all; kept now; critical"
    assert errors.evidence.startswith("broken 2 times, 10 min in all; broken now; worst 50.0 %, limit > ")


def spent(objectives: list[str], second: float = 0.1) -> str:
    rows = {"kind": "episode", "total": 10.0, "objective": objectives, "episode": [0, 1], "title": objectives,
            "budget_share": [0.3, second], "minutes": [15.0, 60.0],
            "start": pd.to_datetime(["2026-11-27T15:00Z", "2026-11-26T08:00Z"])}  # fmt: skip
    return spending_finding(result(**rows)).text


def test_the_one_objective_of_a_page_is_not_named_at_each_episode():
    assert spent(["a", "a"]).startswith(
        "What spent most: 30 % of the budget in 15 min from 27 Nov 2026 15:00 UTC; 10 %"
    )
    assert spent(["a", "b"]).count(":") == 1 + 2 + 2, "two objectives are named"
    assert "; 0.6 % of the budget in" in spent(["a", "a"], 0.006), "as the table says it, not 1 %"


def test_a_report_names_objectives_by_their_titles_unless_two_share_one():
    compliance = result(objective=["a", "b", "c"], title=["Availability", "Latency", "Latency"])
    table = titled(Table([{"objective": name} for name in ("a", "b", "d")]), compliance)
    assert [row["objective"] for row in table.rows] == ["Availability", "b", "d"]


def test_a_threshold_that_was_broken_when_it_was_seen_last_is_not_called_kept():
    """Ten minutes without samples end a breach; they say nothing of now."""
    old = pd.Timestamp(NOW) - pd.Timedelta("10min")
    row = {"limit": ["spent"], "title": ["Budget"], "severity": ["warning"], "status": ["ok"], "breaches": [1],
           "seconds": [300.0], "worst": [1.1], "unit": ["ratio"], "value": [1.0], "rule": [">= 1"], "last_known": [old],
           "last_end": [old + pd.Timedelta("1min")], "observed": [0.99], "longest": [300.0], "share": [0.1],
           "unknown": [600.0]}  # fmt: skip
    none = SimpleNamespace(frame=pd.DataFrame({"limit": [], "seconds": [], "group": []}))
    (line,) = performance_lines(SimpleNamespace(results={"thresholds": result(**row), "breaches": none}))
    assert "; not known now; " in line.evidence
    assert threshold_rows(result(**row))[0]["state"] == "Unknown since 30 Nov 2026 11:20 UTC"


def usual(name: str, **results: SimpleNamespace) -> str:
    return usual_sentence(SimpleNamespace(name=name, coverage=1.0, results=results))


def test_a_level_without_a_verdict_is_not_expected_to_reach_no_limit():
    limits = result(resource=["disk", "files"], series=["a", "b"], status=["ok", "no_data"],
                    reached_at=[pd.NaT, pd.NaT], at_horizon=[0.01, NAN])  # fmt: skip
    text = "1 of 1 level is expected to reach no limit in the horizon; 1 not known."
    assert usual("capacity_forecast", limits=limits) == text


def test_objectives_observed_in_part_are_not_said_to_be_missed():
    board = result(status=["ok", "ok"], coverage=[0.001, 1.0])
    text = "1 of 2 objectives are met and not at risk, 1 observed in part."
    assert usual("slo_compliance", compliance=board) == text
    one = result(status=["ok"], coverage=[0.001])
    text = "1 of 1 objective is observed in part: too little to be called met."
    assert usual("slo_compliance", compliance=one) == text


@pytest.mark.parametrize("losing", [True, False])
def test_an_objective_that_is_ok_alarms_nobody_unless_an_alert_fires(losing: bool):
    bad = np.full(30 * 24, 1.0)
    bad[-40:] += 100.0  # of 14,400 that may be bad
    bad[-8:] -= 0.0 if losing else 100.0
    edges = [to_ms(NOW) + (hour - 720) * HOUR_MS for hour in range(721)]
    events = slice_events("api", edges, good=200 - bad, total=np.full(720, 200.0), covered=np.ones(720))
    goal = Goal("api", "API", Decimal("0.9"), TimeRange(NOW - timedelta(days=30), NOW), slice_ms=HOUR_MS, rolling=True)
    judged = compliance(events, [goal], as_of=NOW)
    workbook = read_burn_policies()["workbook"]
    outlook = burn_outlook(events, [goal], as_of=NOW, policy=workbook)
    assert judged.frame["status"].item() == "ok"
    slices = burn_outlook(events, [replace(goal, budgeting="timeslices")], as_of=NOW, policy=workbook)
    assert " bad slices left. Pace: " in outlook_sentence(slices)
    assert judged.frame["exhausted_at"].item().floor("min") == outlook.frame["exhausted_at"].item().floor("min")
    lines = slo_lines(SimpleNamespace(results={"compliance": judged, "outlook": outlook}))
    sentence, ends = outlook_sentence(outlook), compliance_rows(judged)[0]["budget ends"]
    if losing:
        assert "At this pace the budget ends on" in sentence
        assert "Firing: " in sentence
        assert [(line.id, line.status) for line in lines] == [("today/objective", "ok")]
        assert f"at this pace it ends {ends}; firing: " in lines[0].evidence
    else:
        assert f"At this pace the budget would end on {ends}" in sentence
        assert "No burn-rate alert would fire now" in sentence
        assert lines == ()
