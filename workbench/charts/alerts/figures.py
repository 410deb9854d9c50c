"""Figures of alerts: which rules fire most, when they fired, and at what hours people are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.analysis.alerts.summary import AlertEpisodes, AlertHours, AlertRules
from workbench.charts.theme import HEIGHT, Mode, Palette, palette, plain, template
from workbench.core.units import count_text, instant_text, span_text

if TYPE_CHECKING:
    import pandas as pd

#: Most rules and most episodes drawn; the tables hold all.
RULES, EPISODES = 20, 2_000


def rules_figure(rules: AlertRules, *, mode: Mode = "light") -> Any:
    """Draw the episodes of each rule that fired, most on top.

    Parameters
    ----------
    rules : AlertRules
        What each rule did in the period.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    fired = rules.frame[rules.frame["episodes"] > 0].head(RULES).iloc[::-1]
    figure = _empty(mode, len(fired))
    colours = _colours(mode, rules.frame["severity"])
    for severity, part in fired.groupby("severity", sort=True):
        figure.add_bar(
            x=part["episodes"],
            y=[plain(name) for name in part["alertname"]],
            orientation="h",
            name=plain(str(severity) or "no severity"),
            marker={"color": colours[str(severity)]},
            textangle=0,
            text=[count_text(count) for count in part["episodes"]],
            hovertemplate="%{y}: %{text} episodes<extra></extra>",
        )
    most = int(fired["episodes"].max()) if len(fired) else 0
    figure.update_layout(xaxis={"title": {"text": "Episodes"}, **_whole(most)}, hovermode="closest", showlegend=True)
    figure.update_yaxes(categoryorder="array", categoryarray=[plain(name) for name in fired["alertname"]])
    return figure


