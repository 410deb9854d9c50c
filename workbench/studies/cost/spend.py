"""What did it cost, who used it, and where will the month end? Money and tokens from the system's own counters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pandas as pd

from workbench import __version__
from workbench.analysis.cost.budgets import Budget, budget_use
from workbench.analysis.cost.drivers import spend_drivers
from workbench.analysis.cost.jumps import HISTORY_DAYS, spend_jumps
from workbench.analysis.cost.landing import spend_forecast
from workbench.analysis.cost.ledger import Account, Periods
from workbench.analysis.cost.spend import daily_spend, spend_groups, spend_totals
from workbench.analysis.cost.token_classes import token_classes
from workbench.analysis.cost.units import unit_costs
from workbench.analysis.counting.counts import Method
from workbench.catalog import Profile
from workbench.core.errors import QueryRejected, QueryTooExpensive, WorkbenchError
from workbench.core.result import Provenance, Status, Study, worst
from workbench.core.source import MetricSource
from workbench.core.timerange import TimeRange, calendar_range, duration_text, from_ms
from workbench.studies.counting.counters import CounterReader
from workbench.studies.counting.ledger import (
    PROCESS_LABELS,
    accounts_of,
    empty_ledger,
    ledger_edges,
    periods_of,
    read_accounts,
    selectors_of,
)
from workbench.studies.sources.context import Context
from workbench.studies.sources.read_tier import read_tier
from workbench.studies.sources.reader import QueryReader
from workbench.studies.sources.tables import reconciled, with_labels

#: The value of a budget is the newest of this long before the end of the period.
GAUGE_AGE = "1h"

_BUDGET_WORDS = {"budget_used": "used", "budget": "limit", "budget_left": "left"}

#: A budget that begins anew at the end of a period is read just before. [ms]
_BEFORE_END_MS = 1


def spend_and_tokens(ctx: Context, *, system: str, range: TimeRange | None = None, as_of: datetime) -> Study:
    """Spend and tokens of a system by every label they are counted with, by day, and against the period before.

    Parameters
    ----------
    ctx : Context
    system : str
        System of the catalog.
    range : TimeRange, optional
        Period, e.g. a calendar month; the running calendar month by default.
    as_of : datetime
        Aware instant up to which history is read.

    Returns
    -------
    Study
        ``results``: ``totals`` (:class:`workbench.analysis.cost.spend.SpendTotals`), ``groups``
        (:class:`workbench.analysis.cost.spend.SpendGroups`), ``days``
        (:class:`workbench.analysis.cost.spend.DailySpend`, in ``ctx.zone``), ``token_classes``
        (:class:`workbench.analysis.cost.token_classes.TokenClasses`), ``drivers``
        (:class:`workbench.analysis.cost.drivers.SpendDrivers`), ``forecast``
        (:class:`workbench.analysis.cost.landing.SpendForecast`), ``jumps``
        (:class:`workbench.analysis.cost.jumps.SpendJumps`), ``unit_costs``
        (:class:`workbench.analysis.cost.units.UnitCosts`), ``budgets``
        (:class:`workbench.analysis.cost.budgets.BudgetUse`) and ``invoices``
        (:class:`workbench.analysis.cost.invoices.InvoiceCheck`). Tables of labels add
        dimensions. A result without rows is not measured; its notes say why.

    Raises
    ------
    ParameterError
        Unknown system. A failing source is a status of the study, never an exception.

    Notes
    -----
    The headline is the system's own counter of money. Counters are read raw and counted by exact increases in Decimal
    (:func:`workbench.analysis.counting.amounts.exact_amounts`), a calendar day of ``ctx.zone`` at a time.
    """
    profile, source = ctx.catalog.profile(system), ctx.source_for(system)
    periods = periods_of(range or calendar_range("this-month", zone=ctx.zone, now=as_of), as_of=as_of, zone=ctx.zone)
    found = _read(source, profile, periods, ctx.zone)
    counted = found.accounts if len(found.seen) else []
    invoices = reconciled(ctx, system, source, profile, counted, periods, as_of=as_of)
    found.ledger, counted, unlabelled = with_labels(ctx, system, found.ledger, counted)
    totals = spend_totals(found.ledger, found.seen, counted, periods)
    groups = spend_groups(found.ledger, found.seen, counted, periods)
    budgets = budget_use(found.budgets, as_of=periods.now.end)
    known_budgets: list[Status] = [status for status in budgets.frame["status"] if status != "no_data"]
    seen: Status = "ok" if (totals.frame["coverage"] > 0).any() else "no_data"
    return Study(
        name="spend_and_tokens",
        system=system,
        range=periods.now,
        as_of=as_of,
        results={
            "totals": replace(totals, notes=(*totals.notes, *_gaps(profile))),
            "groups": groups,
            "days": daily_spend(found.ledger, found.seen, counted, groups, zone=ctx.zone),
            "token_classes": token_classes(found.ledger, found.seen, counted, periods),
            "drivers": spend_drivers(found.ledger, found.seen, counted, periods),
            "jumps": spend_jumps(found.ledger, found.seen, counted, periods, zone=ctx.zone),
            "forecast": spend_forecast(found.ledger, found.seen, counted, periods, budgets.frame, zone=ctx.zone),
            "unit_costs": unit_costs(found.ledger, found.seen, counted, periods),
            "budgets": budgets,
            "invoices": invoices,
        },
        status=found.failed or (worst([seen, *known_budgets]) if seen == "ok" else seen),
        freshness=from_ms(found.newest_ms) if found.newest_ms is not None else None,
        coverage=float(totals.frame["coverage"].min()),
        provenance=Provenance(
            source=source.name,
            engine="none: raw samples",
            semantics=source.semantics,
            method=found.method,
            queries=found.queries,
            tier=read_tier(source, periods.now.start_ms),
            version=__version__,
        ),
        warnings=(*found.warnings, *unlabelled),
    )


@dataclass
class _Found:
    ledger: pd.DataFrame
    seen: pd.DataFrame
    accounts: list[Account]
    budgets: Sequence[Budget] = ()
    queries: tuple[str, ...] = ()
    newest_ms: int | None = None
    failed: Status | None = None
    warnings: tuple[str, ...] = ()
    method: Method = "exact"


def _read(source: MetricSource, profile: Profile, periods: Periods, zone: str) -> _Found:
    """Read the ledger with the history that jumps are judged by; without it where that is too large."""
    try:
        return _read_since(source, profile, periods, zone, HISTORY_DAYS)
    except (QueryRejected, QueryTooExpensive) as refusal:
        try:
            found = _read_since(source, profile, periods, zone, 0)
        except WorkbenchError as error:
            return _failed(profile, error)
        found.warnings += (f"Days are judged without {HISTORY_DAYS} days of history: {refusal.message}",)
        return found
    except WorkbenchError as error:
        return _failed(profile, error)


def _read_since(source: MetricSource, profile: Profile, periods: Periods, zone: str, history_days: int) -> _Found:
    accounts, left_out = accounts_of(profile)
    edges = ledger_edges(periods, zone, history_days=history_days)
    hull = TimeRange.from_ms(edges[0], edges[-1])
    reader = CounterReader(source, profile.scope, hull, selectors_of(profile, [one.role for one in accounts]))
    query_reader = QueryReader(source, profile.scope)
    found = _Found(*empty_ledger(), accounts, warnings=tuple(left_out))
    if len(edges) > 1 and accounts:
        found.ledger, found.seen, found.accounts, settled = read_accounts(reader, profile, accounts, edges)
        found.budgets = _budgets(query_reader, profile, periods.now)
        found.warnings += tuple(settled)
    found.warnings += reader.warnings
    found.method = reader.method
    found.queries, found.newest_ms = (*reader.queries, *query_reader.queries), reader.newest_ms
    return found


def _failed(profile: Profile, error: WorkbenchError) -> _Found:
    accounts, left_out = accounts_of(profile)
    failed: Status = "refused" if isinstance(error, (QueryRejected, QueryTooExpensive)) else "unavailable"
    return _Found(*empty_ledger(), accounts, failed=failed, warnings=(str(error), *left_out))


def _budgets(query_reader: QueryReader, profile: Profile, span: TimeRange) -> list[Budget]:
    """Read what a system says of its budgets, joined by variant and label values."""
    stated: dict[tuple[str, str, str], dict[str, Any]] = {}
    at = from_ms(span.end_ms - _BEFORE_END_MS)
    for word, part in _BUDGET_WORDS.items():
        for name, role in profile.variants(word).items():
            labels = {str(said): label for said, label in role.labels.items() if said not in PROCESS_LABELS}
            asked = {part: f"last_over_time({role.select}[{GAUGE_AGE}])"}
            if part == "used":
                asked["peak"] = f"max_over_time({role.select}[{duration_text(span.end_ms - span.start_ms)}])"
            if role.kind == "expr":
                asked = {part: role.select}
            for column, value in asked.items():
                for series, amount in query_reader.values(f"max by ({', '.join(labels.values())}) ({value})", at):
                    group = " / ".join(series.get(label, "") for label in labels.values())
                    one = stated.setdefault((name.partition(".")[2], ", ".join(labels), group), {})
                    one[column] = amount / (100 if role.unit == "percent" else 1)
                    one |= {} if part == "used" else {"unit": role.unit}
    return [Budget(what, group, **parts) for (_, what, group), parts in stated.items()]


def _gaps(profile: Profile) -> tuple[str, ...]:
    """Say what of this question the profile has no signal for."""
    notes = []
    if not profile.variants("cost"):
        notes.append(
            "Spend is not measured: the profile has no counter of money. Tokens can be priced only by a price book, "
            "and there is none."
        )
    if not profile.variants("tokens"):
        notes.append("Tokens are not measured: the profile has no counter of tokens.")
    if not any(profile.variants(word) for word in _BUDGET_WORDS):
        notes.append("Budgets are not measured: the profile has no gauge of one.")
    return tuple(notes)
