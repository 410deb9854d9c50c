"""What the plan costs, quarter by quarter: limits that are raised in time, and what could be made smaller."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pandas as pd

from workbench.analysis.capacity.levels import CapacityLimits
from workbench.core.result import Result
from workbench.core.timerange import named_zone

#: Quarters that are shown, that of now among them. [count]
QUARTERS = 4

_CENT = Decimal("0.01")


@dataclass(frozen=True, eq=False, repr=False)
class CapacityMoney(Result):
    """What the plan of a system costs in each calendar quarter.

    Columns of ``frame``: ``quarter`` (such as ``2026-Q4``, str), ``currency`` (str), ``added`` (limits that are raised,
    Decimal) [``currency``], ``saved`` (what could be made smaller, negative, Decimal) [``currency``], ``raised`` and
    ``smaller`` (levels of both kinds) [count]. A currency has a row for each quarter.

    ``unpriced`` holds the levels of the plan whose cost no profile names.
    """

    as_of: datetime
    unpriced: tuple[str, ...] = ()


def capacity_money(limits: CapacityLimits, *, zone: str = "UTC") -> CapacityMoney:
    """Add up what the proposed sizes cost more or less in the quarter of now and the three after it.

    Parameters
    ----------
    limits : CapacityLimits
        Of one system.
    zone : str
        IANA zone of the calendar.

    Notes
    -----
    A limit that is reached within the horizon with 10 % or more is raised to one that lasts over the horizon, from the
    day on that is reached with 10 %; what never passes 40 % of its limit is made smaller from now on. A quarter costs
    three times the month, a day of it an equal part of that. Growth after the horizon is in no figure, so later
    quarters are at least this dear.

    Examples
    --------
    See ``tests/analysis/test_capacity_money.py``.
    """
    today = limits.as_of.astimezone(named_zone(zone)).date()
    quarters = _quarters(today)
    sums: dict[str, list[list[Decimal]]] = {}
    counts: dict[str, list[int]] = {}
    unpriced = []
    for _, level in limits.frame[limits.frame["signal"]].groupby(["resource", "series"], sort=False):
        dated = level[level["earliest"].notna()]
        if not len(dated) and not level["oversized"].any():
            continue
        row = dated.sort_values("value").iloc[-1] if len(dated) else level.iloc[0]
        monthly = row["cost_change"]
        if monthly is None or pd.isna(monthly):
            unpriced.append(f"{row['title']} of {row['series']}")
            continue
        kind = 0 if len(dated) else 1
        begins = max(dated["earliest"].min().tz_convert(zone).date(), today) if len(dated) else today
        amounts = sums.setdefault(str(row["currency"]), [[Decimal(0), Decimal(0)] for _ in quarters])
        counts.setdefault(str(row["currency"]), [0, 0])[kind] += 1
        for place, (first, after) in enumerate(quarters):
            days = max((after - max(first, begins)).days, 0)
            amounts[place][kind] += 3 * Decimal(monthly) * days / (after - first).days
    rows: list[dict[str, Any]] = [
        {
            "quarter": f"{first.year}-Q{(first.month + 2) // 3}",
            "currency": currency,
            "added": amounts[place][0].quantize(_CENT),
            "saved": amounts[place][1].quantize(_CENT),
            "raised": counts[currency][0],
            "smaller": counts[currency][1],
        }
        for currency, amounts in sorted(sums.items())
        for place, (first, _) in enumerate(quarters)
    ]
    frame = pd.DataFrame(rows, columns=["quarter", "currency", "added", "saved", "raised", "smaller"])
    return CapacityMoney(frame, as_of=limits.as_of, unpriced=tuple(unpriced))


def _quarters(today: date) -> list[tuple[date, date]]:
    """First day of each quarter, and of the one after it."""
    first = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    bounds = [first]
    for _ in range(QUARTERS):
        bounds.append((bounds[-1] + timedelta(days=100)).replace(day=1))
    return list(pairwise(bounds))
