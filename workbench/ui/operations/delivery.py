"""The page of software delivery: the five DORA metrics, and deployments by day."""

from __future__ import annotations

from workbench.charts.reviews import figures as charts
from workbench.charts.reviews import tables as rows
from workbench.charts.unusual import Line
from workbench.core.result import Study
from workbench.ui.parts import figures
from workbench.ui.parts.cards import Tile
from workbench.ui.parts.view import Sheet, View


def _figures(study: Study) -> list[Tile]:
    table = rows.delivery_rows(study.results["metrics"])
    short = {"Failed deployment recovery time": "Recovery time"}  # the whole name is cut beside four others
    return [
        Tile(
            short.get(row["metric"], row["metric"]), row["value"], row["detail"], help=f"Level of 2023: {row['level']}"
        )
        for row in table
    ]


def _unusual(study: Study) -> tuple[Line, ...]:
    return ()


def _charts(study: Study) -> None:
    figures.timed("Deployments by day", charts.deployments_figure, study.results["days"], key="days", study=study)


def _sheets(study: Study) -> list[Sheet]:
    caption = "The level is that of the survey of 2023. What no source says is not measured, never zero."
    return [Sheet("Metrics", rows.delivery_rows(study.results["metrics"]), caption)]


VIEW = View(rows.delivery_finding, _figures, _unusual, _charts, _sheets)
