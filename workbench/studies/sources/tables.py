"""Tables of other people beside the ledger: invoices to reconcile, and labels such as the owner of a key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import pandas as pd

from workbench.analysis.cost.invoices import ZONE_SHIFTS, InvoiceCheck, invoice_check
from workbench.analysis.cost.labels import labelled
from workbench.analysis.cost.ledger import Account, Periods
from workbench.catalog import Profile
from workbench.core.errors import WorkbenchError
from workbench.core.source import MetricSource
from workbench.core.timerange import TimeRange, to_ms
from workbench.store.tables import TableSource
from workbench.studies.counting.counters import CounterReader
from workbench.studies.counting.ledger import SLICE_MS, empty_ledger, read_ledger, selectors_of
from workbench.studies.sources.context import Context

_INVOICES = ["provider", "start", "end", "amount", "currency"]


def tables_of(ctx: Context, system: str, holds: str) -> Iterator[TableSource]:
    """Tables of the settings that hold one kind of record and answer for a system; AccessRefused for one not seen."""
    ctx.identity.require("viewer", system)
    for name, table in ctx.tables.items():
        if table.holds == holds and system in (ctx.serves.get(name) or (system,)):
            yield table


def rows_of(ctx: Context, system: str, holds: str) -> tuple[list[tuple[TableSource, pd.DataFrame]], list[str]]:
    """Read the tables of one kind; one that cannot be read is a sentence."""
    found, told = [], []
    for table in tables_of(ctx, system, holds):
        try:
            rows = table.read()
            found.append((table, rows))
            told += [f"{table.name}: {warning}" for warning in rows.attrs["warnings"] if "invoice" in warning]
        except WorkbenchError as error:
            told.append(f"{table.name}: {error.message}")
    return found, told


def with_labels(
    ctx: Context, system: str, ledger: pd.DataFrame, accounts: Sequence[Account]
) -> tuple[pd.DataFrame, list[Account], list[str]]:
    """Join the tables of labels to a ledger: :func:`workbench.analysis.cost.labels.labelled`, with what they lack."""
    tables, told = rows_of(ctx, system, "labels")
    wider = list(accounts)
    for table, rows in tables:
        ledger, wider, notes = labelled(ledger, wider, rows, tuple(table.fields))
        told += [f"{table.name}: {note}" for note in notes]
    return ledger, wider, told


def reconciled(
    ctx: Context,
    system: str,
    source: MetricSource,
    profile: Profile,
    accounts: Sequence[Account],
    periods: Periods,
    *,
    as_of: datetime,
) -> InvoiceCheck:
    """Reconcile the invoices that touch a period or the one before it with the counters of money.

    Each invoice is compared with the exact increases over just the time that it is for, whatever the period shown.
    Tables and counters that cannot be read are notes of the result.
    """
    tables, told = rows_of(ctx, system, "invoices")
    empty = pd.DataFrame(columns=_INVOICES).astype({"start": "datetime64[ms, UTC]", "end": "datetime64[ms, UTC]"})
    invoices = pd.concat([rows[_INVOICES] for _, rows in tables], ignore_index=True) if tables else empty
    near = (invoices["end"] > periods.before.start) & (invoices["start"] < periods.now.end)
    invoices = invoices[near & (invoices["start"] < invoices["end"])]
    counted = [one for one in accounts if one.measure == "cost" and "provider" in one.dimensions and one.added]
    if len(invoices) and not counted:
        told.append("No counter of money has the label provider, so that invoices have nothing to be compared with.")
    ledger, seen = empty_ledger()
    if len(invoices) and counted:
        ends = {at for name in ("start", "end") for at in invoices[name]}
        edges = sorted({to_ms(at - shift) // SLICE_MS * SLICE_MS for at in ends for shift in ZONE_SHIFTS})
        hull = TimeRange.from_ms(edges[0], edges[-1])
        reader = CounterReader(source, profile.scope, hull, selectors_of(profile, [one.role for one in counted]))
        try:
            ledger, seen = read_ledger(reader, profile, counted, edges)
        except WorkbenchError as error:
            told.append(f"Invoices are not compared: {error.message}")
    return invoice_check(invoices, ledger, seen, counted, as_of=as_of, tolerance=ctx.cost.invoice_tolerance, notes=told)
