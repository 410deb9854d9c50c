"""Systems and their objectives side by side, worst first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from workbench.analysis.slo.compliance import ComplianceResult
from workbench.core.result import Result, worst


@dataclass(frozen=True, eq=False, repr=False)
class GoalBoard(Result):
    """Every objective of every system; worst system first, and within a system the worst objective first.

    Columns of ``frame``: ``system``, ``system_title``, ``system_status`` (the worst of its objectives) (str), then all
    columns of :class:`workbench.analysis.slo.compliance.ComplianceResult` in their order. A system without objectives
    has
    one row with an empty ``objective`` and the status ``no_data``.
    """

    as_of: datetime


#: Statuses in the order a reader should meet them.
_ORDER = ("spent", "at_risk", "unavailable", "refused", "no_data", "no_traffic", "ok")


def goal_board(systems: Mapping[str, ComplianceResult], *, titles: Mapping[str, str], as_of: datetime) -> GoalBoard:
    """Join the compliance of several systems.

    Parameters
    ----------
    systems : mapping of str to ComplianceResult
        By system.
    titles : mapping of str to str
        Title of each system.
    as_of : datetime
        Instant up to which data is read.

    Returns
    -------
    PromiseBoard
        Ordered by status, then by the share of budget left, least first.
    """
    parts = []
    for system, result in systems.items():
        rows = result.frame if len(result.frame) else result.frame.reindex([0]).assign(objective="", status="no_data")
        status = worst(list(rows["status"]))
        parts.append(rows.assign(system=system, system_title=titles.get(system, system), system_status=status))
    notes = tuple(note for result in systems.values() for note in result.notes)
    if not parts:
        return GoalBoard(pd.DataFrame(columns=["system", "system_title", "system_status"]), as_of=as_of, notes=notes)
    joined = pd.concat(parts, ignore_index=True)
    rank = {status: place for place, status in enumerate(_ORDER)}
    keys = pd.DataFrame(
        {
            "system_place": joined["system_status"].map(rank),
            "system": joined["system"],
            "place": joined["status"].map(rank),
            "left": joined["period_left_ratio"],
        }
    )
    order = keys.sort_values(["system_place", "system", "place", "left"], kind="stable").index
    front = ["system", "system_title", "system_status"]
    frame = joined.loc[order, front + [name for name in joined.columns if name not in front]].reset_index(drop=True)
    return GoalBoard(frame, as_of=as_of, notes=notes)
