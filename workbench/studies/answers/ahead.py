"""The questions that pages open with, so that they are answered before anybody asks."""

from __future__ import annotations

from datetime import datetime, timedelta

from workbench.archive import ArchiveSource
from workbench.core.periods import DEFAULT, parse_period
from workbench.core.timerange import TimeRange, from_ms, to_ms
from workbench.studies.answers.keys import STEP_MS, Question
from workbench.studies.sources.context import Context

#: Period that pages of questions without a window of their own open with.
USUAL = timedelta(days=30)

#: Periods of the menu that are answered ahead, in this order.
PERIODS: tuple[str, ...] = (DEFAULT, "7d", "last-month", "this-month", "1d")

_OF_SYSTEM = (
    "service_performance", "spend_and_tokens", "capacity_forecast", "alert_load", "alert_rule_worth", "quality_drift",
)  # fmt: skip

#: Studies that pages open with.
STUDIES = ("overview", "slo_compliance", *_OF_SYSTEM)


def opening_questions(ctx: Context, system: str, *, as_of: datetime, period: str = DEFAULT) -> list[Question]:
    """Return what the pages of a system ask when they are opened; without a system, what the overview asks.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        Id of the system, as its profile names it.
    as_of : datetime
        Present instant; it is rounded down as pages do.
    period : str
        As the menu of the pages names it; by default the own window of each objective, and :data:`USUAL` elsewhere.

    Raises
    ------
    ParameterError
        Unknown system or period, or a system that the reader may not see.
    """
    now = from_ms(to_ms(as_of) // STEP_MS * STEP_MS)
    chosen = None
    if period != DEFAULT:
        chosen = parse_period(period, zone=ctx.zone, week_start=ctx.week_start, as_of=now)
    until = now if chosen is None else min(now, chosen.end)
    if not system:
        return [Question("overview", "", chosen, until)]
    ctx.catalog.profile(system)
    span = chosen or TimeRange(now - USUAL, now)
    objectives = [Question("slo_compliance", system, chosen, until, (("slo", None),))]
    return objectives + [Question(name, system, span, until) for name in _OF_SYSTEM]


def from_archives(ctx: Context, system: str) -> bool:
    """Say whether all that is read of a system, or without one of all systems, lies in archives and not on servers.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        Id of the system; empty for all.
    """
    systems = [system] if system else ctx.systems
    return all(isinstance(ctx.source_for(name), ArchiveSource) for name in systems)
