"""What was counted wrongly once: mixed intervals, restarts, old alerts, blind time, two servers, records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from tests.analysis.alert_truth import recorded, truth_of
from workbench.analysis.alerts.hours import hour_classes
from workbench.analysis.alerts.load import alert_measures
from workbench.analysis.alerts.summary import alert_episodes, alert_rules
from workbench.analysis.counting.episodes import (
    evaluated,
    evaluation_intervals,
    firing_episodes,
    replica_labels,
)
from workbench.analysis.counting.kept import with_kept
from workbench.core.series import SeriesSet
from workbench.core.timerange import TimeRange

S, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
START = datetime(2026, 10, 1, tzinfo=UTC)
BASE = int(START.timestamp() * 1000)


def every(first: int, last: int, step: int) -> np.ndarray:
    return BASE + np.arange(first, last, step)


def alert(name: str, times: np.ndarray, since: np.ndarray | int, *, state: str = "firing", **labels: str):
    key = {"alertname": name, "severity": "page", **labels}
    values = np.broadcast_to(np.asarray(since) // 1000, times.shape).astype(float)
    return (
        ({"__name__": "ALERTS", "alertstate": state, **key}, times, np.ones(len(times))),
        ({"__name__": "ALERTS_FOR_STATE", **key}, times, values),
    )


def episodes(*series, up: np.ndarray, without=(), for_ms=None, ups=None) -> pd.DataFrame:
    alerts = SeriesSet.of([one for one, _ in series])
    since = SeriesSet.of([two for _, two in series])
    signs = ups or SeriesSet.of([({"__name__": "up"}, up, np.ones(len(up)))])
    seen = evaluated(SeriesSet.of([*alerts, *signs]))
    assert seen is not None
    return firing_episodes(
        alerts, since, seen, interval_ms=evaluation_intervals(alerts, since), without=without, up=signs, for_ms=for_ms
    )


UP = every(0, DAY, 15 * S)


def test_a_rule_of_a_minute_beside_one_of_15_s_has_an_interval_of_its_own():
    slow = alert("Slow", every(6 * HOUR, 8 * HOUR, MINUTE), BASE + 6 * HOUR)
    fast = alert("Fast", every(HOUR, 2 * HOUR, 15 * S), BASE + HOUR)
    frame = episodes(slow, fast, up=UP)
    own = frame[frame["alertname"] == "Slow"]
    assert (own["ends_at"] - own["starts_at"]).dt.total_seconds().tolist() == [7200]
    span = TimeRange(START, START + timedelta(days=1))
    found = alert_episodes(frame, span, observed_s=span.seconds)
    rule = alert_rules(found).frame.set_index("alertname").loc["Slow"]
    assert (rule["episodes"], rule["flapping"], round(rule["firing_share"], 3)) == (1, 0, 0.083)


def test_evaluations_that_were_missed_are_no_end_while_the_state_stays():
    times = np.delete(every(HOUR, 3 * HOUR, MINUTE), np.arange(9, 119, 10))
    frame = episodes(alert("A", times, BASE + HOUR), up=UP)
    assert len(frame) == 1
    assert frame["unknown_s"].tolist() == [11 * 60.0]


def test_a_standing_alert_without_for_began_once_however_often_the_server_restarted():
    alive = [(0, 5), (5.1, 10), (10.2, 15), (15.05, 24)]
    up = np.concatenate([every(int(first * HOUR), int(last * HOUR), 15 * S) for first, last in alive])
    stretches = [every(int(max(first, 2) * HOUR), int(last * HOUR), 15 * S) for first, last in alive]
    since = np.concatenate([np.full(len(times), times[0]) for times in stretches])
    frame = episodes(alert("A", np.concatenate(stretches), since), up=up)
    found = alert_episodes(frame, TimeRange(START, START + timedelta(days=1)), observed_s=DAY / 1000)
    assert found.frame["started"].sum() == 1
    assert found.frame["open"].sum() == 1


@pytest.mark.parametrize("known", [True, False])
def test_an_alert_of_20_days_is_20_days_old_on_its_last_day(known: bool):
    old = alert("Old", every(0, DAY, MINUTE), BASE - 20 * DAY + DAY)
    frame = episodes(old, up=UP, for_ms={"Old": 300_000} if known else {})
    span = TimeRange(START, START + timedelta(days=1))
    row = alert_episodes(frame, span, observed_s=span.seconds).frame.iloc[0]
    assert row["duration_s"] == 20 * 86_400 - (300 if known else 0)
    assert row["pending_s"] == (300 if known else 0)
    assert not row["started"]


def rows(*episodes_: tuple[str, float, float | None, float], labels=()) -> pd.DataFrame:
    """EPISODES of (rule, start, end, unknown seconds), in hours after START."""

    def instants(hours) -> pd.Series:
        marks = [pd.NaT if hour is None else pd.Timestamp(START) + pd.Timedelta(hours=hour) for hour in hours]
        return pd.to_datetime(pd.Series(marks), utc=True).dt.as_unit("ms")

    return pd.DataFrame(
        {
            "alertname": pd.Series([row[0] for row in episodes_], dtype="str"),
            "severity": pd.Series(["page"] * len(episodes_), dtype="str"),
            "labels": list(labels) or [{} for _ in episodes_],
            "active_at": instants([row[1] for row in episodes_]),
            "starts_at": instants([row[1] for row in episodes_]),
            "ends_at": instants([row[2] for row in episodes_]),
            "left_censored": False,
            "right_censored": False,
            "unknown_s": [row[3] for row in episodes_],
        }
    )


def share(frame: pd.DataFrame, span: TimeRange, observed: list[tuple[float, float]] | None, observed_s: float) -> float:
    stretches = None if observed is None else np.array(observed) * HOUR + BASE
    whole = None if stretches is None else stretches.astype(np.int64)
    found = alert_episodes(frame, span, observed_s=observed_s, observed=whole)
    return float(alert_rules(found).frame["firing_share"].iloc[0])


def test_the_firing_share_is_of_observed_time_each_moment_once():
    day = TimeRange(START, START + timedelta(days=1))
    before = rows(("A", -20, None, 10 * 3600.0))
    assert share(before, day, [(0, 24)], 86_400) == 1.0
    assert share(before, day, None, 86_400) == 1.0
    two = rows(("A", 4, 12, 4 * 3600.0), ("A", 4, 12, 4 * 3600.0), labels=[{"i": "a"}, {"i": "b"}])
    seen = [(0, 6), (10, 24)]
    assert share(two, day, seen, 20 * 3600) == pytest.approx(4 / 20)
    assert share(two, day, None, 20 * 3600) == pytest.approx(4 / 20)
    late = rows(("A", 0, None, 0.0))
    assert share(late, day, [(0, 6)], 6 * 3600) == 1.0


def test_shares_of_periods_do_not_halve_when_half_the_time_was_not_observed():
    crowd = rows(*[("A", 1 + hour + number / 90, 1.9 + hour, 0.0) for hour in range(3) for number in range(15)])
    day, two = (TimeRange(START, START + timedelta(days=days)) for days in (1, 2))
    for observed in (None, np.array([[BASE, BASE + DAY]])):
        values = [
            alert_measures(alert_episodes(crowd, span, observed_s=86_400, observed=observed)).frame.set_index("measure")
            for span in (day, two)
        ]
        for name in ("over_ten", "flooded"):
            assert values[0].loc[name, "value"] == values[1].loc[name, "value"] > 0


def test_an_alert_that_has_just_begun_is_not_fleeting():
    day = TimeRange(START, START + timedelta(days=1))
    frame = rows(("A", 24 - 5 / 3600, None, 0.0), ("B", 3, 3 + 5 / 3600, 0.0))
    values = alert_measures(alert_episodes(frame, day, observed_s=86_400)).frame.set_index("measure")["value"]
    assert values["fleeting"] == 1


def test_records_stand_where_samples_are_gone_and_servers_are_merged_in_them():
    samples = alert("A", every(20 * HOUR, 21 * HOUR, MINUTE), BASE + 20 * HOUR)
    sampled = episodes(samples, up=every(19 * HOUR, DAY, 15 * S))
    seen = evaluated(SeriesSet.of([({"__name__": "up"}, every(19 * HOUR, DAY, 15 * S), np.ones(1200))]))
    names = [(f"R{number}", hour, hour + 0.2, 0.0) for number, hour in enumerate(np.linspace(0, 18, 27))]
    twice = [
        rows(*names, ("A", 20, 21, 0.0), labels=[{"replica": replica}] * 28).assign(severity="page")
        for replica in ("a", "b")
    ]
    kept = pd.concat(twice, ignore_index=True)
    times = (BASE + 20 * HOUR, BASE + 21 * HOUR)
    joined = with_kept(sampled, kept, seen=seen, samples_ms=times, without=["replica"])
    assert (len(joined.frame), joined.from_records) == (28, 27)
    assert joined.first == pd.Timestamp(START)


def test_a_record_gives_an_episode_the_start_that_samples_do_not_show():
    samples = alert("A", every(10 * HOUR, 12 * HOUR, MINUTE), BASE + 10 * HOUR)
    sampled = episodes(samples, up=every(10 * HOUR, DAY, 15 * S))
    assert sampled["left_censored"].tolist() == [True]
    seen = evaluated(SeriesSet.of([({"__name__": "up"}, every(10 * HOUR, DAY, 15 * S), np.ones(3360))]))
    kept = rows(("A", 7, 10.5, 0.0), ("B", 8, None, 0.0))
    frame = with_kept(sampled, kept, seen=seen, samples_ms=(BASE + 10 * HOUR, BASE + 12 * HOUR)).frame
    own = frame.set_index("alertname")
    assert own.loc["A", "starts_at"] == pd.Timestamp(START) + pd.Timedelta(hours=7)
    assert own.loc["A", "ends_at"] == pd.Timestamp(START) + pd.Timedelta(hours=12)
    assert own.loc["B", "ends_at"] == pd.Timestamp(START) + pd.Timedelta(hours=10)
    assert bool(own.loc["B", "right_censored"])


def test_what_fires_after_a_restart_until_the_first_scrape_is_a_phantom():
    up = np.concatenate([every(0, HOUR, 15 * S), every(HOUR + 5 * MINUTE, 2 * HOUR, 15 * S)])
    before = every(HOUR - 5 * MINUTE, HOUR, 15 * S)
    after = BASE + HOUR + 5 * MINUTE - np.array([8, 4]) * S + 3 * S
    times = np.concatenate([before, np.sort(after)])
    since = np.concatenate([np.full(len(before), before[0]), np.full(2, after.min())])
    frame = episodes(alert("A", times, since), up=up)
    assert frame["phantom"].tolist() == [False, True]


def test_servers_that_disagree_are_flagged_and_named():
    a = alert("A", every(HOUR, 2 * HOUR, MINUTE), BASE + HOUR, replica="a")
    both = [alert("B", every(3 * HOUR, 4 * HOUR, MINUTE), BASE + 3 * HOUR, replica=name) for name in "ab"]
    ups = SeriesSet.of([({"__name__": "up", "replica": name}, UP, np.ones(len(UP))) for name in "ab"])
    frame = episodes(a, *both, up=UP, ups=ups, without=["replica"]).set_index("alertname")
    assert frame["disputed"].to_dict() == {"A": True, "B": False}
    assert replica_labels(SeriesSet.of([one for one, _ in both])) == ("replica",)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12])
def test_random_rules_of_two_servers_have_the_episodes_that_were_driven(seed: int):
    data = recorded(seed=seed, rules=60)
    seen = evaluated(SeriesSet.of([*data.alerts, *data.up]))
    assert seen is not None
    intervals = evaluation_intervals(data.alerts, data.since)
    frame = firing_episodes(
        data.alerts, data.since, seen, interval_ms=intervals, without=["replica"], up=data.up
    )  # fmt: skip
    for rule in data.rules:
        own = frame[(frame["alertname"] == rule.name) & ~frame["left_censored"]]
        truth = np.array(truth_of(rule)).reshape(-1, 2)
        assert len(own) == len(truth), rule
        starts, ends = (own[name].astype("int64").to_numpy() for name in ("starts_at", "ends_at"))
        assert (abs(starts - truth[:, 0]) <= rule.interval).all(), rule
        known = ~own["right_censored"].to_numpy()
        assert (abs(ends - truth[:, 1]) <= rule.interval)[known].all(), rule


def test_the_hour_classes_of_a_week_are_50_48_and_70_hours():
    week = pd.date_range("2026-10-05", periods=168, freq="h", tz="Europe/Warsaw").tz_convert("UTC")
    counts = pd.Series(hour_classes(pd.Series(week), "Europe/Warsaw")).value_counts()
    assert counts.to_dict() == {"business": 50, "off": 48, "sleep": 70}


def test_a_condition_from_before_an_outage_began_once_also_when_the_first_evaluation_after_it_was_missed():
    """The server is back at 02:00:10 and evaluates at 02:00:20 without writing; the evaluation after that is missed."""
    up = np.concatenate([every(0, 90 * MINUTE, 15 * S), every(2 * HOUR + 10 * S, 6 * HOUR, 15 * S)])
    back = 2 * HOUR + 20 * S
    firing = (
        np.concatenate([every(HOUR + 20 * S, 90 * MINUTE, MINUTE), every(back + 5 * MINUTE, 4 * HOUR, MINUTE)]) + 461
    )
    since = np.where(firing < BASE + back, BASE + HOUR - 4 * MINUTE, BASE + back)
    frame = episodes(
        alert("A", firing, since),
        alert("A", every(HOUR - 3 * MINUTE, HOUR + 20 * S, MINUTE) + 461, BASE + HOUR - 4 * MINUTE, state="pending"),
        alert("A", every(back + 2 * MINUTE, back + 5 * MINUTE, MINUTE) + 461, BASE + back, state="pending"),
        up=up,
    )
    assert frame["left_censored"].tolist() == [False, True]
    assert frame["right_censored"].tolist() == [True, False]
