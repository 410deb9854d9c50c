"""What happened meanwhile, on every time chart: deploys, incidents, exclusions, alerts."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.analysis.counting.happened import Happened
from workbench.charts.theme import Mode, palette, plain
from workbench.core.units import instant_text

#: Most marks on one chart, the newest; more would be a curtain.
MOST = 40


def marked(figure: Any, happened: Happened, *, mode: Mode = "light") -> Any:
    """Mark what happened on a chart over time: a line for a moment, a shade for a stretch, a word in the legend.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        With a date axis; changed in place.
    happened : Happened
        Deploys, incidents and other annotations of the period.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    colours = palette(mode)
    dashes = {"incident": "solid", "alert": "solid", "exclusion": "dash", "deploy": "dot"}
    tints = {"incident": colours.bad, "alert": colours.status["at_risk"], "exclusion": colours.muted}
    for kind, rows in happened.frame.tail(MOST).groupby("kind", sort=True):
        colour = tints.get(str(kind), colours.sequence[3])
        line = {"color": colour, "width": 1.5, "dash": dashes.get(str(kind), "dashdot")}
        for row in rows.itertuples():
            stretch = pd.notna(row.end) and row.end > row.start
            figure.add_shape(
                type="rect" if stretch else "line",
                x0=row.start, x1=row.end if stretch else row.start, y0=0, y1=1, yref="paper",
                line=line | ({"width": 0} if stretch else {}), fillcolor=colour, opacity=0.14 if stretch else 0.9,
                layer="below",
            )  # fmt: skip
            figure.add_annotation(
                x=row.start, y=1, yref="paper", yanchor="top", text="▾", showarrow=False, font={"color": colour},
                hovertext=plain(f"{kind}: {row.text}, {instant_text(row.start)}"),
            )  # fmt: skip
        name = plain(str(kind).capitalize())
        figure.add_scatter(x=[None], y=[None], mode="lines", line=line, name=name, showlegend=True)
    return figure
