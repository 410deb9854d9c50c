"""Figures of performance: traffic, failures, quantiles of time, resources in use, broken thresholds on a time line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.charts.stack import stacked
from workbench.charts.theme import HEIGHT, Mode, palette, plain, template
from workbench.core.result import Result
from workbench.core.units import ratio_text, span_text, value_text

TIME_TITLE = "Time (UTC)"


def latency_figure(result: Result, flow: str = "", *, mode: Mode = "light") -> Any:
    """Draw the quantiles of the time to answer, p50 to p99; a gap is time without samples.

    Parameters
    ----------
    result : FlowHistory
        Counts and quantiles of each flow over time.
    flow : str
        Role of the flow; by default the first that is timed.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    rows = _flow_rows(result, flow, "p95")
    lines = [(name, rows[name], span_text) for name in ("p50", "p95", "p99")]
    return _lines(rows["time"], lines, f"Time to answer (s), {_step(result)}", mode)


def rate_figure(result: Result, flow: str = "", *, mode: Mode = "light") -> Any:
    """Draw the requests a second.

    Parameters
    ----------
    result : FlowHistory
        Counts and quantiles of each flow over time.
    flow : str
        Role of the flow; the first by default.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    rows = _flow_rows(result, flow, "rate")
    lines = [("Rate", rows["rate"], lambda value: value_text(value, "/s"))]
    return _lines(rows["time"], lines, f"Rate (1/s), {_step(result)}", mode)


def errors_figure(result: Result, flow: str = "", *, mode: Mode = "light") -> Any:
    """Draw the share of requests that failed.

    Parameters
    ----------
    result : FlowHistory
        Counts and quantiles of each flow over time.
    flow : str
        Role of the flow; by default the first whose failures are measured.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    rows = _flow_rows(result, flow, "error_ratio")
    figure = _lines(rows["time"], [("Failed", rows["error_ratio"], ratio_text)], f"Failed (%), {_step(result)}", mode)
    figure.update_traces(line={"color": palette(mode).bad})
    return figure.update_layout(yaxis={"tickformat": ".2~%"})


def flow_figure(result: Result, flow: str = "", *, mode: Mode = "light") -> Any:
    """Draw the rate of a flow, its failures and its time to answer above each other, as far as they are measured.

    Parameters
    ----------
    result : FlowHistory
        Counts and quantiles of each flow over time.
    flow : str
        Role of the flow; the first by default.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    chosen = flow or next(iter(result.frame["flow"]), "")
    rows = result.frame[result.frame["flow"] == chosen]
    drawn = {"rate": rate_figure, "error_ratio": errors_figure, "p95": latency_figure}
    figure = stacked(
        [draw(result, chosen, mode=mode) for column, draw in drawn.items() if rows[column].notna().any()], mode=mode
    )
    step = f", {_step(result)}"  # once, below: three small axes have no room for it
    figure.for_each_yaxis(lambda axis: axis.update(title_text=(axis.title.text or "").removesuffix(step)))
    figure.for_each_xaxis(lambda axis: axis.update(title_text=f"{axis.title.text}{step}") if axis.title.text else None)
    return figure


def resources_figure(result: Result, title: str = "", *, mode: Mode = "light") -> Any:
    """Draw the use of one resource, a line a group, with the peak of each step as a thin line above the mean.

    Parameters
    ----------
    result : ResourceHistory
        Use of each resource over time.
    title : str
        Which resource; the first by default.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    colours = palette(mode)
    rows = result.frame[result.frame["title"] == (title or next(iter(result.frame["title"]), ""))]
    unit = next(iter(rows["unit"]), "")
    words = {"ratio": "Share (%)", "bool": "1 = yes, 0 = no", "s": "Seconds", "bytes": "Bytes"}
    figure = _figure(mode, f"{words.get(unit, unit)}, {_step(result)}")
    for number, (group, part) in enumerate(rows.groupby("group", sort=False)):
        colour = colours.sequence[number % len(colours.sequence)]
        name = plain(str(group) or "all")
        for column, width, dash in (("mean", 2, "solid"), ("peak", 1, "dot")):
            figure.add_scatter(
                x=part["time"],
                y=part[column],
                name=name,
                legendgroup=name,
                mode="lines",
                line={"color": colour, "width": width, "dash": dash},
                text=[f"{column} {value_text(value, unit)}" for value in part[column]],
                hovertemplate="%{text}",
                showlegend=column == "mean",
            )
    large = len(rows) > 0 and float(rows["peak"].max()) >= 1000
    ticks = ".0%" if unit == "ratio" else "~s" if large else ",~r"
    return figure.update_layout(yaxis={"tickformat": ticks, "rangemode": "tozero"}, height=HEIGHT * 5 // 6)


def breaches_figure(result: Result, *, mode: Mode = "light") -> Any:
    """Draw each breach as a bar on a time line, a row a threshold.

    Parameters
    ----------
    result : LimitBreaches
        Thresholds that were broken.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    colours, rows = palette(mode), result.frame
    names = list(dict.fromkeys(rows["title"]))
    figure = _figure(mode, "")
    for severity, part in rows.groupby("severity", sort=False):
        figure.add_bar(
            x=(part["end"] - part["start"]).dt.total_seconds() * 1000,
            base=part["start"],
            y=[plain(str(title)) for title in part["title"]],
            orientation="h",
            name=plain(str(severity)),
            marker={
                "color": colours.bad if severity == "critical" else colours.status["at_risk"],
                "line": {"width": 0},
            },
            text=[f"{plain(row.group)} {span_text(row.seconds)}".strip() for row in part.itertuples()],
            textposition="none",
            hovertemplate="%{base|%d %b %H:%M}: %{text}",
            showlegend=True,
        )
    figure.update_layout(barmode="overlay", hovermode="closest", height=max(HEIGHT // 2, 80 + 26 * len(names)))
    return figure.update_xaxes(type="date")


def _lines(times: pd.Series, lines: Sequence[tuple[str, pd.Series, Any]], y_title: str, mode: Mode) -> Any:
    colours, figure = palette(mode), _figure(mode, y_title)
    for number, (name, values, words) in enumerate(lines):
        figure.add_scatter(
            x=times,
            y=values,
            name=name,
            mode="lines",
            line={"color": colours.sequence[number % len(colours.sequence)], "width": 1.5},
            text=[words(value) for value in values],
            hovertemplate="%{text}",
            showlegend=len(lines) > 1,
        )
    return figure.update_layout(yaxis={"rangemode": "tozero"})


def _figure(mode: Mode, y_title: str) -> Any:
    import plotly.graph_objects as go

    axes = {"xaxis": {"title": {"text": TIME_TITLE}}, "yaxis": {"title": {"text": y_title}}}
    return go.Figure(layout={"template": template(mode), "height": HEIGHT, **axes})


def _flow_rows(result: Result, flow: str, column: str) -> pd.DataFrame:
    """Rows of one flow: the named one, else the first that has values in the column."""
    frame = result.frame
    valued = frame.loc[np.isfinite(frame[column].astype(float)), "flow"]
    chosen = flow or next(iter(valued), next(iter(frame["flow"]), ""))
    return frame[frame["flow"] == chosen]


def _step(result: Result) -> str:
    """Say of how much time one point is."""
    return f"steps of {span_text(vars(result)['step_ms'] / 1000)}"
