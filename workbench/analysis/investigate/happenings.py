"""What else happened in a window: alerts, deploys, restarts, silences, starts and stops that the log tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from workbench.core.result import Result
from workbench.core.timerange import TimeRange

COLUMNS = ["kind", "what", "starts_at", "ends_at", "detail"]
_ORDER = {"deploy": 0, "incident": 1, "restart": 2, "lifecycle line": 3, "alert": 4, "silence": 5}


@dataclass(frozen=True)
class Happening:
    """One thing that happened: ``kind`` is deploy, incident, restart, lifecycle line, alert or silence."""

    kind: str
    what: str
    starts_at: datetime
    ends_at: datetime | None = None
    detail: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class Happenings(Result):
    """What happened in a window or shortly before it, by kind and start.

    Columns of ``frame``:

    ========= ===================================================================================
    kind      ``deploy``, ``incident``, ``restart``, ``lifecycle line``, ``alert`` or ``silence``
    what      text of the note, name of the alert, matchers of the silence (str)
    starts_at start [UTC]
    ends_at   end; NaT where it has none or is not over [UTC]
    detail    severity and labels, instance, owner (str)
    ========= ===================================================================================
    """

    range: TimeRange


def happenings(happenings: Sequence[Happening], range: TimeRange, notes: Sequence[str] = ()) -> Happenings:
    """Put what happened in order; equal things at one time are one row."""
    rows = {
        (happening.kind, happening.what, happening.starts_at, happening.detail): happening for happening in happenings
    }
    ordered = sorted(
        rows.values(),
        key=lambda happening: (_ORDER.get(happening.kind, len(_ORDER)), happening.starts_at, happening.what),
    )
    frame = pd.DataFrame([vars(happening) for happening in ordered], columns=COLUMNS)
    for name in ("starts_at", "ends_at"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("ms")
    return Happenings(frame, range, notes=tuple(notes))
