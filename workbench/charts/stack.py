"""Figures of one stretch of time above each other: one time axis, one cursor through all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.charts.theme import Mode, template

#: Height of the plot of one figure, and of what stands around all: legend, ticks, axis title. [px]
ROW_PX, AROUND_PX = 120, 110

#: Part of its slot that stands empty between two figures. [ratio]
_GAP = 0.1


def stacked(figures: Sequence[Any], *, mode: Mode = "light") -> Any:
    """Put figures over the same time above each other.

    Parameters
    ----------
    figures : sequence of plotly.graph_objects.Figure
        Each with a date axis ``x``; the first is on top. Their own y axes and lines stay theirs.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    stack = go.Figure(layout={"template": template(mode), "height": AROUND_PX + ROW_PX * len(figures)})
    size, axes, named = 1 / max(1, len(figures)), 0, set[str]()
    for place, figure in enumerate(figures):
        top = 1 - place * size
        low, high = top - size, top - size * (_GAP if place else 0)
        layout = figure.layout.to_plotly_json()
        own = sorted(name for name in layout if name.startswith("yaxis"))
        numbers = {name: axes + 1 + number for number, name in enumerate(own)}
        axes += len(own)
        ids = {f"y{name[5:]}": "y" + (str(number) if number > 1 else "") for name, number in numbers.items()}
        for name, number in numbers.items():
            axis = dict(layout[name])
            first, last = axis.pop("domain", (0.0, 1.0))
            over = axis.pop("overlaying", None)
            domain = {"overlaying": ids[over]} if over else {"domain": [_at(first, low, high), _at(last, low, high)]}
            stack.update_layout({f"yaxis{number if number > 1 else ''}": axis | domain | {"anchor": "x"}})
        for trace in figure.data:
            drawn = trace.to_plotly_json()
            drawn["yaxis"], drawn["xaxis"] = ids[drawn.get("yaxis", "y")], "x"
            name = str(drawn.get("name", ""))
            if name in named:  # "Not fully observed" once, not once a figure
                drawn["showlegend"] = False
            named |= {name} if drawn.get("showlegend") is not False else set()
            stack.add_trace(drawn)
        for kind in ("shapes", "annotations"):
            for item in layout.get(kind, ()):
                side, _, rest = str(item.get("yref", "y")).partition(" ")
                moved = dict(item) | ({"yref": f"{ids[side]} {rest}".strip()} if side in ids else {})
                (stack.add_shape if kind == "shapes" else stack.add_annotation)(moved)
    axis = {"title": {"text": "Time (UTC)"}, "anchor": "free", "position": 0, "type": "date"}
    stack.update_layout(xaxis=axis | cursor(), hovermode="x unified", hoversubplots="axis", bargap=0)
    return stack


def cursor() -> dict[str, Any]:
    """Return what a time axis needs to draw a line under the pointer, through every figure on it."""
    return {"showspikes": True, "spikemode": "across", "spikesnap": "cursor", "spikethickness": 1, "spikedash": "dot"}


def _at(share: float, low: float, high: float) -> float:
    return low + share * (high - low)
