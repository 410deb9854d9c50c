"""The counters of money and tokens and the stated budgets of a system, as they are read for the questions of cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workbench.analysis.cost import jumps, windows
from workbench.analysis.cost.budgets import Budget
from workbench.analysis.cost.ledger import Account, Periods
from workbench.analysis.counting.counts import Method
from workbench.catalog import Profile
from workbench.core.errors import QueryRejected, QueryTooExpensive, WorkbenchError
from workbench.core.result import Status
from workbench.core.source import MetricSource
from workbench.core.timerange import TimeRange, duration_text, from_ms
from workbench.studies.counting.counters import CounterReader
from workbench.studies.counting.ledger import (
    PROCESS_LABELS,
    accounts_of,
    empty_ledger,
    ledger_edges,
    read_accounts,
    selectors_of,
)
from workbench.studies.sources.reader import QueryReader

#: Days of history that usual days and windows need. [d]
HISTORY_DAYS = max(jumps.HISTORY_DAYS, windows.HISTORY_DAYS)

#: The value of a budget is the newest of this long before the end of the period.
GAUGE_AGE = "1h"

BUDGET_WORDS = {"budget_used": "used", "budget": "limit", "budget_left": "left", "budget_resets": "resets"}

#: Hours of a unit of the time until a budget starts again. [h]
_HOURS = {"seconds": 1 / 3600, "s": 1 / 3600, "minutes": 1 / 60, "hours": 1.0, "h": 1.0, "days": 24.0, "d": 24.0}

#: A budget that restarts at the end of a period is read just before. [ms]
_BEFORE_END_MS = 1


@dataclass
class SpendReading:
    """What was read of money and tokens; ``failed`` where the source did not answer."""

    ledger: pd.DataFrame
    seen: pd.DataFrame
    accounts: list[Account]
    budgets: Sequence[Budget] = ()
    queries: tuple[str, ...] = ()
    newest_ms: int | None = None
    failed: Status | None = None
    warnings: tuple[str, ...] = ()
    method: Method = "exact"


def read_spend(
    source: MetricSource, profile: Profile, periods: Periods, zone: str, *, money_only: bool = False
) -> SpendReading:
    """Read the ledger with the history that jumps are judged by; without it where that is too large.

    With ``money_only`` neither tokens nor the work that was paid are read; amounts of money are the same to the last
    digit, as they are counted from the same samples.
    """
    try:
        return _read_since(source, profile, periods, zone, HISTORY_DAYS, money_only)
    except (QueryRejected, QueryTooExpensive) as refusal:
        try:
            spend = _read_since(source, profile, periods, zone, 0, money_only)
        except WorkbenchError as error:
            return _failed(profile, error)
        spend.warnings += (f"Days are judged without {HISTORY_DAYS} days of history: {refusal.message}",)
        return spend
    except WorkbenchError as error:
        return _failed(profile, error)


def _read_since(
    source: MetricSource, profile: Profile, periods: Periods, zone: str, history_days: int, money_only: bool
) -> SpendReading:
    accounts, left_out = accounts_of(profile)
    if money_only:
        accounts = [account for account in accounts if account.measure == "cost"]
    edges = ledger_edges(periods, zone, history_days=history_days)
    hull = TimeRange.from_ms(edges[0], edges[-1])
    reader = CounterReader(source, profile.scope, hull, selectors_of(profile, [account.role for account in accounts]))
    query_reader = QueryReader(source, profile.scope)
    if len(edges) > 1 and accounts:
        ledger, seen, accounts, settled = read_accounts(reader, profile, accounts, edges)
        budgets = stated_budgets(query_reader, profile, periods.now)
    else:
        (ledger, seen), settled, budgets = empty_ledger(), [], []
    queries, warnings = (*reader.queries, *query_reader.queries), (*left_out, *settled, *reader.warnings)
    return SpendReading(
        ledger, seen, accounts, budgets, queries, reader.newest_ms, warnings=warnings, method=reader.method
    )


def _failed(profile: Profile, error: WorkbenchError) -> SpendReading:
    accounts, left_out = accounts_of(profile)
    failed: Status = "refused" if isinstance(error, (QueryRejected, QueryTooExpensive)) else "unavailable"
    return SpendReading(*empty_ledger(), accounts, failed=failed, warnings=(str(error), *left_out))


def stated_budgets(query_reader: QueryReader, profile: Profile, span: TimeRange) -> list[Budget]:
    """Read what a system says of its budgets, joined by variant and label values."""
    stated: dict[tuple[str, str, str], dict[str, Any]] = {}
    at = from_ms(span.end_ms - _BEFORE_END_MS)
    for word, part in BUDGET_WORDS.items():
        for name, role in profile.variants(word).items():
            labels = {str(key): label for key, label in role.labels.items() if key not in PROCESS_LABELS}
            queries = {part: f"last_over_time({role.select}[{GAUGE_AGE}])"}
            if part == "used":
                queries["peak"] = f"max_over_time({role.select}[{duration_text(span.end_ms - span.start_ms)}])"
            if role.kind == "expr":
                queries = {part: role.select}
            for column, value in queries.items():
                for series, amount in query_reader.values(f"max by ({', '.join(labels.values())}) ({value})", at):
                    group = " / ".join(series.get(label, "") for label in labels.values())
                    budget = stated.setdefault((name.partition(".")[2], ", ".join(labels), group), {})
                    scale = _HOURS.get(role.unit, 1.0) if part == "resets" else 0.01 if role.unit == "percent" else 1.0
                    budget[column] = amount * scale
                    budget |= {} if part in ("used", "resets") else {"unit": role.unit}
    return [Budget(what, group, **parts) for (_, what, group), parts in stated.items()]
