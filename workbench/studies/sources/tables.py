"""Tables of other people beside the ledger: invoices to reconcile, and labels such as the owner of a key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd

from workbench.analysis.cost.finance.budget_plans import BudgetPlan, read_plans
from workbench.analysis.cost.finance.currency import RateBook, read_rates
from workbench.analysis.cost.finance.invoice_lines import LINE_COLUMNS, readable_lines
from workbench.analysis.cost.finance.labels import labelled
from workbench.analysis.cost.invoices import LAST_DAY, ZONE_SHIFTS, InvoiceCheck, invoice_check
from workbench.analysis.cost.ledger import Account, Periods
from workbench.catalog import Profile
from workbench.core.errors import WorkbenchError
from workbench.core.source import MetricSource
from workbench.core.timerange import DAY_MS, TimeRange, to_ms
from workbench.studies.counting.counters import CounterReader
from workbench.studies.counting.ledger import SLICE_MS, empty_ledger, read_ledger, selectors_of
from workbench.studies.sources.context import Context

if TYPE_CHECKING:  # what the store needs is loaded where a store is opened
    from workbench.store.tables import TableSource


def tables_of(ctx: Context, system: str, holds: str) -> Iterator[TableSource]:
    """Tables of the settings that hold one kind of record and answer for a system; AccessRefused for one not seen."""
    ctx.identity.require("viewer", system)
    for name, table in ctx.tables.items():
        if table.holds == holds and system in (ctx.serves.get(name) or (system,)):
            yield table


def rows_of(ctx: Context, system: str, holds: str) -> tuple[list[tuple[TableSource, pd.DataFrame]], list[str]]:
    """Read the tables of one kind; one that cannot be read is a sentence."""
    frames, warnings = [], []
    for table in tables_of(ctx, system, holds):
        try:
            rows = table.read()
            frames.append((table, rows))
            warnings += [f"{table.name}: {warning}" for warning in rows.attrs["warnings"] if "invoice" in warning]
        except WorkbenchError as error:
            warnings.append(f"{table.name}: {error.message}")
    return frames, warnings


def with_labels(
    ctx: Context, system: str, ledger: pd.DataFrame, accounts: Sequence[Account]
) -> tuple[pd.DataFrame, list[Account], list[str]]:
    """Join the tables of labels to a ledger, see :mod:`workbench.analysis.cost.finance.labels`, with what they lack."""
    tables, notes_of = rows_of(ctx, system, "labels")
    wider = list(accounts)
    for table, rows in tables:
        ledger, wider, notes = labelled(ledger, wider, rows, tuple(table.fields))
        notes_of += [f"{table.name}: {note}" for note in notes]
    return ledger, wider, notes_of


def invoice_lines(ctx: Context, system: str, span: TimeRange) -> tuple[pd.DataFrame, list[str]]:
    """Read the lines of invoices that touch a range; what cannot be read or used is a sentence."""
    tables, warnings = rows_of(ctx, system, "invoices")
    times = dict.fromkeys(("start", "end", "billing_start"), "datetime64[ms, UTC]")
    every = [rows.reindex(columns=LINE_COLUMNS).astype(times) for _, rows in tables if len(rows)]
    if not every:
        return pd.DataFrame(columns=LINE_COLUMNS).astype(times), warnings
    lines, left_out = readable_lines(pd.concat(every, ignore_index=True))
    return lines[(lines["end"] > span.start) & (lines["start"] < span.end)], [*warnings, *left_out]


def planned_budgets(ctx: Context, system: str, accounts: Sequence[Account]) -> tuple[list[BudgetPlan], list[str]]:
    """Read the tables of budgets by the labels that spend is counted with; what cannot be used is a sentence."""
    tables, warnings = rows_of(ctx, system, "budgets")
    dimensions = {name for account in accounts if account.measure == "cost" for name in account.dimensions}
    plans: list[BudgetPlan] = []
    for table, rows in tables:
        own, notes = read_plans(rows, dimensions, system=system)
        plans += own
        warnings += [f"{table.name}: {note}" for note in notes]
    return plans, warnings


def rate_book(ctx: Context, system: str) -> tuple[RateBook, list[str]]:
    """Read the tables of rates of currencies as one; what cannot be used is a sentence."""
    tables, warnings = rows_of(ctx, system, "rates")
    rows = [row for _, table in tables for row in table.to_dict(orient="records")]
    book, notes = read_rates(rows, source=", ".join(table.name for table, _ in tables))
    if ctx.cost.currency and not tables and not warnings:
        warnings.append(f'Spend is not shown in {ctx.cost.currency}: no table of rates is set (holds = "rates").')
    return book, [*warnings, *notes]


def reconciled(
    ctx: Context,
    system: str,
    source: MetricSource,
    profile: Profile,
    accounts: Sequence[Account],
    periods: Periods,
    *,
    as_of: datetime,
    rates: RateBook,
) -> InvoiceCheck:
    """Reconcile the invoices that touch a period or the one before it with the counters of money.

    Each invoice is compared with the exact increases over just the time that it is for, whatever the period shown.
    Tables and counters that cannot be read are notes of the result.
    """
    lines, warnings = invoice_lines(ctx, system, TimeRange(periods.before.start, periods.now.end))
    counted = [account for account in accounts if account.measure == "cost" and account.added]
    if len(lines) and not counted:
        warnings.append("No counter of money is measured, so that invoices have nothing to be compared with.")
    ledger, seen = empty_ledger()
    if len(lines) and counted:
        ends = {at for name in ("start", "end") for at in lines[name]} | {at + LAST_DAY for at in lines["end"]}
        places = {to_ms(at - shift) // SLICE_MS * SLICE_MS for at in ends for shift in ZONE_SHIFTS}
        if rates.rates and set(lines["currency"].str.strip().str.upper()) - {
            account.unit.upper() for account in counted
        }:
            places |= set(range(-(-min(places) // DAY_MS) * DAY_MS, max(places), DAY_MS))
        edges = sorted(places)
        hull = TimeRange.from_ms(edges[0], edges[-1])
        reader = CounterReader(
            source, profile.scope, hull, selectors_of(profile, [account.role for account in counted])
        )
        try:
            ledger, seen = read_ledger(reader, profile, counted, edges)
        except WorkbenchError as error:
            warnings.append(f"Invoices are not compared: {error.message}")
    return invoice_check(
        lines,
        ledger,
        seen,
        counted,
        as_of=as_of,
        tolerance=ctx.cost.invoice_tolerance,
        system=system,
        rates=rates if rates.rates else None,
        notes=warnings,
    )
