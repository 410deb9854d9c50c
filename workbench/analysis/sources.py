"""The state of the sources behind all numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from workbench.core.result import Result
from workbench.core.source import SourceState

#: A source whose newest sample is older than this is called stale. [s]
STALE_AFTER_S = 900.0


@dataclass(frozen=True, eq=False, repr=False)
class SourceStates(Result):
    """What each source is and whether it answers; one row a source.

    Columns of ``frame``: ``name``, ``kind``, ``location`` (never with credentials), ``status`` (``ok``, ``no_data``,
    ``unavailable``, ``refused``), ``engine``, ``semantics`` (str), ``newest`` (time of the newest sample, NaT when
    unknown) [UTC], ``age_s`` (``as_of`` - ``newest``) [s], ``stale`` (older than a quarter of an hour, bool),
    ``systems`` (names, comma-separated; ``all`` for any) and ``detail`` (str), ``exit_code`` (0 when it answers).
    """

    as_of: datetime


def source_table(
    states: Sequence[SourceState], *, serves: Mapping[str, Sequence[str]], as_of: datetime
) -> SourceStates:
    """Tabulate the states of the sources.

    Parameters
    ----------
    states : sequence of SourceState
    serves : mapping of str to sequence of str
        Systems each source answers for; empty means all.
    as_of : datetime
        Instant the age is counted to.

    Returns
    -------
    SourceStates
    """
    rows = []
    for state in states:
        # Pages ask as of a rounded instant, so the newest sample may be a little younger than "now".
        age_s = max(0.0, (as_of - state.newest).total_seconds()) if state.newest is not None else float("nan")
        rows.append(
            {
                "name": state.name,
                "kind": state.kind,
                "location": state.location,
                "status": state.status,
                "engine": state.engine,
                "semantics": state.semantics,
                "newest": state.newest,
                "age_s": age_s,
                "stale": age_s > STALE_AFTER_S,
                "systems": ", ".join(serves.get(state.name, ())) or "all",
                "detail": state.detail,
                "exit_code": state.exit_code,
            }
        )
    columns = [
        "name",
        "kind",
        "location",
        "status",
        "engine",
        "semantics",
        "newest",
        "age_s",
        "stale",
        "systems",
        "detail",
        "exit_code",
    ]
    frame = pd.DataFrame(rows, columns=columns)
    frame["newest"] = pd.to_datetime(frame["newest"], utc=True).dt.as_unit("ms")
    return SourceStates(frame, as_of=as_of)
