"""The first page of a report says a thing once, and names a rule only where it stands out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pandas as pd
import pytest

from workbench.analysis.overview.answers import _alerts, answers
from workbench.analysis.overview.reasons import _decisions
from workbench.core.timerange import TimeRange

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def study(**results: dict[str, list[object]]) -> SimpleNamespace:
    frames = {name: SimpleNamespace(frame=pd.DataFrame(columns)) for name, columns in results.items()}
    return SimpleNamespace(status="at_risk", coverage=1.0, as_of=NOW, results=frames)


def test_a_spent_budget_of_money_is_one_decision():
    level = {"title": ["Budget of a virtual key"], "series": ["key vk-004"], "limit": [">= 100 %"],
             "status": ["at_risk"], "reached_at": [pd.Timestamp(NOW)],
             "anew_at": [pd.Timestamp("2026-12-01", tz="UTC")]}  # fmt: skip
    budget = {"dimension": ["key"], "group": ["vk-004"], "status": ["spent"], "used": [1.08]}
    none: dict[str, list[object]] = {"measure": [], "ongoing": []}
    studies = {
        "capacity_forecast": study(limits=level),
        "spend_and_tokens": study(budgets=budget, jumps=none),
    }
    assert [each.id for each in _decisions(studies, "")] == ["report/decision/budget"]
    del studies["spend_and_tokens"]
    assert [each.id for each in _decisions(studies, "")] == ["report/decision/full"]


@pytest.mark.parametrize(("episodes", "id_"), [([1, 1, 0], "alike"), ([3, 1, 0], "began"), ([2, 0, 0], "began")])
def test_a_rule_is_named_only_where_it_fired_more_than_others(episodes, id_):
    rules = {"alertname": ["a", "b", "c"], "episodes": episodes, "asleep": [0, 0, 0],
             "share": [each / sum(episodes) for each in episodes]}  # fmt: skip
    answer = _alerts(study(rules=rules))
    assert answer is not None
    assert answer.id == f"report/alerts/{id_}"


@pytest.mark.parametrize(("end", "change"), [(NOW, "-10 against 2026-10"), (NOW + timedelta(days=1), "")])
def test_a_total_of_a_month_that_goes_on_is_not_compared_with_a_whole_month(end, change):
    rules = {"alertname": ["a"], "episodes": [4], "asleep": [0], "share": [1.0]}
    alerts = study(rules=rules)
    alerts.range = TimeRange(datetime(2026, 11, 1, tzinfo=UTC), end)
    periods = pd.DataFrame({"question": "alerts", "period": ["2026-10", "2026-11"], "value": [14.0, 4.0],
                            "start": [datetime(2026, month, 1, tzinfo=UTC) for month in (10, 11)],
                            "change": "count"})  # fmt: skip
    (answer,) = answers({"alert_load": alerts}, periods)
    assert answer.change == change
