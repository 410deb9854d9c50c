"""Figures on a page, in the theme the reader has chosen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from workbench.analysis.counting.happened import Happened
from workbench.charts.marks import drawn_range, marked, shown_at, unknown_shaded
from workbench.charts.stack import cursor
from workbench.charts.theme import DATES, Mode
from workbench.core.result import Study
from workbench.core.timerange import TimeRange
from workbench.core.units import interval_text
from workbench.ui.parts import filters, links, load
from workbench.ui.parts.drawn import drawn, once, still
from workbench.ui.parts.markdown import escaped

_CONFIG = {**DATES, "displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}
_SELECTABLE = {**DATES, "displaylogo": False, "modeBarButtonsToRemove": ["lasso2d", "autoScale2d"]}


def mode() -> Mode:
    """Return the theme in use; light until the browser has said."""
    return "dark" if st.context.theme.type == "dark" else "light"


def plain(draw: Callable[..., Any], *results: Any, key: str, title: str) -> None:
    """Show a figure inside what is open; ``title`` is read out to those who do not see it."""
    st.plotly_chart(drawn(draw, *results, mode=mode()), theme=None, key=key, config=_CONFIG, alt=title)


def timed(
    title: str,
    draw: Callable[..., Any],
    *results: Any,
    key: str,
    study: Study,
    steady: bool = True,
    zone: str = "UTC",
    span: TimeRange | None = None,
) -> None:
    """Show a chart over time as a card, with what happened meanwhile; a stretch that is dragged over becomes a link.

    Parameters
    ----------
    title : str
        Of the card; also read out to those who do not see the chart.
    draw : callable
        Makes the figure of ``results``.
    *results : Result or plain value
        What it draws.
    key : str
        Name of the chart on the page.
    study : Study
        Gives the system of the marks.
    steady : bool
        Data come steadily, as samples do and log lines do not: the time after the newest one is shaded as unknown.
    zone : str
        IANA zone whose clock the axis shows.
    span : TimeRange, optional
        What the axis shows; by default the period of the study.
    """
    shown = span or study.range
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{escaped(title)}**")
        newest = study.freshness if steady else None
        annotations = load.marks(study.system, shown)
        state = st.plotly_chart(
            once(_over_time, draw, annotations, shown, newest, zone, *results, mode=mode()),
            theme=None,
            key=f"{key}-chart",
            config=_SELECTABLE,
            alt=title,
            on_select="rerun",
            selection_mode="box",
        )
        _selected(state, study.system, zone)


def _over_time(
    draw: Callable[..., Any],
    annotations: Happened,
    span: TimeRange,
    newest: datetime | None,
    zone: str,
    *results: Any,
    mode: Mode,
) -> Any:
    figure = marked(draw(*results, mode=mode), annotations, mode=mode, zone=zone)
    shown = TimeRange(shown_at(span.start, zone), shown_at(span.end, zone))
    unknown_shaded(figure, shown, newest and shown_at(newest, zone), mode=mode)
    figure.update_layout(dragmode="select", selectdirection="h")
    return still(figure.update_xaxes(**cursor(), range=drawn_range(figure, shown)))


def _selected(state: Any, system: str, zone: str) -> None:
    """Offer for the stretch that was dragged over on a chart to show it alone, or what explains it."""
    boxes = state["selection"]["box"] if state else []
    if not boxes:
        return
    edges = (
        pd.Timestamp(edge).tz_localize(zone, ambiguous=True, nonexistent="shift_forward") for edge in boxes[0]["x"]
    )
    start, end = sorted(edge.tz_convert("UTC").to_pydatetime() for edge in edges)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"Selected: {escaped(interval_text(start, end))}")
        if st.button("Set as period", key=f"period-{start.timestamp()}", icon=":material/date_range:", type="tertiary"):
            filters.choose_period(start, end)
        links.evidence(system, start, end)


def card(title: str, draw: Callable[..., Any], *results: Any, key: str) -> None:
    """Show one question as a card: its title and its figure."""
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{escaped(title)}**")
        plain(draw, *results, key=key, title=title)
