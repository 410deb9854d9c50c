"""When a scheduled report is due: cron text, or the n-th working day of a month, in a named zone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from workbench.core.errors import ParameterError
from workbench.core.timerange import named_zone

_WORKING = re.compile(
    r"(?P<number>\d+)(?:st|nd|rd|th)? working day(?: (?:at )?(?P<hour>\d{1,2}):(?P<minute>\d{2}))?", re.I
)
#: No month has more days from Monday to Friday. [days]
_MOST_WORKING_DAYS = 23


@dataclass(frozen=True)
class Cron:
    """Cron text of five fields in a zone; clock changes are treated as Debian's cron does.

    Attributes
    ----------
    text : str
        ``minute hour day month weekday``.
    zone : str
        IANA name.
    """

    text: str
    zone: str

    def after(self, instant: datetime) -> Iterator[datetime]:
        """Yield the due instants later than ``instant``, in UTC.

        An hour that a clock change leaves out is made up for right after the change; one that comes twice counts once,
        unless minutes or hours are ``*``.
        """
        local = instant.astimezone(named_zone(self.zone))
        for due in CronSim(self.text, local):
            moment = due.astimezone(UTC)
            if moment > instant:
                yield moment

    def __str__(self) -> str:
        return f"{self.text} ({self.zone})"


@dataclass(frozen=True)
class WorkingDay:
    """The n-th working day of each month: Monday to Friday without the holidays given.

    Attributes
    ----------
    number : int
        1 is the first working day of the month.
    at : time
        Time of day in ``zone``.
    zone : str
        IANA name.
    holidays : frozenset of date
    """

    number: int
    at: time
    zone: str
    holidays: frozenset[date] = field(default=frozenset(), repr=False)

    def after(self, instant: datetime) -> Iterator[datetime]:
        """Yield the due instants later than ``instant``, in UTC; a month with fewer working days has none."""
        tz = named_zone(self.zone)
        today = instant.astimezone(tz).date()
        for step in range(12 * 100):
            year, month = divmod(today.year * 12 + today.month - 1 + step, 12)
            day = working_day(year, month + 1, self.number, self.holidays)
            if day is not None and (due := _moment(day, self.at, tz)) > instant:
                yield due

    def __str__(self) -> str:
        return f"{_ordinal(self.number)} working day at {self.at:%H:%M} ({self.zone})"


When = Cron | WorkingDay


def working_day(year: int, month: int, number: int, holidays: frozenset[date] = frozenset()) -> date | None:
    """Return the n-th working day of a month; None where the month has fewer.

    Examples
    --------
    >>> str(working_day(2026, 5, 1, frozenset({date(2026, 5, 1)})))
    '2026-05-04'
    """
    day, left = date(year, month, 1), number
    while day.month == month:
        if day.weekday() < 5 and day not in holidays:
            left -= 1
            if not left:
                return day
        day += timedelta(days=1)
    return None


def read_when(text: str, *, zone: str, holidays: frozenset[date] = frozenset()) -> When:
    """Read ``0 8 1 * *`` or ``3rd working day at 08:00``.

    Parameters
    ----------
    text : str
        Cron text of five fields, or the number of a working day with a time of day (08:00 unless given).
    zone : str
        IANA name.
    holidays : frozenset of date
        Days that are no working days.

    Raises
    ------
    ParameterError
        The text is neither, is never due, or there is no such zone.

    Examples
    --------
    >>> when = read_when("3rd working day at 08:00", zone="Europe/Berlin")
    >>> next(when.after(datetime(2026, 11, 1, tzinfo=UTC))).isoformat()
    '2026-11-04T07:00:00+00:00'
    """
    named_zone(zone)
    cleaned = " ".join(text.split())
    if match := _WORKING.fullmatch(cleaned):
        number = int(match["number"])
        if not 1 <= number <= _MOST_WORKING_DAYS:
            raise ParameterError(
                f"No month has a {_ordinal(number)} working day.", hint=f"Write 1 to {_MOST_WORKING_DAYS}."
            )
        try:
            at = time(int(match["hour"] or 8), int(match["minute"] or 0))
        except ValueError:
            raise ParameterError(f"{text!r} has no time of day.", hint="Write e.g. 3rd working day at 08:00.") from None
        return WorkingDay(number, at, zone, holidays)
    if len(cleaned.split()) == 5:
        try:
            next(CronSim(cleaned, datetime(2026, 1, 1, tzinfo=UTC)))
        except CronSimError as error:
            raise ParameterError(f"{text!r} is not cron text: {error}.", hint=_HINT) from None
        except StopIteration:
            raise ParameterError(f"{text!r} is never due.", hint=_HINT) from None
        return Cron(cleaned, zone)
    raise ParameterError(f"{text!r} says no time.", hint=_HINT)


_HINT = "Write five cron fields (0 8 1 * *), or e.g. 3rd working day at 08:00."


def _moment(day: date, at: time, tz: ZoneInfo) -> datetime:
    """Return the instant of a time of day; one that the clocks leave out is taken by the offset of before."""
    return datetime.combine(day, at, tz).astimezone(UTC)


def _ordinal(number: int) -> str:
    tail = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{tail}"
