"""Do the sources answer, and how old is what they hold?"""

from __future__ import annotations

from datetime import datetime

from workbench.core.result import Study
from workbench.core.timerange import TimeRange
from workbench.studies.context import Context


def source_states(ctx: Context, *, system: str | None = None, range: TimeRange | None = None, as_of: datetime) -> Study:
    """State of each source; ``results``: ``sources`` (:class:`workbench.analysis.sources.SourceStates`)."""
    raise NotImplementedError
