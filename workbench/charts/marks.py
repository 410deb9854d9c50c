"""What happened meanwhile, on every time chart: deploys, incidents, exclusions, alerts; and what nobody knows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.counting.happened import Happened
from workbench.charts.layers import runs
from workbench.charts.theme import Mode, palette, plain
from workbench.core.timerange import TimeRange, named_zone
from workbench.core.units import instant_text

#: Most marks on one chart, the newest; more would be a curtain.
MOST = 40

#: Time without data at the end of a chart is shaded from this part of the chart on. [ratio]
_LEAST = 0.01


def marked(figure: Any, annotations: Happened, *, mode: Mode = "light", zone: str = "UTC") -> Any:
    """Mark what happened on a chart over time: a line for a moment, a shade for a stretch, a word in the legend.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        With a date axis; changed in place.
    annotations : Happened
        Deploys, incidents and other annotations of the period.
    mode : {"light", "dark"}
        Theme.
    zone : str
        IANA zone of the axis; its instants are drawn where its clocks show them.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    colours = palette(mode)
    dashes = {"incident": "solid", "alert": "solid", "exclusion": "dash", "deploy": "dot"}
    tints = {"incident": colours.bad, "alert": colours.status["at_risk"], "exclusion": colours.muted}
    for kind, rows in annotations.frame.tail(MOST).groupby("kind", sort=True):
        colour = tints.get(str(kind), colours.sequence[3])
        line = {"color": colour, "width": 1.5, "dash": dashes.get(str(kind), "dashdot")}
        for row in rows.itertuples():
            stretch = pd.notna(row.end) and row.end > row.start
            start, end = (shown_at(edge, zone) for edge in (row.start, row.end if stretch else row.start))
            figure.add_shape(
                type="rect" if stretch else "line", x0=start, x1=end, y0=0, y1=1, yref="paper",
                line=line | ({"width": 0} if stretch else {}), fillcolor=colour, opacity=0.14 if stretch else 0.9,
                layer="below",
            )  # fmt: skip
            figure.add_annotation(
                x=start, y=1, yref="paper", yanchor="top", text="▾", showarrow=False, font={"color": colour},
                hovertext=plain(f"{kind}: {row.text}, {instant_text(row.start)}"),
            )  # fmt: skip
        name = plain(str(kind).capitalize())
        figure.add_scatter(x=[None], y=[None], mode="lines", line=line, name=name, showlegend=True)
    return figure


def shown_at(instant: datetime, zone: str) -> datetime:
    """Return where an instant stands on an axis that shows the clock of a zone; charts know no zones.

    Examples
    --------
    >>> from datetime import UTC
    >>> shown_at(datetime(2026, 11, 1, 23, tzinfo=UTC), "Europe/Berlin").isoformat()
    '2026-11-02T00:00:00+00:00'
    """
    return instant.astimezone(named_zone(zone)).replace(tzinfo=UTC)


def unknown_shaded(figure: Any, span: TimeRange, newest: datetime | None, *, mode: Mode = "light") -> Any:
    """Shade the time of which a chart knows nothing, with the words "No data" in its legend.

    That is the time after the newest sample, before the first bar of a day, and in which no line has a value.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        With a date axis; changed in place. One that shades for itself is left alone.
    span : TimeRange
        What the axis shows.
    newest : datetime or None
        Newest sample; None where nothing was read.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    if any("observed" in str(trace.name or "") for trace in figure.data):
        return figure
    end = pd.Timestamp(span.end)
    edge = pd.Timestamp(newest) if newest is not None else end
    gaps = [
        *_line_gaps(figure, span),
        *_before_bars(figure, span),
        *([(edge, end)] if end - edge > _LEAST * (end - span.start) else []),
    ]
    colour = palette(mode).gap
    for start, until in gaps:
        figure.add_shape(
            type="rect", x0=max(start, pd.Timestamp(span.start)), x1=min(until, end), y0=0, y1=1, yref="paper",
            line={"width": 0}, fillcolor=colour, layer="below",
        )  # fmt: skip
    if gaps:
        marker = {"color": colour, "symbol": "square", "size": 10}
        figure.add_scatter(x=[None], y=[None], mode="markers", marker=marker, name="No data", showlegend=True)
    return figure


def _bar_days(figure: Any) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """Return from when to when the bars of days of a chart stand, a pair for each of its kinds of bars."""
    pairs = []
    for trace in figure.data:
        if trace.type == "bar" and trace.xperiod and len(trace.x):
            length = pd.Timedelta(milliseconds=int(trace.xperiod))
            times = pd.to_datetime(np.asarray(trace.x), utc=True)
            pairs.append((times.min().floor(length), times.max().floor(length) + length))
    return pairs


def _before_bars(figure: Any, span: TimeRange) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """Return the time before the first bar where every day that is known has one, be it of nothing."""
    start, first = pd.Timestamp(span.start), min((pair[0] for pair in _bar_days(figure)), default=None)
    return [(start, first)] if first is not None and first > start else []


def drawn_range(figure: Any, span: TimeRange) -> list[pd.Timestamp]:
    """Return the ends of the time axis: those of the period, and whole bars where a bar stands for a day of it."""
    pairs = [(pd.Timestamp(span.start), pd.Timestamp(span.end)), *_bar_days(figure)]
    return [min(start for start, _ in pairs), max(end for _, end in pairs)]


def _line_gaps(figure: Any, span: TimeRange) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """Return the stretches between two values of the lines of a chart in which none of them has one."""
    known: dict[pd.Timestamp, bool] = {}
    for trace in figure.data:
        if trace.type != "scatter" or "lines" not in (trace.mode or "") or trace.x is None or len(trace.x) < 3:
            continue
        values = np.isfinite(np.asarray(trace.y, dtype=np.float64))
        for time, value in zip(pd.to_datetime(np.asarray(trace.x), utc=True), values, strict=True):
            known[time] = known.get(time, False) or bool(value)
    if not any(known.values()):
        return []
    times = sorted(known)
    seen = [time for time in times if known[time]]
    gaps = [
        (times[max(first - 1, 0)], times[min(last, len(times) - 1)])
        for first, last in runs(np.array([not known[time] for time in times]))
    ]
    step = min(np.diff(np.array(times)))
    if seen[0] == times[0] and seen[0] - pd.Timestamp(span.start) > 2 * step:
        gaps.insert(0, (pd.Timestamp(span.start), seen[0]))
    return [(start, until) for start, until in gaps if until > start]
