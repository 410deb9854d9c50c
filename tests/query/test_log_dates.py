"""Dates in figures are read in the one way they can mean, or not at all; clocks of twelve hours are read right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.query.test_logfile_lines import EVER, read, write
from workbench.core.timerange import parse_instant, to_ms
from workbench.query.logs.dates import Order
from workbench.query.logs.lines import parsed_line
from workbench.query.logs.rows import LogRows
from workbench.query.logs.shape import LogShape

INSTANTS = st.datetimes(datetime(2001, 1, 1), datetime(2060, 1, 1)).map(lambda at: at.replace(microsecond=0))
ORDERS = {"day-first": "%d{0}%m{0}%Y", "month-first": "%m{0}%d{0}%Y"}


def read_ns(line: str, dates: Order = "") -> int | None:
    rows = LogRows(LogShape(dates=dates), written_ns=to_ms(parse_instant("2026-11-20")) * 10**6)
    rows.add(parsed_line(line).record)
    return None if rows.undated else rows.last_ns()


def ns_of(at: datetime) -> int:
    return to_ms(at.replace(tzinfo=UTC)) * 10**6


@settings(max_examples=150, deadline=None)
@given(INSTANTS, st.sampled_from(list(ORDERS)), st.sampled_from("/-"), st.booleans(), st.booleans())
def test_a_date_in_figures_is_right_or_unknown(at, order, sign, twelve, stated) -> None:
    clock = "%I:%M:%S %p" if twelve else "%H:%M:%S"
    for form in ("{} ERROR lost", '{{"time": "{}", "level": "error", "msg": "lost"}}'):
        line = form.format(at.strftime(f"{ORDERS[order].format(sign)} {clock}"))
        got = read_ns(line, order if stated else "")
        unambiguous = stated or at.day > 12 or at.day == at.month
        assert got == (ns_of(at) if unambiguous else None)


FORMS = (
    "%Y-%m-%d %I:%M:%S %p ERROR lost", "%Y-%m-%d %I:%M:%S%p ERROR lost", "%Y/%m/%d %I:%M:%S %p ERROR lost",
    "%b %d, %Y %I:%M:%S %p ERROR lost", "%b %d, %Y, %I:%M:%S %p ERROR lost", "%d-%b-%Y %I:%M:%S %p ERROR lost",
    "%d %b %Y %I:%M:%S %p ERROR lost", "[%Y-%m-%d %I:%M:%S a.m.] ERROR lost", "%a %b %d %I:%M:%S %p %Y ERROR lost",
    'time="%Y-%m-%d %I:%M:%S %p" level=error msg=lost', "%d.%m.%Y %H:%M:%S ERROR lost", "%d.%m.%Y, %I:%M:%S %p lost",
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(INSTANTS, st.sampled_from(FORMS))
def test_a_clock_of_twelve_hours_is_read_with_its_half_of_the_day(at, form) -> None:
    if "a.m." in form:
        at -= timedelta(hours=at.hour // 12 * 12)
    assert read_ns(at.strftime(form)) == ns_of(at)


@pytest.mark.parametrize(
    "line", ["2026-11-07 13:00:00 PM ERROR lost", "2026-11-07 00:30:00 AM lost", "31/31/2026 10:00:00 lost",
             "07/11/26 10:00:00 lost", '{"time": 99991231235959000, "level": "error"}']
)  # fmt: skip
def test_what_is_no_time_is_none(line) -> None:
    assert read_ns(line) is None


@pytest.mark.parametrize(("zone", "hours"), [("AEST", -10), ("EST", 5), ("UTC", 0)])
def test_a_zone_by_its_letters_counts(zone, hours) -> None:
    noon = datetime(2026, 11, 7, 12)
    for form in (
        f"%Y-%m-%d %H:%M:%S {zone} ERROR lost",
        f"%Y-%m-%d %I:%M:%S %p {zone} lost",
        f"%a %b %d %H:%M:%S {zone} %Y ERROR lost",
    ):
        assert read_ns(noon.strftime(form)) == ns_of(noon + timedelta(hours=hours))


def test_a_syslog_clock_of_twelve_hours_is_no_host() -> None:
    record = parsed_line("Nov 07 10:00:00 PM web app: ERROR lost").record
    assert "host" not in record
    assert read_ns("Nov 07 10:00:00 PM web app: ERROR lost") == ns_of(datetime(2026, 11, 7, 22))


def test_one_line_of_a_file_tells_how_the_others_are_written(tmp_path: Path) -> None:
    lines = ["07/11/2026 10:00:00 ERROR a", "08/11/2026 10:00:00 INFO b"]
    frame, coverage = read(write(tmp_path / "told.log", "\n".join([*lines, "25/11/2026 10:00:00 INFO c"])), span=EVER)
    assert [f"{time:%d %b}" for time in frame["time_ns"].map(lambda ns: datetime.fromtimestamp(ns / 1e9, UTC))] == [
        "07 Nov", "08 Nov", "25 Nov",
    ]  # fmt: skip
    assert coverage["unordered"] == 0


def test_a_file_that_does_not_tell_is_not_guessed(tmp_path: Path) -> None:
    path = write(tmp_path / "open.log", "07/11/2026 10:00:00 ERROR a\n08/11/2026 10:00:00 INFO b\n")
    frame, coverage = read(path, span=EVER)
    assert (len(frame), coverage["unordered"]) == (0, 2)
    frame, coverage = read(path, shape=LogShape(dates="month-first"), span=EVER)
    assert [datetime.fromtimestamp(ns / 1e9, UTC).month for ns in frame["time_ns"]] == [7, 8]
