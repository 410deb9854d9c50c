"""Figures of logs: lines by level over time."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.analysis.logs.mix import LevelHistory
from workbench.charts.theme import HEIGHT, Mode, palette, plain, template
from workbench.core.frames import SEVERITIES


def levels_figure(levels: LevelHistory, *, mode: Mode = "light") -> Any:
    """Draw the estimated lines of each level as stacked bars, most severe at the bottom.

    Parameters
    ----------
    levels : LevelHistory
        Levels over time.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    colours = palette(mode)
    figure = go.Figure(
        layout={
            "template": template(mode),
            "height": HEIGHT,
            "barmode": "stack",
            "xaxis": {"title": {"text": "Time (UTC)"}},
            "yaxis": {"title": {"text": "Lines (estimated)"}},
        }
    )
    present = set(levels.frame["severity"])
    order = [*reversed(SEVERITIES), *sorted(present - set(SEVERITIES))]
    known = {"FATAL": colours.sequence[3], "ERROR": colours.bad, "WARN": colours.status["at_risk"]}
    known |= {"INFO": colours.series, "DEBUG": colours.muted, "TRACE": colours.good}
    for severity in (name for name in order if name in present):
        part = levels.frame[levels.frame["severity"] == severity]
        values = part["estimate"].to_numpy(np.float64)
        figure.add_bar(
            x=part["time"],
            y=values,
            width=levels.step_s * 1000,
            name=plain(severity),
            marker={"color": known.get(severity, colours.sequence[2])},
            customdata=np.stack([part["low"], part["high"], part["kept"]], axis=-1),
            hovertemplate="%{y:,.0f} (%{customdata[0]:,.0f} to %{customdata[1]:,.0f}; %{customdata[2]} kept)",
        )
    return figure
