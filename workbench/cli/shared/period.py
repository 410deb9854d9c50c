"""Options that name a period, the same on every command."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


class Calendar(Protocol):
    """Where days and weeks begin: the settings, or a context."""

    @property
    def zone(self) -> str:
        """IANA time zone."""

    @property
    def week_start(self) -> str:
        """Day on which weeks begin."""


def period_options(command: F) -> F:
    """Add ``--last``, ``--month``, ``--from``, ``--to``."""
    for option in (
        click.option("--to", "until", help="End, ISO 8601; now by default."),
        click.option("--from", "since", help="Start, ISO 8601; without an offset in --zone."),
        click.option("--month", help="Calendar period in --zone: 2026-10, last-month, this-week, 2026-Q3, 2026."),
        click.option("--last", help="Length up to --to, e.g. 30d, 6h."),
    ):
        command = option(command)
    return command


def chosen_period(
    now: datetime,
    calendar: Calendar,
    *,
    last: str | None,
    month: str | None,
    since: str | None,
    until: str | None,
    default: str,
) -> Any:
    """Return the range that the options name in the zone and weeks of a calendar; contradictions are refused."""
    from workbench.core.errors import ParameterError
    from workbench.core.timerange import TimeRange, parse_instant, parse_month

    if (month and (last or since or until)) or (last and since):
        raise ParameterError("--month, --last and --from exclude each other.", hint="Give one of them.")
    if month:
        return parse_month(month, zone=calendar.zone, now=now, week_start=calendar.week_start)
    end = parse_instant(until, zone=calendar.zone) if until else now
    if since:
        span = TimeRange(parse_instant(since, zone=calendar.zone), end)
    else:
        span = TimeRange.last(last or default, until=end)
    if not span.seconds:
        raise ParameterError(f"The period is empty: it ends where it starts, {span.start:%Y-%m-%d %H:%M} UTC.",
                             hint="Give a length such as --last 30d, or two different instants.")  # fmt: skip
    return span


def asked_period(now: datetime, calendar: Calendar, **named: str | None) -> Any:
    """Return the range that the options name.

    None without any, or with ``--to`` alone: each objective is asked about its own window then, up to that instant.
    """
    if not any(value for name, value in named.items() if name != "until"):
        return None
    given = {name: named.get(name) for name in ("last", "month", "since", "until")}
    return chosen_period(now, calendar, **given, default="30d")


def asked_instant(now: datetime, calendar: Calendar, span: Any, until: str | None) -> datetime:
    """Return the instant up to which history is read: the end of the range, ``--to`` or now, whichever is first."""
    from workbench.core.timerange import parse_instant

    end = span.end if span else parse_instant(until, zone=calendar.zone) if until else now
    return min(now, end)
