"""Times as log lines write them, in nanoseconds since the epoch; a time without a zone is UTC, and says so."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

_ISO = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,12}))?\s*(Z|z|[+-]\d\d(?::?\d\d)?|UTC|GMT)?")
_COMMON = re.compile(r"(\d{1,2})/([A-Z][a-z]{2})/(\d{4}):(\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?\s*([+-]\d{4})?")
_MAIL = re.compile(r"(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?:[+-]\d{4}|GMT|UTC)")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES, start=1)}

#: A time as a plain line may begin with it: ISO 8601, common log format or e-mail.
STAMP = re.compile(f"{_ISO.pattern}|{_COMMON.pattern}|{_MAIL.pattern}")

#: Powers of ten between the units an epoch may be in: seconds, milliseconds, microseconds, nanoseconds.
_EPOCHS = ((10**11, 9), (10**14, 6), (10**17, 3), (10**20, 0))


def time_of(value: object) -> tuple[int, bool] | None:
    """Read a time: nanoseconds since the epoch, and whether it was naive; None when it is none.

    Four kinds are read: ISO 8601 (``T`` or a space, point or comma, any or no zone), an epoch in s, ms, µs or ns told
    by its size, the common log format, and that of e-mail and HTTP.

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
    if found := _ISO.fullmatch(text):
        day, clock, part, zone = found.groups()
        return _moment(f"{day}T{clock}", part, zone)
    if _NUMBER.fullmatch(text):
        return _epoch(text)
    if found := _COMMON.fullmatch(text):
        day, month, year, clock, part, zone = found.groups()
        number = _MONTHS.get(month)
        return _moment(f"{year}-{number:02}-{int(day):02}T{clock}", part, zone) if number else None
    if _MAIL.fullmatch(text):
        try:
            return int(parsedate_to_datetime(text).timestamp()) * 1_000_000_000, False
        except ValueError:
            return None
    return None


def _moment(text: str, part: str | None, zone: str | None) -> tuple[int, bool] | None:
    seconds = _seconds(text, zone or "")
    return None if seconds is None else (seconds * 1_000_000_000 + int(((part or "") + "0" * 9)[:9]), not zone)


@lru_cache(maxsize=4096)
def _seconds(text: str, zone: str) -> int | None:
    offset = "+00:00" if zone.upper() in ("", "Z", "UTC", "GMT") else zone
    try:
        return int(datetime.fromisoformat(text + offset).astimezone(UTC).timestamp())
    except (ValueError, OverflowError):
        return None


def _epoch(text: str) -> tuple[int, bool] | None:
    whole, _, part = text.partition(".")
    for limit, power in _EPOCHS:
        if abs(int(whole)) < limit:
            fraction = int((part + "0" * power)[:power]) if part and power else 0
            return int(whole) * 10**power + (-fraction if whole.startswith("-") else fraction), False
    return None
