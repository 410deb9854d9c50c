"""Dates written in figures (``07/11/2026``): which figure is the day, and clocks of twelve hours."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from itertools import islice
from typing import Literal

Order = Literal["", "day-first", "month-first"]

#: Mark of a clock of twelve hours, after the time.
MERIDIEM = r"\s?[AaPp]\.?[Mm]\b\.?"

#: Day, month and year in figures before a clock, as a line may begin with them.
FIGURES = (
    r"\d{1,2}[/.-]\d{1,2}[/.-](?:\d{4}|\d{2}),?[ T]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?"
    rf"(?:{MERIDIEM})?(?: ?(?:Z\b|UTC\b|GMT\b|[+-]\d\d:?\d\d))?"
)

_FIGURES = re.compile(
    r"(?P<first>\d{1,2})(?P<sign>[/.-])(?P<second>\d{1,2})(?P=sign)(?P<year>\d{4}|\d{2}),?[ T](?P<rest>\d\d:\d\d.*)"
)
_ANYWHERE = re.compile(r"(?<![\d/.-])(\d{1,2})([/-])(\d{1,2})\2\d{4}(?=,?[ T]\d{1,2}:\d\d)")
_TWELVE = re.compile(rf"(?<!\d)(\d{{1,2}}):(\d\d)((?::\d\d(?:[.,]\d{{1,9}})?)?)({MERIDIEM})")

#: Lines of a file that tell which figure is the day. [lines]
_LINES = 5_000


def in_24_hours(text: str) -> str | None:
    """Write a time of twelve hours in 24; None where the hour is none, and other text as it is.

    Examples
    --------
    >>> [in_24_hours(text) for text in ("2026-11-07 10:00:00 PM", "12:05 am", "13:00:00 PM", "11:00:00")]
    ['2026-11-07 22:00:00', '00:05:00', None, '11:00:00']
    """
    match = _TWELVE.search(text)
    if match is None:
        return text
    hour = int(match[1])
    if not 1 <= hour <= 12:
        return None
    hour = hour % 12 + 12 * ("p" in match[4].lower())
    return f"{text[: match.start()]}{hour:02}:{match[2]}{match[3] or ':00'}{text[match.end() :]}"


def with_iso_date(text: str, order: Order = "") -> str | None:
    """Write a time whose date is in figures as ISO 8601; None where its order is not known, or the date is none.

    Parameters
    ----------
    text : str
        ``07/11/2026 10:00:00``, with ``/``, ``-`` or ``.`` between the figures.
    order : {"", "day-first", "month-first"}
        Which figure is the day. Without it only a date that can be read in one way is read; between points the day
        comes first. A year of two figures is read only with it.

    Examples
    --------
    >>> [with_iso_date(text) for text in ("25/11/2026 10:00:00", "11/25/2026 10:00:00", "07/11/2026 10:00:00")]
    ['2026-11-25 10:00:00', '2026-11-25 10:00:00', None]
    >>> with_iso_date("07/11/2026 10:00:00", "day-first")
    '2026-11-07 10:00:00'
    """
    match = _FIGURES.fullmatch(text)
    if match is None or (len(match["year"]) == 2 and not order):
        return None
    if not order and match["sign"] == ".":
        order = "day-first"
    first, second = int(match["first"]), int(match["second"])
    year = int(match["year"]) + (2000 if len(match["year"]) == 2 else 0)
    ways = {"day-first": _day(year, second, first), "month-first": _day(year, first, second)}
    read = {ways[order]} if order else set(ways.values()) - {None}
    day = read.pop() if len(read) == 1 else None
    return f"{day.isoformat()} {match['rest']}" if day else None


def in_figures(text: str) -> bool:
    """Whether a text is a time whose date is in figures, whichever of them is the day.

    Examples
    --------
    >>> in_figures("07/11/2026 10:00:00"), in_figures("31/31/2026 10:00:00")
    (True, False)
    """
    return any(with_iso_date(text, order) is not None for order in ("day-first", "month-first"))


def order_of(lines: Iterable[str]) -> Order:
    """Which figure is the day in the first lines of a file; empty where no line tells, or they disagree.

    Examples
    --------
    >>> order_of(["07/11/2026 10:00:00 up", "25/11/2026 10:00:00 up"]), order_of(["07/11/2026 10:00:00 up"])
    ('day-first', '')
    """
    orders: set[Order] = set()
    for line in islice(lines, _LINES):
        for first, _, second in _ANYWHERE.findall(line[:200])[:1]:
            if int(first) > 12 >= int(second):
                orders.add("day-first")
            elif int(second) > 12 >= int(first):
                orders.add("month-first")
    return orders.pop() if len(orders) == 1 else ""


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
