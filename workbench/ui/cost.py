"""The cost page's parts: key figures, the choice of a label to split by, tables of groups, unit costs and budgets."""

from __future__ import annotations

import streamlit as st

from workbench.analysis.cost.drivers import SpendDrivers
from workbench.analysis.cost.landing import SpendForecast
from workbench.charts.cost import driver_tables
from workbench.charts.cost import figures as charts
from workbench.charts.cost import tables as words
from workbench.core.result import Study
from workbench.core.units import NO_VALUE, amount_text, change_text
from workbench.ui.parts import figures, filters, tables
from workbench.ui.parts.cards import Tile, tiles
from workbench.ui.parts.markdown import escaped


def key_figures(study: Study) -> None:
    """Show the totals, where the running month would end, the first unit cost and the budgets at risk."""
    totals, budgets = study.results["totals"], study.results["budgets"].frame
    row: list[Tile] = []
    for total in totals.frame.itertuples():
        name = words.measure_name(totals, total.measure, total.unit)
        against = f"{change_text(total.change_ratio)} against before"
        unit = "" if total.unit == total.measure else total.unit
        row.append(Tile(name, amount_text(total.amount, unit), against, f"Before: {words.compared_with(totals)}"))
        if total.projected is not None:
            note = f"{amount_text(total.month_to_date, unit)} so far"
            help_ = "The month so far, continued in a straight line: no week-ends, no growth."
            row.append(Tile(f"{name} at month end", amount_text(total.projected, unit), note, help_))
    if not totals.frame["measure"].eq("cost").any():
        row.append(Tile("Spend", NO_VALUE, "not measured", "The profile has no counter of money."))
    for cost in study.results["unit_costs"].frame.head(2).itertuples():
        note = f"{cost.counter}, {change_text(cost.change_ratio)}"
        row.append(Tile(f"Spend per {cost.per}", amount_text(cost.unit_cost, cost.unit), note))
    if len(budgets):
        over = int(budgets["status"].isin(["spent", "at_risk"]).sum())
        row.append(Tile("Budgets at risk", f"{over} of {len(budgets)}", "used to 80 % or more"))
    tiles(row)


def split(study: Study, measure: str, unit: str) -> None:
    """Show one measure day by day and against the period before, split by the label the reader chooses."""
    groups, days = study.results["groups"], study.results["days"]
    mine = groups.frame[(groups.frame["measure"] == measure) & (groups.frame["unit"] == unit)]
    name = words.measure_name(study.results["totals"], measure, unit)
    key = measure if name == words.MEASURE_WORDS[measure] else f"{measure}-{unit}"
    st.subheader(name, anchor=False)
    if mine.empty:
        st.caption("Nothing was counted.")
        return
    dimension = filters.choice(f"{name} by", list(mine["dimension"].unique()), f"{key}_by")
    label = words.DIMENSION_WORDS.get(dimension, dimension)
    chosen = (measure, dimension, unit)
    figures.card(f"{name} per day, by {label}", charts.daily_figure, days, *chosen, key=f"{key}-days")
    with st.grid(2, min_column_width=340):
        figures.card("Against the period before", charts.groups_figure, groups, *chosen, key=f"{key}-mom")
        with st.container(border=True, height="stretch"):
            st.markdown(f"**{escaped(f'{name} by {label}')}**")
            rows = words.group_rows(groups, measure=measure, dimension=dimension, unit=unit)
            tables.texts(rows, alt=f"{name} by {label}")


def token_classes(study: Study) -> None:
    """Show the classes of tokens, where they are counted."""
    result = study.results["token_classes"]
    if len(result.frame):
        st.subheader("Classes of tokens", anchor=False)
        tables.texts(driver_tables.class_rows(result), alt="Classes of tokens")


def drivers(study: Study) -> None:
    """Show why spend moved: the sentence, the waterfall and the effects."""
    result = study.results["drivers"]
    if not isinstance(result, SpendDrivers) or result.moved.empty:
        return
    st.subheader("Why it moved", anchor=False)
    st.markdown(escaped(driver_tables.cause_sentences(result)))
    with st.grid(2, min_column_width=340):
        for unit in result.moved["unit"]:
            figures.card(f"From before to now ({unit})", charts.drivers_figure, result, unit, key=f"drivers-{unit}")
    tables.texts(driver_tables.driver_rows(result), alt="Why spend moved")
    with st.expander("By item"):
        tables.texts(driver_tables.driver_item_rows(result), alt="Effects by item")


def forecast(study: Study) -> None:
    """Show where the running month lands, with its fan and the budgets that it would overrun."""
    result = study.results["forecast"]
    if not isinstance(result, SpendForecast):
        return
    st.subheader("Where it lands", anchor=False)
    st.markdown(escaped(driver_tables.forecast_sentence(result)))
    for unit in result.path["unit"].unique():
        figures.card(f"To the end of the month ({unit})", charts.forecast_figure, result, unit, key=f"lands-{unit}")
    if len(result.frame):
        tables.texts(driver_tables.forecast_rows(result), alt="Where the month lands")


def jumps(study: Study) -> None:
    """Show the days that stand out, by every label."""
    st.subheader("What stands out", anchor=False)
    result = study.results["jumps"]
    rows = words.jump_rows(result)
    if rows:
        tables.texts(rows, alt="Days that stand out")
    st.caption(words.JUMPS_CAPTION if rows else words.jumps_sentence(result))
    for note in result.notes:
        st.caption(escaped(note))


def unit_costs(study: Study) -> None:
    """Show what one request, one success and a thousand tokens cost."""
    st.subheader("Unit costs", anchor=False)
    rows = words.unit_rows(study.results["unit_costs"])
    if rows:
        tables.texts(rows, alt="Unit costs")
        st.caption("Total spend divided by each count. These rows do not add up.")
        for note in study.results["unit_costs"].notes:
            st.caption(escaped(note))
    else:
        st.caption("Not measured: a unit cost needs a counter of money and one of requests or tokens.")


def budgets(study: Study) -> None:
    """Show how much of each budget is used."""
    st.subheader("Budgets", anchor=False)
    result = study.results["budgets"]
    if result.frame.empty:
        st.caption("Not measured: the system states no budgets for this time.")
        return
    figures.card("Budgets in use", charts.budgets_figure, result, key="budgets")
    tables.texts(words.budget_rows(result), alt="Budgets")


def totals(study: Study) -> None:
    """Show the totals with what they are compared with."""
    tables.texts(words.total_rows(study.results["totals"]), alt="Totals")


def invoices(study: Study) -> None:
    """Show invoices beside what was metered, where tables of invoices are set."""
    result = study.results["invoices"]
    if result.frame.empty and not result.notes:
        return
    st.subheader("Invoices against the meter", anchor=False)
    if len(result.frame):
        tables.texts(words.invoice_rows(result), alt="Invoices against the meter")
    for note in result.notes:
        st.caption(escaped(note))
