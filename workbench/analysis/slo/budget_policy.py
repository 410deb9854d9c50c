"""Which steps of an error-budget policy are reached, and what follows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

import pandas as pd

from workbench.analysis.slo.burn import BurnRates
from workbench.analysis.slo.compliance import COVERAGE_FLOOR, ComplianceResult
from workbench.analysis.slo.spending import Spending
from workbench.core.result import Result


@dataclass(frozen=True)
class Step:
    """One step of a policy: ``measure`` beyond ``limit`` has a consequence.

    Attributes
    ----------
    name, consequence : str
    measure : {"budget_left", "incident", "burn_rate"}
        Share of the period's budget that is left (below), that one episode spent (above), or burn rate (above).
    limit : Decimal
    lookback : str
        Of the burn rate. [time]
    """

    name: str
    consequence: str
    measure: Literal["budget_left", "incident", "burn_rate"]
    limit: Decimal
    lookback: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class PolicyState(Result):
    """Steps of a policy for each objective, in their order; one row per objective and step.

    Columns of ``frame``:

    ================ =============================================================================
    objective, title identity and title (str)
    step             name (str)
    measure          ``budget_left``, ``incident`` or ``burn_rate`` (str)
    value, limit     [ratio of the budget; x for burn rates]; NaN where nothing is known
    lookback         of a burn rate (str)
    state            ``reached``, ``clear``, or ``unknown`` where nothing is known (str)
    consequence      what follows when it is reached (str)
    ================ =============================================================================
    """

    as_of: datetime


def policy_state(
    compliance: ComplianceResult, burns: BurnRates, spent: Spending, steps: Sequence[Step], *, as_of: datetime
) -> PolicyState:
    """Hold each objective against the steps of a policy.

    Parameters
    ----------
    compliance : ComplianceResult
        Verdicts of the objectives.
    burns : BurnRates
        Burn rates of the objectives.
    spent : Spending
        Episodes of the same period.
    steps : sequence of Step
        Steps of the policy, mildest first.
    as_of : datetime
        Instant up to which data is read.

    Notes
    -----
    A limit is strict: a budget of exactly nothing left has not been overspent. Without counts, or where less than nine
    tenths of the period, or of the look-back of a burn rate, were observed, a step is ``unknown``, never clear: silence
    is not health. It is reached then only when it would be so even if everything in the rest of that time, at the same
    traffic, had been good.
    """
    known_burns = burns.frame.set_index(["objective", "lookback"])
    rates, shares = known_burns["burn_rate"], known_burns["covered"]
    episodes = spent.frame[spent.frame["kind"] == "episode"].groupby("objective")["budget_share"].max()
    rows = []
    for row in compliance.frame.itertuples():
        name = str(row.objective)
        for step in steps:
            value, coverage = float(row.period_left_ratio), float(row.coverage)
            if step.measure == "burn_rate":
                value = float(rates.get((name, step.lookback), math.nan))
                coverage = float(shares.get((name, step.lookback), math.nan))
            elif step.measure == "incident" and not math.isnan(value):
                value = float(episodes.get(name, 0.0))
            known = not math.isnan(value)
            seen = coverage >= COVERAGE_FLOOR
            sure = value if seen else _diluted(value, step.measure, coverage)
            beyond = known and (sure < step.limit if step.measure == "budget_left" else sure > step.limit)
            rows.append(
                {
                    "objective": name,
                    "title": str(row.title),
                    "step": step.name,
                    "measure": step.measure,
                    "value": value,
                    "limit": float(step.limit),
                    "lookback": step.lookback,
                    "state": "reached" if beyond else "clear" if known and seen else "unknown",
                    "consequence": step.consequence,
                }
            )
    columns = ["objective", "title", "step", "measure", "value", "limit", "lookback", "state", "consequence"]
    return PolicyState(pd.DataFrame(rows, columns=columns), as_of=as_of)


def _diluted(value: float, measure: str, coverage: float) -> float:
    """Budget left, its share that an incident spent, or a burn rate, had the time not observed been without a fault.

    Both are of the budget of the events that were counted; at the same traffic that of the whole period is larger.
    """
    return 1 - (1 - value) * coverage if measure == "budget_left" else value * coverage
