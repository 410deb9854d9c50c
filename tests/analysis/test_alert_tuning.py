"""Rules replayed with other settings: by hand, and on 20 random histories whose last third nobody chose on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from workbench.analysis.alerts.tuning import RuleHistory, Setting, replayed, tuned
from workbench.analysis.alerts.worth import AlertEvent

MINUTE = 60_000
DAY = 1440


def history(values: np.ndarray, *, for_ms: int = 0, threshold: float = 1.0) -> RuleHistory:
    rows = np.atleast_2d(values).astype(float)
    times = np.arange(rows.shape[1]) * MINUTE
    return RuleHistory("A", times, rows, np.ones(rows.shape, bool), ">", Setting(for_ms, 0, threshold))


def test_for_and_keep_firing_are_those_of_prometheus():
    values = np.array([0, 2, 2, 2, 0, 2, 2, 2, 2, 0, 0, 0, 2])
    own = history(values)
    assert replayed(own, Setting(0, 0, 1.0), []).intervals == (
        (MINUTE, 4 * MINUTE), (5 * MINUTE, 9 * MINUTE), (12 * MINUTE, 13 * MINUTE),
    )  # fmt: skip
    assert replayed(own, Setting(3 * MINUTE, 0, 1.0), []).intervals == ((8 * MINUTE, 9 * MINUTE),)
    assert replayed(own, Setting(2 * MINUTE, 2 * MINUTE, 1.0), []).intervals == ((3 * MINUTE, 11 * MINUTE),)


def test_a_setting_that_would_lose_an_event_is_not_chosen():
    values = np.zeros(30 * DAY)
    for day in range(30):
        values[day * DAY + 100 : day * DAY + 104] = 1.2
    event = AlertEvent("api", (5 * DAY + 100) * MINUTE, (5 * DAY + 104) * MINUTE, 0.2)
    setting, row = tuned(history(values), [event])
    assert (row["outcome"], setting) == ("no better setting", history(values).current)
    free, row = tuned(history(values), [])
    assert (row["outcome"], row["proposed_pages"]) == ("proposed", 0)
    assert free != history(values).current


def test_a_setting_that_fails_on_held_back_time_is_not_proposed():
    values = np.zeros(30 * DAY)
    for day in range(30):
        values[day * DAY + 100 : day * DAY + 104] = 1.2
    event = AlertEvent("api", (25 * DAY + 100) * MINUTE, (25 * DAY + 104) * MINUTE, 0.2)
    _, row = tuned(history(values), [event])
    assert (row["outcome"], row["lost"], row["budget_lost"]) == ("fails on held-back time", 1, 0.2)


@pytest.mark.slow
def test_one_alert_stands_for_all_pods_where_they_fail_together_and_for_no_single_one():
    draw = np.random.default_rng(2)
    values = np.zeros((6, 30 * DAY))
    for start in draw.integers(0, 30 * DAY - 400, 40):
        values[:, start : start + 120] = 2.0
    labels = tuple({"pod": f"p{number}", "zone": "z" if number else "y"} for number in range(6))
    event = AlertEvent("api", int(start) * MINUTE, (int(start) + 120) * MINUTE, 0.2)
    setting, row = tuned(replace(history(values), labels=labels), [event])
    assert (row["outcome"], setting.without, row["proposed_without"]) == ("proposed", ("pod", "zone"), "pod, zone")
    assert row["proposed_pages"] * 6 == row["pages"]
    alone = np.zeros((6, 30 * DAY))
    alone[0] = values[0]
    assert tuned(replace(history(alone), labels=labels), [event])[0].without == ()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_flapping_rules_page_half_as_often_on_held_back_weeks_and_lose_no_event(seed: int):
    draw = np.random.default_rng(seed)
    days = 63
    values = draw.normal(0.5, 0.1, (2, days * DAY))
    for row in values:
        for start in draw.integers(0, days * DAY - 600, int(days * 1.5)):
            time = int(start)
            for _ in range(int(draw.integers(3, 12))):
                length = int(draw.integers(2, 12))
                row[time : time + length] = 1.0 + draw.exponential(0.3)
                time += length + int(draw.integers(2, 20))
    events = []
    for day in np.sort(draw.choice(days - 1, 12, replace=False)).tolist():
        start = day * DAY + int(draw.integers(0, 1000))
        length = int(draw.integers(25, 240))
        values[:, start : start + length] = 2.0 + draw.normal(0, 0.2, length)
        events.append(AlertEvent("api", start * MINUTE, (start + length) * MINUTE, 0.1))
    _, row = tuned(history(values), events)
    assert row["outcome"] == "proposed"
    assert row["lost"] == 0
    assert row["avoided"] >= 0.5, row


#: cloudflare/pint, internal/checks/alerts_count_test.go (Apache-2.0), but for its own rule on keep_firing_for:
#: minutes that are true, `for`, minutes without Prometheus, alerts.
SEVEN = [(-1440, -1434), (-1380, -1374), (-1320, -1319), (-1260, -1244), (-1200, -1164), (-1140, -1104), (-600, -480)]
SIX = [(-1440, -1434), (-1380, -1374), (-1320, -1319), (-1260, -1244), (-1200, -1191), (-1080, -960)]
TWO = [(-1200, -1194), (-1190, -1184)]
THREE = [(-1380, -1374), (-1320, -1314), (-1260, -1259)]


@pytest.mark.parametrize(
    ("true", "wait", "away", "alerts"),
    [([], 0, None, 0), (SEVEN, 0, None, 7), (SIX, 10, None, 2), (TWO, 10, (-1194, -1190), 1), (TWO, 10, None, 0),
     (THREE, 0, None, 3)],
)  # fmt: skip
def test_counts_are_those_of_pint(true, wait: int, away, alerts: int):
    minutes = np.arange(-1440, 1)
    if away:
        minutes = minutes[(minutes <= away[0]) | (minutes >= away[1])]
    present = np.zeros((1, len(minutes)), bool)
    for first, last in true:
        present[0] |= (minutes >= first) & (minutes <= last)
    own = RuleHistory("A", minutes * MINUTE, np.ones(present.shape), present, "", Setting(wait * MINUTE, 0, None))
    assert replayed(own, own.current, []).pages == alerts
