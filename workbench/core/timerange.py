"""Ranges of time: aware UTC inside, half-open ``[start, end)``, a named zone only where a calendar is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from workbench.core.errors import ParameterError

#: Lengths of time. [ms]
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000

#: Length of the slices in which events are counted. [ms]
SLICE_MS = 300_000

_UNITS_MS = {"ms": 1, "s": 1_000, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": 7 * DAY_MS, "y": 365 * DAY_MS}
_DURATION = re.compile(r"(?:\d+(?:ms|[smhdwy]))+")
_CALENDAR = re.compile(
    r"(?P<which>this|last)-(?P<unit>week|month|quarter|year)"
    r"|(?P<year>[1-9]\d{3})(?:-(?:w(?P<week>\d{2})|q(?P<quarter>[1-4])|(?P<month>\d{2})))?"
)
_PART = re.compile(r"(\d+)(ms|[smhdwy])")


#: Days a week may begin with, as in :meth:`datetime.date.weekday`.
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)


def duration_ms(text: str) -> int:
    """Parse a duration as Prometheus writes it (``90d``, ``1h30m``, ``250ms``). [ms]

    Raises
    ------
    ParameterError
        The text is not a duration.

    Examples
    --------
    >>> duration_ms("1h30m")
    5400000
    """
    cleaned = text.strip()
    if not _DURATION.fullmatch(cleaned):
        raise ParameterError(
            f"{text!r} is not a duration.", hint="Write a number and a unit, e.g. 30d, 12h, 5m, 1h30m, 250ms."
        )
    return sum(int(number) * _UNITS_MS[unit] for number, unit in _PART.findall(cleaned))


def duration_text(ms: int) -> str:
    """Write a duration the way :func:`duration_ms` reads it, largest units first.

    Examples
    --------
    >>> duration_text(5_400_000), duration_text(0)
    ('1h30m', '0s')
    """
    if ms == 0:
        return "0s"
    parts, rest = [], abs(ms)
    for unit in ("d", "h", "m", "s", "ms"):
        count, rest = divmod(rest, _UNITS_MS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return ("-" if ms < 0 else "") + "".join(parts)


def parse_instant(text: str, *, zone: str = "UTC") -> datetime:
    """Read an ISO 8601 date or instant; without an offset it is in ``zone``. The result is aware UTC.

    Examples
    --------
    >>> parse_instant("2026-11-01").isoformat()
    '2026-11-01T00:00:00+00:00'
    """
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ParameterError(
            f"{text!r} is not a date or an instant.", hint="Write ISO 8601, e.g. 2026-11-01 or 2026-11-01T09:30:00Z."
        ) from None
    return (instant if instant.tzinfo else instant.replace(tzinfo=named_zone(zone))).astimezone(UTC)


def named_zone(name: str) -> ZoneInfo:
    """Return the IANA zone, or raise :class:`ParameterError` with the name in it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ParameterError(f"No time zone {name!r}.", hint="Use an IANA name such as Europe/Berlin or UTC.") from None


def to_ms(instant: datetime) -> int:
    """Milliseconds since the epoch of an aware instant. [ms]"""
    if instant.tzinfo is None:
        raise ParameterError(f"{instant.isoformat()} has no time zone.", hint="Pass an aware datetime, e.g. tz=UTC.")
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def from_ms(ms: int) -> datetime:
    """Aware UTC instant of milliseconds since the epoch."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(ms))


@dataclass(frozen=True, order=True)
class TimeRange:
    """``[start, end)`` in aware UTC, everywhere; hashable, so it can be part of a cache key.

    Protocols of servers that mean ``(start, end]`` or ``[start, end]`` are spoken to by :attr:`last_ms`, and counters
    are read over :meth:`left_open`; nobody else adds or takes a millisecond.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            instant = getattr(self, name)
            if instant.tzinfo is None:
                raise ParameterError(
                    f"The {name} {instant.isoformat()} has no time zone.", hint="Pass an aware datetime."
                )
            object.__setattr__(self, name, instant.astimezone(UTC))
        if self.end < self.start:
            raise ParameterError(
                f"The range ends ({self.end.isoformat()}) before it starts ({self.start.isoformat()}).",
                hint="Swap the two instants.",
            )

    @classmethod
    def from_ms(cls, start_ms: int, end_ms: int) -> TimeRange:
        """Build a range from milliseconds since the epoch."""
        return cls(from_ms(start_ms), from_ms(end_ms))

    @classmethod
    def last(cls, duration: str, *, until: datetime) -> TimeRange:
        """Return the range of ``duration`` (``30d``) that ends at ``until``."""
        return cls(until - timedelta(milliseconds=duration_ms(duration)), until)

    @cached_property
    def start_ms(self) -> int:
        """Start. [ms since the epoch]"""
        return to_ms(self.start)

    @cached_property
    def end_ms(self) -> int:
        """End, not part of the range. [ms since the epoch]"""
        return to_ms(self.end)

    @property
    def last_ms(self) -> int:
        """Last millisecond of the range, for protocols that name it. [ms since the epoch]"""
        return self.end_ms - 1

    def left_open(self) -> TimeRange:
        """Return the range of the samples that count for this one: after its start, up to and with its end.

        A slice from t to t + d holds the samples in ``(t, t + d]``; as times are whole milliseconds, that is the range
        one millisecond later.

        Examples
        --------
        >>> counted = TimeRange.from_ms(0, 60_000).left_open()
        >>> counted.start_ms, counted.last_ms
        (1, 60000)
        """
        return TimeRange.from_ms(self.start_ms + 1, self.end_ms + 1)

    @property
    def seconds(self) -> float:
        """Length. [s]"""
        return (self.end - self.start).total_seconds()

    def aligned(self, step_ms: int) -> TimeRange:
        """Both ends moved down to multiples of ``step_ms``, so equal questions get equal answers."""
        return TimeRange.from_ms(self.start_ms - self.start_ms % step_ms, self.end_ms - self.end_ms % step_ms)

    def edges_ms(self, step_ms: int) -> range:
        """Slice edges from start to end, the last one at most at the end. [ms]"""
        return range(self.start_ms, self.end_ms + 1, step_ms)

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M} UTC"


