"""What people are told of between reports, over the studies that the pages show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from workbench.analysis.overview.notices import (
    Notices,
    budget_notices,
    drift_notices,
    forecast_notices,
    joined,
    limit_notices,
)
from workbench.analysis.overview.notices import lines as sentences
from workbench.core.periods import parse_period
from workbench.core.result import Study
from workbench.store import Notice, message_id
from workbench.studies.capacity.forecast import capacity_forecast
from workbench.studies.cost.spend import spend_and_tokens
from workbench.studies.quality.drift import quality_drift
from workbench.studies.slo.compliance import slo_compliance
from workbench.studies.sources.context import Context


@dataclass(frozen=True)
class Changes:
    """What people are told of now.

    Attributes
    ----------
    opened : tuple of Notice
        Findings that are new, for the store.
    closed : tuple of str
        Ids of findings that hold no longer.
    lines : tuple of (str, str, str)
        ``new`` or ``resolved``, system and sentence; of several steps of one budget only the highest.
    looked : int
        Subjects that were measured. [count]
    """

    opened: tuple[Notice, ...]
    closed: tuple[str, ...]
    lines: tuple[tuple[str, str, str], ...]
    looked: int


def changes(ctx: Context, *, systems: Sequence[str], as_of: datetime, held: Mapping[str, Notice]) -> Changes:
    """Compare what holds now with what people were told of.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    systems : sequence of str
        Ids of the systems.
    as_of : datetime
        Aware instant.
    held : mapping of str to Notice
        Findings that people were told of and that were not resolved, by id.

    Returns
    -------
    Changes
        A finding that could not be looked at is neither new nor resolved.
    """

    def announced(system: str) -> Callable[[str], bool]:
        return lambda subject: _id("notice/budget", system, subject) in held

    notices_of = {system: notices(ctx, system=system, as_of=as_of, announced=announced(system)) for system in systems}
    opened, closed, lines = [], [], []
    for system, look in notices_of.items():
        now = {_id(each.finding, system, each.subject): each for each in look.notices}
        fresh = [(name, each) for name, each in now.items() if name not in held]
        opened += [Notice(name, system, each.finding, each.text, as_of) for name, each in fresh]
        lines += [("new", system, text) for text in sentences([each for _, each in fresh])]
        for finding, _, subject in sorted(look.looked):
            name = _id(finding, system, subject)
            if name in held and name not in now:
                closed.append(name)
                lines.append(("resolved", system, held[name].text))
    return Changes(tuple(opened), tuple(closed), tuple(lines), sum(len(look.looked) for look in notices_of.values()))


def _id(finding: str, system: str, subject: str) -> str:
    return message_id(finding, system, subject)


def notices(ctx: Context, *, system: str, as_of: datetime, announced: Callable[[str], bool]) -> Notices:
    """Look for what crossed a line: error budgets, forecasts of spend, drifts, limits.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        System of the catalog.
    as_of : datetime
        Aware instant.
    announced : callable
        Whether people were told of a budget and its step, and it was not resolved.

    Returns
    -------
    Notices
        What a source did not answer for is in neither part: it is not new, and not resolved.
    """
    rolling = parse_period("30d", zone=ctx.zone, week_start=ctx.week_start, as_of=as_of)
    month = parse_period("this-month", zone=ctx.zone, week_start=ctx.week_start, as_of=as_of)
    looks: tuple[Callable[[], Notices], ...] = (
        lambda: _of(
            slo_compliance(ctx, system=system, as_of=as_of),
            "compliance",
            lambda study: budget_notices(system, study.results["compliance"].frame, announced),
        ),
        lambda: _of(
            spend_and_tokens(ctx, system=system, range=month, as_of=as_of),
            "forecast",
            lambda study: forecast_notices(system, study.results["forecast"].frame),
        ),
        lambda: _of(
            quality_drift(ctx, system=system, range=rolling, as_of=as_of),
            "drifts",
            lambda study: drift_notices(system, study.results["states"].frame, study.results["drifts"].frame),
        ),
        lambda: _of(
            capacity_forecast(ctx, system=system, range=rolling, as_of=as_of),
            "limits",
            lambda study: limit_notices(system, study.results["limits"].frame),
        ),
    )
    return joined([look() for look in looks])


def _of(study: Study, result: str, read: Callable[[Study], Notices]) -> Notices:
    """Read a study; one that has no answer says nothing."""
    if study.status in ("unavailable", "refused") or result not in study.results:
        return Notices((), frozenset())
    return read(study)
