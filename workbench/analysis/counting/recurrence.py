"""Occurrences of a window that repeats by an iCalendar rule, on the wall clock of a zone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from dateutil.rrule import rrulestr

from workbench.core.errors import ParameterError
from workbench.core.timerange import TimeRange, duration_ms, named_zone

#: Occurrences that one window may have in a period that is asked about.
MOST = 10_000

#: Parts of a rule that are read (RFC 5545, 3.3.10), and how often it may repeat at most.
_PARTS = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYDAY",
                    "BYHOUR", "BYMINUTE", "BYSETPOS", "WKST"})  # fmt: skip
#: Parts that are whole numbers from 1, and the largest of those that also count from the end (0: none does).
_WHOLE = {"INTERVAL": 0, "COUNT": 0, "BYMONTHDAY": 31, "BYYEARDAY": 366, "BYWEEKNO": 53, "BYSETPOS": 366}
_DAY_PARTS = ("BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYDAY")
_FREQUENCIES = ("HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY")

_DAYS = {"d": 1, "w": 7}
_PART = re.compile(r"(\d+)(ms|[smhdwy])")


def later(start: datetime, duration: str, zone: str) -> datetime:
    """Return the end of a window: days and weeks pass on the wall clock of the zone, hours and less exactly.

    Parameters
    ----------
    start : datetime
        Aware instant.
    duration : str
        E.g. ``2h``, ``1d``, ``1d12h``. [time]
    zone : str
        IANA zone.

    Raises
    ------
    ParameterError
        Not a duration, or an empty one.

    Examples
    --------
    >>> begins = datetime(2025, 10, 25, 22, tzinfo=UTC)  # midnight in Warsaw, of the day that has 25 hours
    >>> str(later(begins, "1d", "Europe/Warsaw") - begins), str(later(begins, "24h", "Europe/Warsaw") - begins)
    ('1 day, 1:00:00', '1 day, 0:00:00')
    """
    if duration_ms(duration) == 0:
        raise ParameterError(f"The duration {duration!r} is empty.", hint="Write e.g. 2h.")
    parts = _PART.findall(duration.strip())
    days = sum(int(number) * _DAYS[unit] for number, unit in parts if unit in _DAYS)
    rest_ms = sum(duration_ms(number + unit) for number, unit in parts if unit not in _DAYS)
    tz = named_zone(zone)
    wall = start.astimezone(tz)
    if days:
        wall = (wall.replace(tzinfo=None) + timedelta(days=days)).replace(tzinfo=tz)
    return wall.astimezone(UTC) + timedelta(milliseconds=rest_ms)


def checked_rule(text: str) -> str:
    """Return a recurrence rule in its plain form, or say what is wrong with it.

    Raises
    ------
    ParameterError
        Not an RRULE, a part that is not known, one that repeats more often than hourly, or one that never comes true.

    Examples
    --------
    >>> checked_rule("rrule:freq=weekly;byday=SU")
    'FREQ=WEEKLY;BYDAY=SU'
    """
    cleaned = text.strip().upper().removeprefix("RRULE:")
    parts = dict(part.partition("=")[::2] for part in cleaned.split(";"))
    hint = "Write one RRULE of RFC 5545, e.g. FREQ=WEEKLY;BYDAY=SU or FREQ=MONTHLY;BYDAY=1SA;COUNT=12."
    if unknown := [name for name in parts if name not in _PARTS]:
        raise ParameterError(f"The rule {text!r} has the unknown part {unknown[0]!r}.", hint=hint)
    if parts.get("FREQ") not in _FREQUENCIES:
        raise ParameterError(f"The rule {text!r} repeats by none of {', '.join(_FREQUENCIES)}.", hint=hint)
    if "COUNT" in parts and "UNTIL" in parts:
        raise ParameterError(f"The rule {text!r} has both COUNT and UNTIL.", hint="Keep one of them.")
    for name, most in _WHOLE.items():
        for number in parts.get(name, "1").split(",") if most else (parts.get(name, "1"),):
            if not re.fullmatch(r"-?[1-9]\d{0,8}" if most else r"[1-9]\d{0,8}", number) or 0 < most < abs(int(number)):
                raise ParameterError(f"The rule {text!r} has {name}={parts[name]}, which never comes.", hint=hint)
    try:
        _walls(cleaned, datetime(2000, 1, 1), datetime(2000, 1, 2), "UTC")
    except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
        raise ParameterError(f"The rule {text!r} cannot be read: {error}.", hint=hint) from None
    if not _has_a_day(parts):
        raise ParameterError(f"The rule {text!r} never comes true: no day is like that.", hint=hint)
    return cleaned


def _has_a_day(parts: Mapping[str, str]) -> bool:
    """Whether any day passes the day parts of a rule; looked for by years, as a search by hours takes minutes."""
    days = {name: re.sub(r"[+-]?\d+(?=[A-Z])", "", parts[name]) for name in _DAY_PARTS if name in parts}
    yearly: Any = rrulestr(";".join(["FREQ=YEARLY", *(f"{name}={value}" for name, value in days.items())]),
                           dtstart=datetime(2000, 1, 1))  # fmt: skip
    return next(iter(yearly), None) is not None


def occurrences(start: datetime, duration: str, rule: str, zone: str, span: TimeRange) -> list[TimeRange]:
    """Return the occurrences of a repeating window that overlap a range, oldest first.

    Parameters
    ----------
    start : datetime
        Aware instant at which the first occurrence may begin.
    duration : str
        Length of each, as for :func:`later`. [time]
    rule : str
        As :func:`checked_rule` returns it.
    zone : str
        IANA zone whose wall clock the rule follows.
    span : TimeRange
        Range that the occurrences overlap.

    Raises
    ------
    ParameterError
        More than :data:`MOST` occurrences.

    Notes
    -----
    The rule is followed on the wall clock and each occurrence then put into the zone, so Sunday 02:00 stays Sunday
    02:00 over a change to summer time. A time that the change leaves out is read with the offset before it, one that
    comes twice is the first (RFC 5545, 3.3.5).

    Examples
    --------
    >>> first = datetime(2026, 3, 22, 1, tzinfo=UTC)  # Sunday 02:00 in Berlin
    >>> march = TimeRange(first, datetime(2026, 4, 6, tzinfo=UTC))
    >>> [f"{one.start:%d %H:%M}" for one in occurrences(first, "2h", "FREQ=WEEKLY", "Europe/Berlin", march)]
    ['22 01:00', '29 01:00', '05 00:00']
    """
    tz = named_zone(zone)
    first = start.astimezone(tz).replace(tzinfo=None)
    last = span.end.astimezone(tz).replace(tzinfo=None) + timedelta(days=1)  # a wall clock may be set back
    windows: list[TimeRange] = []
    for wall in _walls(rule, first, last, zone):
        begins = wall.replace(tzinfo=tz).astimezone(UTC)
        if begins < span.end and (ends := later(begins, duration, zone)) > span.start:
            windows.append(TimeRange(begins, ends))
        if len(windows) > MOST:
            raise ParameterError(
                f"{rule} gives more than {MOST:,} windows in {span}.", hint="Ask about a shorter period."
            )
    return sorted(windows)


def _walls(rule: str, first: datetime, last: datetime, zone: str) -> Iterator[datetime]:
    """Occurrences up to ``last``, which ends rules without an end."""
    parts = dict(part.split("=") for part in rule.split(";"))
    count, until = parts.pop("COUNT", None), parts.pop("UNTIL", None)
    if until is not None:
        last = min(last, _until(until, zone))
    endless: Any = rrulestr(";".join(f"{name}={value}" for name, value in parts.items()), dtstart=first)
    return islice(endless.replace(until=last), int(count) if count else None)


def _until(text: str, zone: str) -> datetime:
    """Last instant of a rule on the wall clock: an instant in UTC, a local one, or a whole day."""
    if text.endswith("Z"):
        instant = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return instant.astimezone(named_zone(zone)).replace(tzinfo=None)
    if "T" in text:
        return datetime.strptime(text, "%Y%m%dT%H%M%S")
    return datetime.strptime(text, "%Y%m%d") + timedelta(hours=23, minutes=59, seconds=59)
