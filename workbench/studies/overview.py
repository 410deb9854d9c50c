"""All systems and their promises on one board, worst first."""

from __future__ import annotations

from datetime import datetime

from workbench.core.result import Study
from workbench.core.timerange import TimeRange
from workbench.studies.context import Context


def overview(ctx: Context, *, system: str | None = None, range: TimeRange | None = None, as_of: datetime) -> Study:
    """Board of systems and promises; ``results``: ``board`` (:class:`workbench.analysis.overview.PromiseBoard`)."""
    raise NotImplementedError
