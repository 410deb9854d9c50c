"""The activity page: what people did, by day and by label, against the period before."""

from __future__ import annotations

import streamlit as st

from workbench.charts import activity as charts
from workbench.charts.unusual import Line
from workbench.core.result import Study
from workbench.core.units import count_text
from workbench.ui.parts import figures
from workbench.ui.parts.cards import Tile, curve
from workbench.ui.parts.view import Sheet, View

#: Most things drawn; the tables hold all.
DRAWN = 4


def _figures(study: Study) -> list[Tile]:
    """Return the first things that are measured, each against the period before."""
    totals, days = study.results["totals"].frame, study.results["days"].frame
    whole = totals[(totals["dimension"] == "") & totals["amount"].notna()]
    return [
        Tile(
            str(row.title),
            count_text(round(row.amount, 1)),
            f"mean, peak {count_text(round(row.peak, 1))}" if row.level else "in the period",
            f"{row.unit}; the change is against the period before.",
            row.change_ratio,
            "neither",
            curve(days.loc[days["role"] == row.role, "amount"]),
        )
        for row in whole.head(5).itertuples()
    ]


def _charts(study: Study) -> None:
    """Draw the first things by day."""
    days = study.results["days"]
    with st.grid(2, min_column_width=340):
        for role, title in list(dict(zip(days.frame["role"], days.frame["title"], strict=True)).items())[:DRAWN]:
            figures.timed(f"{title}, by day", charts.days_figure, days, role, key=f"days-{role}", study=study)


def _sheets(study: Study) -> list[Sheet]:
    totals = study.results["totals"]
    return [
        Sheet("Activity", charts.total_rows(totals), "Counts are exact increases; a level is its mean."),
        Sheet("By label", charts.group_rows(totals), "The groups of one label add up to the whole."),
    ]


def _unusual(study: Study) -> tuple[Line, ...]:
    return ()


VIEW = View(charts.activity_finding, _figures, _unusual, _charts, _sheets)
