"""One parser of periods, and the options of a command that name one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.cli.shared.period import PeriodOptions
from workbench.core.errors import ParameterError
from workbench.core.periods import calendar_name, parse_period
from workbench.core.timerange import TimeRange

NOW = datetime(2026, 11, 28, 20, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Sundays:
    zone: str = "UTC"
    week_start: str = "sunday"


def read(text: str, zone: str = "UTC", week_start: str = "monday") -> TimeRange:
    return parse_period(text, zone=zone, week_start=week_start, as_of=NOW)


def test_one_text_may_be_rolling_a_calendar_period_or_two_dates() -> None:
    assert read("30d") == TimeRange(NOW - timedelta(days=30), NOW)
    assert str(read("2026-Q3")) == "2026-07-01 00:00 to 2026-10-01 00:00 UTC"
    assert str(read("2026-11-01..2026-11-08", "Europe/Berlin")) == "2026-10-31 23:00 to 2026-11-07 23:00 UTC"


@pytest.mark.parametrize(("first", "begins"), [("monday", 16), ("sunday", 15), ("saturday", 21)])
def test_a_week_begins_on_the_day_of_the_settings(first: str, begins: int) -> None:
    assert read("last-week", week_start=first).start == datetime(2026, 11, begins, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["soon", "0d", "2026-13", "2026-11-08..2026-11-08", "2026-11-08..soon", "9" * 30 + "d"]
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ParameterError):
        read(text)


@given(
    st.sampled_from(["this", "last"]),
    st.sampled_from(["week", "month", "quarter", "year"]),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]),
    st.sampled_from(["monday", "sunday"]),
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    st.integers(0, 400),
)
def test_the_name_of_a_calendar_period_means_the_same_later(
    which: str, unit: str, zone: str, first: str, as_of: datetime, days: int
) -> None:
    text = f"{which}-{unit}"
    name = calendar_name(text, zone=zone, week_start=first, as_of=as_of)
    later = parse_period(name, zone=zone, week_start=first, as_of=as_of + timedelta(days=days))
    assert later == parse_period(text, zone=zone, week_start=first, as_of=as_of)


def test_a_rolling_period_has_no_calendar_name() -> None:
    with pytest.raises(ParameterError, match="not a calendar period"):
        calendar_name("30d", zone="UTC", week_start="monday", as_of=NOW)


def test_without_a_period_and_with_to_alone_each_objective_keeps_its_own_window() -> None:
    eighth = datetime(2026, 11, 8, tzinfo=UTC)
    assert PeriodOptions().own(NOW, Sundays()) == (None, NOW)
    assert PeriodOptions(until="2026-11-08").own(NOW, Sundays()) == (None, eighth)
    assert PeriodOptions(until="2027-01-01").own(NOW, Sundays()) == (None, NOW)


def test_to_moves_the_instant_of_a_period_and_not_its_ends() -> None:
    span, as_of = PeriodOptions(period="this-month", until="2026-11-08").own(NOW, Sundays())
    assert (str(span), as_of) == ("2026-11-01 00:00 to 2026-12-01 00:00 UTC", datetime(2026, 11, 8, tzinfo=UTC))
    over, end = PeriodOptions(period="2026-10").own(NOW, Sundays())
    assert over is not None
    assert end == over.end


def test_the_command_line_knows_on_which_day_weeks_begin() -> None:
    span, _ = PeriodOptions(period="this-week").read(NOW, Sundays(), default="30d")
    assert str(span) == "2026-11-22 00:00 to 2026-11-29 00:00 UTC"


@pytest.mark.parametrize(
    "options", [PeriodOptions(period="2026-10", last="1d"), PeriodOptions(last="1d", since="2026-10-01"),
                PeriodOptions(since="2026-10-01", until="2026-10-01")],
)  # fmt: skip
def test_options_that_contradict_each_other_are_refused(options: PeriodOptions) -> None:
    with pytest.raises(ParameterError):
        options.own(NOW, Sundays())


@pytest.mark.parametrize("text", ["2027-01", "2026-12-05..2026-12-06", "2027"])
def test_a_period_that_has_not_begun_is_refused_with_both_instants(text: str) -> None:
    with pytest.raises(ParameterError, match=r"has not begun: it starts .* up to 28 Nov 2026 20:05 UTC"):
        read(text)


def test_a_start_after_now_is_refused_too() -> None:
    options = PeriodOptions(since="2026-12-05", until="2026-12-06")
    with pytest.raises(ParameterError, match="has not begun"):
        options.read(NOW, Sundays(), default="30d")
