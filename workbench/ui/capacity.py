"""The capacity page: what runs out and when, how much of each limit is used, and how good forecasts were."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from workbench.charts.capacity import figures as charts
from workbench.charts.capacity import money_tables as money
from workbench.charts.capacity import tables as rows
from workbench.charts.unusual import capacity_lines
from workbench.core.result import Study
from workbench.core.timerange import TimeRange
from workbench.core.units import count_text, day_text, ratio_text
from workbench.ui.parts import figures
from workbench.ui.parts.cards import Tile
from workbench.ui.parts.view import Sheet, View


def _figures(study: Study) -> list[Tile]:
    """Return the nearest date, how many levels are near a limit, and how good forecasts were."""
    frame = study.results["limits"].frame
    once = frame.drop_duplicates(["resource", "series"])
    dated = frame[frame["reached_at"].notna()].sort_values("reached_at")
    risky = len(frame[frame["status"] == "at_risk"].drop_duplicates(["resource", "series"]))
    return [
        Tile(
            "Next limit",
            _day_or_now(dated["reached_at"].iloc[0], study) if len(dated) else "none",
            str(dated["title"].iloc[0]) if len(dated) else "within the horizon",
        ),
        Tile(
            "At risk",
            count_text(risky),
            f"{'level' if risky == 1 else 'levels'}; 33 % likely or more to reach a limit in the lead time",
        ),
        Tile("Levels", count_text(len(once)), "with a limit"),
        Tile("Not known", count_text(int((once["status"] == "no_data").sum())), "not enough data"),
        Tile("In the band", ratio_text(float(once["covered"].mean()), digits=0), "of backtest values; 80 % wanted"),
    ]


def _day_or_now(reached_at: datetime, study: Study) -> str:
    return "now" if reached_at <= study.as_of else day_text(reached_at)


def _charts(study: Study) -> None:
    """Draw the levels nearest to their limits with their forecasts, a figure a unit, and how much of each is used."""
    forecasts, limits = study.results["forecasts"], study.results["limits"]
    days = forecasts.frame["day"]
    drawn = TimeRange(days.min(), days.max()) if len(days) > 1 else None
    with st.grid(2, min_column_width=340):
        for unit in limits.frame["unit"].unique()[:3]:
            figures.timed(
                "Shares used, by day" if unit == "ratio" else f"Levels in {unit}, by day",
                lambda *results, mode, unit=unit: charts.forecasts_figure(*results, unit=unit, mode=mode),
                forecasts,
                limits,
                key=f"forecasts-{unit}",
                study=study,
                steady=False,
                span=drawn,
            )
    with st.expander("How much of each limit is used", icon=":material/bar_chart:"):
        figures.plain(charts.limits_figure, limits, key="limits", title="How much of each limit is used")


def _money_caption(study: Study) -> str:
    return f"{money.CAPTION} {money.unpriced_text(study.results['money'])}".strip()


def _sheets(study: Study) -> list[Sheet]:
    limits = study.results["limits"]
    return [
        Sheet(
            "Limits",
            rows.limit_rows(limits),
            f"{rows.NOW} Dates from 400 simulated paths: reached by then with 50 %, interval 80 %.",
        ),
        Sheet("Utilisation and saturation", rows.use_rows(limits), "Highest of the last day / the highest limit."),
        Sheet("Headroom and what to do", rows.headroom_rows(limits), "Headroom: limit less use; peaks of four weeks."),
        Sheet("Cost by quarter", money.money_rows(study.results["money"]), _money_caption(study)),
        Sheet("Past forecasts", rows.backtest_rows(limits), "Mean absolute error of the backtest."),
    ]


VIEW = View(rows.capacity_finding, _figures, capacity_lines, _charts, _sheets)
