"""Figures of quality: each score over time, beside its reference."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.analysis.quality.drift import QualityDrifts, QualityHours, QualityStates
from workbench.charts.layers import POINTS, kept_points
from workbench.charts.theme import HEIGHT, STATUS_WORDS, Mode, palette, plain, template

#: Most series in one figure; the tables hold all.
SERIES = 8


def hours_figure(
    hours: QualityHours, drifts: QualityDrifts | None = None, *, role: str = "", mode: Mode = "light"
) -> Any:
    """Draw each score as a line and its reference as dots; drifts are shaded.

    Parameters
    ----------
    hours : QualityHours
        Quality per hour.
    drifts : QualityDrifts, optional
        Shaded from onset to end.
    role : str
        Only the series of one role.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    colours = palette(mode)
    figure = go.Figure(
        layout={"template": template(mode), "height": HEIGHT, "xaxis": {"title": {"text": "Time (UTC)"}}}
    )
    frame = hours.frame[hours.frame["role"] == role] if role else hours.frame
    groups = list(frame.groupby(["role", "series"], sort=False))[:SERIES]
    for number, ((_, series), part) in enumerate(groups):
        colour = colours.sequence[number % len(colours.sequence)]
        for column, name, line in (
            ("value", str(series), {"color": colour, "width": 1.5}),
            ("reference", f"{series}, reference", {"color": colour, "width": 1, "dash": "dot"}),
        ):
            values = part[column].to_numpy(np.float64)
            if not np.isfinite(values).any():
                continue
            kept = kept_points(values, POINTS // max(1, 2 * len(groups)))
            figure.add_scatter(
                x=part["time"].iloc[kept],
                y=values[kept],
                name=plain(name),
                mode="lines",
                line=line,
                hovertemplate="%{y:.3f}",
                showlegend=column == "value",
            )
    if drifts is not None:
        shown = drifts.frame[(drifts.frame["role"] == role) | (role == "")]
        for row in shown.itertuples():
            figure.add_vrect(x0=row.onset, x1=row.end, fillcolor=colours.below, line={"width": 0}, layer="below")
    figure.update_layout(yaxis={"title": {"text": "Score"}}, showlegend=True)
    return figure


def states_figure(states: QualityStates, *, mode: Mode = "light") -> Any:
    """Draw the difference of the last day to the reference, with its 95 % interval, by series that has one.

    Parameters
    ----------
    states : QualityStates
        State of each measure of quality.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    colours = palette(mode)
    rows = states.frame[np.isfinite(states.frame["difference"].to_numpy(np.float64))].iloc[::-1]
    figure = go.Figure(layout={"template": template(mode), "height": max(HEIGHT, 90 + 26 * len(rows))})
    figure.add_scatter(
        x=rows["difference"],
        y=[plain(f"{row.title}, {row.series}") for row in rows.itertuples()],
        mode="markers",
        marker={"size": 9, "color": [colours.status[status] for status in rows["status"]]},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": rows["high"] - rows["difference"],
            "arrayminus": rows["difference"] - rows["low"],
            "color": colours.muted,
        },
        text=[STATUS_WORDS[status] for status in rows["status"]],
        hovertemplate="%{y}: %{x:+.4f} (%{text})<extra></extra>",
    )
    figure.add_vline(x=0, line={"color": colours.objective, "width": 1, "dash": "dash"})
    figure.update_layout(xaxis={"title": {"text": "Difference to the reference (score)"}}, hovermode="closest")
    return figure
