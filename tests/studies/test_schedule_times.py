from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.errors import ParameterError
from workbench.studies.schedule.entries import Destination, Entry, due_reports, last_due
from workbench.studies.schedule.when import read_when, working_day

BERLIN = ZoneInfo("Europe/Berlin")


def dues(text: str, zone: str, start: str, count: int, holidays: frozenset[date] = frozenset()) -> list[str]:
    when = read_when(text, zone=zone, holidays=holidays)
    return [f"{due:%Y-%m-%dT%H:%M}" for due in islice(when.after(datetime.fromisoformat(start)), count)]


def test_an_hour_that_the_clocks_leave_out_is_made_up_for_once() -> None:
    assert dues("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00+00:00", 3) == [
        "2026-03-28T01:30",
        "2026-03-29T01:00",
        "2026-03-30T00:30",
    ]


def test_an_hour_that_comes_twice_counts_once() -> None:
    assert dues("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00+00:00", 2) == ["2026-10-25T00:30", "2026-10-26T01:30"]


def test_every_hour_is_every_hour_also_when_the_clocks_change() -> None:
    hourly = dues("0 * * * *", "Europe/Berlin", "2026-10-24T22:30+00:00", 6)
    assert hourly == [f"2026-10-{25 if h >= 0 else 24}T{h % 24:02}:00" for h in (-1, 0, 1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("zone", "day", "hour"),
    [("Europe/Berlin", "2026-03-30", 8), ("America/New_York", "2026-11-02", 8), ("Asia/Kolkata", "2026-11-02", 8)],
)
def test_a_time_of_day_stays_what_it_is_over_a_change_of_clocks(zone: str, day: str, hour: int) -> None:
    when = read_when("0 8 * * *", zone=zone)
    start = datetime.fromisoformat(f"{day}T00:00").replace(tzinfo=ZoneInfo(zone))
    for due in islice(when.after(start - timedelta(days=4)), 8):
        assert due.astimezone(ZoneInfo(zone)).hour == hour


def test_the_third_working_day_skips_weekends_and_holidays() -> None:
    # 1 January 2027 is a Friday; 6 January is a holiday in parts of Germany.
    holidays = frozenset({date(2027, 1, 1), date(2027, 1, 6)})
    assert dues("3rd working day at 08:00", "Europe/Berlin", "2026-12-31T00:00+00:00", 2, holidays) == [
        "2027-01-07T07:00",
        "2027-02-03T07:00",
    ]


@given(st.integers(2000, 2100), st.integers(1, 12), st.integers(1, 23))
def test_a_working_day_has_as_many_before_it_as_its_number_says(year: int, month: int, number: int) -> None:
    day = working_day(year, month, number)
    weekdays = [d for d in range(1, 32) if _exists(year, month, d) and date(year, month, d).weekday() < 5]
    assert (day.day if day else None) == (weekdays[number - 1] if number <= len(weekdays) else None)


def _exists(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
    st.sampled_from(["30 2 * * *", "0 0 1 * *", "15 1-3 * * 0", "2nd working day at 02:30", "*/20 2 * * *"]),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
)
def test_dues_rise_and_do_not_depend_on_where_one_begins(naive: datetime, text: str, zone: str) -> None:
    when = read_when(text, zone=zone)
    start = naive.replace(tzinfo=UTC)
    first = list(islice(when.after(start), 4))
    assert all(a < b for a, b in zip([start, *first], first, strict=False))
    assert list(islice(when.after(first[0]), 3)) == first[1:]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("61 8 * * *", "is not cron text"),
        ("0 8 30 2 *", "is not cron text"),
        ("daily", "says no time"),
        ("24th working day", "No month has"),
        ("3rd working day at 25:00", "no time of day"),
    ],
)
def test_a_time_that_cannot_be_is_refused(text: str, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        read_when(text, zone="UTC")


def entry(when: str, period: str, *, catch_up: timedelta = timedelta(days=35)) -> Entry:
    return Entry(
        "weekly", "monthly", ("lab",), read_when(when, zone="UTC"), period, timedelta(hours=6), catch_up, ("html",),
        (Destination("mail"),),
    )  # fmt: skip


def reports(item: Entry, start: str, end: str) -> list[tuple[str, str, bool]]:
    span = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (start, end)]
    return [
        (f"{each.due:%m-%d}", each.period, each.missed)
        for each in due_reports(item, after=span[0], until=span[1], systems=("lab",), zone="UTC", week_start="monday")
    ]


def test_missed_runs_over_several_periods_are_all_made_up_for() -> None:
    assert reports(entry("0 8 1 * *", "last-month"), "2026-08-15", "2026-11-02") == [
        ("09-01", "2026-08", True),
        ("10-01", "2026-09", False),
        ("11-01", "2026-10", False),
    ]


def test_missed_runs_over_one_period_are_made_up_for_once() -> None:
    assert reports(entry("0 8 * * *", "last-month"), "2026-11-01T09:00", "2026-11-05T09:00") == [
        ("11-05", "2026-10", False)
    ]


def test_whole_days_before_the_due_day_are_a_period() -> None:
    assert reports(entry("0 8 * * 1", "7d"), "2026-11-02T09:00", "2026-11-09T09:00") == [("11-09", "2026-W45", False)]


def test_the_newest_due_instant_is_known_to_commands_that_cron_starts() -> None:
    now = datetime(2026, 11, 5, 12, tzinfo=UTC)
    assert last_due(entry("0 8 * * *", "last-month"), now=now) == datetime(2026, 11, 5, 8, tzinfo=UTC)
    short = entry("0 8 1 * *", "last-month", catch_up=timedelta(days=1))
    assert last_due(short, now=now) is None
