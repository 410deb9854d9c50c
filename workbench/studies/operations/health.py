"""What the health endpoints of a system said, as the collector wrote it down."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd

from workbench.core.timerange import TimeRange
from workbench.studies.sources.context import Context

#: Answers older than this say nothing about now.
_RECENT = timedelta(days=1)


def newest_health(ctx: Context, system: str, *, as_of: datetime) -> pd.DataFrame:
    """Return the newest answer of each endpoint of the last day.

    Returns
    -------
    DataFrame
        ``endpoint``, ``status``, ``code``, ``seconds``, ``detail``, ``at`` and ``since``: the first answer of the same
        status in an unbroken row. [UTC]
    """
    columns = ["endpoint", "status", "code", "seconds", "detail", "at", "since"]
    span = TimeRange(as_of - _RECENT, as_of + timedelta(milliseconds=1))
    answers = ctx.store.health(system, span) if ctx.store is not None else []
    newest: dict[str, dict[str, object]] = {}
    for answer in answers:
        before = newest.get(answer.endpoint)
        since = before["since"] if before is not None and before["status"] == answer.status else answer.at
        newest[answer.endpoint] = {**vars(answer), "since": since}
    frame = pd.DataFrame([newest[name] for name in sorted(newest)], columns=columns)
    for name in ("at", "since"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("ms")
    return frame
