"""The cost page: what was spent, why that moved, where it lands, by the label the reader chooses."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from workbench.analysis.cost.drivers import SpendDrivers
from workbench.analysis.cost.finance.currency import ConvertedSpend
from workbench.analysis.cost.landing import SpendForecast
from workbench.analysis.cost.prices.in_force import BookPrices
from workbench.analysis.cost.prices.listed import ListPrices
from workbench.charts.cost import budget_tables, driver_tables, list_price_tables
from workbench.charts.cost import figures as charts
from workbench.charts.cost import tables as words
from workbench.charts.unusual import cost_lines
from workbench.core.result import Result, Study
from workbench.core.units import NO_VALUE, amount_text, ratio_text
from workbench.ui.parts import figures, filters
from workbench.ui.parts.cards import Good, Tile, curve
from workbench.ui.parts.view import Sheet, View


def _figures(study: Study) -> list[Tile]:
    """Return the totals against the period before, the first unit cost and the budgets at risk."""
    totals, days, budgets = study.results["totals"], study.results["days"].frame, study.results["budgets"].frame
    row: list[Tile] = []
    for total in totals.frame.itertuples():
        name = words.measure_name(totals, total.measure, total.unit)
        unit = "" if total.unit == total.measure else total.unit
        note = f"before: {amount_text(total.before, unit)}"
        if total.projected is not None:
            note = f"{amount_text(total.projected, unit)} at month end at the pace so far"
        good: Good = "down" if total.measure == "cost" else "neither"
        help_ = f"The change is against {words.compared_with(totals)}."
        spark = _by_day(days, total.measure, total.unit)
        row.append(Tile(name, amount_text(total.amount, unit), note, help_, total.change_ratio, good, spark))
    if not totals.frame["measure"].eq("cost").any():
        row += _estimated(study.results["list_prices"])
    for cost in study.results["unit_costs"].frame.head(1 if len(row) < 4 else 0).itertuples():
        text = amount_text(cost.unit_cost, cost.unit)
        row.append(Tile(f"Spend per {cost.per}", text, str(cost.counter), "", cost.change_ratio, "down"))
    plans = study.results["budget_plans"].frame
    if (len(budgets) or len(plans)) and len(row) < 5:
        over, used = words.budget_words(pd.concat([frame["status"] for frame in (budgets, plans)]))
        phrase = used + (", or likely to be overrun" if len(plans) else "")
        row.append(Tile("Budgets at risk", f"{over} of {len(budgets) + len(plans)}", phrase))
    return row[:5]


def _estimated(listed: Result) -> list[Tile]:
    """Spend at list prices where the profile has no counter of money."""
    if not isinstance(listed, ListPrices) or not listed.sums():
        return [Tile("Spend", NO_VALUE, "not measured", "The profile has no counter of money.")]
    note = f"{ratio_text(listed.priced_share, digits=1)} of the tokens at list prices"
    sentence = list_price_tables.list_price_sentence(listed)
    return [
        Tile("Spend, estimated", amount_text(amount, currency), note, sentence)
        for currency, amount, *_ in listed.sums()[:2]
    ]


def _by_day(days: pd.DataFrame, measure: str, unit: str) -> tuple[float, ...]:
    """Course of a measure, day by day, over the groups of one label."""
    mine = days[(days["measure"] == measure) & (days["unit"] == unit)]
    mine = mine[mine["dimension"] == next(iter(mine["dimension"]), "")]
    return curve(mine.assign(amount=mine["amount"].astype(float)).groupby("day")["amount"].sum(min_count=1))


def _choices(study: Study) -> list[tuple[str, str, str, str, str]]:
    """Let the reader choose the label that each measure is split by: name, key, measure, label, unit of each."""
    groups, totals = study.results["groups"].frame, study.results["totals"]
    chosen = []
    for total in totals.frame.itertuples():
        mine = groups[(groups["measure"] == total.measure) & (groups["unit"] == total.unit)]
        name, key = _name_and_key(totals, total)
        if len(mine):
            dimension = filters.choice(f"{name} by", list(mine["dimension"].unique()), f"{key}_by")
            chosen.append((name, key, total.measure, dimension, total.unit))
    return chosen


def _charts(study: Study) -> None:
    """Draw each measure day by day, why spend moved, where the month lands, the budgets."""
    days, groups, results = study.results["days"], study.results["groups"], study.results
    totals = results["totals"].frame
    with st.container(horizontal=True):
        chosen = _choices(study)
    with st.grid(2, min_column_width=340):
        for name, key, *split in chosen:
            label = words.dimension_text(split[1])
            title = f"{name} per day, by {label}"
            zone = str(vars(days)["zone"])
            figures.timed(title, charts.daily_figure, days, *split, key=f"{key}-days", study=study, zone=zone)
        drivers, forecast = results["drivers"], results["forecast"]
        if isinstance(drivers, SpendDrivers):
            compared = totals[(totals["measure"] == "cost") & totals["change_ratio"].notna()]["unit"]
            for unit in drivers.moved.loc[drivers.moved["unit"].isin(compared), "unit"]:
                figures.card(f"Why spend moved ({unit})", charts.drivers_figure, drivers, unit, key=f"drivers-{unit}")
        if isinstance(forecast, SpendForecast):
            for unit in forecast.path["unit"].unique():
                figures.card(
                    f"Where the month lands ({unit})", charts.forecast_figure, forecast, unit, key=f"lands-{unit}"
                )
        if not drivers.frame.empty or chosen:
            for name, key, *split in chosen[: 1 if len(results["forecast"].frame) == 0 else 0]:
                title = f"{name} against the period before"
                mine = totals[(totals["measure"] == split[0]) & (totals["unit"] == split[2])].iloc[0]
                observed = (float(mine["coverage"]), float(mine["before_coverage"]))
                figures.card(title, charts.groups_figure, groups, *split, *observed, key=f"{key}-mom")


def _chosen(study: Study) -> tuple[str, ...]:
    """Return the label that each measure is split by, as the reader chose it."""
    totals = study.results["totals"]
    return tuple(
        str(st.session_state.get(f"{_name_and_key(totals, total)[1]}_by", "")) for total in totals.frame.itertuples()
    )


def _name_and_key(totals: Result, total: Any) -> tuple[str, str]:
    name = words.measure_name(totals, total.measure, total.unit)
    return name, total.measure if name == words.MEASURE_WORDS[total.measure] else f"{total.measure}-{total.unit}"


def _sheets(study: Study, *dimensions: str) -> list[Sheet]:
    results, drivers = study.results, study.results["drivers"]
    groups, forecast, jumps = results["groups"], results["forecast"], results["jumps"]
    parts = [
        Sheet("Totals", words.total_rows(results["totals"])),
        Sheet("Day, week, 30 days", budget_tables.window_rows(results["windows"]), budget_tables.WINDOWS_CAPTION),
        Sheet("What stands out", words.jump_rows(jumps), words.JUMPS_CAPTION, words.jumps_sentence(jumps)),
    ]
    converted = results["converted"]
    if isinstance(converted, ConvertedSpend) and converted.currency:
        phrase = budget_tables.converted_sentence(converted)
        rows = budget_tables.converted_rows(converted)
        parts.append(Sheet(f"In {converted.currency}", rows, phrase, phrase))
    for total, dimension in zip(results["totals"].frame.itertuples(), dimensions, strict=True):
        name = words.measure_name(results["totals"], total.measure, total.unit)
        rows = words.group_rows(groups, measure=total.measure, dimension=dimension, unit=total.unit)
        label = words.dimension_text(dimension)
        parts.append(Sheet(f"{name} by {label}", rows, "The groups add up to the total exactly."))
    if isinstance(drivers, SpendDrivers) and len(drivers.moved):
        why = driver_tables.cause_sentences(drivers)
        parts.append(Sheet("Why it moved", driver_tables.driver_rows(drivers), why))
        parts.append(Sheet("Why, by item", driver_tables.driver_item_rows(drivers)))
    if isinstance(forecast, SpendForecast):
        phrase = driver_tables.forecast_sentence(forecast)
        parts.append(Sheet("Where it lands", driver_tables.forecast_rows(forecast), phrase, phrase))
    units = results["unit_costs"]
    phrase = "Total spend divided by each count. These rows do not add up."
    prices = results["price_book"]
    said_of_book = list_price_tables.book_price_sentence(prices) if isinstance(prices, BookPrices) else ""
    return [
        *parts,
        Sheet(
            "Unit costs",
            words.unit_rows(units),
            " ".join([phrase, *units.notes]),
            "Not measured: a unit cost needs a counter of money and one of requests or tokens.",
        ),
        Sheet(
            "Budgets",
            words.budget_rows(results["budgets"]),
            absent="Not measured: the system states no budgets for this time.",
        ),
        Sheet(
            "Budgets of owners",
            budget_tables.plan_rows(results["budget_plans"]),
            f"{budget_tables.plan_sentence(results['budget_plans'])} {budget_tables.PLANS_CAPTION}",
            budget_tables.plan_sentence(results["budget_plans"]),
        ),
        Sheet("Classes of tokens", driver_tables.class_rows(results["token_classes"]), absent="Not measured."),
        Sheet(
            "List prices",
            list_price_tables.list_price_rows(results["list_prices"]),
            f"{list_price_tables.list_price_sentence(results['list_prices'])} {list_price_tables.CAPTION}",
            list_price_tables.list_price_sentence(results["list_prices"]),
        ),
        *(
            [Sheet("Price book", list_price_tables.book_price_rows(prices), said_of_book, said_of_book)]
            if isinstance(prices, BookPrices)
            else []
        ),
        Sheet(
            "Invoices",
            words.invoice_rows(results["invoices"]),
            absent="No table of invoices is set; workbench sources says how to add one.",
        ),
    ]


VIEW = View(words.cost_finding, _figures, cost_lines, _charts, _sheets, _chosen)
