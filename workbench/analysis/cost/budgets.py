"""How much of each budget is used: what the system itself says of the money its keys, teams and users may spend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from workbench.core.result import Result, Status

#: A budget is at risk from this used share on.
AT_RISK_FROM = 0.8


@dataclass(frozen=True, eq=False, repr=False)
class BudgetUse(Result):
    """Used share of each budget at the end of the period; one row per budget, most used first.

    Columns of ``frame``:

    ========= =========================================================================
    dimension what has the budget: ``key``, ``team``, ``user``, ... (str)
    group     which one (str)
    status    ok, at_risk (80 % or more used at the end) or spent (100 % or more)
    used      used share of the budget at the end of the period, above 1 when overspent [ratio]
    peak      highest used share in the period; NaN where the system does not state shares [ratio]
    limit     the budget; NaN where the system does not say [``unit``]
    left      what is left of it; NaN where the system does not say [``unit``]
    unit      currency, empty where only the share is known (str)
    resets    hours until the budget starts again; NaN where the system does not say [h]
    ========= =========================================================================
    """

    as_of: datetime


@dataclass(frozen=True)
class Budget:
    """What a system says of one budget; parts it does not say are NaN."""

    dimension: str
    group: str
    used: float = np.nan
    peak: float = np.nan
    limit: float = np.nan
    left: float = np.nan
    unit: str = ""
    resets: float = np.nan


def budget_use(budgets: Sequence[Budget], *, as_of: datetime) -> BudgetUse:
    """Judge budgets by their used share.

    Parameters
    ----------
    budgets : sequence of Budget
        An infinite limit or remainder means that there is no budget, and gives no row. [unit]
    as_of : datetime
        Instant of the values.

    Notes
    -----
    The used share is what the system states, else 1 - left / limit.

    Examples
    --------
    >>> stated = [Budget("key", "vk-1", limit=50.0, left=5.0, unit="USD"), Budget("key", "vk-2", used=0.2)]
    >>> from datetime import UTC
    >>> frame = budget_use(stated, as_of=datetime(2026, 11, 1, tzinfo=UTC)).frame
    >>> frame[["group", "status", "used"]].values.tolist()
    [['vk-1', 'at_risk', 0.9], ['vk-2', 'ok', 0.2]]
    """
    rows = []
    for budget in budgets:
        if np.isinf(budget.limit) or np.isinf(budget.left):
            continue
        stated = budget.used if np.isfinite(budget.used) or not budget.limit > 0 else 1 - budget.left / budget.limit
        rows.append({**vars(budget), "used": stated, "status": _status(stated)})
    columns = ["dimension", "group", "status", "used", "peak", "limit", "left", "unit", "resets"]
    frame = pd.DataFrame(rows, columns=columns).sort_values("used", ascending=False, kind="stable", ignore_index=True)
    return BudgetUse(frame, as_of=as_of)


def _status(used: float) -> Status:
    if not np.isfinite(used):
        return "no_data"
    return "spent" if used >= 1 else "at_risk" if used >= AT_RISK_FROM else "ok"
