"""Exclusions: who agreed not to count what, and what a system's figures are with and without them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from workbench.analysis.counting.recurrence import checked_rule, later, occurrences
from workbench.analysis.slo.exclusions import SEMANTICS, Exclusion, Semantics
from workbench.catalog import Objective
from workbench.core.errors import ArchiveError, ParameterError
from workbench.core.timerange import TimeRange, duration_ms, duration_text, named_zone
from workbench.store import ExclusionRecord, Store
from workbench.studies.sources.context import Context

#: A rule is tried over this time when it is written down; one that never comes in it is refused.
_TRIED = timedelta(days=4 * 366)

_LONGEST_REASON = 1024


@dataclass(frozen=True)
class Agreed:
    """Exclusions in force by objective.

    ``unread`` is set where the store could not be read, as ``warnings`` says: figures would be wrong without them, so
    they are unavailable.
    """

    by_objective: Mapping[str, tuple[Exclusion, ...]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    unread: bool = False


def agreed_exclusions(ctx: Context, system: str, objectives: Sequence[Objective]) -> Agreed:
    """Return the exclusions of the store that are meant for each objective."""
    if ctx.store is None:
        return Agreed()
    try:
        records = ctx.store.exclusions(system)
    except ArchiveError as error:
        text = f"Exclusions cannot be read, so figures that should have them are unavailable: {error}"
        return Agreed(warnings=(text,), unread=True)
    exclusions = {
        objective.id: tuple(exclusion_of(record) for record in records if is_meant(record, objective))
        for objective in objectives
    }
    return Agreed({name: windows for name, windows in exclusions.items() if windows})


def is_meant(record: ExclusionRecord, objective: Objective) -> bool:
    """Say whether an exclusion is for an objective: the one it names, or all that have its labels."""
    if record.slo:
        return record.slo == objective.id
    own = {"service": objective.service, **objective.labels}
    return all(
        value in (held if isinstance(held, tuple) else (held,))
        for name, value in record.labels.items()
        for held in (own.get(name, ()),)
    )


def exclusion_of(record: ExclusionRecord) -> Exclusion:
    """Return the window of a record, as the analysis takes it."""
    return Exclusion(
        id=record.id,
        semantics=cast(Semantics, record.semantics),
        start=record.starts_at,
        end=record.ends_at,
        reason=record.reason,
        author=record.created_by,
        rule=record.rule,
        duration=record.duration,
        zone=record.zone,
    )


def add_exclusion(
    ctx: Context,
    *,
    system: str,
    start: datetime,
    reason: str,
    duration: str = "",
    end: datetime | None = None,
    rule: str = "",
    zone: str = "",
    semantics: str = "remove_time",
    slo: str = "",
    labels: Mapping[str, str] | None = None,
    seen: int | None = None,
) -> ExclusionRecord:
    """Write an exclusion down: it counts at once, for the past as well.

    Parameters
    ----------
    ctx : Context
        With a store; ``identity`` is who decides.
    system : str
        Id of the system, as its profile names it.
    start, end : datetime
        Aware instants; ``end`` or ``duration`` is given.
    reason : str
        Why the time or the events do not count.
    duration : str
        E.g. ``2h``; days and weeks pass on the wall clock of the zone. [time]
    rule : str
        RRULE of RFC 5545 for a window that repeats; such a one has a ``duration``.
    zone : str
        IANA zone of the rule; that of the context when empty.
    semantics : {"remove_time", "remove_events", "count_good"}
        Whether time or events are left out, or events are counted as good.
    slo : str
        One objective only.
    labels : mapping of str to str
        Objectives whose document has all of these labels only.
    seen : int, optional
        What :meth:`workbench.store.Store.newest_change` gave when the writer last looked: somebody else's change since
        then is shown first.

    Raises
    ------
    ParameterError
        Something is missing, contradicts itself or is meant for no objective.
    AccessRefused
        The identity is no editor of the system.
    ChangedMeanwhile
        Somebody changed something of the system since ``seen``.
    """
    ctx.identity.require("editor", system)
    chosen = zone or ctx.zone
    named_zone(chosen)
    if semantics not in SEMANTICS:
        raise ParameterError(f"{semantics!r} is no way to exclude.", hint=f"Use one of: {', '.join(SEMANTICS)}.")
    if not reason.strip() or len(reason) > _LONGEST_REASON:
        raise ParameterError(
            "An exclusion needs a reason of at most 1024 characters.", hint="Say why these events do not count."
        )
    if bool(duration) == (end is not None):
        raise ParameterError("An exclusion has an end or a duration.", hint="Give one of the two.")
    if rule and not duration:
        raise ParameterError("A window that repeats has a duration.", hint="Give e.g. 2h in place of an end.")
    rule = checked_rule(rule) if rule else ""
    first_end = end if end is not None else later(start, duration, chosen)
    if first_end <= start:
        raise ParameterError(f"The window ends ({first_end}) before it begins ({start}).", hint="Swap the instants.")
    if rule and not occurrences(start, duration, rule, chosen, TimeRange(start, start + _TRIED)):
        raise ParameterError(f"The rule {rule!r} gives no window in four years.", hint="Check its days and months.")
    record = ExclusionRecord(
        system=system,
        semantics=semantics,
        starts_at=start,
        ends_at=first_end,
        reason=reason.strip(),
        created_at=ctx.clock(),
        created_by=ctx.identity.name,
        slo=slo,
        labels=dict(labels or {}),
        rule=rule,
        duration=duration_text(duration_ms(duration)) if rule else "",
        zone=chosen,
    )
    _meant_by_some(ctx, record)
    return written(ctx).add_exclusion(record, seen=seen)


def written(ctx: Context) -> Store:
    """Return the store, or say that there is none to write to."""
    if ctx.store is None:
        raise ArchiveError("There is no store to write to.", hint="Set home or store_url in the settings.")
    return ctx.store


def _meant_by_some(ctx: Context, record: ExclusionRecord) -> None:
    ctx.catalog.profile(record.system)
    if record.slo:
        if record.labels:
            raise ParameterError("An exclusion names an objective or labels, not both.", hint="Leave one of them out.")
        ctx.catalog.objective(record.system, record.slo)
    elif not any(is_meant(record, objective) for objective in ctx.catalog.objectives.get(record.system, ())):
        raise ParameterError(
            f"No objective of {record.system} has the labels {dict(record.labels)}.",
            hint="Labels are those of the SLO documents, and service.",
        )
