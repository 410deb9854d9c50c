"""One event is one row, under its smallest cause, whatever labels and measures it shows in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.cost.jump_events import jump_events


def jump(measure: str, dimension: str, group: str, first: str, last: str, expected: float, impact: float) -> dict:
    days = (pd.Timestamp(last) - pd.Timestamp(first)).days + 1
    unit = "USD" if measure == "cost" else "tokens"
    return {"measure": measure, "unit": unit, "dimension": dimension, "group": group, "first": first, "last": last,
            "days": days, "expected": expected, "impact": impact, "direction": "up" if impact > 0 else "down",
            "hours": np.nan, "also": ""}  # fmt: skip


#: A key gone wild for two days as it shows under every label it touches, in money and in tokens.
WILD = [
    jump("cost", label, group, "2026-10-22", "2026-10-23", expected, 2_300.0)
    for label, group, expected in [
        ("provider", "openai", 2_000.0),
        ("model", "gpt-4o", 900.0),
        ("key", "vk-004", 350.0),
    ]
] + [
    jump("tokens", label, group, "2026-10-22", "2026-10-23", expected, 9e8)
    for label, group, expected in [("provider", "openai", 4e8), ("token_class", "prompt", 3e8), ("key", "vk-004", 8e7)]
]


def test_one_key_gone_wild_is_one_event_under_the_key():
    (event,) = jump_events(pd.DataFrame(WILD)).to_dict(orient="records")
    assert (event["dimension"], event["group"], event["measure"]) == ("key", "vk-004", "cost")
    assert event["views"] == 6
    assert "token_class" not in event["also"]
    for view in ("provider openai", "model gpt-4o", "tokens of key vk-004", "prompt tokens"):
        assert view in event["also"]


@pytest.mark.parametrize(
    "other",
    [
        jump("cost", "key", "vk-009", "2026-10-01", "2026-10-02", 10.0, 500.0),  # another time
        jump("cost", "key", "vk-009", "2026-10-13", "2026-10-26", 10.0, 500.0),  # a step that contains it
        jump("cost", "key", "vk-009", "2026-10-22", "2026-10-23", 900.0, -500.0),  # the other way
    ],
)
def test_what_is_another_event_stays_another_row(other):
    assert len(jump_events(pd.DataFrame([*WILD, other]))) == 2


def test_no_jump_is_no_event():
    assert jump_events(pd.DataFrame(WILD).iloc[:0]).empty


def test_an_event_names_each_place_once_and_says_which_are_of_tokens():
    cause = jump("cost", "provider", "anthropic", "2026-11-23", "2026-11-23", 201.0, 82.0) | {"also": "model opus"}
    tokens = jump("tokens", "provider", "anthropic", "2026-11-23", "2026-11-23", 9e6, 4e6)
    rows = [cause, tokens | {"also": "model opus, input tokens"}, tokens | {"dimension": "model", "group": "opus"}]
    (event,) = jump_events(pd.DataFrame(rows)).to_dict(orient="records")
    assert event["also"] == "model opus, tokens of provider anthropic, tokens of model opus, input tokens"


def test_what_rose_with_all_others_is_not_the_cause():
    """A busy day moves every provider and model; the smallest of them is 5 % of it."""
    rows = [
        jump("cost", "provider", "anthropic", "2026-11-23", "2026-11-23", 215.0, 82.18),
        jump("cost", "model", "claude-sonnet-4", "2026-11-23", "2026-11-23", 205.0, 80.0),
        jump("cost", "model", "gpt-4o-mini", "2026-11-23", "2026-11-23", 11.78, 4.57),
    ]
    (event,) = jump_events(pd.DataFrame(rows)).to_dict(orient="records")
    assert (event["group"], event["impact"]) == ("claude-sonnet-4", 80.0)
    assert "model gpt-4o-mini" in event["also"]
