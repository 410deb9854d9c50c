"""Weeks, quarters and years of a zone; the boundary cases of others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.errors import ParameterError
from workbench.core.timerange import calendar_range, is_calendar

NOW = datetime(2026, 11, 4, 12, tzinfo=UTC)  # a Wednesday


@pytest.mark.parametrize(("text", "start", "end"), [
    ("this-week", "2026-11-02", "2026-11-09"), ("last-week", "2026-10-26", "2026-11-02"),
    ("this-quarter", "2026-10-01", "2027-01-01"), ("last-quarter", "2026-07-01", "2026-10-01"),
    ("this-year", "2026-01-01", "2027-01-01"), ("last-year", "2025-01-01", "2026-01-01"),
    ("2026-W01", "2025-12-29", "2026-01-05"), ("2026-W53", "2026-12-28", "2027-01-04"),
    ("2024-Q1", "2024-01-01", "2024-04-01"), ("2024", "2024-01-01", "2025-01-01"),
    ("2024-02", "2024-02-01", "2024-03-01"),
])  # fmt: skip
def test_periods_in_utc(text: str, start: str, end: str) -> None:
    span = calendar_range(text, zone="UTC", now=NOW)
    assert (f"{span.start:%Y-%m-%d %H:%M}", f"{span.end:%Y-%m-%d %H:%M}") == (f"{start} 00:00", f"{end} 00:00")


@pytest.mark.parametrize(
    ("moment", "period", "first", "last"),
    [
        ("2025-11-19T15:45:30", "week", "2025-11-17", "2025-11-23"),
        ("2025-11-17T10:00", "week", "2025-11-17", "2025-11-23"),
        ("2025-11-23T23:59:59", "week", "2025-11-17", "2025-11-23"),
        ("2025-11-19T15:45:30", "month", "2025-11-01", "2025-11-30"),
        ("2025-11-01T10:00", "month", "2025-11-01", "2025-11-30"),
        ("2025-11-30T23:59:59", "month", "2025-11-01", "2025-11-30"),
        ("2025-12-19T15:45:30", "month", "2025-12-01", "2025-12-31"),
        ("2025-02-15T12:00", "month", "2025-02-01", "2025-02-28"),
        ("2024-02-15T12:00", "month", "2024-02-01", "2024-02-29"),
        ("2025-02-19T15:45:30", "quarter", "2025-01-01", "2025-03-31"),
        ("2025-05-10T10:00", "quarter", "2025-04-01", "2025-06-30"),
        ("2025-08-25T23:59:59", "quarter", "2025-07-01", "2025-09-30"),
        ("2025-11-05T12:00", "quarter", "2025-10-01", "2025-12-31"),
        ("2025-01-01T00:00", "quarter", "2025-01-01", "2025-03-31"),
        ("2025-03-31T00:00", "quarter", "2025-01-01", "2025-03-31"),
        ("2025-12-31T23:59:59", "quarter", "2025-10-01", "2025-12-31"),
        ("2024-02-29T12:00", "quarter", "2024-01-01", "2024-03-31"),
        ("2025-11-19T15:45:30", "year", "2025-01-01", "2025-12-31"),
        ("2025-01-01T10:00", "year", "2025-01-01", "2025-12-31"),
        ("2025-12-31T23:59:59", "year", "2025-01-01", "2025-12-31"),
        ("2024-02-15T12:00", "year", "2024-01-01", "2024-12-31"),
    ],
)
def test_boundaries_of_sloth(moment: str, period: str, first: str, last: str) -> None:
    """slok/sloth, pkg/common/utils/time/time_utils_test.go; its last nanosecond is our end, which is not part of it."""
    now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    span = calendar_range(f"this-{period}", zone="UTC", now=now)
    assert span.start == datetime.fromisoformat(first).replace(tzinfo=UTC)
    assert span.end == datetime.fromisoformat(last).replace(tzinfo=UTC) + timedelta(days=1)


@pytest.mark.parametrize(("first", "start"), [
    ("monday", "2026-11-02"), ("sunday", "2026-11-01"), ("saturday", "2026-10-31"), ("wednesday", "2026-11-04"),
])  # fmt: skip
def test_a_week_begins_where_it_is_told_to(first: str, start: str) -> None:
    span = calendar_range("this-week", zone="UTC", now=NOW, week_start=first)
    assert f"{span.start:%Y-%m-%d}" == start
    assert span.seconds == 7 * 86_400


@pytest.mark.parametrize(("zone", "text", "hours"), [
    ("Europe/Warsaw", "2026-W13", 167), ("Europe/Warsaw", "2026-W43", 169), ("America/New_York", "2026-Q1", 2159),
    ("America/New_York", "2026-Q4", 2209), ("Europe/Warsaw", "2024", 8784), ("UTC", "2026-Q1", 2160),
])  # fmt: skip
def test_daylight_saving_changes_the_length(zone: str, text: str, hours: int) -> None:
    assert calendar_range(text, zone=zone, now=NOW).seconds == hours * 3600


@given(st.datetimes(datetime(1999, 1, 1), datetime(2060, 1, 1)), st.sampled_from(["week", "month", "quarter", "year"]),
       st.sampled_from(["UTC", "Europe/Warsaw", "America/New_York", "Asia/Kolkata"]))  # fmt: skip
def test_this_holds_now_and_last_ends_where_it_begins(moment: datetime, unit: str, zone: str) -> None:
    now = moment.replace(tzinfo=UTC)
    this, last = (calendar_range(f"{which}-{unit}", zone=zone, now=now) for which in ("this", "last"))
    assert this.start <= now < this.end
    assert last.end == this.start
    assert this.end - this.start >= timedelta(days=6)


@pytest.mark.parametrize("text", ["2026-W54", "2026-W00", "2026-Q5", "2026-13", "next-week", "26", "this-day", ""])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ParameterError):
        calendar_range(text, zone="UTC", now=NOW)


def test_a_duration_is_no_calendar_period() -> None:
    assert not is_calendar("30d")
