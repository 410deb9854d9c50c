"""Periods as people write them: one parser for the command line, pages, notebooks and reports."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from workbench.core.errors import ParameterError
from workbench.core.timerange import (
    TimeRange,
    calendar_range,
    duration_ms,
    is_calendar,
    named_zone,
    parse_instant,
)
from workbench.core.units import instant_text

#: Name of no period: each objective is judged over its own window, any other question over its usual length.
DEFAULT = "default"

_BETWEEN = ".."


def parse_period(text: str, *, zone: str, week_start: str, as_of: datetime) -> TimeRange:
    """Read a period: rolling, a calendar period, or one between two dates.

    Parameters
    ----------
    text : str
        ``30d`` (rolling, ending at ``as_of``); ``this-week``, ``last-month``, ``2026-W44``, ``2026-10``, ``2026-Q3``,
        ``2026``; or ``2026-10-01..2026-10-08``, the end not part of it.
    zone : str
        IANA zone in which days begin.
    week_start : str
        First day of ``this-week`` and ``last-week``.
    as_of : datetime
        Aware instant that rolling periods end at, and that ``this-`` and ``last-`` relate to.

    Raises
    ------
    ParameterError
        The text is no period, an empty one, or one that has not begun.

    Examples
    --------
    >>> from datetime import UTC
    >>> now = datetime(2026, 11, 21, tzinfo=UTC)
    >>> for text in ("last-month", "2026-10-01..2026-10-08"):
    ...     print(parse_period(text, zone="UTC", week_start="monday", as_of=now))
    2026-10-01 00:00 to 2026-11-01 00:00 UTC
    2026-10-01 00:00 to 2026-10-08 00:00 UTC
    """
    cleaned = text.strip().lower()
    if is_calendar(cleaned):
        return begun(calendar_range(cleaned, zone=zone, now=as_of, week_start=week_start), text, as_of)
    if _BETWEEN in cleaned:
        start, end = (parse_instant(part.strip(), zone=zone) for part in text.strip().split(_BETWEEN, 1))
        span = TimeRange(start, end)
    else:
        try:
            span = TimeRange(as_of - timedelta(milliseconds=duration_ms(cleaned)), as_of)
        except (ParameterError, OverflowError):
            raise ParameterError(
                f"{text!r} is not a period.",
                hint="Write e.g. 30d, 12h, last-month, this-week, 2026-10, 2026-W44, 2026-Q3, 2026 or "
                "2026-10-01..2026-10-08.",
            ) from None
    if not span.seconds:
        raise ParameterError(f"The period is empty: {text!r}.", hint="Write e.g. 30d.")
    return begun(span, text, as_of)


def begun(span: TimeRange, text: str, as_of: datetime) -> TimeRange:
    """Return a period that has begun.

    Raises
    ------
    ParameterError
        It begins after ``as_of``: nothing can be known of it.
    """
    if span.start > as_of:
        raise ParameterError(
            f"The period {text} has not begun: it starts {instant_text(span.start)}, and history is read up to "
            f"{instant_text(as_of)}.",
            hint="Choose an earlier one, e.g. last-month or 30d.",
        )
    return span


def calendar_name(text: str, *, zone: str, week_start: str, as_of: datetime) -> str:
    """Name a calendar period so that it means the same at any later time; :func:`parse_period` reads the name.

    Parameters
    ----------
    text : str
        E.g. ``last-month``.
    zone, week_start : str
        Time zone of the calendar, and the first day of its weeks.
    as_of : datetime
        As for :func:`parse_period`.

    Raises
    ------
    ParameterError
        The text is no calendar period, e.g. a rolling one.

    Examples
    --------
    >>> from datetime import UTC
    >>> now = datetime(2026, 11, 21, tzinfo=UTC)
    >>> [calendar_name(text, zone="UTC", week_start="sunday", as_of=now)
    ...  for text in ("last-month", "this-quarter", "2026-W44", "last-week")]
    ['2026-10', '2026-Q4', '2026-W44', '2026-11-08..2026-11-15']
    """
    cleaned = text.strip().lower()
    if not is_calendar(cleaned) and _BETWEEN not in cleaned:
        raise ParameterError(
            f"{text!r} is not a calendar period.", hint="Write e.g. 2026-10, last-month, 2026-W44, 2026-Q3 or 2026."
        )
    return span_name(parse_period(text, zone=zone, week_start=week_start, as_of=as_of), zone)


def span_name(span: TimeRange, zone: str) -> str:
    """Name a range in a zone: as a calendar period where it is one, else by its two dates.

    Examples
    --------
    >>> from datetime import UTC
    >>> span_name(calendar_range("2026-Q3", zone="UTC", now=datetime(2026, 11, 1, tzinfo=UTC)), "UTC")
    '2026-Q3'
    """
    first, end = (instant.astimezone(named_zone(zone)) for instant in (span.start, span.end))
    year, week, _ = first.isocalendar()
    quarter = (first.month + 2) // 3
    for name in (f"{first:%Y-%m}", f"{first:%Y}-Q{quarter}", f"{first:%Y}", f"{year}-W{week:02}"):
        if calendar_range(name, zone=zone, now=span.end) == span:
            return name
    whole = all(edge.time() == edge.min.time() for edge in (first, end))
    return _BETWEEN.join(f"{edge:%Y-%m-%d}" if whole else _instant_name(edge) for edge in (first, end))


def _instant_name(edge: datetime) -> str:
    """Write an instant as short as it is read again: to the minute where it is a whole one."""
    text = edge.isoformat(timespec="auto" if edge.second or edge.microsecond else "minutes")
    return text if edge.utcoffset() else f"{text.removesuffix('+00:00')}Z"


def periods_up_to(span: TimeRange, *, zone: str, count: int) -> list[TimeRange]:
    """Return a period and those before it, oldest first: whole months before months, else as many days.

    Parameters
    ----------
    span : TimeRange
        The newest of the periods.
    zone : str
        IANA zone in which days begin.
    count : int
        Periods, the given one included. [count]

    Examples
    --------
    >>> from datetime import UTC
    >>> october = calendar_range("2026-10", zone="UTC", now=datetime(2026, 11, 1, tzinfo=UTC))
    >>> [span_name(one, "UTC") for one in periods_up_to(october, zone="UTC", count=3)]
    ['2026-08', '2026-09', '2026-10']
    """
    tz = named_zone(zone)
    first, end = (instant.astimezone(tz).replace(tzinfo=None) for instant in (span.start, span.end))
    months = 12 * (end.year - first.year) + end.month - first.month
    if first.day == end.day == 1 and first.time() == end.time() == first.min.time() and months:
        edges = [_month_before(first, months * back) for back in range(count)]
    else:
        edges = [first - back * (end - first) for back in range(count)]
    instants = [edge.replace(tzinfo=tz).astimezone(UTC) for edge in reversed(edges)] + [span.end]
    return [TimeRange(start, until) for start, until in pairwise(instants)]


def _month_before(first: datetime, months: int) -> datetime:
    place = 12 * first.year + first.month - 1 - months
    return first.replace(year=place // 12, month=place % 12 + 1)
