"""Jumps of spend and tokens as events: what shows under several labels, and in money and tokens, is one."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import date

import numpy as np
import pandas as pd

from workbench.core.units import part_text

#: Two jumps are one event where the days they share are at least this part of the days of both together. [ratio]
LEAST_SHARED = 1 / 3

#: The cause of an event has at least this part of its impact: what rose with all others is no cause. [ratio]
LEAST_PART = 1 / 2


def jump_events(jumps: pd.DataFrame) -> pd.DataFrame:
    """Keep one row an event, that of the smallest cause that explains half of it.

    Parameters
    ----------
    jumps : DataFrame
        Columns of :class:`workbench.analysis.cost.jumps.SpendJumps`.

    Returns
    -------
    DataFrame
        The same columns, the largest event first. The row of an event is the one in money, where there is one, whose
        group usually has the smallest amount a day, of those with half of the impact or more; ``also`` names its other
        views. ``views`` is their number [count], ``most`` the largest impact of them in the unit of the row [``unit``].

    Examples
    --------
    >>> shared = {"direction": "up", "first": "2026-10-22", "last": "2026-10-23", "days": 2, "also": ""}
    >>> frame = pd.DataFrame([
    ...     {"measure": "cost", "unit": "USD", "dimension": "model", "group": "gpt", "expected": 90.0, "impact": 50.0},
    ...     {"measure": "cost", "unit": "USD", "dimension": "key", "group": "k1", "expected": 5.0, "impact": 48.0},
    ... ]).assign(**shared, hours=np.nan)
    >>> jump_events(frame)[["group", "also", "most"]].values.tolist()
    [['k1', 'model gpt', 50.0]]
    """
    events: list[list[dict[Hashable, object]]] = []
    rows = jumps.assign(_size=jumps["impact"].abs()).sort_values(["measure", "_size"], ascending=[True, False])
    for row in rows.drop(columns="_size").to_dict(orient="records"):
        home = next((event for event in events if any(_same(row, other) for other in event[:1])), None)
        if home is None:
            events.append([row])
        else:
            home.append(row)
    kept = [_event(event) for event in events]
    return pd.DataFrame(kept, columns=[*jumps.columns, "views", "most"]).astype(
        {name: jumps[name].dtype for name in jumps.columns}
    )


def _event(rows: list[dict[Hashable, object]]) -> dict[Hashable, object]:
    first = rows[0]
    alike = [row for row in rows if (row["measure"], row["unit"]) == (first["measure"], first["unit"])]
    most = max((float(str(row["impact"])) for row in alike), key=abs)
    whole = [row for row in alike if abs(float(str(row["impact"]))) >= LEAST_PART * abs(most)]
    cause = min(whole, key=lambda row: float(str(row["expected"])) / float(str(row["days"])))
    views = dict.fromkeys(view for row in rows for view in _views(row, cause))
    return {**cause, "also": ", ".join(views), "views": len(rows), "most": most}


def _views(row: dict[Hashable, object], cause: dict[Hashable, object]) -> list[str]:
    """Name where an event shows in a row; tokens are said to be tokens beside money."""
    own = [] if row is cause else [part_text(str(row["dimension"]), str(row["group"]))]
    parts = [*own, *filter(None, str(row["also"]).split(", "))]
    of = "" if row["measure"] == cause["measure"] else f"{row['measure']} of "
    return [part if part.endswith(" tokens") else f"{of}{part}" for part in parts]


def _same(row: dict[Hashable, object], other: dict[Hashable, object]) -> bool:
    if row["direction"] != other["direction"] or np.isnan(float(str(row["hours"]))) != np.isnan(
        float(str(other["hours"]))
    ):
        return False
    (first, last), (begin, end) = _days(row), _days(other)
    shared = min(last, end) - max(first, begin) + 1
    return shared >= LEAST_SHARED * (max(last, end) - min(first, begin) + 1)


def _days(row: dict[Hashable, object]) -> tuple[int, int]:
    first, last = (date.fromisoformat(str(row[name])).toordinal() for name in ("first", "last"))
    return first, last
