"""Options that name a period, the same on every command."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import click

if TYPE_CHECKING:
    from workbench.core.timerange import TimeRange


class Calendar(Protocol):
    """Where days and weeks begin: the settings, or a context."""

    @property
    def zone(self) -> str:
        """IANA time zone."""

    @property
    def week_start(self) -> str:
        """Day on which weeks begin."""


@dataclass(frozen=True)
class PeriodOptions:
    """The options of a period as they stand on the command line.

    Attributes
    ----------
    period : str or None
        ``--period``, or ``--month`` as it was called.
    last, since, until : str or None
        ``--last``, ``--from``, ``--to``.
    """

    period: str | None = None
    last: str | None = None
    since: str | None = None
    until: str | None = None

    def own(self, now: datetime, calendar: Calendar) -> tuple[TimeRange | None, datetime]:
        """Return the range that the options name, and the instant up to which history is read.

        Without any, and with ``--to`` alone, the range is None: each objective is judged over its own window. ``--to``
        alone moves the instant.
        """
        if self.period is None and self.last is None and self.since is None:
            return None, self._until(now, calendar)
        return self.read(now, calendar, default="")

    def read(self, now: datetime, calendar: Calendar, *, default: str) -> tuple[TimeRange, datetime]:
        """Return the range that the options name, by default the last ``default`` up to ``--to``, and the instant.

        Raises
        ------
        ParameterError
            The options contradict each other, or name no period.
        """
        from workbench.core.errors import ParameterError
        from workbench.core.periods import begun, parse_period
        from workbench.core.timerange import TimeRange, parse_instant
        from workbench.core.units import instant_text

        if sum(option is not None for option in (self.period, self.last, self.since)) > 1:
            raise ParameterError("--period, --last and --from exclude each other.", hint="Give one of them.")
        as_of = self._until(now, calendar)
        if self.since is not None:
            end = parse_instant(self.until, zone=calendar.zone) if self.until else now
            span = TimeRange(parse_instant(self.since, zone=calendar.zone), end)
            if not span.seconds:
                raise ParameterError(
                    f"The period is empty: it ends where it starts, {instant_text(span.start)}.",
                    hint="Give a length such as --last 30d, or two different instants.",
                )
            begun(span, f"from {self.since}", as_of)
        else:
            text = self.period or self.last or default
            span = parse_period(text, zone=calendar.zone, week_start=calendar.week_start, as_of=as_of)
        return span, min(as_of, span.end)

    def _until(self, now: datetime, calendar: Calendar) -> datetime:
        from workbench.core.timerange import parse_instant

        return min(now, parse_instant(self.until, zone=calendar.zone)) if self.until else now


def period_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--period``, ``--last``, ``--from`` and ``--to``; the command gets them as one :class:`PeriodOptions`."""

    @functools.wraps(command)
    def with_period(*positional: Any, period: Any, last: Any, since: Any, until: Any, **named: Any) -> Any:
        return command(*positional, period=PeriodOptions(period, last, since, until), **named)

    wrapped: Callable[..., Any] = with_period
    for option in (
        click.option("--to", "until", help="Instant up to which history is read, ISO 8601; now by default."),
        click.option("--from", "since", help="Start, ISO 8601; without an offset in --zone."),
        click.option(
            "--period",
            "--month",
            "period",
            help="Period in --zone: 30d, 2026-10, last-month, this-week, 2026-Q3, 2026 or 2026-10-01..2026-10-08.",
        ),
        click.option("--last", help="Length up to --to, e.g. 30d, 6h; the same as --period 30d."),
    ):
        wrapped = option(wrapped)
    return wrapped
