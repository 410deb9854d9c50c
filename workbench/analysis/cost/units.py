"""Unit costs: spend per request, per success and per thousand tokens, as ratios of totals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.cost.ledger import Account, Periods
from workbench.analysis.cost.sums import Sums
from workbench.core.money import PRECISION, quantised, total
from workbench.core.result import Result
from workbench.core.timerange import TimeRange

_CONTEXT = Context(prec=PRECISION)
_COLUMNS = ["per", "counter", "unit", "cost", "count", "unit_cost", "before", "change_ratio"]


@dataclass(frozen=True, eq=False, repr=False)
class UnitCosts(Result):
    """Spend per thing done: ratios of totals, never means of ratios; one row a thing and currency.

    Columns of ``frame``:

    ============= ======================================================================================
    per           ``request``, ``success`` or ``1,000 tokens`` (str)
    counter       title of what is counted (str)
    unit          currency (str)
    cost          spend of the period that is divided; None where nothing of it was observed (Decimal) [``unit``]
    count         things done in the period; None where nothing of it was observed (Decimal) [count]
    unit_cost     cost / count, per thousand for tokens; None without any (Decimal) [``unit``]
    before        unit cost of the period compared with (Decimal) [``unit``]
    change_ratio  unit_cost / before - 1; NaN without a base [ratio]
    ============= ======================================================================================
    """

    period: TimeRange
    before: TimeRange


def unit_costs(
    ledger: pd.DataFrame,
    seen: pd.DataFrame,
    accounts: Sequence[Account],
    periods: Periods,
    *,
    sums: Sums | None = None,
) -> UnitCosts:
    """Divide the spend of a period by what was done in it.

    Parameters
    ----------
    ledger, seen, accounts, periods, sums
        As for :func:`workbench.analysis.cost.spend.spend_totals`.

    Notes
    -----
    A success is a request less those that failed, where the profile counts failures of the same requests. All spend of
    the system is divided by each count of requests: the figures are not to be added. A thousand tokens are paid by the
    spend that has tokens: where spend and tokens share labels (model, provider, key), spend of values without tokens,
    such as images, stays out, and so does a counter of money without such a label beside one that has it. A note says
    how much stayed out.
    """
    sums = sums or Sums(ledger, seen, accounts)
    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    base = [account for account in accounts if account.added]
    for unit in dict.fromkeys(account.unit for account in base if account.measure == "cost"):
        paid = [account for account in base if (account.measure, account.unit) == ("cost", unit)]
        spent = _known(sums, paid, periods)
        for request in (account for account in base if account.measure == "requests"):
            done = _known(sums, [request], periods)
            rows.append(_row("request", request.title, unit, spent, done, 1))
            failed = [account for account in accounts if account.measure == "errors" and account.inside == request.role]
            if failed:
                lost = _known(sums, failed, periods)
                rows.append(_row("success", request.title, unit, spent, list(map(_less, done, lost)), 1))
        tokens = [account for account in base if account.measure == "tokens"]
        if tokens:
            used = _known(sums, tokens, periods)
            for_tokens = [
                amount if amount is None else _spend_with_tokens(sums, paid, tokens, span)
                for amount, span in zip(spent, (periods.now, periods.before), strict=True)
            ]
            title = tokens[0].title if len(tokens) == 1 else "Tokens"
            rows.append(_row("1,000 tokens", title, unit, for_tokens, used, 1000))
            apart = _less(spent[0], for_tokens[0])
            if apart:
                notes.append(
                    f"{apart:,.2f} of {spent[0]:,.2f} {unit} was spent on what has no tokens (such as images or "
                    "storage); it is not in the spend per 1,000 tokens."
                )
    frame = pd.DataFrame(rows, columns=_COLUMNS)
    return UnitCosts(frame, period=periods.now, before=periods.before, notes=tuple(notes))


def _row(
    per: str, counter: str, unit: str, costs: list[Decimal | None], counts: list[Decimal | None], size: int
) -> dict[str, Any]:
    now, before = (_each(cost, count, size) for cost, count in zip(costs, counts, strict=True))
    change = np.nan if now is None or not before else float(now / before) - 1
    return dict(zip(_COLUMNS, (per, counter, unit, costs[0], counts[0], now, before, change), strict=True))


def _known(sums: Sums, accounts: Sequence[Account], periods: Periods) -> list[Decimal | None]:
    roles = [account.role for account in accounts]
    return [sums.known(roles, span) for span in (periods.now, periods.before)]


def _spend_with_tokens(sums: Sums, paid: Sequence[Account], tokens: Sequence[Account], span: TimeRange) -> Decimal:
    """Spend of the values of shared labels that have tokens; all spend where no label is shared."""
    common = [
        name
        for name in tokens[0].dimensions
        if name != "token_class" and all(name in token.dimensions for token in tokens)
    ]
    shared = {account.role: [name for name in common if name in account.dimensions] for account in paid}
    if not any(shared.values()):
        return sums.within(shared, span)
    used = sums.rows([token.role for token in tokens], span)
    amounts = []
    for role, names in shared.items():
        if names:
            having = {values for values, count in sums.by(names, used).items() if count > 0}
            spent = sums.by(names, sums.rows([role], span))
            amounts += [amount for values, amount in spent.items() if values in having]
    return total(amounts)


def _less(amount: Decimal | None, lost: Decimal | None) -> Decimal | None:
    return None if amount is None or lost is None else total((amount, lost.copy_negate()))


def _each(cost: Decimal | None, count: Decimal | None, size: int) -> Decimal | None:
    if cost is None or count is None or count <= 0:
        return None
    return quantised(_CONTEXT.divide(_CONTEXT.multiply(cost, Decimal(size)), count))
