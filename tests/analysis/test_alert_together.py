"""Alerts that belong together: worked by hand."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from tests.analysis.alert_storms import PERIOD_MS, scored, stormy
from tests.analysis.test_alert_counting import BASE, DAY, HOUR, START, rows
from workbench.analysis.alerts.bursts import alert_bursts
from workbench.analysis.alerts.cascades import alert_cascades
from workbench.analysis.alerts.marks import instants_ms
from workbench.analysis.alerts.summary import alert_episodes
from workbench.analysis.alerts.together import alert_change, alert_incidents, alert_pairs, met_or_more
from workbench.core.timerange import TimeRange

SPAN = TimeRange(START, START + timedelta(days=20))


def found(*episodes_):
    return alert_episodes(rows(*episodes_), SPAN, observed_s=SPAN.seconds)


def test_alerts_near_each_other_are_one_incident_with_the_deploy_before_it():
    frame = alert_incidents(
        found(("A", 10, 11, 0.0), ("B", 10.1, 10.3, 0.0), ("C", 11.1, 11.2, 0.0), ("A", 30, 30.2, 0.0)),
        [BASE + int(9.5 * HOUR), BASE + 20 * HOUR],
    ).frame
    assert frame[["alerts", "rules", "first"]].to_numpy().tolist() == [[3, 3, "A"], [1, 1, "A"]]
    assert frame["end"].iloc[0] == pd.Timestamp(START) + pd.Timedelta(hours=11.2)
    assert frame["deploy"].isna().tolist() == [False, True]


def test_a_stale_alert_does_not_join_everything():
    frame = alert_incidents(found(("Old", 1, 400, 0.0), ("A", 50, 50.2, 0.0), ("A", 90, 90.2, 0.0))).frame
    assert frame["alerts"].tolist() == [1, 1, 1]


def test_rules_that_follow_each_other_are_named_and_the_first_mover_too():
    draw = np.random.default_rng(3)
    pairs = [float(hour) for hour in range(10, 400, 40)]
    cascade = [("Database", hour, hour + 0.3, 0.0) for hour in pairs]
    cascade += [("Errors", hour + 0.05, hour + 0.3, 0.0) for hour in pairs]
    alone = [("Disk", float(hour), float(hour) + 0.1, 0.0) for hour in draw.uniform(0, 470, 12)]
    result = alert_pairs(found(*cascade, *alone))
    assert result.pairs == 3
    (row,) = result.frame.to_dict(orient="records")
    assert (row["first"], row["second"], row["together"], row["leads"]) == ("Database", "Errors", 10, 1.0)
    assert row["lead_s"] == pytest.approx(180)
    assert row["lift"] > 100


def test_rules_that_fire_at_random_are_no_pair():
    draw = np.random.default_rng(5)
    random = [
        (f"R{number % 8}", float(hour), float(hour) + 0.1, 0.0) for number, hour in enumerate(draw.uniform(0, 470, 200))
    ]
    assert len(alert_pairs(found(*random)).frame) == 0


def test_a_change_is_judged_by_rates_with_an_interval():
    before = [("A", float(hour), hour + 0.1, 0.0) for hour in range(0, 240, 6)]
    after = [("A", float(hour), hour + 0.1, 0.0) for hour in range(250, 480, 24)]
    frame = alert_change(found(*before, *after), BASE + 10 * DAY).frame.set_index("alertname")
    row = frame.loc["A"]
    assert (row["before"], row["after"], row["verdict"]) == (40, 10, "fewer")
    assert row["ratio"] == pytest.approx(0.25)
    assert row["ratio_low"] < 0.25 < row["ratio_high"] < 0.6


@pytest.mark.slow
def test_storms_are_named_and_a_busy_day_is_none():
    counts = np.zeros(3, np.int64)
    for seed in range(600, 606):
        alerts, storms = stormy(seed)
        frame = alert_bursts(alerts).frame
        edges = [(instants_ms(frame[edge]) - BASE) // PERIOD_MS for edge in ("start", "end")]
        named = [pair for pair, kind in zip(zip(*edges, strict=True), frame["kind"], strict=True) if kind == "burst"]
        counts += scored(named, storms)
    assert counts[0] >= 0.75 * (counts[0] + counts[2])
    assert counts[1] <= 6 * 28 / 30 * 2, "chance reaches a burst once in 30 days"


@pytest.mark.slow
def test_a_cascade_is_one_line_in_its_order_and_a_storm_of_it_is_one_alert_to_read():
    hours = [float(hour) for hour in range(10, 400, 40)]
    steps = [("Database", 0.0), *((f"Worker {number:02}", 0.05 + number / 1000) for number in range(11))]
    cascade = [(name, hour + after, hour + 0.5, 0.0) for hour in hours for name, after in steps]
    draw = np.random.default_rng(3)
    alone = [("Disk", float(hour), float(hour) + 0.1, 0.0) for hour in draw.uniform(0, 470, 12)]
    alerts = found(*cascade, *alone)
    (row,) = alert_cascades(alerts, alert_pairs(alerts), [BASE + 10 * HOUR - 60_000]).frame.to_dict(orient="records")
    assert row["order"].startswith("Database → Worker 00 → Worker 01")
    assert (row["times"], row["alerts"], row["begins"], row["deploys"]) == (10, 120, 1.0, 1)
    assert row["spread_s"] == pytest.approx(216)
    bursts = alert_bursts(alerts).frame
    assert len(bursts) == 10
    whole = bursts[~bursts["alertnames"].str.contains("Disk")]
    assert set(whole["first"]) == {"Database"}
    assert set(whole["to_read"]) == {1}


@given(st.integers(2, 40_000), st.lists(st.tuples(*[st.floats(0, 1)] * 3), min_size=1, max_size=20))
def test_the_chance_of_meeting_is_the_tail_of_the_hypergeometric(periods: int, parts: list[tuple[float, ...]]) -> None:
    first, second = (np.array([1 + round(part[side] * (periods - 1)) for part in parts]) for side in (0, 1))
    least, most = np.maximum(1, first + second - periods), np.minimum(first, second)
    met = least + np.round((most - least) * [part[2] for part in parts]).astype(np.int64)
    expected = scipy.stats.hypergeom.sf(met - 1, periods, first, second)
    np.testing.assert_allclose(met_or_more(met, periods, first, second), expected, rtol=1e-8, atol=1e-300)
