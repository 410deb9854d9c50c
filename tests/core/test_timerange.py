"""Ranges, durations and calendar months."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.errors import ParameterError
from workbench.core.timerange import (
    TimeRange,
    calendar_month,
    calendar_range,
    duration_ms,
    duration_text,
    from_ms,
    months,
    parse_instant,
    to_ms,
)

instants = st.integers(0, 4_102_444_800_000)


@given(st.integers(0, 10**12))
def test_a_duration_survives_being_written_and_read(ms):
    assert duration_ms(duration_text(ms)) == ms


@pytest.mark.parametrize("text", ["", "5", "m5", "5 m", "5M", "-5m", "1.5h"])
def test_what_is_not_a_duration_is_refused(text):
    with pytest.raises(ParameterError, match="is not a duration"):
        duration_ms(text)


@given(instants)
def test_milliseconds_and_instants_are_the_same_thing(ms):
    assert to_ms(from_ms(ms)) == ms


@given(instants, st.integers(0, 10**9))
def test_a_range_counts_its_edges_from_start_to_end(start, length):
    edges = TimeRange.from_ms(start, start + length).edges_ms(300_000)
    assert edges[0] == start
    assert start + length - 300_000 < edges[-1] <= start + length


@pytest.mark.parametrize(
    ("year", "month", "zone", "hours"),
    [
        (2025, 3, "America/New_York", 743),
        (2025, 11, "America/New_York", 721),
        (2025, 3, "Europe/Warsaw", 743),
        (2025, 10, "Europe/Warsaw", 745),
        (2024, 2, "UTC", 696),
    ],
)
def test_daylight_saving_changes_the_length_of_a_month(year, month, zone, hours):
    assert calendar_month(year, month, zone).seconds / 3600 == hours


def test_months_follow_each_other_without_gap_or_overlap():
    span = TimeRange(datetime(2025, 1, 15, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
    found = list(months(span, "Europe/Berlin"))
    assert len(found) == 14
    assert all(a.end == b.start for a, b in itertools.pairwise(found))


def test_last_month_is_the_month_before_now_in_the_zone():
    now = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    assert calendar_range("last-month", zone="UTC", now=now) == calendar_month(2026, 9, "UTC")
    assert calendar_range("last-month", zone="Europe/Berlin", now=now) == calendar_month(2026, 10, "Europe/Berlin")
    assert calendar_range("2026-02", zone="UTC", now=now) == calendar_month(2026, 2, "UTC")
    with pytest.raises(ParameterError, match="There is no month 13"):
        calendar_range("2026-13", zone="UTC", now=now)


def test_naive_times_and_reversed_ranges_are_refused():
    with pytest.raises(ParameterError, match="no time zone"):
        TimeRange(datetime(2026, 1, 1), datetime(2026, 1, 2))
    late = datetime(2026, 1, 2, tzinfo=UTC)
    with pytest.raises(ParameterError, match="before it starts"):
        TimeRange(late, late - timedelta(days=1))


def test_a_date_without_offset_is_read_in_the_zone():
    assert parse_instant("2026-07-01", zone="Europe/Berlin") == datetime(2026, 6, 30, 22, tzinfo=UTC)
    with pytest.raises(ParameterError, match="not a date"):
        parse_instant("yesterday")


def test_a_range_has_one_meaning_and_slices_count_one_millisecond_later() -> None:
    first, second = TimeRange.from_ms(0, 300_000), TimeRange.from_ms(300_000, 600_000)
    assert (first.last_ms, second.start_ms) == (299_999, 300_000)
    assert (first.left_open().start_ms, first.left_open().last_ms) == (1, 300_000)
    assert first.left_open().end == second.left_open().start
