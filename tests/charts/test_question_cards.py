"""Cards of the overview: no figure without a verdict, no status that contradicts what stands beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace

import pandas as pd
import pytest

from workbench.charts.overview.questions import _last, cost_card, objectives_card


@dataclass(frozen=True)
class Answer:
    status: str
    events: int = 0
    question: str = "capacity_forecast"
    system: str = "mine"
    sentence: str = ""
    as_of: datetime = datetime(2026, 11, 30, tzinfo=UTC)
    measured: bool = True


def capacity(answers: list[Answer], unread: tuple = ()):
    return _last("Capacity", "capacity.py", "query_stats", "capacity_forecast", answers, (unread, ()))


def test_levels_that_could_not_be_judged_are_not_called_in_line():
    card = capacity([Answer("no_data")])
    assert card.value == "–"
    assert card.note == "1 of 1 system has signals, read 30 Nov 2026 00:00 UTC; 1 with too little data to judge"


def test_one_system_with_a_verdict_has_a_figure():
    card = capacity([Answer("no_data"), Answer("at_risk", 2, system="other")])
    assert (card.status, card.value) == ("at_risk", "2 out of line")


def test_a_question_that_is_being_read_says_so_in_place_of_a_figure():
    card = capacity([], (("capacity_forecast", "a"), ("capacity_forecast", "b")))
    assert (card.status, card.value, card.note) == (None, "being read", "2 of 2 systems still being read")


def objectives(coverage: float):
    row = {"objective": ["availability"], "status": ["ok"], "coverage": [coverage]}
    return objectives_card(SimpleNamespace(results={"board": SimpleNamespace(frame=pd.DataFrame(row))}))


@pytest.mark.parametrize(("coverage", "part"), [(0.001, True), (1.0, False)])
def test_an_objective_that_was_met_in_part_of_its_time_is_partly_observed(coverage, part):
    card = objectives(coverage)
    assert (card.part, card.status) == (part, "no_data" if part else "ok")


def test_a_system_without_a_counter_of_money_is_not_of_this_month():
    spend = pd.DataFrame({"system": ["mine"], "unit": [""], "coverage": [0.0], "spent": [None], "change_ratio": [0.0]})
    budgets, none = pd.DataFrame({"status": [], "system": []}), pd.DataFrame({"clause": [], "known": [], "read": []})
    frames = {"spend": spend, "budgets": budgets, "evidence": none}
    card = cost_card(SimpleNamespace(results={name: SimpleNamespace(frame=frame) for name, frame in frames.items()}))
    assert (card.status, card.value, card.note) == ("no_data", "–", "no system measures it")
