"""Heat maps of scores: one row a score or segment, one column a day, coloured by how far a day is from usual."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.charts.theme import HEIGHT, Mode, palette, plain, template
from workbench.core.result import Result

#: Most rows of a heat map; those that were farthest from usual. The tables hold all.
ROWS = 20

#: Colours end at so many half widths of the interval.
ENDS = 3.0


def heat_figure(days: Result, *, mode: Mode = "light") -> Any:
    """Draw how far each day is from its reference, by score or segment; what was not read is blank.

    Parameters
    ----------
    days : DriftDays or SegmentDays
        Of the period.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure

    Notes
    -----
    The colour is the difference as a multiple of half the width of its 95 % interval, so that scores of different
    units stand in one picture: from 1 on a day is out of it. The hover gives the difference in points of the score.
    """
    import plotly.graph_objects as go

    frame = days.frame
    if frame.empty:
        return go.Figure(layout={"template": template(mode), "height": HEIGHT})
    half = (frame["high"] - frame["low"]).to_numpy(np.float64) / 2
    gap = frame["difference"].to_numpy(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        far = np.where(half > 0, gap / half, np.sign(gap) * np.where(np.abs(gap) > 1e-12, ENDS, 0.0))
    own = frame.assign(
        far=np.where(np.isfinite(gap), far, np.nan), name=frame.get("title", frame["role"]) + ", " + frame["series"]
    )
    wide = {
        name: own.pivot_table(name, "name", "start", "first", dropna=False) for name in ("far", "difference", "mean")
    }
    order = wide["far"].abs().max(axis=1).sort_values(kind="stable").index[-ROWS:]
    shown = {name: part.loc[order] for name, part in wide.items()}
    colours = palette(mode)
    figure = go.Figure(layout={"template": template(mode), "height": max(HEIGHT, 110 + 24 * len(order))})
    figure.add_heatmap(
        x=pd.DatetimeIndex(shown["far"].columns),
        y=[plain(str(name)) for name in order],
        z=shown["far"].to_numpy(np.float64),
        customdata=np.stack([shown["difference"].to_numpy(np.float64), shown["mean"].to_numpy(np.float64)], axis=-1),
        zmid=0,
        zmin=-ENDS,
        zmax=ENDS,
        xgap=1,
        ygap=1,
        colorscale=[[0.0, colours.bad], [0.5, colours.grid], [1.0, colours.series]],
        colorbar={"title": {"text": "Intervals"}, "tickvals": [-3, -1, 0, 1, 3], "thickness": 12},
        hovertemplate="%{y}<br>%{x|%-d %b %Y}: %{customdata[1]:.4f} (%{customdata[0]:+.4f})<extra></extra>",
    )
    figure.update_layout(xaxis={"title": {"text": "Day"}}, hovermode="closest")
    return figure
