"""Capacity in words: growth that a reader can say, actions that can be done."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from workbench.charts.capacity.tables import action_text, capacity_finding, growth_text, likeliest


@pytest.mark.parametrize(
    ("trend", "limit", "unit", "text"),
    [
        (6.279e-05, 100.0, "connections", "almost none"),
        (-2e-05, 1.0, "ratio", "almost none"),
        (4e-05, 1.0, "ratio", "almost none"),
        (0.0, 1.0, "ratio", "none"),
        (0.0291, 0.9, "ratio", "+2.91 %"),
        (1.5, 100.0, "connections", "+1.5 connections"),
        (-0.004, 100.0, "connections", "-0.004 connections"),
    ],
)
def test_a_growth_is_in_digits_that_a_reader_can_say(trend, limit, unit, text):
    assert growth_text(trend, limit, unit) == text


def action(**given: object) -> str:
    row = {"signal": True, "status": "at_risk", "anew_at": pd.NaT, "leak_rate": float("nan"), "unit": "ratio"}
    return action_text(pd.Series(row | given))


def test_nobody_is_told_to_raise_a_share_above_the_whole():
    assert action(needed=1.8626, value=1.0) == "make it 1.9 times as large or cut the use"
    assert action(needed=1.1684, value=0.85) == "make it 1.4 times as large or cut the use"
    assert action(needed=0.93, value=0.85) == "raise the limit to 93.00 % or cut the use"
    assert action(needed=140.0, value=100.0, unit="connections") == "raise the limit to 140 connections or cut the use"


def test_the_level_nearest_to_a_limit_is_named_in_a_sentence():
    row = {"resource": "r", "series": "key vk-002", "title": "Connections", "reached_at": pd.NaT, "at_horizon": 0.19,
           "ahead_days": 30}  # fmt: skip
    text = likeliest(pd.DataFrame([row]))
    assert text == "; the most likely to reach one is Connections (key vk-002), 19 % within 30 d"


def test_a_sentence_names_the_three_nearest_dates_and_counts_the_others():
    now = pd.Timestamp("2026-11-30T12:00Z")
    days = [9, 1, 5, 7, 3]
    frame = pd.DataFrame(
        {"resource": "disk", "title": "Disk", "series": [f"device {day}" for day in days], "limit": "full",
         "status": "at_risk", "reached_at": [now + pd.Timedelta(days=day) for day in days], "earliest": now,
         "latest": now, "at_lead": 0.9, "at_horizon": 0.9, "lead_days": 14.0, "ahead_days": 30.0,
         "anew_at": pd.NaT, "origins": 9}
    )  # fmt: skip
    study = SimpleNamespace(results={"limits": SimpleNamespace(frame=frame, as_of=now)}, status="at_risk")
    text = capacity_finding(study).text
    places = [text.index(f"(device {day})") for day in (1, 3, 5)]
    assert places == sorted(places)
    assert text.endswith("2 more levels reach a limit; the table has all.")
