"""What did it cost, who used it, and where will the month end? Money and tokens from the system's own counters."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pandas as pd

from workbench import __version__
from workbench.analysis.cost.budgets import budget_use
from workbench.analysis.cost.drivers import spend_drivers
from workbench.analysis.cost.finance.budget_plans import budget_plans
from workbench.analysis.cost.finance.currency import converted_spend
from workbench.analysis.cost.jumps import spend_jumps
from workbench.analysis.cost.landing import spend_forecast
from workbench.analysis.cost.prices.in_force import book_prices
from workbench.analysis.cost.prices.listed import list_prices
from workbench.analysis.cost.spend import daily_spend, spend_groups, spend_totals
from workbench.analysis.cost.sums import Sums
from workbench.analysis.cost.token_classes import token_classes
from workbench.analysis.cost.units import unit_costs
from workbench.analysis.cost.windows import spend_windows
from workbench.catalog import Profile
from workbench.core.result import Provenance, Status, Study, worst
from workbench.core.timerange import TimeRange, calendar_range, from_ms
from workbench.studies.cost.price_file import chosen_book
from workbench.studies.cost.reading import BUDGET_WORDS, read_spend
from workbench.studies.counting.ledger import periods_of
from workbench.studies.sources.context import Context
from workbench.studies.sources.looks import one_look
from workbench.studies.sources.read_tier import read_tier
from workbench.studies.sources.tables import planned_budgets, rate_book, reconciled, with_labels


@one_look
def spend_and_tokens(ctx: Context, *, system: str, range: TimeRange | None = None, as_of: datetime) -> Study:
    """Spend and tokens of a system by every label they are counted with, by day, and against the period before.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
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
        (:class:`workbench.analysis.cost.token_classes.TokenClasses`), ``list_prices``
        (:class:`workbench.analysis.cost.prices.listed.ListPrices`, by the price book of the settings), ``price_book``
        (:class:`workbench.analysis.cost.prices.in_force.BookPrices`), ``drivers``
        (:class:`workbench.analysis.cost.drivers.SpendDrivers`), ``forecast``
        (:class:`workbench.analysis.cost.landing.SpendForecast`), ``jumps``
        (:class:`workbench.analysis.cost.jumps.SpendJumps`), ``unit_costs``
        (:class:`workbench.analysis.cost.units.UnitCosts`), ``budgets``
        (:class:`workbench.analysis.cost.budgets.BudgetUse`), ``budget_plans``
        (:class:`workbench.analysis.cost.finance.budget_plans.BudgetPlans`, by the tables of budgets), ``windows``
        (:class:`workbench.analysis.cost.windows.SpendWindows`), ``converted``
        (:class:`workbench.analysis.cost.finance.currency.ConvertedSpend`, by the rates of the days) and ``invoices``
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
    spend = read_spend(source, profile, periods, ctx.zone)
    counted = spend.accounts if len(spend.seen) else []
    rates, unread_rates = rate_book(ctx, system)
    invoices = reconciled(ctx, system, source, profile, counted, periods, as_of=as_of, rates=rates)
    spend.ledger, counted, unlabelled = with_labels(ctx, system, spend.ledger, counted)
    book, unread = chosen_book(ctx)
    listed = list_prices(spend.ledger, counted, periods.now, book)
    sums = Sums(spend.ledger, spend.seen, counted)
    totals = spend_totals(spend.ledger, spend.seen, counted, periods, sums=sums)
    groups = spend_groups(spend.ledger, spend.seen, counted, periods, sums=sums)
    budgets = budget_use(spend.budgets, as_of=periods.now.end)
    known_budgets: list[Status] = [status for status in budgets.frame["status"] if status != "no_data"]
    jumps = spend_jumps(spend.ledger, spend.seen, counted, periods, zone=ctx.zone, sums=sums)
    if ((jumps.frame["measure"] == "cost") & jumps.frame["ongoing"] & (jumps.frame["direction"] == "up")).any():
        known_budgets.append("at_risk")
    forecast = spend_forecast(spend.ledger, spend.seen, counted, periods, budgets.frame, zone=ctx.zone, sums=sums)
    if len(forecast.overruns):
        known_budgets.append("at_risk")
    plans, unplanned = planned_budgets(ctx, system, counted)
    planned = budget_plans(spend.ledger, spend.seen, counted, periods, plans, zone=ctx.zone, notes=unplanned)
    known_budgets += [status for status in planned.frame["status"] if status != "no_data"]
    converted = converted_spend(
        spend.ledger, spend.seen, counted, periods, rates, ctx.cost.currency, zone=ctx.zone, notes=unread_rates
    )
    seen: Status = "ok" if (totals.frame["coverage"] > 0).any() else "no_data"
    return Study(
        name="spend_and_tokens",
        system=system,
        range=periods.now,
        as_of=as_of,
        results={
            "totals": replace(totals, notes=(*totals.notes, *_gaps(profile, priced=book is not None))),
            "groups": groups,
            "days": daily_spend(spend.ledger, spend.seen, counted, groups, zone=ctx.zone, sums=sums),
            "token_classes": token_classes(spend.ledger, spend.seen, counted, periods, sums=sums),
            "list_prices": listed,
            "price_book": book_prices(_models(listed.frame), book, periods.now),
            "drivers": spend_drivers(spend.ledger, spend.seen, counted, periods, book, sums=sums),
            "jumps": jumps,
            "forecast": forecast,
            "unit_costs": unit_costs(spend.ledger, spend.seen, counted, periods, sums=sums),
            "budgets": budgets,
            "budget_plans": planned,
            "converted": converted,
            "windows": spend_windows(spend.ledger, spend.seen, counted, periods, zone=ctx.zone, sums=sums),
            "invoices": invoices,
        },
        status=spend.failed or (worst([seen, *known_budgets]) if seen == "ok" else seen),
        freshness=from_ms(spend.newest_ms) if spend.newest_ms is not None else None,
        coverage=float(totals.frame["coverage"].min()),
        provenance=Provenance(
            source=source.name,
            engine="none: raw samples",
            semantics=source.semantics,
            method=spend.method,
            queries=spend.queries,
            tier=read_tier(source, periods.now.start_ms),
            version=__version__,
        ),
        warnings=(*spend.warnings, *unlabelled, *unread),
    )


def _models(listed: pd.DataFrame) -> list[tuple[str, str]]:
    return [(str(provider), str(model)) for provider, model in zip(listed["provider"], listed["model"], strict=True)]


def _gaps(profile: Profile, *, priced: bool) -> tuple[str, ...]:
    """Say what of this question the profile has no signal for."""
    notes = []
    if not profile.variants("cost"):
        notes.append(
            "Spend is not measured: the profile has no counter of money. "
            + (
                "Tokens at list prices are an estimate of it."
                if priced
                else "Tokens can be priced only by a price book, and there is none."
            )
        )
    if not profile.variants("tokens"):
        notes.append("Tokens are not measured: the profile has no counter of tokens.")
    if not any(profile.variants(word) for word in BUDGET_WORDS):
        notes.append("Budgets are not measured: the profile has no gauge of one.")
    return tuple(notes)
