"""The answer to a free question: series as lines, and as a cell of a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any

import numpy as np
import pandas as pd

from workbench.charts.layers import POINTS, kept_points
from workbench.charts.theme import HEIGHT, Mode, palette, plain, template
from workbench.core.result import Study
from workbench.core.series import Metrics
from workbench.core.units import number_text

#: Most series drawn; the table and the download hold all.
SERIES = 12


def series_figure(answer: Metrics, *, mode: Mode = "light") -> Any:
    """Draw each series as a line; a missing point is a gap.

    Parameters
    ----------
    answer : Metrics
        Series that a query gave.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    colours = palette(mode)
    figure = go.Figure(layout={"template": template(mode), "height": HEIGHT})
    times = pd.to_datetime(answer.times, unit="ms", utc=True)
    drawn = list(zip(answer.labels, answer.values, answer.present, strict=True))[:SERIES]
    for number, (labels, values, present) in enumerate(drawn):
        shown = np.where(present, values, np.nan)
        kept = kept_points(shown, POINTS // max(1, len(drawn)))
        figure.add_scatter(
            x=times[kept],
            y=shown[kept],
            name=plain(labels_text(labels)),
            mode="lines+markers" if len(times) == 1 else "lines",
            line={"color": colours.sequence[number % len(colours.sequence)], "width": 1.5},
            hovertemplate="%{y}",
            showlegend=True,
        )
    figure.update_layout(xaxis={"title": {"text": "Time (UTC)"}, "type": "date"}, yaxis={"title": {"text": "Value"}})
    return figure


def labels_text(labels: Any) -> str:
    """Write the labels of a series as PromQL does.

    Examples
    --------
    >>> labels_text({"__name__": "up", "job": "api"})
    'up{job="api"}'
    """
    name, rest = labels.get("__name__", ""), {key: value for key, value in labels.items() if key != "__name__"}
    inside = ", ".join(f'{key}="{value}"' for key, value in sorted(rest.items()))
    return f"{name}{{{inside}}}" if inside or not name else name


def series_rows(answer: Metrics) -> list[dict[str, str]]:
    """One row of text per series: ``series, last, least, largest, points``; what is missing is no zero."""
    rows = []
    for labels, values, present in zip(answer.labels, answer.values, answer.present, strict=True):
        seen = values[present]
        known = seen[np.isfinite(seen)]
        rows.append(
            {
                "series": labels_text(labels),
                "last": number_text(float(seen[-1])) if len(seen) else "–",
                "least": number_text(float(known.min())) if len(known) else "–",
                "largest": number_text(float(known.max())) if len(known) else "–",
                "points": f"{len(seen):,}",
            }
        )
    return rows


def study_cell(study: Study, options: Mapping[str, str]) -> str:
    """Return the cell that makes a study again in a notebook, of the same period and with the same options.

    Examples
    --------
    >>> from workbench.core.result import Provenance
    >>> from workbench.core.timerange import TimeRange, from_ms
    >>> none = Provenance("", "", "", "")
    >>> study = Study("log_overview", "lab", TimeRange.from_ms(0, 1000), from_ms(0), {}, "ok", None, 1.0, none)
    >>> print(study_cell(study, {"level": "WARN"}))
    from workbench import open_period
    from workbench.studies import log_overview
    context, period, as_of = open_period('1970-01-01T00:00:00Z..1970-01-01T00:00:01Z')
    study = log_overview(context, system='lab', range=period, as_of=as_of, level='WARN')
    study.results
    """
    start, end = (f"{edge.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for edge in (study.range.start, study.range.end))
    more = "".join(f", {name}={value!r}" for name, value in options.items())
    return (
        "from workbench import open_period\n"
        f"from workbench.studies import {study.name}\n"
        f"context, period, as_of = open_period({f'{start}..{end}'!r})\n"
        f"study = {study.name}(context, system={study.system!r}, range=period, as_of=as_of{more})\n"
        "study.results"
    )


def notebook_cell(promql: str, system: str, period: str) -> str:
    """Return the cell that asks the same in a notebook.

    Examples
    --------
    >>> print(notebook_cell("up", "lab", "7d"))
    from workbench import open_period, query_metrics
    context, period, as_of = open_period('7d')
    query_metrics(context, 'up', system='lab', range=period).frame
    """
    named = f", system={system!r}" if system else ""
    return (
        "from workbench import open_period, query_metrics\n"
        f"context, period, as_of = open_period({period!r})\n"
        f"query_metrics(context, {promql!r}{named}, range=period).frame"
    )
