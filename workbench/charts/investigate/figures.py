"""What differs in a window as a figure: ratios with their intervals, the strongest of each kind."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.analysis.investigate.changes import Changes
from workbench.charts.theme import HEIGHT, Mode, palette, plain, template

#: Rows of each kind that are drawn; the tables hold more.
DRAWN = 4

_LONGEST = 60


def changes_figure(changes: Changes, *, mode: Mode = "light") -> Any:
    """Draw the ratio of each named row with its 95 % interval, on a logarithmic axis; 1 is no change.

    Parameters
    ----------
    changes : Changes
        What differs between the windows.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
        Where nothing was counted before, a bar without an upper end stops at four times the ratio.
    """
    import plotly.graph_objects as go

    colours = palette(mode)
    figure = go.Figure(
        layout={
            "template": template(mode),
            "height": HEIGHT,
            "xaxis": {"type": "log", "title": {"text": "Rate now / rate before"}},
            "yaxis": {"autorange": "reversed"},
        }
    )
    frame = changes.frame
    named = frame[frame["named"] & (frame["rank"] <= DRAWN)] if len(frame) else frame
    for number, (kind, part) in enumerate(named.groupby("kind", sort=False)):
        ratio, low = part["ratio"].to_numpy(np.float64), part["ratio_low"].to_numpy(np.float64)
        high = np.where(np.isfinite(part["ratio_high"].to_numpy(np.float64)), part["ratio_high"], ratio * 4)
        low = np.maximum(low, ratio / 1000)
        figure.add_scatter(
            x=ratio,
            y=[plain(str(text)[:_LONGEST]) for text in part["what"]],
            name=plain(str(kind)),
            mode="markers",
            marker={"color": colours.sequence[number % len(colours.sequence)]},
            error_x={"type": "data", "symmetric": False, "array": high - ratio, "arrayminus": ratio - low},
            hovertemplate="%{y}: %{x:.3g}x",
        )
    figure.add_vline(x=1, line={"dash": "dot", "width": 1})
    return figure
