"""The first line of a program, report or notebook: the workbench opened, and a period read from plain text."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from workbench.core.periods import DEFAULT, parse_period
from workbench.core.settings import load_settings
from workbench.core.timerange import TimeRange, parse_instant
from workbench.studies.sources.context import Context, open_context


def open_workbench(*, zone: str = "", home: str = "", config: str = "") -> Context:
    """Open sources, catalog and store as the settings say; every study takes the context that this returns.

    Parameters
    ----------
    zone : str
        IANA zone of calendar periods; that of the settings when empty.
    home : str
        Folder of archive and store; that of the settings when empty.
    config : str
        Settings file; ``./workbench.toml`` or the demo when empty.

    Returns
    -------
    Context

    Raises
    ------
    SettingsError, CatalogError
    """
    return open_context(load_settings(Path(config) if config else None, home=home or None, zone=zone or None))


def open_period(
    period: str = DEFAULT, *, zone: str = "", as_of: str = "", home: str = "", config: str = ""
) -> tuple[Context, TimeRange | None, datetime]:
    """Open the context and read a period, from the text that papermill passes.

    Parameters
    ----------
    period : str
        ``default``: each objective over its own window; ``30d``, ``2026-10``, ``last-week`` and whatever else
        :func:`workbench.core.periods.parse_period` reads.
    zone : str
        IANA zone of calendar periods; that of the settings when empty.
    as_of : str
        Instant up to which history is read, ISO 8601; now when empty, and never after the period's end.
    home, config : str
        Folder of archive and store, settings file; the usual places when empty.

    Returns
    -------
    context : Context
    range : TimeRange or None
        None where no period is named.
    as_of : datetime

    Raises
    ------
    SettingsError, CatalogError, ParameterError
    """
    settings = load_settings(Path(config) if config else None, home=home or None, zone=zone or None)
    context = open_context(settings)
    now = parse_instant(as_of) if as_of else context.clock()
    if period == DEFAULT:
        return context, None, now
    span = parse_period(period, zone=settings.zone, week_start=settings.week_start, as_of=now)
    return context, span, min(now, span.end)