def episodes_figure(episodes: AlertEpisodes, *, mode: Mode = "light") -> Any:
    """Draw when each rule fired: a line a rule, a bar an episode, grey where no rule was evaluated.

    Parameters
    ----------
    episodes : AlertEpisodes
        Episodes of alerts of the period.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    rows = episodes.frame.tail(EPISODES)
    names = list(rows["alertname"].value_counts().head(RULES).index)
    rows = rows[rows["alertname"].isin(names)]
    figure = _empty(mode, len(names))
    colours = _colours(mode, episodes.frame["severity"])
    for severity, part in rows.groupby("severity", sort=True):
        bars = _observed_bars(part, episodes)
        figure.add_bar(
            x=bars["length_ms"],
            base=bars["begin"],
            y=[plain(name) for name in bars["alertname"]],
            orientation="h",
            name=plain(str(severity) or "no severity"),
            marker={"color": colours[str(severity)], "line": {"width": 1, "color": colours[str(severity)]}},
            text=[
                f"{instant_text(row.starts_at)}, {span_text(row.duration_s)}"
                + (f", not observed for {span_text(row.hidden_s)} of it" if row.hidden_s else "")
                + (", firing when last seen" if row.open else "")
                for row in bars.itertuples()
            ],
            textposition="none",
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    for number, (start, end) in enumerate(_unobserved(episodes)):
        figure.add_vrect(x0=start, x1=end, fillcolor=palette(mode).gap, line={"width": 0}, layer="below")
        if not number:
            figure.add_bar(x=[None], y=[None], name="Not observed", marker={"color": palette(mode).gap})
    figure.update_layout(
        barmode="overlay",
        hovermode="closest",
        showlegend=True,
        xaxis={"type": "date", "title": {"text": "Time (UTC)"}, "range": [episodes.range.start, episodes.range.end]},
    )
    figure.update_yaxes(categoryorder="array", categoryarray=[plain(name) for name in names[::-1]])
    return figure


def _unobserved(alerts: AlertEpisodes) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """Return the parts of the period in which no rule was evaluated; a pixel and less is left out."""
    import pandas as pd

    if not alerts.observed:
        return [] if alerts.observed_s else [(pd.Timestamp(alerts.range.start), pd.Timestamp(alerts.range.end))]
    edges = [alerts.range.start_ms, *(mark for stretch in alerts.observed for mark in stretch), alerts.range.end_ms]
    least = (alerts.range.end_ms - alerts.range.start_ms) / 1000
    marks = [pd.Timestamp(edge, unit="ms", tz="UTC") for edge in edges]
    pairs = zip(marks[::2], marks[1::2], edges[::2], edges[1::2], strict=True)
    return [(start, end) for start, end, first, last in pairs if last - first > least]


def _observed_bars(episodes: pd.DataFrame, alerts: AlertEpisodes) -> pd.DataFrame:
    """Cut episodes to the time in which rules were evaluated: a bar through unknown time would claim that they fired.

    Returns
    -------
    DataFrame
        The rows of ``episodes``, one per bar, with ``begin`` [UTC], ``length_ms`` [ms] and ``hidden_s``, the time of
        the episode that no bar shows. [s]
    """
    import numpy as np
    import pandas as pd

    first = episodes["starts_at"].dt.as_unit("ms").astype("int64").to_numpy()
    last = first + np.round(episodes["duration_s"].to_numpy() * 1000).astype(np.int64)
    first = np.maximum(first, alerts.range.start_ms)
    hidden = [round(mark.timestamp() * 1000) for gap in _unobserved(alerts) for mark in gap]
    edges = np.array([alerts.range.start_ms, *hidden, alerts.range.end_ms]).reshape(-1, 2)
    every = np.arange(len(first))
    seen = [(np.maximum(first, start), np.minimum(last, end), every) for start, end in edges]
    begins, ends, places = (np.concatenate(part) for part in zip(*seen, strict=True))
    shown = ends > begins
    begins, ends, places = begins[shown], ends[shown], places[shown]
    covered = np.bincount(places, weights=ends - begins, minlength=len(first))
    bars = episodes.iloc[places].reset_index(drop=True)
    bars["begin"] = pd.to_datetime(begins, unit="ms", utc=True)
    bars["length_ms"] = ends - begins
    bars["hidden_s"] = np.round((last - first - covered) / 1000)[places]
    return bars


def hours_figure(hours: AlertHours, *, mode: Mode = "light") -> Any:
    """Draw the episodes begun in each hour of the day, stacked by severity.

    Parameters
    ----------
    hours : AlertHours
        Alerts per hour and weekday.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = _empty(mode, 0)
    colours = _colours(mode, hours.frame["severity"])
    for severity, part in hours.frame.groupby("severity", sort=True):
        figure.add_bar(
            x=part["hour"],
            y=part["episodes"],
            name=plain(str(severity) or "no severity"),
            marker={"color": colours[str(severity)]},
            hovertemplate="%{x}:00: %{y} episodes",
        )
    most = int(hours.frame.groupby("hour")["episodes"].sum().max()) if len(hours.frame) else 0
    figure.update_layout(
        barmode="stack",
        showlegend=True,
        xaxis={"title": {"text": f"Hour of the day ({hours.zone})"}, "range": [-0.5, 23.5], "dtick": 3},
        yaxis={"title": {"text": "Episodes"}, "rangemode": "tozero", **_whole(most)},
    )
    return figure


def _whole(most: int) -> dict[str, Any]:
    """Return ticks of an axis of counts: an episode is never a part of one."""
    return {"dtick": 1} if most < 8 else {"tickformat": ",d"}


def _empty(mode: Mode, rows: int) -> Any:
    import plotly.graph_objects as go

    return go.Figure(layout={"template": template(mode), "height": max(HEIGHT, 90 + 26 * rows)})


#: Severities by what they ask for, whatever a system calls them; any other takes a colour that is left.
_URGENT, _SERIOUS, _MINOR = ("critical", "page", "emergency"), ("high", "error"), ("warning", "warn", "medium")


def _colours(mode: Mode, severities: Any) -> dict[str, str]:
    """Give a severity the same colour on the page of every system."""
    colours: Palette = palette(mode)
    blue, amber, green, violet, *rest = colours.sequence
    fixed = dict.fromkeys(_URGENT, colours.bad) | dict.fromkeys(_SERIOUS, violet) | dict.fromkeys(_MINOR, amber)
    fixed |= {"info": blue, "low": blue}
    others = sorted({str(name) for name in severities} - set(fixed))
    left = (green, *rest)
    return fixed | {name: left[place % len(left)] for place, name in enumerate(others)}
