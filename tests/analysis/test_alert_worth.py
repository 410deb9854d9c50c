"""Which rule earns its pages: worked by hand."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from tests.analysis.test_alert_counting import BASE, HOUR, START, rows
from workbench.analysis.alerts.summary import alert_episodes
from workbench.analysis.alerts.worth import AlertEvent, rule_worth, wilson
from workbench.core.timerange import TimeRange

SPAN = TimeRange(START, START + timedelta(days=10))


def event(start: float, end: float, *, objective: str = "api", share: float = 0.1, wanted: bool = True) -> AlertEvent:
    return AlertEvent(objective, BASE + int(start * HOUR), BASE + int(end * HOUR), share, wanted)


def worth(frame: pd.DataFrame, events, guards, **more):
    return rule_worth(alert_episodes(frame, SPAN, observed_s=SPAN.seconds), events, guards, **more).frame.set_index(
        "alertname"
    )


def test_a_rule_is_held_against_the_burns_of_its_objective():
    often = [("Often", 10.1 + 0.1 * number, 10.15 + 0.1 * number, 0.0) for number in range(9)]
    idle = [("Idle", 50.0 + number, 50.2 + number, 0.0) for number in range(4)]
    before = ("Before", 9.0, 12.0, 0.0)
    events = [event(10, 11), event(100, 101, share=0.3)]
    guards = {"Often": ["api"], "Idle": ["api"], "Before": ["api"], "Quiet": ["api"]}
    table = worth(rows(*often, *idle, before), events, guards)
    assert table.index[0] == "Idle"
    own = table.loc["Often"]
    assert own[["alerts", "true", "precision", "events", "caught", "recall", "without_use", "only"]].tolist() == [
        9, 9, 1, 2, 1, 0.5, 0, 1,
    ]  # fmt: skip
    assert (own["detection_s"], own["budget_missed"], own["per_event"]) == (pytest.approx(360), 0.3, 9)
    assert own["verdict"] == "useful"
    assert table.loc["Idle", ["precision", "recall"]].tolist() == [0, 0]
    assert table.loc["Before", ["true", "caught"]].tolist() == [0, 0]
    assert table.loc["Quiet", "verdict"] == "quiet"


def test_a_rule_without_a_goal_is_not_judged_and_never_0_percent():
    disk = [("Disk", 30.0 * number, 30.0 * number + 1, 0.0) for number in range(1, 7)]
    table = worth(rows(*disk), [event(10, 11)], {"Disk": []})
    assert np.isnan(table.loc["Disk", "precision"])
    assert np.isnan(table.loc["Disk", "recall"])
    assert table.loc["Disk", ["judged_by", "verdict", "without_use"]].tolist() == ["", "not judged", 6]
    noted = worth(rows(*disk), [event(29, 31, objective="", share=float("nan"))], {"Disk": []})
    assert noted.loc["Disk", ["judged_by", "true", "caught", "recall"]].tolist() == ["incidents", 1, 1, 1.0]


def test_six_idle_alerts_are_useless_and_two_are_too_few():
    idle = [("Idle", 20.0 * number, 20.0 * number + 0.1, 0.0) for number in range(1, 7)]
    few = [("Few", 20.0 * number, 20.0 * number + 0.1, 0.0) for number in range(1, 3)]
    table = worth(rows(*idle, *few), [event(5, 6)], {"Idle": ["api"], "Few": ["api"]})
    assert table["verdict"].to_dict() == {"Idle": "useless", "Few": "too few"}


def test_what_pauses_every_night_stands_all_the_same():
    nights = [("Memory", 24.0 * day + 7, 24.0 * day + 21, 0.0) for day in range(4)]
    table = worth(rows(*nights, ("Short", 8, 20, 0.0)), [], {"Memory": [], "Short": []})
    assert table["standing"].to_dict() == {"Memory": 1, "Short": 0}
    assert table.loc["Memory", "verdict"] == "standing"


def test_a_small_burn_makes_an_alert_true_and_is_no_event_that_was_missed():
    table = worth(rows(("A", 10.2, 10.5, 0.0)), [event(10, 11, share=0.001, wanted=False)], {"A": ["api"]})
    assert table.loc["A", ["true", "precision", "events"]].tolist() == [1, 1, 0]
    assert np.isnan(table.loc["A", "recall"])


def test_the_interval_is_wilsons():
    assert [round(end, 4) for end in wilson(0, 10)] == [0.0, 0.2775]
    assert all(np.isnan(end) for end in wilson(0, 0))
