"""Templates of log messages: drain3's read-me, outcomes apart, no dependence on order, a cap that loses nothing."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.analysis.logs.masks import masked_messages
from workbench.analysis.logs.templates import OTHER, parameters, templates


def lines(*messages: str, severity: str = "INFO", event_type: str = "") -> pd.DataFrame:
    held = {"message": list(messages), "service": "", "severity": severity, "event_type": event_type}
    return pd.DataFrame(held, index=range(len(messages))).assign(time_ns=np.arange(len(messages), dtype=np.int64))


def sizes(frame: pd.DataFrame) -> dict[str, int]:
    counted = templates(frame).frame
    return dict(zip(counted["template"], counted["lines"], strict=True))


def test_the_five_lines_of_the_read_me_of_drain3_give_three_templates() -> None:
    found = sizes(
        lines(
            "connected to 10.0.0.1",
            "connected to 192.168.0.1",
            "Hex number 0xDEADBEAF",
            "user davidoh logged in",
            "user eranr logged in",
        )
    )
    assert found == {"connected to <ip>": 2, "user <*> logged in": 2, "Hex number <hex>": 1}


def test_parameters_of_the_read_me_of_drain3_are_read_back() -> None:
    message = "user johndoe logged in 11 minuts ago"
    assert parameters("user <*> logged in <num> minuts ago", message) == ("johndoe", "11")
    assert parameters("user <*> logged in", message) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Request completed", "Request failed"),
        ("cache hit for model a", "cache miss for model a"),
        ("POST /v1/chat 200", "POST /v1/chat 502"),
        ("GET /a/b 200 in 3 ms", "GET /a/c 200 in 3 ms"),
        ("GET /a 200", "POST /a 200"),
        ("user ann logged in", "user ann logged out"),
        ("peer is up", "peer is down"),
        ("the write was allowed by the policy", "the write was denied by the policy"),
        ("db call result=ok took 3 ms", "db call result=error took 3 ms"),
        ("status=200 path=x took 3 ms now", "status=500 path=x took 3 ms now"),
    ],
)
def test_outcomes_and_endpoints_stay_apart(one: str, other: str) -> None:
    assert len(sizes(lines(one, other))) == 2


def test_levels_and_event_types_stay_apart() -> None:
    frame = pd.concat([lines("it ended"), lines("it ended", severity="ERROR"), lines("it ended", event_type="job")])
    assert templates(frame.reset_index(drop=True)).frame["lines"].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("message", "shape"),
    [
        ("took 204 ms", "took <num> ms"),
        ("HTTP/1.1 204", "HTTP/<num> 204"),
        ("status: 503, tries 3", "status: 503, tries <num>"),
        ("at 2026-11-29T10:00:00.123Z from 10.1.2.3:80", "at <time> from <ip>"),
        ("job 3f2504e0-4f89-11d3-9a0c-0305e82c3301 of a@b.example", "job <id> of <email>"),
        ("\x1b[31mred\x1b[0m\nTraceback ...", "red"),
        ("req_5f3a9b7c12 v1 model-2", "<id> v1 model-<num>"),
    ],
)
def test_values_are_masked_and_codes_and_versions_stay(message: str, shape: str) -> None:
    assert masked_messages([message]) == [shape]


@pytest.mark.slow
@given(st.lists(st.text(alphabet="ab1 /:", min_size=1, max_size=12), min_size=1, max_size=30), st.randoms())
def test_the_order_of_lines_changes_nothing(messages: list[str], chance: random.Random) -> None:
    shuffled = messages.copy()
    chance.shuffle(shuffled)
    assert sizes(lines(*messages)) == sizes(lines(*shuffled))


def test_what_is_beyond_the_most_is_one_row_and_no_line_is_lost() -> None:
    words = [f"{letter}{letter} thing" for letter in "abcdefgh"]
    index = templates(lines(*words, "aa thing"), most=3)
    assert index.frame["template"].tolist() == ["aa thing", "bb thing", "cc thing", OTHER]
    assert index.frame["lines"].tolist() == [2, 1, 1, 5]
    assert index.of_line.tolist() == [0, 1, 2, 3, 3, 3, 3, 3, 0]


def test_no_lines_have_no_templates() -> None:
    assert templates(lines()).frame.empty
