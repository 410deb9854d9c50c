"""Entries of ``reports/schedule.yaml``: what is due, for which systems and periods, and to whom it goes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from workbench.core.errors import ParameterError
from workbench.core.periods import calendar_name
from workbench.core.timerange import named_zone
from workbench.studies.schedule.when import When

#: Whole days before the day on which a report is due, ``7d``, or hours before its instant, ``6h``.
_LENGTH = re.compile(r"([1-9]\d{0,2})([dh])")

#: At most so many due instants of one schedule are looked at in one turn. [count]
_MOST = 10_000


@dataclass(frozen=True)
class Destination:
    """A channel of the settings, and for e-mail the addresses in place of the channel's own."""

    channel: str
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """One schedule.

    Attributes
    ----------
    name : str
        Unique in the file; the store knows a schedule by it.
    template : str
        Report template, e.g. ``monthly``.
    systems : tuple of str
        Empty for all.
    when : Cron or WorkingDay
    period : str
        Calendar period as of the due instant (``last-month``), whole days before its day (``7d``), or hours before it
        (``6h``).
    grace : timedelta
        How long a report waits for late data after it is due.
    catch_up : timedelta
        A run missed for longer is not made up for.
    outputs : tuple of str
        ``html``, ``pdf``, ...
    to : tuple of Destination
    line : int
        Where the entry stands in its file.
    """

    name: str
    template: str
    systems: tuple[str, ...]
    when: When
    period: str
    grace: timedelta
    catch_up: timedelta
    outputs: tuple[str, ...]
    to: tuple[Destination, ...]
    line: int = 1

    def document(self) -> dict[str, Any]:
        """Plain JSON values of what a job needs to know of its schedule."""
        return {
            "template": self.template,
            "outputs": list(self.outputs),
            "to": [{"channel": each.channel, "recipients": list(each.recipients)} for each in self.to],
        }


@dataclass(frozen=True)
class DueReport:
    """A report that is due: one system, one period; ``key`` is the same whoever works it out."""

    schedule: str
    system: str
    period: str
    due: datetime
    deadline: datetime
    missed: bool

    @property
    def key(self) -> str:
        """Identity of the report among all that were ever due."""
        text = f"{self.schedule}\n{self.system}\n{self.due.isoformat()}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def period_name(period: str, *, due: datetime, zone: str, week_start: str) -> str:
    """Name the period of a report that is due at an instant, so that it means the same at any later time.

    Examples
    --------
    >>> from datetime import UTC
    >>> due = datetime(2026, 11, 4, 7, tzinfo=UTC)
    >>> [period_name(text, due=due, zone="UTC", week_start="monday") for text in ("last-month", "7d")]
    ['2026-10', '2026-10-28..2026-11-04']
    >>> period_name("6h", due=due, zone="Europe/Berlin", week_start="monday")
    '2026-11-04T02:00+01:00..2026-11-04T08:00+01:00'
    """
    if match := _LENGTH.fullmatch(period.strip()):
        length, today = int(match[1]), due.astimezone(named_zone(zone)).date()
        if match[2] == "d":
            period = f"{today - timedelta(days=length)}..{today}"
        else:
            end = due.astimezone(UTC).replace(second=0, microsecond=0)
            period = f"{end - timedelta(hours=length):%Y-%m-%dT%H:%MZ}..{end:%Y-%m-%dT%H:%MZ}"
    return calendar_name(period, zone=zone, week_start=week_start, as_of=due)


def due_reports(
    entry: Entry, *, after: datetime, until: datetime, systems: Sequence[str], zone: str, week_start: str
) -> Iterator[DueReport]:
    """Yield the reports of a schedule due in ``(after, until]``, oldest first.

    Of several missed runs over one period only the newest is yielded. A run missed for longer than ``catch_up`` is
    yielded as ``missed``.

    Parameters
    ----------
    entry : Entry
        One schedule of the settings.
    after, until : datetime
        Aware instants; ``until`` is now.
    systems : sequence of str
        Systems of an entry for all.
    zone, week_start : str
        Calendar of the reports.
    """
    newest: dict[str, datetime] = {}
    for count, due in enumerate(entry.when.after(after)):
        if due > until or count >= _MOST:
            break
        period = period_name(entry.period, due=due, zone=zone, week_start=week_start)
        newest.pop(period, None)
        newest[period] = due
    for period, due in newest.items():
        for system in entry.systems or systems:
            yield DueReport(entry.name, system, period, due, due + entry.grace, until - due > entry.catch_up)


def last_due(entry: Entry, *, now: datetime) -> datetime | None:
    """Return the newest due instant up to now that can still be caught up; None without any."""
    last = None
    for due in entry.when.after(now - entry.catch_up - timedelta(milliseconds=1)):
        if due > now:
            break
        last = due
    return last


def chosen(entries: Sequence[Entry], names: Sequence[str]) -> tuple[Entry, ...]:
    """Return the entries of these names, all without any.

    Raises
    ------
    ParameterError
        No schedule has one of the names.
    """
    known = {entry.name: entry for entry in entries}
    for name in names:
        if name not in known:
            raise ParameterError(
                f"There is no schedule {name!r}.", hint=f"Schedules: {', '.join(known) or 'none'}; see schedule list."
            )
    return tuple(known[name] for name in names) if names else tuple(entries)
