"""Spend of the last day, week and month against the same before, and the running day against the same hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.cost.ledger import Account, Periods, measures
from workbench.analysis.cost.spend import COVERAGE_FLOOR
from workbench.analysis.cost.sums import Sums
from workbench.core.money import total
from workbench.core.result import Result
from workbench.core.timerange import TimeRange, named_zone

#: Name of a window -> its length. [d]
WINDOWS = {"24 h": 1, "7 d": 7, "30 d": 30}

#: Days of history that the windows and those before them reach back. [d]
HISTORY_DAYS = 2 * max(WINDOWS.values())

_COLUMNS = ["measure", "unit", "window", "against", "start", "end", "amount", "coverage", "before_start", "before_end",
            "before", "before_coverage", "change", "change_ratio"]  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class SpendWindows(Result):
    """Spend of windows that end now, each against one of the same length; one row a window and unit.

    Columns of ``frame``:

    ======================== ============================================================================
    measure, unit            as in :class:`workbench.analysis.cost.spend.SpendTotals` (str)
    window                   ``today``, ``24 h``, ``7 d`` or ``30 d`` (str)
    against                  what it is compared with, e.g. ``yesterday to 14:30`` (str)
    start, end               [UTC]
    amount                   None where nothing of it was observed (Decimal) [``unit``]
    coverage                 observed share of the window [ratio]
    before_start, before_end of what it is compared with [UTC]
    before, before_coverage  as above (Decimal, float) [``unit``, ratio]
    change                   amount - before; None where one is (Decimal) [``unit``]
    change_ratio             change / before; NaN without a base, or below 90 % of either observed [ratio]
    ======================== ============================================================================
    """

    as_of: datetime
    zone: str


def spend_windows(
    ledger: pd.DataFrame,
    seen: pd.DataFrame,
    accounts: Sequence[Account],
    periods: Periods,
    *,
    zone: str,
    sums: Sums | None = None,
) -> SpendWindows:
    """Compare the windows that end with the period.

    Parameters
    ----------
    ledger, seen, accounts, periods
        As for :func:`workbench.analysis.cost.spend.spend_totals`, the slices cut at midnights and at the wall-clock
        time of now. [unit of the account]
    zone : str
        IANA zone of the days.
    sums : Sums, optional
        Those of ledger, seen and accounts, where they were made before.

    Returns
    -------
    SpendWindows

    Notes
    -----
    The running day is compared with the same hours of yesterday and of the day a week ago, never with a whole day. A
    window of N days begins at the same wall-clock time N days ago, so one over a change of the clocks is an hour longer
    or shorter.

    Examples
    --------
    >>> from datetime import UTC
    >>> now = TimeRange(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 3, 12, tzinfo=UTC))
    >>> [(name, against) for name, against, *_ in window_pairs(now.end, "UTC")][:2]
    [('today', 'yesterday to 12:00'), ('today', 'a week ago to 12:00')]
    """
    sums = sums or Sums(ledger, seen, accounts)
    rows: list[dict[str, Any]] = []
    for measure, unit in measures(accounts):
        roles = [
            account.role for account in accounts if (account.measure, account.unit) == (measure, unit) and account.added
        ]
        for window, against, *spans in window_pairs(periods.now.end, zone):
            shares = [min(sums.observed(role, span) for role in roles) for span in spans]
            amounts = [sums.known(roles, span) for span in spans]
            now, before = amounts
            change = None if now is None or before is None else total((now, before.copy_negate()))
            stated = change is not None and bool(before) and min(shares) >= COVERAGE_FLOOR
            ratio = float(change / before) if stated and change is not None and before else np.nan
            head = (measure, unit, window, against, spans[0].start, spans[0].end, now, shares[0])
            tail = (spans[1].start, spans[1].end, before, shares[1], change, ratio)
            rows.append(dict(zip(_COLUMNS, (*head, *tail), strict=True)))
    return SpendWindows(pd.DataFrame(rows, columns=_COLUMNS), as_of=periods.now.end, zone=zone)


def window_pairs(now: datetime, zone: str) -> list[tuple[str, str, TimeRange, TimeRange]]:
    """Return name, what it is compared with, and both ranges of each window that ends at an instant."""
    local = now.astimezone(named_zone(zone))

    def back(days: int, at: time) -> datetime:
        return datetime.combine(local.date() - timedelta(days=days), at, named_zone(zone)).astimezone(now.tzinfo)

    clock, midnight = local.time(), time()
    pairs = []
    if back(0, midnight) < now:
        today = TimeRange(back(0, midnight), now)
        for days, name in ((1, "yesterday"), (7, "a week ago")):
            span = TimeRange(back(days, midnight), back(days, clock))
            pairs.append(("today", f"{name} to {local:%H:%M}", today, span))
    for name, days in WINDOWS.items():
        spans = TimeRange(back(days, clock), now), TimeRange(back(2 * days, clock), back(days, clock))
        pairs.append((name, f"the {name} before", *spans))
    return pairs
