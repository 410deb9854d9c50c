"""Is the collection on time? Each part against the time it should be collected in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from workbench.core.result import Result
from workbench.core.units import span_text

#: A part is late after this many turns, and never before LEAST_S; one collected by hand after BY_HAND_S.
TURNS, LEAST_S, BY_HAND_S = 3.0, 900.0, 86_400.0


@dataclass(frozen=True, eq=False, repr=False)
class CollectionStates(Result):
    """When each part was collected; late ones first.

    Columns of ``frame``: ``subject`` (system or source), ``kind`` (``health``, ``targets``, ``rules``, ``alerts``,
    ``silences``, ``episodes``, ``counts``) (str), ``tried``, ``succeeded`` (NaT when never) [UTC], ``age_s`` (since it
    last worked; NaN when never), ``every_s`` (time between two turns, 0 by hand) [s], ``stale`` (bool), ``reason`` (why
    it is late; empty otherwise), ``error`` (of the last turn; empty when it worked) (str).
    """

    as_of: datetime


def collection_table(collections: Iterable[Mapping[str, Any]], *, as_of: datetime) -> CollectionStates:
    """Judge when each part was last collected.

    Parameters
    ----------
    collections : iterable of mapping
        ``subject``, ``kind``, ``tried``, ``succeeded`` (or None), ``every_s`` [s], ``error``.
    as_of : datetime
        Instant up to which data is read.

    Examples
    --------
    >>> from datetime import UTC, timedelta
    >>> noon = datetime(2026, 11, 1, 12, tzinfo=UTC)
    >>> row = {"subject": "prod", "kind": "rules", "tried": noon, "every_s": 300.0, "error": ""}
    >>> table = collection_table([{**row, "succeeded": noon - timedelta(hours=1)}], as_of=noon)
    >>> table.frame[["stale", "reason"]].values.tolist()
    [[True, 'last collected 1 h ago']]
    """
    rows = []
    for collection in collections:
        age_s = float("nan") if collection["succeeded"] is None else (as_of - collection["succeeded"]).total_seconds()
        allowed_s = max(TURNS * collection["every_s"], LEAST_S) if collection["every_s"] else BY_HAND_S
        stale = not age_s <= allowed_s
        reason = "" if not stale else "never collected" if age_s != age_s else f"last collected {span_text(age_s)} ago"
        if stale and collection["error"]:
            reason = f"{reason}: {collection['error']}"
        rows.append({**collection, "age_s": age_s, "stale": stale, "reason": reason})
    columns = ["subject", "kind", "tried", "succeeded", "age_s", "every_s", "stale", "reason", "error"]
    frame = pd.DataFrame(rows, columns=columns).astype({"stale": bool, "age_s": float, "every_s": float})
    for name in ("tried", "succeeded"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("ms")
    frame = frame.sort_values(["stale", "subject", "kind"], ascending=[False, True, True], kind="stable")
    return CollectionStates(frame.reset_index(drop=True), as_of=as_of)
