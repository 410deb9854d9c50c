"""The charges of a period in the columns of FOCUS 1.2, from the system's own counters of money and tokens."""

from __future__ import annotations

from datetime import datetime

from workbench import __version__
from workbench.analysis.cost.focus import focus_export
from workbench.analysis.cost.ledger import Periods
from workbench.analysis.cost.price_book import PriceBook
from workbench.core.errors import QueryRejected, QueryTooExpensive, WorkbenchError
from workbench.core.result import Provenance, Status, Study
from workbench.core.timerange import TimeRange, from_ms
from workbench.studies.counting.counters import CounterReader
from workbench.studies.counting.ledger import (
    SLICE_MS,
    accounts_of,
    empty_ledger,
    ledger_edges,
    read_accounts,
    selectors_of,
)
from workbench.studies.sources.context import Context
from workbench.studies.sources.read_tier import read_tier
from workbench.studies.sources.tables import with_labels


def focus_charges(
    ctx: Context, *, system: str, range: TimeRange, as_of: datetime, book: PriceBook | None = None, by: str = ""
) -> Study:
    """Export what a system spent as rows of FOCUS 1.2, a row a day of ``ctx.zone``, label set and class of tokens.

    Parameters
    ----------
    ctx : Context
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
    profile, source = ctx.catalog.profile(system), ctx.source_for(system)
    period = TimeRange(range.start, max(range.start, min(range.end, as_of))).aligned(SLICE_MS)
    accounts, warnings = accounts_of(profile)
    accounts = [account for account in accounts if account.measure in ("cost", "tokens")]
    ledger, seen = empty_ledger()
    status: Status = "no_data"
    edges = ledger_edges(Periods(period, period), ctx.zone)
    roles = [account.role for account in accounts]
    reader = CounterReader(source, profile.scope, period, selectors_of(profile, roles))
    try:
        if len(edges) > 1 and accounts:
            ledger, seen, accounts, settled = read_accounts(reader, profile, accounts, edges)
            warnings += settled
    except (QueryRejected, QueryTooExpensive) as error:
        status, warnings = "refused", [*warnings, str(error)]
    except WorkbenchError as error:
        status, warnings = "unavailable", [*warnings, str(error)]
    ledger, accounts, unlabelled = with_labels(ctx, system, ledger, accounts)
    if period.end < range.end:
        warnings.append(f"The period is not over: charges end at {period.end:%Y-%m-%d %H:%M} UTC.")
    if not any(account.measure == "cost" for account in accounts):
        warnings.append("The profile has no counter of money, so there is nothing to export.")
    charges = focus_export(ledger, seen, accounts, period, system=system, zone=ctx.zone, book=book, by=by)
    coverage = float(charges.frame["x_Coverage"].astype(float).min()) if len(charges.frame) else 0.0
    return Study(
        name="focus_charges",
        system=system,
        range=period,
        as_of=as_of,
        results={"charges": charges},
        status="ok" if len(charges.frame) else status,
        freshness=from_ms(reader.newest_ms) if reader.newest_ms is not None else None,
        coverage=coverage,
        provenance=Provenance(
            source=source.name,
            engine="none: raw samples",
            semantics=source.semantics,
            method="exact",
            queries=reader.queries,
            tier=read_tier(source, period.start_ms),
            version=__version__,
        ),
        warnings=(*warnings, *reader.warnings, *unlabelled),
    )
