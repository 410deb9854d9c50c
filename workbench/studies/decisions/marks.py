"""What happened to a system in a period, to be marked on its charts."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from workbench.analysis.counting.happened import Happened
from workbench.core.errors import ArchiveError
from workbench.core.timerange import TimeRange
from workbench.studies.counting.definitions import Changes
from workbench.studies.decisions.annotations import happened
from workbench.studies.decisions.exclusions import exclusion_of
from workbench.studies.sources.context import Context


def period_marks(ctx: Context, system: str, span: TimeRange, *, as_of: datetime) -> Happened:
    """Return annotations and tables of events, exclusions, and alerts that the collector saw.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        Id of the system, as its profile names it.
    span : TimeRange
        What overlaps it is returned.
    as_of : datetime
        Aware instant up to which an open alert lasts.

    Returns
    -------
    Happened
        Kinds as of annotations, and ``exclusion`` and ``alert``. The store is read, no source is asked.
    """
    noted = happened(ctx, system, span, Changes(), as_of=as_of)
    if ctx.store is None:
        return noted
    try:
        exclusions, episodes = ctx.store.exclusions(system), ctx.store.episodes(system, span)
    except ArchiveError:
        return noted
    rows = [
        (window.start, window.end, "exclusion", exclusion.slo, exclusion.reason, "", exclusion.created_by)
        for exclusion in exclusions
        for window in exclusion_of(exclusion).windows(span)
    ]
    rows += [
        (row.starts_at, row.ends_at if pd.notna(row.ends_at) else as_of, "alert", "", str(row.alertname), "", "")
        for row in episodes.itertuples()
    ]
    if not rows:
        return noted
    frame = pd.DataFrame(rows, columns=["start", "end", "kind", "slo", "text", "link", "author"])
    for name in ("start", "end"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("ms")
    both = pd.concat([part for part in (noted.frame, frame) if len(part)], ignore_index=True)
    return Happened(both.sort_values("start", kind="stable", ignore_index=True), notes=noted.notes, as_of=as_of)
