"""Load of alerts: tables made by hand, and the results of another program on a journal of 55,032 alarms."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from workbench.analysis.alerts.bursts import BURST_LEAST, BURST_ODDS, alert_bursts, beyond_chance
from workbench.analysis.alerts.load import alert_measures
from workbench.analysis.alerts.summary import (
    AlertRuleInfo,
    alert_episodes,
    alert_hours,
    alert_rules,
    chatter_index,
    noisiest_alerts,
)
from workbench.core.timerange import TimeRange

START = datetime(2026, 10, 1, tzinfo=UTC)
SPAN = TimeRange(START, START + timedelta(days=10))
DAYS = 10 * 86_400.0


def episodes(*rows: tuple[str, str, float, float | None]) -> pd.DataFrame:
    """EPISODES of (rule, severity, start, end) in hours after START."""

    def at(hours: float | None) -> pd.Timestamp | None:
        return None if hours is None else pd.Timestamp(START) + pd.Timedelta(hours=hours)

    frame = pd.DataFrame(
        {
            "alertname": [row[0] for row in rows],
            "severity": [row[1] for row in rows],
            "labels": [{"instance": "a"} for _ in rows],
            "active_at": [at(row[2]) for row in rows],
            "starts_at": [at(row[2]) for row in rows],
            "ends_at": [at(row[3]) for row in rows],
            "left_censored": np.zeros(len(rows), np.bool_),
            "right_censored": np.array([row[3] is None for row in rows], np.bool_),
            "unknown_s": np.zeros(len(rows)),
        }
    )
    for name in ("active_at", "starts_at", "ends_at"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("ms")
    for name in ("alertname", "severity"):
        frame[name] = frame[name].astype("str")
    return frame


def judged(*rows: tuple[str, str, float, float | None], **more: object):
    return alert_episodes(episodes(*rows), SPAN, observed_s=DAYS, **more)


def test_the_load_of_a_rule_is_worked_out_by_hand():
    found = judged(("A", "critical", 10, 11), ("A", "critical", 50, 53), ("B", "warning", 12, 60))
    rules = alert_rules(found, [AlertRuleInfo("Quiet", "warning", "team x")]).frame.set_index("alertname")
    a = rules.loc["A"]
    assert (a["episodes"], a["per_day"], a["per_week"]) == (2, 0.2, pytest.approx(1.4))
    assert (a["median_s"], a["p90_s"], a["longest_s"]) == (7200, 10080, 10800)
    assert a["firing_share"] == 4 / 240
    assert a["share"] == pytest.approx(2 / 3)
    assert rules.loc["B", "stale"] == 1
    assert (rules.loc["Quiet", "episodes"], rules.loc["Quiet", "owner"]) == (0, "team x")
    assert np.isnan(rules.loc["Quiet", "median_s"])


def test_an_episode_from_before_the_period_stands_in_it_and_is_not_counted_again():
    found = judged(("A", "warning", -3, 2))
    assert found.frame["started"].tolist() == [False]
    rule = alert_rules(found).frame.iloc[0]
    assert rule["episodes"] == 0
    assert rule["firing_share"] == 2 / 240


def test_an_open_episode_is_measured_to_the_end_and_not_in_the_quantiles():
    rule = alert_rules(judged(("A", "warning", 239, None), ("A", "warning", 1, 2))).frame.iloc[0]
    assert (rule["open"], rule["median_s"], rule["measured"]) == (1, 3600, 1)


def test_flapping_needs_three_short_episodes_near_each_other():
    short = [("A", "warning", hour, hour + 0.1) for hour in (1.0, 1.5, 2.0)]
    assert judged(*short[:2]).frame["flapping"].sum() == 0
    assert judged(*short).frame["flapping"].sum() == 3
    assert judged(*short[:2], ("A", "warning", 4, 4.1)).frame["flapping"].sum() == 0
    assert judged(*short[:2], ("B", "warning", 2, 2.1)).frame["flapping"].sum() == 0
    assert judged(*short[:2], ("A", "warning", 2, 5)).frame["flapping"].sum() == 0


def test_hours_are_those_of_the_people_also_when_the_clock_changes():
    span = TimeRange(START, START + timedelta(days=31))
    frame = episodes(("A", "warning", 5.5, 6), ("A", "warning", 24 * 30 + 5.5, 24 * 30 + 6))
    found = alert_episodes(frame, span, observed_s=span.seconds, zone="Europe/Warsaw")
    counts = alert_hours(found).frame.set_index("hour")["episodes"]
    assert (counts[7], counts[6], len(counts)) == (1, 1, 24)
    assert found.frame["sleep"].tolist() == [True, True]


def test_owners_come_from_labels_then_rules_then_the_system():
    frame = episodes(("A", "", 1, 2), ("B", "warning", 1, 2), ("C", "warning", 1, 2))
    frame["labels"] = [{}, {"team": "db"}, {}]
    found = alert_episodes(
        frame, SPAN, observed_s=DAYS, rules=[AlertRuleInfo("A", "critical", "api team")], owner="all of us"
    ).frame
    assert found["owner"].tolist() == ["api team", "db", "all of us"]
    assert found["severity"].tolist() == ["critical", "warning", "warning"]


def test_a_heap_of_alerts_is_a_burst_and_a_big_one_a_flood():
    heap = [("A", "warning", 100 + i / 60, 101) for i in range(4)]
    bursts = alert_bursts(judged(*heap, ("B", "warning", 3, 4))).frame
    assert bursts["kind"].tolist() == ["burst"]
    assert (bursts["episodes"].iloc[0], bursts["peak"].iloc[0]) == (4, 4)
    assert bursts["start"].iloc[0] == pd.Timestamp(START) + pd.Timedelta(hours=100)
    flood = [(f"R{i}", "warning", 100 + i / 120, 101) for i in range(12)]
    assert set(alert_bursts(judged(*flood)).frame["kind"]) == {"flood", "burst"}
    assert alert_bursts(judged()).frame.empty


def test_rates_are_per_person_and_unknown_without_observed_time():
    rows = [("A", "critical", hour, hour + 1) for hour in range(0, 200, 10)]
    alone = alert_measures(judged(*rows)).frame.set_index("measure")["value"]
    two = alert_measures(judged(*rows), positions=2).frame.set_index("measure")["value"]
    assert (alone["per_day"], two["per_day"]) == (2.0, 1.0)
    assert (alone["per_shift"], two["per_shift"]) == (1.0, 0.5)
    unseen = alert_episodes(episodes(), SPAN, observed_s=0.0)
    assert set(alert_measures(unseen).frame["status"]) == {"no_data"}


def test_stale_alerts_are_counted_on_the_days_on_which_they_are_stale():
    rows = [(f"R{i}", "warning", i, 60) for i in range(5)]
    measures = alert_measures(judged(*rows, ("Short", "warning", 1, 20))).frame.set_index("measure")
    assert (measures.loc["stale", "value"], measures.loc["stale", "status"]) == (5, "at_risk")


def test_the_chatter_index_of_an_alert_a_minute_is_a_sixtieth():
    assert chatter_index(np.arange(0, 600, 60.0)) == pytest.approx(1 / 60)
    assert chatter_index(np.zeros(1)) == 0.0


@pytest.fixture(scope="module")
def journal():
    rows = []
    packed = Path(__file__).with_name("isa182_demo.csv.gz").read_bytes()
    for line in gzip.decompress(packed).decode().splitlines():
        tag, severity, deltas = line.split(",")
        starts = np.cumsum([int(delta) for delta in deltas.split()])
        rows.append(pd.DataFrame({"alertname": tag, "severity": severity, "s": starts}))
    frame = pd.concat(rows).sort_values("s", kind="stable", ignore_index=True)
    begin = datetime(2026, 6, 1, tzinfo=UTC)
    starts = (pd.Timestamp(begin) + pd.to_timedelta(frame["s"], unit="s")).dt.as_unit("ms")
    frame = frame.assign(
        labels=[{}] * len(frame),
        active_at=starts,
        starts_at=starts,
        ends_at=starts + pd.Timedelta(seconds=60),
        left_censored=False,
        right_censored=False,
        unknown_s=0.0,
    )
    span = TimeRange(begin, begin + timedelta(days=45))
    return alert_episodes(frame, span, observed_s=44.998078703703705 * 86_400)


@pytest.mark.slow
def test_the_journal_has_the_load_that_the_other_program_finds(journal):
    measured = alert_measures(journal, positions=2).frame.set_index("measure")["value"]
    assert measured["per_day"] == pytest.approx(611.4927746400695, rel=1e-12)
    assert measured["per_hour"] == pytest.approx(25.478865610002895, rel=1e-12)
    assert measured["per_10min"] == pytest.approx(4.2464776016671495, rel=1e-12)
    assert measured["peak"] == 201
    assert measured["over_ten"] == 1446 / 6480
    assert measured["top_ten"] == pytest.approx(0.688763, abs=5e-7)


@pytest.mark.slow
def test_the_journal_has_its_mix_its_top_and_the_six_planted_chattering_tags(journal):
    mix = journal.frame["severity"].value_counts(normalize=True)
    assert {name: round(share * 100, 3) for name, share in mix.items()} == {
        "high": 47.474,
        "medium": 10.361,
        "low": 42.165,
    }
    first = noisiest_alerts(journal).frame.iloc[0]
    assert (first["alertname"], first["episodes"]) == ("FLOT-VT504_HI", 9420)
    assert (alert_rules(journal).frame["chatter"] >= 0.05).sum() == 6


@pytest.mark.slow
def test_the_journal_has_14_chattering_alerts_by_window_and_6_by_index(journal):
    measured = alert_measures(journal, positions=2).frame.set_index("measure")
    assert measured.loc[["three_in_60s", "chattering"], "value"].tolist() == [14, 6]
    assert measured.loc["flapping", "standard"] == "our own"


@pytest.mark.slow
def test_the_journal_has_11_alerts_that_stood_longer_than_a_day(omit):
    path = Path(__file__).parents[3] / "shared" / "datasets" / "isa182_demo" / "demo_alarms.csv.gz"
    if not path.exists():
        omit("the whole journal is not beside the project")
    rows = pd.read_csv(path, parse_dates=["Timestamp"])
    end = rows["Timestamp"].max()
    found, active = [], {}
    for row in rows.itertuples():
        if row.EventType == "ALM":
            active.setdefault(row.Tag, row.Timestamp)
        elif row.Tag in active:
            found.append((row.Tag, active.pop(row.Tag), row.Timestamp))
    found += [(tag, start, None) for tag, start in active.items()]
    begin = datetime(2026, 6, 1, tzinfo=UTC)
    starts = pd.to_datetime(pd.Series([start for _, start, _ in found]), utc=True).dt.as_unit("ms")
    frame = pd.DataFrame(
        {
            "alertname": pd.Series([tag for tag, _, _ in found], dtype="str"),
            "severity": pd.Series(["low"] * len(found), dtype="str"),
            "labels": [{}] * len(found),
            "active_at": starts,
            "starts_at": starts,
            "ends_at": pd.to_datetime(pd.Series([last for _, _, last in found]), utc=True).dt.as_unit("ms"),
            "left_censored": False,
            "right_censored": False,
            "unknown_s": 0.0,
        }
    )
    span = TimeRange(begin, end.to_pydatetime().replace(tzinfo=UTC))
    measured = alert_measures(alert_episodes(frame, span, observed_s=span.seconds)).frame.set_index("measure")["value"]
    assert measured["stale_alerts"] == 11


@pytest.mark.parametrize(
    ("hours", "known"), [(0.5, {"per_10min"}), (6, {"per_10min", "per_hour"}), (18, {"per_shift"})]
)
def test_no_rate_is_longer_than_what_was_observed(hours, known):
    found = alert_episodes(episodes(("A", "critical", 0.1, 0.2)), SPAN, observed_s=hours * 3_600)
    values = alert_measures(found).frame.set_index("measure")["value"]
    rates = values[["per_10min", "per_hour", "per_shift", "per_day"]].dropna()
    assert "per_10min" in rates
    assert "per_day" not in rates
    assert ("per_shift" in rates) == (hours >= 12)
    assert ("per_hour" in rates) == (hours >= 1)
    assert alert_rules(found, []).frame[["per_day", "per_week"]].isna().all(axis=None)


@given(
    st.lists(st.tuples(st.integers(0, 200), st.floats(0.001, 60)), min_size=1), st.sampled_from((0.9, 1.02, 1.1, 3, 40))
)
def test_a_burst_is_beyond_the_quantile_of_the_usual_counts(rows: list[tuple[int, float]], dispersion: float) -> None:
    counts, usual = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    if dispersion > 1.02:
        most = scipy.stats.nbinom.isf(1 / BURST_ODDS, usual / (dispersion - 1), 1 / dispersion)
    else:
        most = scipy.stats.poisson.isf(1 / BURST_ODDS, usual)
    expected = counts >= np.maximum(most + 1, BURST_LEAST)
    assert beyond_chance(counts, usual, dispersion).tolist() == expected.tolist()
