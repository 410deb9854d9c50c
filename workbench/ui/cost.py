"""The cost page's parts: key figures, the choice of a label to split by, tables of groups, unit costs and budgets."""

from __future__ import annotations

import streamlit as st

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
        name = words.MEASURE_WORDS[total.measure]
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


def split(study: Study, measure: str) -> None:
    """Show one measure day by day and against the period before, split by the label the reader chooses."""
    groups, days = study.results["groups"], study.results["days"]
    mine = groups.frame[groups.frame["measure"] == measure]
    name = words.MEASURE_WORDS[measure]
    st.subheader(name, anchor=False)
    if mine.empty:
        st.caption("Nothing was counted.")
        return
    dimension = filters.choice(f"{name} by", list(mine["dimension"].unique()), f"{measure}_by")
    label = words.DIMENSION_WORDS.get(dimension, dimension)
    figures.card(f"{name} per day, by {label}", charts.daily_figure, days, measure, dimension, key=f"{measure}-days")
    with st.grid(2, min_column_width=340):
        figures.card(
            "Against the period before", charts.groups_figure, groups, measure, dimension, key=f"{measure}-mom"
        )
        with st.container(border=True, height="stretch"):
            st.markdown(f"**{escaped(f'{name} by {label}')}**")
            tables.texts(words.group_rows(groups, measure=measure, dimension=dimension), alt=f"{name} by {label}")


def jumps(study: Study) -> None:
    """Show the days that stand out, by every label."""
    st.subheader("What stands out", anchor=False)
    found = words.jump_rows(study.results["jumps"])
    if not found:
        st.caption("No unusual days.")
        return
    tables.texts(found, alt="Days that stand out")
    st.caption(words.JUMPS_CAPTION)


def unit_costs(study: Study) -> None:
    """Show what one request, one success and a thousand tokens cost."""
    st.subheader("Unit costs", anchor=False)
    rows = words.unit_rows(study.results["unit_costs"])
    if rows:
        tables.texts(rows, alt="Unit costs")
        st.caption("Total spend divided by each count. These rows do not add up.")
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
