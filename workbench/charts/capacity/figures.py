"""Figures of capacity: daily peaks with their forecast and band, and how much of each limit is used."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.analysis.capacity.levels import CapacityForecasts, CapacityLimits
from workbench.charts.theme import HEIGHT, Mode, palette, plain, template
from workbench.core.units import instant_text, ratio_text, value_text

#: Most levels in one figure; the tables hold all.
LEVELS = 6

#: Shares of a limit are drawn up to here: one far above it would flatten all others. [ratio]
MOST_SHARE = 2.0

#: Height a name takes in the legend; the names of levels are long, so each gets a row. [px]
LEGEND_ROW = 20

#: A band is drawn up to this multiple of the highest limit or level; beyond it every level would be a flat line.
ABOVE = 1.3


def forecasts_figure(
    forecasts: CapacityForecasts, limits: CapacityLimits | None = None, *, unit: str = "", mode: Mode = "light"
) -> Any:
    """Draw the daily peaks of the levels nearest to their limit, dashed ahead, with 80 % and 95 % bands and the dates.

    Parameters
    ----------
    forecasts : CapacityForecasts
        Forecast of each level.
    limits : CapacityLimits, optional
        Gives the order; the first levels of it are drawn.
    unit : str
        Only levels of this unit; that of the first level by default.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    colours = palette(mode)
    frame = forecasts.frame
    order = (limits.frame if limits is not None else frame)[["resource", "series", "unit"]].drop_duplicates()
    chosen = unit or (str(order["unit"].iloc[0]) if len(order) else "")
    shown = order[order["unit"] == chosen].head(LEVELS)
    drawn = frame[frame["resource"].isin(shown["resource"]) & frame["series"].isin(shown["series"])]
    scale, axis = (2.0**30, "GiB") if chosen == "bytes" else (1.0, "Used" if chosen == "ratio" else chosen)
    traces = []  # a figure that is made of all checks each once, one that grows twice
    for number, level in enumerate(shown.itertuples()):
        part = frame[(frame["resource"] == level.resource) & (frame["series"] == level.series)]
        colour = colours.sequence[number % len(colours.sequence)]
        traces += _level(part, chosen, scale, colour, plain(f"{part['title'].iloc[0]}, {level.series}"))
    layout = {"template": template(mode), "height": HEIGHT, "xaxis": {"title": {"text": "Day (UTC)"}}}
    figure = go.Figure(traces, layout)
    if limits is not None:
        _dates(figure, limits, shown, scale, colours.bad)
    for value in sorted(set(drawn.loc[drawn["unit"] == chosen, "limit"].dropna()))[:3]:
        figure.add_hline(
            y=value / scale,
            line={"color": colours.bad, "width": 1, "dash": "dot"},
            annotation={
                "text": ratio_text(value, digits=0) if chosen == "ratio" else value_text(value, chosen),
                "font": {"size": 11, "color": colours.muted},
            },
        )
    top = min(max(1.1, 1.05 * drawn[["actual", "middle"]].max(axis=None)), MOST_SHARE) if len(drawn) else 1.1
    if chosen != "ratio" and len(drawn):
        top = min(
            1.05 * drawn[["actual", "middle", "high95"]].max(axis=None),
            ABOVE * drawn[["actual", "middle", "limit"]].max(axis=None),
        )
    percent = {"tickformat": ".0%"} if chosen == "ratio" else {}
    figure.update_layout(yaxis={"title": {"text": axis}, "range": [0, top / scale], **percent}, showlegend=True)
    figure.update_layout(height=HEIGHT + LEGEND_ROW * (len(shown) + 1))
    return figure


def _level(part: pd.DataFrame, unit: str, scale: float, colour: str, name: str) -> list[dict[str, Any]]:
    """Lines of one level: what was measured, two bands ahead, and the middle of the forecast."""
    ahead = part.dropna(subset=["middle"])
    line: dict[str, Any] = {"type": "scatter", "mode": "lines"}
    behind = line | {"x": part["day"].dt.tz_localize(None).to_numpy()}
    before = line | {"x": ahead["day"].dt.tz_localize(None).to_numpy(), "showlegend": False}
    bands = []
    for low, high, shade in (("low95", "high95", 0.08), ("low", "high", 0.16)):
        edge = before | {"line": {"width": 0}, "hoverinfo": "skip"}
        fill = {"fill": "tonexty", "fillcolor": _shaded(colour, shade)}
        bands += [edge | {"y": ahead[low].to_numpy() / scale}, edge | {"y": ahead[high].to_numpy() / scale} | fill]
    measured = {
        "y": part["actual"].to_numpy() / scale,
        "name": name,
        "line": {"color": colour, "width": 1.5},
        "text": [value_text(value, unit) for value in part["actual"]],
        "hovertemplate": "%{text}",
    }
    middle = {
        "y": ahead["middle"].to_numpy() / scale,
        "name": f"{name}, forecast",
        "line": {"color": colour, "width": 1.5, "dash": "dash"},
        "text": [value_text(value, unit) for value in ahead["middle"]],
        "hovertemplate": "forecast %{text}",
    }
    return [behind | measured, *bands, before | middle]


def _shaded(colour: str, shade: float) -> str:
    """Return a colour, #rrggbb, as a see-through one."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {shade})"


def _dates(figure: Any, limits: CapacityLimits, shown: pd.DataFrame, scale: float, colour: str) -> None:
    """Mark where the drawn levels reach their limits, with the 80 % interval of the date."""
    rows = limits.frame.merge(shown, on=["resource", "series", "unit"])
    rows = rows[rows["reached_at"].notna()]
    if rows.empty:
        return
    end = rows["latest"].fillna(vars(limits)["as_of"] + pd.to_timedelta(rows["ahead_days"], unit="D"))
    figure.add_scatter(
        x=rows["reached_at"],
        y=rows["value"] / scale,
        mode="markers",
        marker={"color": colour, "symbol": "x", "size": 8},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": (end - rows["reached_at"]) / pd.Timedelta("1ms"),
            "arrayminus": (rows["reached_at"] - rows["earliest"]) / pd.Timedelta("1ms"),
            "color": colour,
            "thickness": 1.5,
        },
        text=[f"{row.limit}: {instant_text(row.reached_at)}" for row in rows.itertuples()],
        hovertemplate="%{text}<extra></extra>",
        name="Limit reached (50 %), 80 % interval",
    )


def limits_figure(limits: CapacityLimits, *, mode: Mode = "light") -> Any:
    """Draw how much of each limit is used now, most on top.

    Parameters
    ----------
    limits : CapacityLimits
        When each limit will be reached.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    colours = palette(mode)
    rows = limits.frame.sort_values("used", ascending=False).drop_duplicates(["resource", "series"]).head(20).iloc[::-1]
    figure = go.Figure(layout={"template": template(mode), "height": max(HEIGHT, 90 + 26 * len(rows))})
    figure.add_bar(
        x=rows["used"],
        y=[plain(f"{row.title}, {row.series}: {row.limit}") for row in rows.itertuples()],
        orientation="h",
        marker={"color": [colours.status[status] for status in rows["status"]]},
        text=[ratio_text(used, digits=1) for used in rows["used"]],
        hovertemplate="%{y}: %{text}<extra></extra>",
    )
    figure.add_vline(x=1, line={"color": colours.bad, "width": 1, "dash": "dot"})
    figure.update_layout(xaxis={"title": {"text": "Share of the limit used"}, "tickformat": ".0%"}, hovermode="closest")
    return figure
