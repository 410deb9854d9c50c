"""What a period would have cost with other models, more cache reads or batches."""

from __future__ import annotations

from datetime import datetime

from workbench.analysis.cost.prices.book import PriceBook
from workbench.analysis.cost.what_if import Scenario, what_if
from workbench.core.result import Study
from workbench.core.timerange import TimeRange
from workbench.studies.cost.period_ledger import read_period
from workbench.studies.sources.context import Context


def cost_what_if(
    ctx: Context, *, system: str, range: TimeRange, as_of: datetime, book: PriceBook, scenario: Scenario
) -> Study:
    """Price the tokens of a system over a period under a scenario, as a range.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        System of the catalog whose spend and tokens are both counted by model.
    range : TimeRange
        Period to read, without its end.
    as_of : datetime
        Aware instant up to which counters are read; its prices are taken.
    book : PriceBook
        Prices with the dates from which they hold.
    scenario : Scenario
        Prices, models or volumes that are assumed to change.

    Returns
    -------
    Study
        ``results``: ``what_if`` (:class:`workbench.analysis.cost.what_if.WhatIf`).

    Raises
    ------
    ParameterError
        Unknown system or model, or tokens are not counted by model. A failing source is a status, never an exception.
    """
    read = read_period(ctx, system, range, as_of)
    if read.status in ("unavailable", "refused"):
        return read.study("cost_what_if", system, as_of, {})
    result = what_if(read.ledger, read.accounts, read.period, book, scenario, at=as_of)
    return read.study("cost_what_if", system, as_of, {"what_if": result})
