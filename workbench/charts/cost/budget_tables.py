"""Budgets of owners, and the windows that end now, as tables of text."""

from __future__ import annotations

import math
from decimal import Decimal

from workbench.analysis.cost.finance.currency import ConvertedSpend
from workbench.charts.tables import Sentence, Table
from workbench.charts.theme import STATUS_WORDS
from workbench.core.result import Result
from workbench.core.units import (
    NO_VALUE,
    amount_text,
    change_text,
    day_text,
    instant_text,
    part_text,
    ratio_text,
)

#: Columns of the rows below that hold text.
BUDGET_TEXT = ("budget", "window", "status", "ends", "overrun", "basis", "measure", "against")

PLANS_CAPTION = (
    "Budgets of the tables in their running windows: spent is exact, the end is a forecast with its 80 % interval. At "
    "risk from 80 % used on, or when an overrun is likely."
)

WINDOWS_CAPTION = "The running day is compared with the same hours, each window with the one before it."

NO_PLANS = 'No table of budgets is set; add one with holds = "budgets" (owner or team, amount, currency, window).'


def plan_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per budget: ``budget, window, ends, status, spent, of, used, at the end, overrun, ...``."""
    return [
        {
            "budget": part_text(str(row.dimension), str(row.group)) or "all spend",
            "window": str(row.window),
            "ends": instant_text(row.end),
            "status": STATUS_WORDS[row.status],
            "spent": amount_text(row.spent, row.unit),
            "of": amount_text(row.limit, row.unit),
            "used": ratio_text(row.used, digits=1),
            "left": amount_text(row.left, row.unit),
            "at the end": _about(row.expected, row.unit),
            "80 % interval": NO_VALUE
            if math.isnan(row.low)
            else f"{_about(row.low, '')} to {_about(row.high, row.unit)}",
            "overrun": day_text(row.overrun),
            "probability": ratio_text(row.probability, digits=0),
            "observed": ratio_text(row.coverage, digits=1),
        }
        for row in result.frame.itertuples()
    ]


def plan_sentence(result: Result) -> str:
    """Say how many budgets are spent, at risk or without data."""
    statuses = list(result.frame["status"])
    if not statuses:
        return " ".join(result.notes) or NO_PLANS
    counts = {
        "spent": "spent",
        "at_risk": "at risk",
        "ok": "on track",
        "no_data": "without data",
    }
    parts = [f"{statuses.count(status)} {word}" for status, word in counts.items() if status in statuses]
    noun = "budget" if len(statuses) == 1 else "budgets"
    return " ".join([f"{len(statuses)} {noun}: {', '.join(parts)}.", *result.notes])


def plans_table(result: Result) -> Table | Sentence:
    """Table of :func:`plan_rows` that renders itself."""
    if result.frame.empty:
        return Sentence(plan_sentence(result))
    return Table(plan_rows(result), caption=f"{plan_sentence(result)} {PLANS_CAPTION}", left=BUDGET_TEXT)


def window_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per window: ``measure, window, amount, against, before, change, observed``."""
    return [
        {
            "measure": str(row.measure) if row.unit == row.measure else f"{row.measure} ({row.unit})",
            "window": str(row.window),
            "amount": amount_text(row.amount, row.unit),
            "against": str(row.against),
            "before": amount_text(row.before, row.unit),
            "change": change_text(row.change_ratio),
            "observed": ratio_text(min(row.coverage, row.before_coverage), digits=1),
        }
        for row in result.frame.itertuples()
    ]


def windows_table(result: Result) -> Table | Sentence:
    """Table of :func:`window_rows` that renders itself."""
    if result.frame.empty:
        return Sentence("Spend and tokens are not measured.")
    phrase = f"Windows that end at {instant_text(vars(result)['as_of'])}. {WINDOWS_CAPTION}"
    return Table(window_rows(result), caption=phrase, left=BUDGET_TEXT)


def converted_rows(result: ConvertedSpend) -> list[dict[str, str]]:
    """One row of text per currency: ``currency, spent, in ..., before, without a rate, rates``; then all of them."""
    currency, name = result.currency, f"in {result.currency}"
    rows = [
        {
            "currency": str(row.unit),
            "spent": amount_text(row.amount, row.unit),
            name: amount_text(row.converted, currency),
            "before": amount_text(row.before, currency),
            "without a rate": amount_text(row.unconverted, row.unit),
            "rates": NO_VALUE if row.lowest is None else f"{row.lowest:.6g} to {row.highest:.6g} {currency}/{row.unit}",
        }
        for row in result.frame.itertuples()
    ]
    if len(rows) > 1:
        whole = amount_text(result.whole, currency)
        rows.append(dict.fromkeys(rows[0], NO_VALUE) | {"currency": "all", name: whole})
    return rows


def converted_sentence(result: ConvertedSpend) -> str:
    """Say what all spend is in one currency, and by which rates."""
    if not result.currency:
        return "Currencies are not converted: no currency is set (cost.currency in the settings)."
    whole, notes = result.whole, " ".join(result.notes)
    if whole is None:
        return f"Spend in {result.currency} is not known in all. {notes}".rstrip()
    phrase = (
        f"Spend is {amount_text(whole, result.currency)} in all, each day at its rate in {result.source or 'no table'}."
    )
    return f"{phrase} {notes}".rstrip()


def converted_table(result: ConvertedSpend) -> Table | Sentence:
    """Table of :func:`converted_rows` that renders itself."""
    if result.frame.empty:
        return Sentence(converted_sentence(result))
    return Table(converted_rows(result), caption=converted_sentence(result), left=(*BUDGET_TEXT, "currency", "rates"))


def _about(amount: float, unit: str) -> str:
    return NO_VALUE if math.isnan(amount) else amount_text(Decimal(str(round(amount, 2))), unit)
