"""Objectives by period: which months used up their budget, in one look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from workbench.core.result import Result

#: Columns of a scorecard that come from the figures of an issue or a verdict.
FIGURES = ("title", "status", "target", "sli", "bad", "total", "period_left_ratio", "coverage", "unit")

COLUMNS = ["system", "system_title", "owner", "objective", *FIGURES, "period", "start", "end", "basis", "number"]


@dataclass(frozen=True, eq=False, repr=False)
class Scorecard(Result):
    """One row per objective and period, in the order of systems and objectives, oldest period first.

    Columns of ``frame``:

    ================== =================================================================================
    system, system_title, owner, objective, title   (str)
    status             ``ok``, ``at_risk``, ``spent``, ``no_data`` ... (str)
    target, sli        [ratio]
    bad, total         counted events or slices [``unit``]
    period_left_ratio  share of the error budget of the whole period that is left, negative when overspent [ratio]
    coverage           observed share of the period [ratio]
    period             name, such as ``2026-10`` or ``2026-Q4`` (str)
    start, end         [UTC]
    basis              ``issued`` where the figures are those of an issued report, else ``counted`` (str)
    number             of the issue, from 2 on a revision; 0 where counted [count]
    ================== =================================================================================
    """

    as_of: datetime
    zone: str


def scorecard(rows: Iterable[Mapping[str, Any]], *, as_of: datetime, zone: str) -> Scorecard:
    """Gather the figures of objectives by period.

    Parameters
    ----------
    rows : iterable of mapping
        The columns of :class:`Scorecard`.
    as_of : datetime
        Instant up to which data is read.
    zone : str
        IANA zone of the periods.
    """
    frame = pd.DataFrame([dict(row) for row in rows], columns=COLUMNS)
    for name in ("start", "end"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("ms")
    numbers = dict.fromkeys(("target", "sli", "bad", "total", "period_left_ratio", "coverage"), float)
    return Scorecard(frame.astype({**numbers, "number": int}), as_of=as_of, zone=zone)
