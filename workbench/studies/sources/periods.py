"""Windows of objectives, and the windows that objectives are looked at over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from workbench.catalog import Objective
from workbench.catalog.slo.objective import CalendarWindow
from workbench.core.timerange import (
    TimeRange,
    calendar_month,
    calendar_range,
    named_zone,
    to_ms,
)

#: Lengths of the rolling windows that are shown beside each other. [d]
ROLLING_DAYS = (7, 28, 30, 90)

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_DAYS = {"day": 1, "week": 7}


def standard_windows(as_of: datetime, *, zone: str, week_start: str = "monday") -> dict[str, TimeRange]:
    """Return the windows of an objective: rolling 7, 28, 30 and 90 days, and the calendar periods in force.

    Examples
    --------
    >>> from datetime import UTC
    >>> windows = standard_windows(datetime(2026, 11, 4, tzinfo=UTC), zone="UTC")
    >>> list(windows)
    ['7d', '28d', '30d', '90d', 'this-week', 'this-month', 'this-quarter', 'this-year']
    >>> str(windows["this-week"])
    '2026-11-02 00:00 to 2026-11-09 00:00 UTC'
    """
    rolling = {f"{days}d": TimeRange(as_of - timedelta(days=days), as_of) for days in ROLLING_DAYS}
    return rolling | {
        f"this-{unit}": calendar_range(f"this-{unit}", zone=zone, now=as_of, week_start=week_start)
        for unit in ("week", "month", "quarter", "year")
    }


def objective_window(objective: Objective, as_of: datetime) -> TimeRange:
    """Return the window of an objective at an instant: rolling up to it, or the calendar period that holds it."""
    if objective.calendar is None:
        return TimeRange.from_ms(to_ms(as_of) - (objective.window_ms or 0), to_ms(as_of))
    return calendar_period(objective.calendar, as_of)


def calendar_period(calendar: CalendarWindow, as_of: datetime) -> TimeRange:
    """Return the period of a calendar window that holds an instant, counted from the window's start.

    Periods are counted on the wall clock of the zone, so daylight saving and the months change their length.

    Examples
    --------
    >>> weekly = CalendarWindow(1, "week", "2022-01-01 12:00:00", "America/New_York")
    >>> calendar_period(weekly, datetime(2022, 3, 15, tzinfo=UTC)).seconds / 3600
    167.0
    """
    zone = named_zone(calendar.zone)
    first = datetime.strptime(calendar.start, "%Y-%m-%d %H:%M:%S")
    local = as_of.astimezone(zone).replace(tzinfo=None)
    if calendar.unit in _MONTHS:
        length = calendar.count * _MONTHS[calendar.unit]
        number = ((local.year - first.year) * 12 + local.month - first.month) // length
    else:
        length = calendar.count * _DAYS[calendar.unit]
        number = (local - first) // timedelta(days=length)

    def begins(place: int) -> datetime:
        if calendar.unit in _DAYS:
            wall = first + timedelta(days=place * length)
        else:
            years, month = divmod(first.month - 1 + place * length, 12)
            wall = first.replace(year=first.year + years, month=month + 1)
        return wall.replace(tzinfo=zone).astimezone(UTC)

    while begins(number) > as_of:
        number -= 1
    while begins(number + 1) <= as_of:
        number += 1
    return TimeRange(begins(number), begins(number + 1))


def hull(spans: Sequence[TimeRange], *, as_of: datetime) -> TimeRange:
    """Return the smallest range that holds all; the empty range at ``as_of`` without any."""
    if not spans:
        return TimeRange(as_of, as_of)
    return TimeRange(min(span.start for span in spans), max(span.end for span in spans))


def month_text(span: TimeRange, zone: str) -> str:
    """Name the calendar month that a range is in ``zone``; empty for any other range.

    Examples
    --------
    >>> month_text(calendar_month(2026, 10, "Europe/Warsaw"), "Europe/Warsaw")
    '2026-10'
    """
    local = span.start.astimezone(named_zone(zone))
    return f"{local:%Y-%m}" if span == calendar_month(local.year, local.month, zone) else ""
