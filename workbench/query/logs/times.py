"""Times as log lines write them, in nanoseconds since the epoch; a time without a zone is UTC, and says so."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import lru_cache

from workbench.query.logs.dates import FIGURES, MERIDIEM, Order, in_24_hours, in_figures, with_iso_date

_ZONE = r"(?:UTC|GMT|CES?T|E[SD]T|M[SD]T|P[SD]T|WES?T|EES?T|MSK|JST|AE[SD]T|NZ[SD]T|KST|SGT|HKT)\b"
#: A mark of twelve hours is converted before a time is read; the forms let it pass so that the zone after it counts.
_MARK = f"(?:{MERIDIEM})?"
_ISO = re.compile(
    rf"(\d{{4}}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{{1,18}}))?{_MARK}"
    rf"\s*(Z|z|[+-]\d\d(?::?\d\d)?|{_ZONE})?"
)
_BASIC = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d(?::?\d\d)?)?")
_COMMON = re.compile(
    r"(\d{1,2})[/ -]([A-Z][a-z]{2})[/ -](\d{4})[: ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?"
    rf"{_MARK}\s*([+-]\d{{4}}|UTC\b|GMT\b)?"
)
_MAIL = re.compile(r"(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?:[+-]\d{4}|GMT|UTC)")
_SLASHED = re.compile(r"(\d{4})[/.](\d\d)[/.](\d\d)[ T](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?")
_CTIME = re.compile(
    r"(?:[A-Z][a-z]{2},? )?([A-Z][a-z]{2}) {1,2}(\d{1,2}) (?:(\d{4}) )?(\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?"
    rf"{_MARK}(?:(?: ({_ZONE}))? (\d{{4}})(?=\W|$))?"
)
_CLOCK = re.compile(r"(\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?")
_AMERICAN = re.compile(r"([A-Z][a-z]{2}) (\d\d?), (\d{4}),? (\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?")
_COMPACT = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_EXPONENT = re.compile(r"\d(?:\.\d{1,20})?[eE]\+?\d{1,2}")
_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES, start=1)}

_FORMS = (_ISO, _BASIC, _SLASHED, _MAIL, _COMMON, _AMERICAN, _CTIME, _CLOCK)

#: Hours to UTC of the zones that mean one thing wherever they are written.
_ZONES = {"WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "JST": 9, "KST": 9,
          "EST": -5, "EDT": -4, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
          "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13, "SGT": 8, "HKT": 8}  # fmt: skip

#: A time as a plain line may begin with it: ISO 8601, common log format, e-mail, Go and nginx, C and syslog, a clock.
STAMP = re.compile(
    rf"(?:(?:{'|'.join(form.pattern for form in _FORMS)}){_MARK}|{FIGURES}|"
    rf"(?:[\d/.-]{{6,10}},? )?\d{{1,2}}:\d\d(?::\d\d(?:[.,]\d{{1,9}})?)?{MERIDIEM})"
)

#: What nanoseconds in 64 bits can say: 1677 to 2262. [s since the epoch]
_YEARS_S = (-9_223_372_036, 9_223_372_036)

#: A smaller number is no epoch but a duration, a temperature or a counter in a field of that name: 1973. [s]
LEAST_EPOCH_S = 10**8

_DAY_NS = 86_400_000_000_000

#: Powers of ten between the units an epoch may be in: seconds, milliseconds, microseconds, nanoseconds.
_EPOCHS = ((10**11, 9), (10**14, 6), (10**17, 3), (10**20, 0))


def time_of(value: object, order: Order = "") -> tuple[int, bool] | None:
    """Read a time: nanoseconds since the epoch, and whether it was naive; None when it is none.

    Seven kinds are read: ISO 8601 (``T`` or a space, point or comma, any or no zone), an epoch in s, ms, µs or ns told
    by its size, the common log format, that of e-mail and HTTP, ``2024/01/15 10:30:45`` (nginx, Go),
    ``Mon Jan 15 10:30:45 2024`` (C, Apache), and ``25/11/2026 10:30:45`` where ``order`` or the figures say which is
    the day. All may have a clock of twelve hours. One without a year is read by :func:`partial_time`.

    Examples
    --------
    >>> time_of("2024-01-15T10:30:45.123Z"), time_of("2024-01-15 10:30:45,123")
    ((1705314645123000000, False), (1705314645123000000, True))
    >>> time_of(1705314645123), time_of("15/Jan/2024:10:30:45 +0000")
    ((1705314645123000000, False), (1705314645000000000, False))
    """
    if isinstance(value, bool) or value is None:
        return None
    text = value.strip() if isinstance(value, str) else repr(value) if isinstance(value, int | float) else ""
    text = (in_24_hours(text) or "") if "m" in text.lower() else text
    if match := _ISO.fullmatch(text):
        day, clock, part, zone = match.groups()
        return _moment(f"{day}T{clock}", part, zone)
    if match := _COMPACT.fullmatch(text):
        year, month, day, hour, minute, second = match.groups()
        return _moment(f"{year}-{month}-{day}T{hour}:{minute}:{second}", "", None)
    if _NUMBER.fullmatch(text):
        return _epoch(text)
    if match := _EXPONENT.fullmatch(text):
        return _epoch(f"{Decimal(text):f}")
    if match := _BASIC.fullmatch(text):
        year, month, day, hour, minute, second, part, zone = match.groups()
        return _moment(f"{year}-{month}-{day}T{hour}:{minute}:{second}", part, zone)
    if match := _AMERICAN.fullmatch(text):
        number = _MONTHS.get(match[1])
        return _moment(f"{match[3]}-{number:02}-{int(match[2]):02}T{match[4]}", match[5], None) if number else None
    if match := _COMMON.fullmatch(text):
        day, month, year, clock, part, zone = match.groups()
        number = _MONTHS.get(month)
        return _moment(f"{year}-{number:02}-{int(day):02}T{clock}", part, zone) if number else None
    if match := _SLASHED.fullmatch(text):
        year, month, day, clock, part = match.groups()
        return _moment(f"{year}-{month}-{day}T{clock}", part, None)
    if (match := _CTIME.fullmatch(text)) and (year := match[3] or match[7]):
        number = _MONTHS.get(match[1])
        return _moment(f"{year}-{number:02}-{int(match[2]):02}T{match[4]}", match[5], match[6]) if number else None
    if _MAIL.fullmatch(text):
        try:
            return int(parsedate_to_datetime(text).timestamp()) * 1_000_000_000, False
        except ValueError:
            return None
    return time_of(iso) if (iso := with_iso_date(text, order)) else None


def partial_time(value: object, *, beside_ns: int | None, written_ns: int | None) -> int | None:
    """Read a time without a year (syslog's ``Nov  7 10:00:00``) or without a day (``10:00:00``); None when it is none.

    Parameters
    ----------
    value : object
        The value to read; only text can be a time.
    beside_ns : int, optional
        Time of the last line that had a year: the year, or the day, nearest to it is taken. [ns]
    written_ns : int, optional
        When the file was written: without a line beside, the last such time up to a day after it is taken; a time
        without a day stays unknown then. [ns]

    Examples
    --------
    >>> new_year = time_of("2026-01-01T00:00:03Z")[0]
    >>> partial_time("Dec 31 23:59:58", beside_ns=new_year, written_ns=None) - new_year
    -5000000000
    >>> partial_time("23:59:58", beside_ns=new_year, written_ns=None) - new_year
    -5000000000
    """
    text = (in_24_hours(value.strip()) or "") if isinstance(value, str) else ""
    if (match := _CTIME.fullmatch(text)) and not (match[3] or match[7]):
        number, near_ns = _MONTHS.get(match[1]), beside_ns if beside_ns is not None else written_ns
        if number is None or near_ns is None:
            return None
        year = datetime.fromtimestamp(near_ns // 1_000_000_000, UTC).year
        days = [f"{each}-{number:02}-{int(match[2]):02}T{match[4]}" for each in (year - 1, year, year + 1)]
        times = [read[0] for day in days if (read := _moment(day, match[5], None)) is not None]
        if beside_ns is not None:
            return min(times, key=lambda ns: abs(ns - near_ns), default=None)
        return max((ns for ns in times if ns <= near_ns + _DAY_NS), default=None)
    if (match := _CLOCK.fullmatch(text)) and beside_ns is not None:
        today = datetime.fromtimestamp(beside_ns // 1_000_000_000, UTC).date().isoformat()
        read = _moment(f"{today}T{match[1]}", match[2], None)
        times = [] if read is None else [read[0] + days * _DAY_NS for days in (-1, 0, 1)]
        return min(times, key=lambda ns: abs(ns - beside_ns), default=None)
    return None


def is_time(text: str) -> bool:
    """Whether a text is a time, with or without a year or a day, and in whichever order its figures are."""
    partial = partial_time(text, beside_ns=0, written_ns=None)
    return time_of(text) is not None or partial is not None or in_figures(in_24_hours(text) or "")


def _moment(text: str, part: str | None, zone: str | None) -> tuple[int, bool] | None:
    seconds = _seconds(text, zone or "")
    if seconds is None or not _YEARS_S[0] < seconds < _YEARS_S[1]:
        return None
    return seconds * 1_000_000_000 + int(((part or "") + "0" * 9)[:9]), not zone


@lru_cache(maxsize=4096)
def _seconds(text: str, zone: str) -> int | None:
    offset = "+00:00" if zone.upper() in ("", "Z", "UTC", "GMT") else zone
    if zone in _ZONES:
        offset = f"{_ZONES[zone]:+03}:00"
    try:
        return int(datetime.fromisoformat(text + offset).astimezone(UTC).timestamp())
    except (ValueError, OverflowError):
        return None


#: No time since the epoch has more digits, and Python reads no number of 5,000. [count]
_LONGEST = 40


def _epoch(text: str) -> tuple[int, bool] | None:
    whole, _, part = text.partition(".")
    if len(whole) > _LONGEST or abs(int(whole)) < LEAST_EPOCH_S:
        return None
    for limit, power in _EPOCHS:
        if abs(int(whole)) < limit:
            fraction = int((part + "0" * power)[:power]) if part and power else 0
            if not _YEARS_S[0] < int(whole) // 10 ** (9 - power) < _YEARS_S[1]:
                return None
            return int(whole) * 10**power + (-fraction if whole.startswith("-") else fraction), False
    return None
