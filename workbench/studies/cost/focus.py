"""The charges of a period in the columns of FOCUS 1.2, from the system's own counters of money and tokens."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from workbench.analysis.cost.finance.invoice_lines import invoices_of
from workbench.analysis.cost.focus import focus_export
from workbench.analysis.cost.prices.book import PriceBook
from workbench.core.result import Study
from workbench.core.timerange import TimeRange
from workbench.studies.cost.period_ledger import read_period
from workbench.studies.sources.context import Context
from workbench.studies.sources.tables import invoice_lines


def focus_charges(
    ctx: Context, *, system: str, range: TimeRange, as_of: datetime, book: PriceBook | None = None, by: str = ""
) -> Study:
    """Export what a system spent as rows of FOCUS 1.2, a row a day of ``ctx.zone``, label set and class of tokens.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        System of the catalog; the billing account of the export.
    range : TimeRange
        Period; a month that is not over is exported up to ``as_of``, with a warning.
    as_of : datetime
        Aware instant up to which counters are read.
    book : PriceBook, optional
        Splits charges by class of tokens and gives list prices.
    by : str
        Label that rows must have, such as ``key`` for a showback.

    Returns
    -------
    Study
        ``results``: ``charges`` (:class:`workbench.analysis.cost.focus.FocusExport`).

    Raises
    ------
    ParameterError
        Unknown system or label. A failing source is a status of the study, never an exception.
    """
    read = read_period(ctx, system, range, as_of)
    accounts = [account for account in read.accounts if account.measure in ("cost", "tokens")]
    lines, unread = invoice_lines(ctx, system, read.period)
    charges = focus_export(
        read.ledger,
        read.seen,
        accounts,
        read.period,
        system=system,
        zone=ctx.zone,
        book=book,
        by=by,
        invoices=invoices_of(lines)[0],
    )
    charges = replace(charges, notes=(*charges.notes, *unread))
    return read.study("focus_charges", system, as_of, {"charges": charges})
