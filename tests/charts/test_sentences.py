"""Sentences and lines say what was seen, once, and in an order that a reader expects."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd

from workbench.charts.alerts.tables import alerts_finding, measure_rows
from workbench.charts.slo.spending_tables import spending_finding
from workbench.charts.tables import Table, titled
from workbench.charts.unusual import performance_lines

NAN = float("nan")


def result(**columns: object) -> SimpleNamespace:
    return SimpleNamespace(frame=pd.DataFrame(columns))


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
              "unit": ["bool", "ratio"], "value": [0.0, 0.05], "rule": ["== for 2m", "> for 5m"]}  # fmt: skip
    none = pd.DataFrame({"limit": [], "seconds": [], "group": []})
    study = SimpleNamespace(results={"thresholds": result(**totals), "breaches": SimpleNamespace(frame=none)})
    errors, down = performance_lines(study)
    assert down.evidence == "broken once, 5 min in all, and kept now; critical"
    assert errors.evidence.startswith("broken 2 times, 10 min in all, and broken now; worst 50.0 %, limit > ")


def spent(objectives: list[str]) -> str:
    rows = {"kind": "episode", "total": 10.0, "objective": objectives, "episode": [0, 1], "title": objectives,
            "budget_share": [0.3, 0.1], "minutes": [15.0, 60.0],
            "start": pd.to_datetime(["2026-11-27T15:00Z", "2026-11-26T08:00Z"])}  # fmt: skip
    return spending_finding(result(**rows)).text


def test_the_one_objective_of_a_page_is_not_named_at_each_episode():
    assert spent(["a", "a"]).startswith(
        "What spent most: 30 % of the budget in 15 min from 27 Nov 2026 15:00 UTC; 10 %"
    )
    assert spent(["a", "b"]).count(":") == 1 + 2 + 2, "two objectives are named"


def test_a_report_names_objectives_by_their_titles_unless_two_share_one():
    compliance = result(objective=["a", "b", "c"], title=["Availability", "Latency", "Latency"])
    table = titled(Table([{"objective": name} for name in ("a", "b", "d")]), compliance)
    assert [row["objective"] for row in table.rows] == ["Availability", "b", "d"]