def calendar_month(year: int, month: int, zone: str) -> TimeRange:
    """Return the calendar month in a named zone; daylight saving changes its length.

    Examples
    --------
    >>> calendar_month(2025, 3, "America/New_York").seconds / 3600
    743.0
    """
    if not 1 <= month <= 12:
        raise ParameterError(f"There is no month {month}.", hint="Months are 1 to 12.")
    tz = named_zone(zone)
    start = datetime(year, month, 1, tzinfo=tz)
    end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=tz)
    return TimeRange(start.astimezone(UTC), end.astimezone(UTC))


def calendar_range(text: str, *, zone: str, now: datetime, week_start: str = "monday") -> TimeRange:
    """Read a calendar period in a named zone: a week, month, quarter or year.

    Parameters
    ----------
    text : str
        ``this-week``, ``last-month``, ``this-quarter``, ``last-year``; ``2026-W44`` (ISO 8601, from Monday),
        ``2026-10``, ``2026-Q3``, ``2026``.
    zone : str
        IANA name; daylight saving changes the length of a period.
    now : datetime
        Aware instant that ``this-`` and ``last-`` relate to.
    week_start : str
        First day of ``this-week`` and ``last-week``.

    Raises
    ------
    ParameterError
        The text is no such period.

    Examples
    --------
    >>> str(calendar_range("2026-Q1", zone="Europe/Berlin", now=datetime(2026, 5, 1, tzinfo=UTC)))
    '2025-12-31 23:00 to 2026-03-31 22:00 UTC'
    >>> sunday = calendar_range("this-week", zone="UTC", now=datetime(2026, 11, 4, tzinfo=UTC), week_start="sunday")
    >>> str(sunday)
    '2026-11-01 00:00 to 2026-11-08 00:00 UTC'
    """
    cleaned = text.strip().lower()
    match = _CALENDAR.fullmatch(cleaned)
    if not match or week_start not in WEEKDAYS:
        raise ParameterError(
            f"{text!r} is not a calendar period.",
            hint="Write e.g. 2026-10, this-month, last-week, 2026-W44, last-quarter, 2026-Q3 or 2026.",
        )
    today = now.astimezone(named_zone(zone)).date()
    if match["which"]:
        back = 1 if match["which"] == "last" else 0
        if match["unit"] == "week":
            since = (today.weekday() - WEEKDAYS.index(week_start)) % 7
            first = today - timedelta(days=since + 7 * back)
            return _days(first, first + timedelta(days=7), zone)
        length = {"month": 1, "quarter": 3, "year": 12}[match["unit"]]
        number = (today.year * 12 + today.month - 1) // length - back
        return _months(number * length, length, zone)
    year = int(match["year"])
    if match["week"]:
        try:
            first = date.fromisocalendar(year, int(match["week"]), 1)
        except ValueError:
            raise ParameterError(f"{year} has no week {match['week']}.", hint="Weeks are 1 to 52 or 53.") from None
        return _days(first, first + timedelta(days=7), zone)
    if match["quarter"]:
        return _months(year * 12 + 3 * (int(match["quarter"]) - 1), 3, zone)
    return calendar_month(year, int(match["month"]), zone) if match["month"] else _months(year * 12, 12, zone)


def is_calendar(text: str) -> bool:
    """Whether a text is written as a calendar period; ``2026-13`` is, though there is no such month."""
    return _CALENDAR.fullmatch(text.strip().lower()) is not None


def _months(first: int, length: int, zone: str) -> TimeRange:
    edges = [date(place // 12, place % 12 + 1, 1) for place in (first, first + length)]
    return _days(edges[0], edges[1], zone)


def _days(first: date, end: date, zone: str) -> TimeRange:
    tz = named_zone(zone)
    edges = [datetime(day.year, day.month, day.day, tzinfo=tz).astimezone(UTC) for day in (first, end)]
    return TimeRange(edges[0], edges[1])


def months(span: TimeRange, zone: str) -> Iterator[TimeRange]:
    """Yield the calendar months in ``zone`` that overlap the range, oldest first."""
    local = span.start.astimezone(named_zone(zone))
    year, month = local.year, local.month
    while (month_range := calendar_month(year, month, zone)).start < span.end:
        yield month_range
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
