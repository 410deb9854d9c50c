"""Parts of the capacity page: key figures, forecasts, limits, and how good forecasts were."""

from __future__ import annotations

import streamlit as st

from workbench.charts.capacity import figures as charts
from workbench.charts.capacity import tables as rows
from workbench.core.result import Study
from workbench.core.units import count_text, day_text, ratio_text
from workbench.ui.parts import figures, tables
from workbench.ui.parts.cards import Tile, tiles
from workbench.ui.parts.markdown import escaped


def key_figures(study: Study) -> None:
    """Show the nearest date, how many levels are near a limit, and how good forecasts were."""
    frame = study.results["limits"].frame
    once = frame.drop_duplicates(["resource", "series"])
    dated = frame[frame["reached_at"].notna()].sort_values("reached_at")
    risky = frame[frame["status"] == "at_risk"]
    tiles(
        [
            Tile(
                "Next limit",
                day_text(dated["reached_at"].iloc[0]) if len(dated) else "none",
                str(dated["title"].iloc[0]) if len(dated) else "within the horizon",
            ),
            Tile("At risk", count_text(len(risky)), "limits reached in the lead time with 33 % or more"),
            Tile("Levels", count_text(len(once)), "with a limit"),
            Tile("Not known", count_text(int((once["status"] == "no_data").sum())), "not enough data"),
            Tile(
                "In the band",
                ratio_text(float(once["covered"].mean()), digits=0),
                "of backtest values; 80 % are wanted",
            ),
        ]
    )


def forecasts(study: Study) -> None:
    """Show the levels nearest to their limits with their forecasts, a figure a unit."""
    st.markdown(escaped(repr(rows.capacity_finding(study))))
    found, limits = study.results["forecasts"], study.results["limits"]
    with st.grid(2, min_column_width=340):
        for unit in limits.frame["unit"].unique():
            figures.card(
                "Shares used, by day" if unit == "ratio" else f"Levels in {unit}, by day",
                lambda *results, mode, unit=unit: charts.forecasts_figure(*results, unit=unit, mode=mode),
                found,
                limits,
                key=f"forecasts-{unit}",
            )
        figures.card("How much of each limit is used", charts.limits_figure, limits, key="limits")


def details(study: Study) -> None:
    """Show every limit with its probability and date, the room it leaves, and the backtests."""
    limits = study.results["limits"]
    st.subheader("Limits", anchor=False)
    tables.texts(rows.limit_rows(limits), alt="Levels and limits, the highest risk first")
    st.subheader("Headroom and what to do", anchor=False)
    tables.texts(rows.headroom_rows(limits), alt="Room of each level and what it asks for")
    st.subheader("How good such forecasts were", anchor=False)
    tables.texts(rows.backtest_rows(limits), alt="Method and error of each level")
