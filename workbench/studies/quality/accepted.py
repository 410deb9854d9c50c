"""Levels of scores that a person accepted, and incidents whose days belong in no reference."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd

from workbench.analysis.quality.coincidence import births_and_ends
from workbench.core.errors import ArchiveError, ParameterError
from workbench.store import Annotation
from workbench.studies.decisions.exclusions import written
from workbench.studies.decisions.table_events import table_events
from workbench.studies.quality.shapes import TABLE_ROLE
from workbench.studies.sources.context import Context
from workbench.studies.sources.tables import tables_of

#: Kind of the annotation that accepts a level; its objective is ``role: series``.
KIND = "accept"

#: Length of an incident that was noted without an end.
MOMENT = timedelta(milliseconds=1)


def accept_level(
    ctx: Context, *, system: str, score: str, at: datetime, note: str, series: str = "all", seen: int | None = None
) -> Annotation:
    """Accept the level of a score: an open drift of it ends, and its reference begins anew.

    Parameters
    ----------
    ctx : Context
        With a store; ``identity`` is who accepts.
    system : str
        Id of the system, as its profile names it.
    score : str
        Role of the profile, such as ``quality`` or ``bias.age``.
    at : datetime
        Aware instant from which on the level is the reference.
    note : str
        Why the level is accepted.
    series : str
        Series of the score as tables show it, such as ``method icg``.
    seen : int, optional
        What :meth:`workbench.store.Store.newest_change` gave when the writer last looked: somebody else's change since
        then is shown first.

    Raises
    ------
    ParameterError
        Unknown system or score, or no note.
    AccessRefused
        The identity is no editor of the system.
    ChangedMeanwhile
        Somebody changed something of the system since ``seen``.

    Notes
    -----
    The acceptance is kept with name and time and can be revoked as any annotation.
    """
    ctx.identity.require("editor", system)
    profile = ctx.catalog.profile(system)
    scores = [name for word in ("quality", "bias") for name in profile.variants(word)]
    scores += [f"{TABLE_ROLE}{table.name}" for table in tables_of(ctx, system, "answers")]
    if score not in scores:
        raise ParameterError(f"{score!r} is no score of {system}.", hint=f"Scores: {', '.join(scores) or 'none'}.")
    if not note.strip():
        raise ParameterError("An acceptance needs a note.", hint="Say why the level is accepted.")
    record = Annotation(
        system=system, kind=KIND, starts_at=at, text=note.strip(), created_at=ctx.clock(), created_by=ctx.identity.name,
        slo=f"{score}: {series}",
    )  # fmt: skip
    return written(ctx).add_annotation(record, seen=seen)


def accepted_levels(ctx: Context, system: str) -> pd.DataFrame:
    """Return the acceptances of a system: ``role, series, time``."""
    rows = [
        (*record.slo.partition(": ")[::2], record.starts_at)
        for record in _annotations(ctx, system)
        if record.kind == KIND
    ]
    frame = pd.DataFrame(rows, columns=["role", "series", "time"])
    frame["time"] = pd.to_datetime(frame["time"], utc=True).dt.as_unit("ms")
    return frame


def unmatched(accepted: pd.DataFrame, hours: pd.DataFrame) -> list[str]:
    """Say which acceptances name a series that has no data, so that a misspelt one is not taken for accepted."""
    known = set(zip(hours["role"], hours["series"], strict=True))
    return [
        f"The level of {row.role}: {row.series} was accepted, but no series of that name has data."
        for row in accepted.itertuples()
        if len(hours) and (row.role, row.series) not in known
    ]


def incident_times(ctx: Context, system: str) -> pd.DataFrame:
    """Return when a system had incidents: ``start, end``; the end of one that goes on is missing."""
    held, _ = table_events(ctx, system)
    # A note without an end is a moment; a row of a table without one is an incident that goes on.
    noted = [(record, record.ends_at or record.starts_at + MOMENT) for record in _annotations(ctx, system)]
    rows = [
        (record.starts_at, end)
        for record, end in [*noted, *((record, record.ends_at) for record in held)]
        if record.kind == "incident"
    ]
    frame = pd.DataFrame(rows, columns=["start", "end"])
    for name in ("start", "end"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("ms")
    return frame


def events_before(ctx: Context, system: str, hours: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return deployments, and series that came or went: ``time, text, series``; and what could not be read."""
    held, warnings = table_events(ctx, system)
    rows = [
        (record.starts_at, f"Deployment: {record.text}", "")
        for record in [*_annotations(ctx, system), *held]
        if record.kind == "deploy"
    ]
    frame = pd.DataFrame(rows, columns=["time", "text", "series"])
    frame["time"] = pd.to_datetime(frame["time"], utc=True).dt.as_unit("ms")
    series = births_and_ends(hours)
    return pd.concat([part for part in (frame, series) if len(part)] or [frame], ignore_index=True), warnings


def _annotations(ctx: Context, system: str) -> list[Annotation]:
    try:
        return ctx.store.annotations(system) if ctx.store is not None else []
    except ArchiveError:
        return []  # the study of objectives says that decisions cannot be read
