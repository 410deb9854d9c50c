from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from workbench.analysis.operations.sources import source_table
from workbench.analysis.overview.findings import Duty, alert_findings, budget_findings, limit_findings, source_findings
from workbench.analysis.overview.today import BASE, Finding, score, today
from workbench.core.source import SourceState

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
DUTY = Duty("lab", "Lab", "SRE", "docs", {"Down": ("on-call", "https://runbooks.example/down")})


def finding(kind: str, system: str, subject: str, severity: str = "", urgency: float = math.nan) -> Finding:
    return Finding(kind, system, subject, subject, "", "", "", severity, urgency)


MATTERS = [
    finding("alert", "lab", "Down", "critical", 2.0),
    finding("objective", "lab", "availability", "critical", 3.0),
    finding("objective", "lab", "latency", "critical", 2.0),
    finding("budget", "conduit", "vk-1", "warning", 0.9),
    finding("limit", "choreoai", "p95", "warning", 1.5),
]


def test_the_order_never_depends_on_the_order_of_reading() -> None:
    found = {tuple(today(order, as_of=NOON).frame["subject"]) for order in permutations(MATTERS)}
    assert found == {("Down", "availability", "vk-1")}


def test_a_second_broken_goal_of_a_system_waits_for_another_system_s_first() -> None:
    every = today(MATTERS, as_of=NOON, count=9).frame
    assert every["subject"].tolist() == ["Down", "availability", "vk-1", "p95", "latency"]
    assert today(MATTERS, as_of=NOON).considered == 5


def test_nothing_to_do_is_an_empty_list_with_all_columns() -> None:
    assert today([], as_of=NOON).frame.columns[0] == "rank"
    assert today([], as_of=NOON).frame.empty


@given(st.sampled_from(sorted(BASE)), st.floats(), st.sampled_from(["", "critical", "warning", "info", "odd"]))
def test_a_score_is_finite_and_urgency_adds_at_most_twenty(kind: str, urgency: float, severity: str) -> None:
    calm, urgent = score(finding(kind, "s", "x", severity)), score(finding(kind, "s", "x", severity, urgency))
    assert calm <= urgent <= calm + 20


def test_many_alerts_of_one_rule_are_one_matter_with_its_own_runbook() -> None:
    since = pd.to_datetime([NOON - timedelta(hours=2), NOON - timedelta(hours=1)]).as_unit("ms")
    firing = pd.DataFrame({"alertname": "Down", "severity": "critical", "labels": ["instance=a", "instance=b"],
                           "since": since})  # fmt: skip
    (one,) = alert_findings(firing, DUTY, as_of=NOON)
    assert (one.owner, one.runbook, one.urgency) == ("on-call", "https://runbooks.example/down", 2.0)
    assert one.evidence == "2 alerts firing for 2 h, since 1 Nov 2026 10:00 UTC; instance=a"


def test_only_breaches_that_last_are_matters_and_say_value_limit_and_time() -> None:
    rows = {"limit": "p95", "title": "p95", "severity": "warning", "group": "method=GET", "seconds": [3600.0, 60.0],
            "worst": [7.5, 6.0], "unit": "s", "ongoing": [True, False], "rule": "> 5", "value": 5.0}  # fmt: skip
    (one,) = limit_findings(pd.DataFrame(rows), DUTY, looked_back_s=3600)
    assert one.evidence == "7.5 s (method=GET), limit > 5 s, for at least 1 h"
    assert one.urgency == 1.5


def test_a_budget_within_its_limit_is_no_matter() -> None:
    budgets = pd.DataFrame({"dimension": "key", "group": ["vk-1", "vk-2"], "status": ["at_risk", "ok"],
                            "used": [0.94, 0.2], "limit": 50.0, "left": [3.0, 40.0], "unit": "USD"})  # fmt: skip
    (one,) = budget_findings(budgets, DUTY)
    assert (one.title, one.evidence) == ("Budget of key vk-1", "94.0 % of 50 USD used")


def test_a_source_that_is_away_comes_before_what_it_could_say() -> None:
    away = SourceState("main", "prometheus", "", "unavailable", "", "", None, "Nobody answers.", 3)
    fine = SourceState("demo", "archive", "", "ok", "", "", NOON, "", 0)
    states = source_table([away, fine], serves={}, as_of=NOON)
    (one,) = source_findings(states, {"main": DUTY})
    assert (one.title, one.evidence) == ("Source main does not answer", "no sample known; Nobody answers.")
    assert today([*MATTERS, one], as_of=NOON).frame["kind"].iloc[0] == "source"


def test_a_budget_is_told_with_the_alert_that_fires_for_its_key() -> None:
    firing = pd.DataFrame(
        {
            "alertname": "KeyBudgetSpent",
            "severity": "warning",
            "labels": ["virtual_key_id=vk-4, job=gateway"],
            "since": pd.to_datetime([NOON - timedelta(hours=2)]).as_unit("ms"),
        }
    )
    budgets = pd.DataFrame(
        {
            "dimension": "key",
            "group": ["vk-4", "vk-5"],
            "used": [1.17, 0.9],
            "limit": math.nan,
            "unit": "USD",
            "status": ["spent", "at_risk"],
        }
    )
    found = [*alert_findings(firing, DUTY, as_of=NOON), *budget_findings(budgets, DUTY)]
    result = today(found, as_of=NOON)
    assert result.frame["subject"].tolist() == ["KeyBudgetSpent", "vk-5"]
    assert result.considered == 2
    told = result.frame.iloc[0]
    assert told["evidence"].endswith("virtual_key_id=vk-4, job=gateway; Budget of key vk-4: 117.0 % used")
    assert told["severity"] == "critical"


def test_an_alert_without_labels_takes_no_threshold_of_another_kind_with_it() -> None:
    firing = pd.DataFrame({"alertname": "Watchdog", "severity": "info", "labels": [""], "since": [pd.NaT]})
    (alert,) = alert_findings(firing, DUTY, as_of=NOON)
    limit = finding("limit", "lab", "p95", "warning", 1.5)
    assert today([alert, limit], as_of=NOON).frame["subject"].tolist() == ["Watchdog", "p95"]
