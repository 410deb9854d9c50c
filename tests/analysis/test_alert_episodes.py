"""Episodes out of samples: made by hand, and out of a real recorded run of two Prometheus replicas."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.analysis.counting.episodes import evaluated, evaluation_interval, firing_episodes
from workbench.core.series import SeriesSet

MINUTE = 60_000
RECORDED = json.loads(Path(__file__).with_name("alerts_live.json").read_text())


def minutes(*runs: tuple[int, int]) -> np.ndarray:
    return np.concatenate([np.arange(first, last + 1) for first, last in runs] or [np.zeros(0)]).astype(int) * MINUTE


def samples(name: str, times: np.ndarray, values: float | np.ndarray = 1.0, **labels: str):
    return {"__name__": name, "alertname": "A", **labels}, times, np.broadcast_to(values, times.shape)


def found(alerts, since, up=((0, 100),), without=()):
    signs = SeriesSet.of([({"__name__": "up"}, minutes(*up), np.ones(len(minutes(*up))))])
    seen = evaluated(signs, MINUTE)
    return firing_episodes(SeriesSet.of(alerts), SeriesSet.of(since), seen, interval_ms=MINUTE, without=without)


def minute_of(times: pd.Series) -> list[int | None]:
    return [None if pd.isna(time) else int(time.timestamp() // 60) for time in times]


def test_an_episode_ends_one_interval_after_its_last_sample():
    alerts = [
        samples("ALERTS", minutes((5, 9)), alertstate="pending"),
        samples("ALERTS", minutes((10, 19), (30, 30)), alertstate="firing"),
    ]
    since = [samples("ALERTS_FOR_STATE", minutes((5, 19), (30, 30)), np.repeat([300.0, 1800.0], [15, 1]))]
    frame = found(alerts, since)
    assert minute_of(frame["active_at"]) == [5, 30]
    assert minute_of(frame["starts_at"]) == [10, 30]
    assert minute_of(frame["ends_at"]) == [20, 31]
    assert not frame[["left_censored", "right_censored"]].to_numpy().any()


def test_rare_alerts_do_not_stretch_the_interval_between_evaluations():
    times = np.array([100, 101, 30_000, 30_001, 61_000]) * MINUTE
    alerts = SeriesSet.of([samples("ALERTS", times, alertstate="firing")])
    assert evaluation_interval(alerts, SeriesSet.empty()) == MINUTE
    alone = SeriesSet.of([samples("ALERTS", times[[0, 2]], alertstate="firing")])
    assert evaluation_interval(alone, SeriesSet.empty()) == MINUTE


def test_an_alert_that_only_pends_is_no_episode():
    assert found([samples("ALERTS", minutes((5, 9)), alertstate="pending")], []).empty


def test_an_alert_that_fires_at_the_last_evaluation_has_no_end():
    frame = found([samples("ALERTS", minutes((90, 100)), alertstate="firing")], [])
    assert minute_of(frame["ends_at"]) == [None]
    assert frame["right_censored"].tolist() == [True]


def test_an_alert_that_fires_at_the_first_evaluation_may_be_older():
    frame = found([samples("ALERTS", minutes((0, 3)), alertstate="firing")], [])
    assert frame["left_censored"].tolist() == [True]


@pytest.mark.parametrize(("later", "episodes"), [(600.0, 1), (3600.0, 2)])
def test_time_without_evaluation_joins_only_what_is_the_same_alert(later: float, episodes: int):
    alerts = [samples("ALERTS", minutes((10, 20), (60, 70)), alertstate="firing")]
    since = [samples("ALERTS_FOR_STATE", minutes((10, 20), (60, 70)), np.repeat([600.0, later], 11))]
    frame = found(alerts, since, up=((0, 20), (60, 100)))
    assert len(frame) == episodes
    if episodes == 1:
        assert frame["unknown_s"].tolist() == [39 * 60.0]
        assert minute_of(frame["ends_at"]) == [71]
    else:
        assert frame["right_censored"].tolist() == [True, False]
        assert frame["left_censored"].tolist() == [False, True]


def test_evaluated_time_between_two_samples_is_a_recovery():
    alerts = [samples("ALERTS", minutes((10, 20), (60, 70)), alertstate="firing")]
    frame = found(alerts, [])
    assert minute_of(frame["ends_at"]) == [21, 71]
    assert not frame[["left_censored", "right_censored"]].to_numpy().any()


def test_replicas_are_one_alert_and_the_outage_of_one_is_no_end():
    alerts = [
        samples("ALERTS", minutes((10, 30)), alertstate="firing", replica="a"),
        samples("ALERTS", minutes((12, 18), (25, 32)), alertstate="firing", replica="b"),
    ]
    assert len(found(alerts, [])) == 3
    frame = found(alerts, [], without=("replica",))
    assert (minute_of(frame["starts_at"]), minute_of(frame["ends_at"])) == ([10], [33])


@pytest.mark.slow
@given(st.lists(st.booleans(), min_size=1, max_size=80))
def test_firing_time_is_that_of_the_samples_and_episodes_do_not_touch(firing: list[bool]):
    times = np.flatnonzero(firing) * MINUTE
    frame = found([samples("ALERTS", times, alertstate="firing")] if len(times) else [], [])
    lengths = (frame["ends_at"] - frame["starts_at"]).dt.total_seconds()
    assert lengths.sum() == 60 * sum(firing)
    assert (frame["starts_at"].iloc[1:].to_numpy() > frame["ends_at"].iloc[:-1].to_numpy()).all()
    assert len(frame) == sum(now and not before for now, before in zip(firing, [False, *firing], strict=False))


# --- a recorded run: Prometheus 2.42, two replicas, a second between evaluations, replica a down from 120 s to 135 s


def recorded(*replicas: str, without: tuple[str, ...] = ()) -> pd.DataFrame:
    def read(name: str) -> SeriesSet:
        series = []
        for replica in replicas:
            for one in RECORDED[replica][name]:
                runs = [(np.arange(first, last + 1, 1000), value) for first, last, value in one["runs"]]
                times = np.concatenate([times for times, _ in runs])
                values = np.concatenate([np.full(len(times), value) for times, value in runs])
                series.append(({**one["labels"], "replica": replica}, times, values))
        return SeriesSet.of(series)

    alerts = read("ALERTS")
    interval = evaluation_interval(alerts, read("ALERTS_FOR_STATE"))
    assert interval == 1000
    signs = SeriesSet.of([*alerts, *read("up")])
    frame = firing_episodes(
        alerts, read("ALERTS_FOR_STATE"), evaluated(signs, interval), interval_ms=interval, without=without
    )
    frame["start"] = frame["starts_at"].astype("int64") / 1000
    frame["end"] = frame["ends_at"].astype("int64") / 1000
    return frame


def counts(frame: pd.DataFrame) -> dict[str, int]:
    return frame["alertname"].value_counts().to_dict()


def test_the_recorded_run_has_the_episodes_that_were_driven():
    frame = recorded("b")
    told = {"Flap": 10, "FlapKeepFiring": 1, "ScrapeGap": 2, "LabelChurn": 2, "Burst": 12, "Standing": 1, "Simple": 1,
            "Inhibited": 1, "RestartShortFor": 1, "RestartLongFor": 1, "RestartPending": 1}  # fmt: skip
    assert counts(frame) == told
    assert "ShortPending" not in counts(frame)
    gap = frame[frame["alertname"] == "ScrapeGap"]
    assert gap["start"].round().tolist() == [40, 95]
    assert gap["end"].round().tolist() == [70, 150]
    assert frame.loc[frame["alertname"] == "RestartPending", "start"].round(2).tolist() == [145.25]


def test_a_restarted_server_goes_on_with_what_it_restored_and_says_what_it_missed():
    frame = recorded("a")
    long = frame[frame["alertname"] == "RestartLongFor"]
    assert len(long) == 1
    assert 15 < long["unknown_s"].iloc[0] < 18
    assert frame.loc[frame["alertname"] == "RestartPending", "start"].round(2).tolist() == [164.25]
    flap = frame[frame["alertname"] == "Flap"]
    assert len(flap) == 10
    standing = frame[frame["alertname"] == "Standing"]
    assert standing["right_censored"].tolist() == [True, True]
    assert standing["left_censored"].tolist() == [True, True]


def test_two_replicas_show_each_condition_once_and_the_phantom_of_one_beside_it():
    told = {"Flap": 11, "ScrapeGap": 2, "FlapKeepFiring": 1, "RestartPending": 1, "Burst": 12}
    found_ = counts(recorded("a", "b", without=("replica",)))
    assert {name: found_[name] for name in told} == told
