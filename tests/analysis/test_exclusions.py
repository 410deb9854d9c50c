"""Exclusions: three semantics on published numbers, overlaps, daylight saving, and nothing left to judge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.analysis.counting.recurrence import checked_rule, later, occurrences
from workbench.analysis.slo.burn import budget_history, burn_rates
from workbench.analysis.slo.compliance import compliance
from workbench.analysis.slo.exclusions import Exclusion, exclusion_effect, exclusion_windows, without_excluded
from workbench.analysis.slo.objective import Goal
from workbench.core.errors import ParameterError
from workbench.core.timerange import TimeRange

START = datetime(2026, 10, 1, tzinfo=UTC)
WEEK = TimeRange(START, START + timedelta(days=7))
HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)


def slices(good, total=1.0, minutes: int = 1, covered=1.0) -> pd.DataFrame:
    times = pd.date_range(START, periods=len(good), freq=f"{minutes}min", unit="ms")
    return pd.DataFrame({"objective": "api", "time": times, "good": good, "total": total, "covered": covered})


def uptime(**more) -> Goal:
    """An objective of minutes over a week, one hour of which was down."""
    return Goal("api", "API", Decimal("0.99"), WEEK, budgeting="timeslices", slice_ms=60_000, **more)


def requests() -> Goal:
    return Goal("api", "API", Decimal("0.99"), WEEK, slice_ms=300_000)


def down_for_an_hour() -> np.ndarray:
    good = np.ones(7 * 1440)
    good[3 * 1440 : 3 * 1440 + 60] = 0
    return good


def window(semantics: str, start: datetime, length: timedelta, id: str = "e1") -> Exclusion:
    return Exclusion(id, semantics, start, start + length)


def judged(events, goal, *exclusions):
    left, (changed,) = without_excluded(events, [goal], {"api": exclusions})
    return compliance(left, [changed], as_of=WEEK.end).frame.iloc[0]


@pytest.mark.parametrize(
    ("semantics", "bad", "of", "budget_minutes"),
    [("remove_time", 60, 8640, 86.4), ("remove_events", 60, 8640, 100.8), ("count_good", 60, 10080, 100.8)],
)
def test_a_day_corrected_in_a_week_with_an_hour_down_as_datadog_works_it_out(semantics, bad, of, budget_minutes):
    row = judged(slices(down_for_an_hour()), uptime(), window(semantics, START + 5 * DAY, DAY))
    assert (row.bad, row.total, row.coverage) == (bad, of, 1.0)
    assert round(100 * (1 - row.sli), 3) == {8640: 0.694, 10080: 0.595}[of]
    assert row.budget_minutes == budget_minutes


def test_a_window_over_the_hour_down_leaves_nothing_bad():
    for semantics in ("remove_time", "remove_events", "count_good"):
        row = judged(slices(down_for_an_hour()), uptime(), window(semantics, START + 3 * DAY, HOUR))
        assert (row.bad, row.sli, row.status) == (0, 1.0, "ok")


def test_slices_without_samples_are_good_where_the_window_counts_as_uptime():
    good = np.ones(7 * 1440)
    events = slices(good)[: 6 * 1440]
    assert judged(events, uptime()).total == 6 * 1440
    row = judged(events, uptime(), window("count_good", START + 6 * DAY, DAY))
    assert (row.total, row.bad, row.coverage) == (7 * 1440, 0, 1.0)
    nothing = judged(events[:0], uptime(), window("count_good", START, DAY))
    assert (nothing.total, nothing.bad) == (1440, 0)


def test_requests_in_a_window_are_left_out_or_all_good():
    total = np.full(7 * 288, 10.0)
    good = np.where(np.arange(7 * 288) < 12, 4.0, 10.0)
    events = slices(good, total, minutes=5)
    assert judged(events, requests()).bad == 72
    gone = judged(events, requests(), window("remove_events", START, HOUR))
    assert (gone.bad, gone.total, gone.coverage) == (0, 20160 - 120, 1.0)
    kept = judged(events, requests(), window("count_good", START, HOUR))
    assert (kept.bad, kept.total) == (0, 20160)


@pytest.mark.parametrize("semantics", ["remove_time", "remove_events"])
def test_excluding_everything_leaves_no_data_and_no_ratio(semantics):
    for goal, events in ((uptime(), slices(down_for_an_hour())), (requests(), slices(np.ones(2016), minutes=5))):
        everything = window(semantics, WEEK.start - DAY, 9 * DAY)
        row = judged(events, goal, everything)
        assert row.status == "no_data"
        assert np.isnan(row.sli)
        assert np.isnan(row.total)
        left, changed = without_excluded(events, [goal], {"api": [everything]})
        assert budget_history(left, changed, as_of=WEEK.end).frame.empty
        assert burn_rates(left, changed, as_of=WEEK.end).frame["burn_rate"].isna().all()


def test_overlapping_windows_count_once_and_the_strongest_semantics_holds():
    events = slices(down_for_an_hour())
    both = [window("remove_time", START, 2 * DAY, "a"), window("remove_time", START + DAY, 2 * DAY, "b")]
    row = judged(events, uptime(), *both)
    assert row.total == 4 * 1440
    assert row.total == judged(events, uptime(), window("remove_time", START, 3 * DAY)).total
    mixed = judged(events, uptime(), both[0], window("count_good", START, 3 * DAY))
    assert mixed.total == 5 * 1440


def test_the_effect_shows_figures_with_and_without_and_counts_overlaps_once():
    events, goal = slices(down_for_an_hour()), uptime()
    mend = {"api": [window("remove_time", START + 3 * DAY, HOUR, "a"), window("count_good", START + 3 * DAY, DAY, "b"),
                    window("remove_time", START - 3 * DAY, DAY, "c")]}  # fmt: skip
    left, changed = without_excluded(events, [goal], mend)
    with_, bare = (compliance(e, p, as_of=WEEK.end) for e, p in ((left, changed), (events, [goal])))
    (row,) = exclusion_effect(with_, bare, [goal], mend, as_of=WEEK.end).frame.to_dict("records")
    assert (row["exclusions"], row["semantics"]) == ("a, b", "remove_time, count_good")
    assert (row["excluded_minutes"], row["bad"], row["bad_without"]) == (1440.0, 0, 60)
    assert row["budget_left_ratio"] == 1
    windows = exclusion_windows([goal], mend, as_of=WEEK.end).frame
    assert windows["exclusion"].tolist() == ["a", "b"]
    assert exclusion_effect(bare, bare, [goal], {}, as_of=WEEK.end).frame.empty


def test_the_edges_of_a_window_go_to_the_nearest_edge_of_a_slice():
    goal = requests()
    events = slices(np.ones(7 * 288), minutes=5)
    for begin, length, left_out in ((2, 6, 2), (4, 8, 1), (3, 2, 0), (0, 5, 1), (-9, 10, 0)):
        row = judged(events, goal, window("remove_time", START + begin * MINUTE, length * MINUTE))
        assert 2016 - row.total == left_out, (begin, length)


def test_maintenance_that_is_still_to_come_shrinks_the_budget_of_the_period():
    now = START + DAY
    ahead = window("remove_time", START + 5 * DAY, DAY)
    _, (goal,) = without_excluded(slices(np.ones(1440)), [uptime()], {"api": [ahead]})
    row = compliance(slices(np.ones(1440)), [goal], as_of=now).frame.iloc[0]
    assert row.period_budget == pytest.approx(0.01 * 6 * 1440)
    assert row.coverage == 1


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-50, 340), st.integers(1, 200)), max_size=5), st.randoms())
def test_order_and_splitting_of_windows_change_nothing(spans, random):
    goal = Goal("api", "API", Decimal("0.9"), TimeRange(START, START + DAY), slice_ms=300_000)
    rng = np.random.default_rng(len(spans))
    total = rng.integers(0, 9, 288).astype(float)
    events = slices(np.floor(total * rng.random(288)), total, minutes=5)
    whole = [window("remove_time", START + a * 5 * MINUTE, n * 5 * MINUTE, str(i)) for i, (a, n) in enumerate(spans)]
    halves = [
        window("remove_time", START + first * 5 * MINUTE, length * 5 * MINUTE, "h")
        for a, n in spans
        for first, length in ((a, n // 2), (a + n // 2, n - n // 2))
        if length
    ]
    random.shuffle(halves)
    one, other = (without_excluded(events, [goal], {"api": given}) for given in (whole, halves))
    pd.testing.assert_frame_equal(one[0], other[0])
    assert one[1] == other[1]
    outside = set(range(288)) - {place for a, n in spans for place in range(a, a + n)}
    assert one[0]["total"].sum() == total[sorted(outside)].sum()


def test_a_weekly_window_stays_at_its_wall_clock_time_over_both_changes():
    berlin = ZoneInfo("Europe/Berlin")
    first = datetime(2025, 10, 12, 3, tzinfo=berlin).astimezone(UTC)
    span = TimeRange(first, first + timedelta(days=180))
    found = occurrences(first, "2h", "FREQ=WEEKLY;BYDAY=SU", "Europe/Berlin", span)
    assert {one.start.astimezone(berlin).hour for one in found} == {3}
    assert {one.start.hour for one in found} == {1, 2}
    assert {one.seconds for one in found} == {7200.0}
    assert len(found) == 26


@pytest.mark.parametrize(
    ("wall", "rule", "expected"),
    [
        ("2026-03-07 02:30", "FREQ=DAILY;COUNT=3", ["03-07 07:30", "03-08 07:30", "03-09 06:30"]),  # 02:30 is left out
        ("2026-10-31 01:30", "FREQ=DAILY;COUNT=3", ["10-31 05:30", "11-01 05:30", "11-02 06:30"]),  # 01:30 comes twice
    ],
)
def test_times_that_a_change_leaves_out_or_doubles_are_read_as_rfc_5545_says(wall, rule, expected):
    start = datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)
    found = occurrences(start, "1h", rule, "America/New_York", TimeRange(start - DAY, start + 9 * DAY))
    assert [f"{one.start:%m-%d %H:%M}" for one in found] == expected


def test_a_day_lasts_from_midnight_to_midnight_in_its_zone():
    midnight = datetime(2025, 10, 26, tzinfo=ZoneInfo("Europe/Warsaw")).astimezone(UTC)
    assert later(midnight, "1d", "Europe/Warsaw") - midnight == 25 * HOUR
    assert later(midnight, "24h", "Europe/Warsaw") - midnight == 24 * HOUR


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        ("FREQ=DAILY;UNTIL=20261004", 4),
        ("FREQ=DAILY;UNTIL=20261003T235959Z", 3),
        ("FREQ=MONTHLY;BYDAY=1SA", 3),
        ("FREQ=WEEKLY;BYDAY=MO,WE;INTERVAL=2;COUNT=5", 5),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", 0),
    ],
)
def test_rules_end_where_they_say(rule, count):
    span = TimeRange(START, START + timedelta(days=90))
    assert len(occurrences(START, "1h", checked_rule(rule), "UTC", span)) == count


def test_a_count_is_counted_from_the_first_occurrence_not_from_the_period():
    late = TimeRange(START + 8 * DAY, START + 20 * DAY)
    assert len(occurrences(START, "1h", "FREQ=DAILY;COUNT=10", "UTC", late)) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "rule",
    ["", "FREQ=SECONDLY", "FREQ=MINUTELY", "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;COUNT=-1", "FREQ=DAILY;BYMONTHDAY=32",
     "FREQ=DAILY;COUNT=2;UNTIL=20270101", "FREQ=DAILY;UNTIL=soon", "FREQ=DAILY;BYDAY=XX", "DTSTART:20260101",
     "FREQ=DAILY\nRRULE:FREQ=DAILY", "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30;COUNT=5",
     "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"],
)  # fmt: skip
def test_a_rule_that_cannot_be_followed_is_refused(rule):
    with pytest.raises(ParameterError):
        checked_rule(rule)


@pytest.mark.slow
def test_too_many_windows_are_refused():
    with pytest.raises(ParameterError, match="more than 10,000"):
        occurrences(START, "1m", "FREQ=HOURLY", "UTC", TimeRange(START, START + timedelta(days=500)))
