"""The first page of a report says a thing once, and names a rule only where it stands out."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pandas as pd
import pytest

from workbench.analysis.overview.answers import _alerts
from workbench.analysis.overview.reasons import _decisions

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
