"""The overview states of cost what the question of cost states, and reads only money for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.demo_home import END
from workbench.core.timerange import TimeRange, calendar_range
from workbench.studies import spend_and_tokens
from workbench.studies.cost.month import month_spend

MONEY = ["unit", "amount", "before", "change", "projected", "month_to_date", "change_ratio", "coverage"]


@pytest.mark.parametrize("system", ["conduit", "counterfactual-lab", "choreoai", "llm-ab-testing"])
def test_a_months_spend_is_that_of_the_cost_page_to_the_last_digit(demo_context, system):
    for as_of in (END, END - timedelta(days=9, hours=7)):
        ctx = replace(demo_context, clock=lambda now=as_of: now)
        month: TimeRange = calendar_range("this-month", zone=ctx.zone, now=as_of - timedelta(milliseconds=1))
        whole = spend_and_tokens(ctx, system=system, range=month, as_of=as_of)
        part = month_spend(ctx, system, as_of=as_of)
        totals = whole.results["totals"].frame
        money = totals[totals["measure"] == "cost"].reset_index(drop=True)
        assert part.money[MONEY].reset_index(drop=True).astype(str).equals(money[MONEY].astype(str))
        assert part.budgets.frame.equals(whole.results["budgets"].frame)
