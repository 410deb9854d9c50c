"""Reads the events of a system's objectives in a window and in its baselines."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from workbench.analysis.investigate.changes import Rows
from workbench.analysis.investigate.objectives import objective_changes
from workbench.analysis.investigate.windows import Windows
from workbench.core.timerange import SLICE_MS, TimeRange, from_ms, to_ms
from workbench.studies.counting.plans import slice_of
from workbench.studies.counting.verdicts import count, objectives_of
from workbench.studies.sources.context import Context


def objective_rows(ctx: Context, system: str, windows: Windows, as_of: datetime) -> Rows:
    """Compare the bad events of each objective in a window with those of its baselines.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        System of the catalog.
    windows : Windows
        The window to explain and the windows to compare it with.
    as_of : datetime
        Aware instant up to which history is read.
    """
    objectives = objectives_of(ctx, system)
    events: dict[str, list[pd.DataFrame]] = {objective.id: [] for objective in objectives}
    for each in windows.spans:
        whole = whole_slices(each, as_of)
        spans = {objective.id: whole.aligned(slice_of(objective)) for objective in objectives}
        filled = [objective for objective in objectives if spans[objective.id].start < spans[objective.id].end]
        counts = count(ctx, system, filled, spans).counts if filled else {}
        for name, frames in events.items():
            frames.append(counts[name].events if name in counts else pd.DataFrame())
    return objective_changes(events, windows, service=system)


def whole_slices(span: TimeRange, as_of: datetime) -> TimeRange:
    """Widen a window to whole slices of five minutes, in which events are counted, as far as they are over."""
    start = span.start_ms // SLICE_MS * SLICE_MS
    end = min(-(-span.end_ms // SLICE_MS), to_ms(as_of) // SLICE_MS) * SLICE_MS
    return TimeRange(from_ms(start), from_ms(max(end, start + SLICE_MS)))
