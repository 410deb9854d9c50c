"""The questions that pages open with, so that a collector answers them before anybody asks."""

from __future__ import annotations

from datetime import datetime, timedelta

from workbench.core.timerange import TimeRange, from_ms, to_ms
from workbench.studies.answers.keys import STEP_MS, Question
from workbench.studies.sources.context import Context

#: Period that pages of questions without a window of their own open with.
USUAL = timedelta(days=30)

_OF_SYSTEM = (
    "service_performance", "spend_and_tokens", "capacity_forecast", "alert_load", "alert_rule_worth", "quality_drift",
)  # fmt: skip


def opening_questions(ctx: Context, system: str, *, as_of: datetime) -> list[Question]:
    """Return what the pages of a system ask when they are opened; without a system, what the overview asks.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        Id of the system, as its profile names it.
    as_of : datetime
        Present instant; it is rounded down as pages do.

    Raises
    ------
    ParameterError
        Unknown system, or one that the reader may not see.
    """
    now = from_ms(to_ms(as_of) // STEP_MS * STEP_MS)
    if not system:
        return [Question("overview", "", None, now)]
    ctx.catalog.profile(system)
    span = TimeRange(now - USUAL, now)
    objectives = [Question("slo_compliance", system, None, now, (("slo", None),))]
    return objectives + [Question(name, system, span, now) for name in _OF_SYSTEM]
