"""What the running month costs and how much of each budget is used: what an overview asks of cost.

Only money is read, and nothing is explained; the figures are those of
:func:`workbench.studies.cost.spend.spend_and_tokens` over the same month.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from workbench.analysis.cost.budgets import BudgetUse, budget_use
from workbench.analysis.cost.spend import SpendTotals, spend_totals
from workbench.core.result import Status
from workbench.core.timerange import calendar_range
from workbench.studies.cost.reading import read_spend
from workbench.studies.counting.ledger import periods_of
from workbench.studies.sources.context import Context


@dataclass(frozen=True)
class Month:
    """Totals of money and use of budgets of a month so far; ``failed`` where the source did not answer."""

    totals: SpendTotals
    budgets: BudgetUse
    failed: Status | None
    warnings: tuple[str, ...]

    @property
    def money(self) -> pd.DataFrame:
        """Rows of the totals, one a currency."""
        return self.totals.frame[self.totals.frame["measure"] == "cost"]


def month_spend(ctx: Context, system: str, *, as_of: datetime) -> Month:
    """Read what the calendar month that runs at an instant has cost; at midnight, the one before.

    Raises
    ------
    ParameterError
        Unknown system. A failing source is ``failed``.
    """
    profile, source = ctx.catalog.profile(system), ctx.source_for(system)
    month = calendar_range("this-month", zone=ctx.zone, now=as_of - timedelta(milliseconds=1))
    periods = periods_of(month, as_of=as_of, zone=ctx.zone)
    spend = read_spend(source, profile, periods, ctx.zone, money_only=True)
    counted = spend.accounts if len(spend.seen) else []
    return Month(
        spend_totals(spend.ledger, spend.seen, counted, periods),
        budget_use(spend.budgets, as_of=periods.now.end),
        spend.failed,
        spend.warnings,
    )
