"""Figures of delivery: deployments by day."""

from __future__ import annotations

from typing import Any

from workbench.analysis.operations.delivery import DeploymentDays
from workbench.charts.theme import HEIGHT, Mode, palette, template

_DAY_MS = 86_400_000


def deployments_figure(days: DeploymentDays, *, mode: Mode = "light") -> Any:
    """Draw the deployments of each day as bars; a day without one is a day.

    Parameters
    ----------
    days : DeploymentDays
        Deployments of each day of the range.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    figure = go.Figure(layout={"template": template(mode), "height": HEIGHT})
    figure.add_bar(
        name="Deployments",
        x=days.frame["day"],
        y=days.frame["deployments"],
        xperiod=_DAY_MS,
        xperiodalignment="middle",
        marker={"color": palette(mode).series, "line": {"width": 0}},
        hovertemplate="%{y} deployments<extra></extra>",
    )
    figure.update_yaxes(title={"text": "Deployments"}, rangemode="tozero", tick0=0, minallowed=0, tickformat=",d")
    return figure.update_xaxes(title={"text": "Day (UTC)"}, type="date")
