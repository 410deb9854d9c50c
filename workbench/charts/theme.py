"""One look for every figure: a light and a dark template, and status colours that always come with a word.

Colours are taken so that neighbours differ in lightness, not only in hue: a reader who does not tell red from green
still sees which is which. Fonts are the ones the browser has; nothing is loaded from the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import pandas as pd

from workbench.core.errors import ParameterError
from workbench.core.foreign_text import markup
from workbench.core.result import Status

Mode = Literal["light", "dark"]

FONT = '"Source Sans", "Source Sans 3", system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif'

#: Height of a chart of one question. [px]
HEIGHT = 300

#: The word that stands beside the colour of a status.
STATUS_WORDS: Mapping[Status, str] = {
    "ok": "OK",
    "at_risk": "At risk",
    "spent": "Budget spent",
    "no_data": "No data",
    "no_traffic": "No traffic",
    "unavailable": "Unavailable",
    "refused": "Refused",
}

#: The word for an objective that is met by what was observed, where much was not.
PARTLY = "Partly observed"


@dataclass(frozen=True)
class Palette:
    """Colours of one mode; all text keeps a contrast of 4.5 to the background, lines and fills 3."""

    text: str
    muted: str
    grid: str
    surface: str
    series: str
    good: str
    bad: str
    objective: str
    gap: str
    below: str
    sequence: tuple[str, ...]
    status: Mapping[Status, str]


_PALETTES: Mapping[Mode, Palette] = {
    "light": Palette(
        text="#1f2733",
        muted="#5b6675",
        grid="#e3e7ec",
        surface="#ffffff",
        series="#1f5fbf",
        good="#7fa8dc",
        bad="#b3261e",
        objective="#5b6675",
        gap="rgba(100,112,128,0.20)",
        below="rgba(179,38,30,0.16)",
        sequence=("#1f5fbf", "#c4600a", "#0b7d6e", "#8a3fa0", "#5b6675", "#9a7b00"),
        status={
            "ok": "#0b7d6e",
            "at_risk": "#9c5700",
            "spent": "#b3261e",
            "no_data": "#5b6675",
            "no_traffic": "#5b6675",
            "unavailable": "#7a3690",
            "refused": "#7a3690",
        },
    ),
    "dark": Palette(
        text="#e6eaf0",
        muted="#a3adba",
        grid="#2a323d",
        surface="#10151c",
        series="#77aef5",
        good="#4673ac",
        bad="#ff8a7a",
        objective="#a3adba",
        gap="rgba(163,173,186,0.22)",
        below="rgba(255,138,122,0.22)",
        sequence=("#77aef5", "#f2a65a", "#4cc3b0", "#cf9be0", "#a3adba", "#dcc04a"),
        status={
            "ok": "#4cc3b0",
            "at_risk": "#f2b04a",
            "spent": "#ff8a7a",
            "no_data": "#a3adba",
            "no_traffic": "#a3adba",
            "unavailable": "#cf9be0",
            "refused": "#cf9be0",
        },
    ),
}


def palette(mode: Mode = "light") -> Palette:
    """Return the colours of a mode.

    Raises
    ------
    ParameterError
        A mode other than ``light`` and ``dark``.

    Examples
    --------
    >>> palette("dark").status["ok"]
    '#4cc3b0'
    """
    try:
        return _PALETTES[mode]
    except KeyError:
        raise ParameterError(f"There is no theme {mode!r}.", hint="Use light or dark.") from None


#: Configuration of a drawn chart by which its dates read as in all texts: 1 Nov 2026.
DATES: Mapping[str, Any] = {
    "locale": "en-GB",
    "locales": {
        "en-GB": {"format": {"year": "%Y", "month": "%b %Y", "dayMonth": "%-d %b", "dayMonthYear": "%-d %b %Y"}},
    },
}


@cache
def template(mode: Mode = "light") -> Any:
    """Return the plotly template of a mode: quiet grid, legend on top, times in UTC, transparent paper."""
    import plotly.graph_objects as go

    colours = palette(mode)
    axis = {
        "gridcolor": colours.grid,
        "linecolor": colours.grid,
        "zerolinecolor": colours.grid,
        "tickfont": {"color": colours.muted, "size": 12},
        "title": {"font": {"color": colours.muted, "size": 12}, "standoff": 8},
        "automargin": True,
        "ticks": "",
    }
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 13, "color": colours.text},
            "colorway": colours.sequence,
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "margin": {"l": 8, "r": 12, "t": 12, "b": 8},
            "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 12}},
            "hovermode": "x unified",
            "hoverlabel": {
                "bgcolor": colours.surface,
                "bordercolor": colours.grid,
                "font": {"family": FONT, "color": colours.text, "size": 12},
            },
            "modebar": {"bgcolor": colours.surface, "color": colours.muted, "activecolor": colours.text},
            "xaxis": axis | {"showgrid": False},
            "yaxis": axis,
            "separators": ".,",
        }
    )


def load_plotly() -> None:
    """Load what Plotly loads when it draws its first figure, so that no reader waits for it."""
    import plotly.graph_objects as go

    for mode in _PALETTES:
        template(mode)
    times = pd.date_range("2026-01-01", periods=2, tz="UTC")
    figure = go.Figure(layout={"template": template(), "xaxis": {"title": {"text": "Day (UTC)"}}})
    figure.add_scatter(x=times, y=pd.Series([0.0, 1.0]), line={"width": 1}, text=["0", "1"], hovertemplate="%{text}")
    figure.add_bar(x=times, y=pd.Series([0.0, 1.0]), marker={"color": palette().series})
    figure.to_dict()


def plain(text: str) -> str:
    """Return foreign text so that plotly shows it and does not read it as its markup.

    Examples
    --------
    >>> plain("<b>p95</b>")
    '&lt;b&gt;p95&lt;/b&gt;'
    """
    return markup(text, quote=False)
