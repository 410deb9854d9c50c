"""Figures of traces: one trace as a waterfall with its critical path; the paths of many by band of latency."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.traces.bands import PathBands
from workbench.analysis.traces.single import TraceSections, TraceSpans
from workbench.charts.tables import Sentence
from workbench.charts.theme import HEIGHT, Mode, palette, plain, template
from workbench.charts.traces.tables import ms_text
from workbench.core.result import Study

#: Spans drawn of a trace, and operations told apart on critical paths; the tables hold all. [count]
SPANS, OPERATIONS = 60, 5

_ROW, _AROUND, _NAME = 20, 70, 44


def waterfall_figure(spans: TraceSpans, sections: TraceSections | None = None, *, mode: Mode = "light") -> Any:
    """Draw one trace: a bar a span from its start to its end, failed ones in the colour of failure, children indented.

    The thin bar inside is the time that the span spends on the critical path; these stretches add up to the trace. Of a
    trace with more than :data:`SPANS` spans the longest are drawn, in the order of the tree.

    Parameters
    ----------
    spans : TraceSpans
        The spans of the trace, parents before children.
    sections : TraceSections, optional
        The stretches of its critical path; without them they are not drawn.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    colours = palette(mode)
    drawn = drawn_spans(spans)
    places = dict(zip(drawn["span_id"], range(len(drawn)), strict=True))
    failed = (drawn["status"] == "error").to_numpy()
    labels = [
        plain(_short("› " * min(int(row.depth), 12) + f"{row.service} {row.operation}")) for row in drawn.itertuples()
    ]
    figure = go.Figure(
        layout={
            "template": template(mode),
            "height": _AROUND + _ROW * max(len(drawn), 3),
            "barmode": "overlay",
            "hovermode": "closest",
            "xaxis": _time_axis("Time since the start of the trace", (drawn["offset_ms"] + drawn["duration_ms"]).max()),
            "yaxis": {
                "autorange": "reversed", "tickmode": "array", "tickvals": list(range(len(drawn))), "ticktext": labels,
                "showgrid": False,
            },
        }
    )  # fmt: skip
    for name, mask, colour in (("Span", ~failed, colours.good), ("Failed span", failed, colours.bad)):
        part = drawn[mask]
        if len(part):
            figure.add_bar(
                orientation="h", name=name, base=part["offset_ms"], x=part["duration_ms"],
                y=np.flatnonzero(mask), width=0.75, marker={"color": colour, "line": {"width": 0}},
                text=[_hover(row) for row in part.itertuples()], textposition="none",
                hovertemplate="%{text}<extra></extra>",
            )  # fmt: skip
    if sections is None:
        return figure
    path = sections.frame[sections.frame["span_id"].isin(places)]
    figure.add_bar(
        orientation="h", name="Critical path", base=path["offset_ms"], x=path["duration_ms"],
        y=path["span_id"].map(places), width=0.25, marker={"color": colours.text, "line": {"width": 0}},
        text=[ms_text(value) for value in path["duration_ms"]], textposition="none",
        hovertemplate="%{text} on the critical path<extra></extra>",
    )  # fmt: skip
    return figure


def _time_axis(title: str, longest_ms: float) -> dict[str, Any]:
    """Return an axis of durations whose ticks have the unit that fits each."""
    longest_ms = longest_ms if longest_ms > 0 else 1.0
    size = 10.0 ** np.floor(np.log10(longest_ms / 5))
    step = next(size * factor for factor in (1, 2, 5, 10) if longest_ms <= size * factor * 6)
    ticks = np.arange(0.0, longest_ms + step / 2, step)
    texts = [ms_text(tick) for tick in ticks]
    return {"title": {"text": title}, "rangemode": "tozero", "tickvals": ticks, "ticktext": texts}


def drawn_spans(spans: TraceSpans) -> pd.DataFrame:
    """Return the spans that :func:`waterfall_figure` draws, in the order of the tree.

    Parameters
    ----------
    spans : TraceSpans
        The spans of one trace.
    """
    frame = spans.frame
    longest = frame["duration_ms"].rank(method="first", ascending=False) <= SPANS
    return frame[longest].reset_index(drop=True)


def bands_figure(bands: PathBands, *, mode: Mode = "light") -> Any:
    """Draw the mean critical path of each band of latency: one bar a band, its parts the operations on the path.

    The parts of a bar add up to the mean duration of the traces of the band.

    Parameters
    ----------
    bands : PathBands
        Critical paths by band of latency.
    mode : {"light", "dark"}
        Theme.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    colours = palette(mode)
    frame = bands.frame.assign(name=bands.frame["service"] + " " + bands.frame["operation"])
    names = frame.groupby("name")["exclusive_ms"].max().sort_values(ascending=False).index.tolist()
    shown = names[: OPERATIONS if len(names) > OPERATIONS + 1 else len(names)]
    order = frame["band"].drop_duplicates().tolist()
    figure = go.Figure(
        layout={
            "template": template(mode),
            "height": HEIGHT,
            "barmode": "stack",
            "hovermode": "y unified",
            "xaxis": _time_axis("Mean time on the critical path", frame.groupby("band")["exclusive_ms"].sum().max()),
            "yaxis": {"type": "category", "categoryorder": "array", "categoryarray": order[::-1]},
        }
    )
    groups = [(name, frame[frame["name"] == name]) for name in shown]
    if len(shown) < len(names):
        rest = frame[~frame["name"].isin(shown)]
        groups.append((f"{len(names) - len(shown)} more operations", rest))
    for number, (name, part) in enumerate(groups):
        summed = part.groupby("band", sort=False)["exclusive_ms"].sum().reindex(order, fill_value=0.0)
        figure.add_bar(
            orientation="h", name=plain(_short(name)), y=order, x=summed,
            marker={"color": colours.sequence[number % len(colours.sequence)], "line": {"width": 0}},
            text=[ms_text(value) for value in summed], textposition="none", hovertemplate="%{text}",
        )  # fmt: skip
    return figure


def paths_of(study: Study) -> Any:
    """Return the figure of the critical paths of an analysis of traces, or a sentence where no trace was read.

    Parameters
    ----------
    study : Study
        Answer of ``workbench.trace_analysis``.
    """
    paths = study.results.get("paths")
    if not isinstance(paths, PathBands) or paths.frame.empty:
        return Sentence(f"No traces were read. {' '.join(study.warnings[:1])}".strip())
    return bands_figure(paths)


def waterfall_of(study: Study | None) -> Any:
    """Return the figure of one trace with its critical path, or a sentence where no trace is there to be shown.

    Parameters
    ----------
    study : Study or None
        Answer of ``workbench.trace_detail``; None where no row of an investigation names a trace.
    """
    if study is None:
        return Sentence("No row above names a trace.")
    spans, path = study.results.get("spans"), study.results.get("path")
    if not isinstance(spans, TraceSpans) or not isinstance(path, TraceSections):
        return Sentence(f"The trace was not read. {' '.join(study.warnings[:1])}".strip())
    return waterfall_figure(spans, path)


def _hover(row: Any) -> str:
    """Name, duration, own time and state of a span."""
    state = " · failed here" if row.origin else " · failed because of a child" if row.inherited else ""
    return (
        f"{plain(_short(f'{row.service} {row.operation}'))}<br>{ms_text(row.duration_ms)}, "
        f"self {ms_text(row.self_ms)}, on path {ms_text(row.path_ms)}{state}"
    )


def _short(text: str) -> str:
    return text if len(text) <= _NAME else text[: _NAME - 1] + "…"
