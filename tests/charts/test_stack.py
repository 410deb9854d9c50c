"""Figures above each other share one time axis and keep their own scales, lines and words."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
import pytest

from workbench.analysis.counting.happened import Happened
from workbench.charts.marks import marked
from workbench.charts.stack import stacked

TIMES = pd.date_range("2026-10-01", periods=3, freq="h", tz="UTC")


def figure(name: str, values: list[float]) -> go.Figure:
    drawn = go.Figure(layout={"yaxis": {"title": {"text": name}}, "yaxis2": {"overlaying": "y", "range": [0, 1]}})
    drawn.add_scatter(x=TIMES, y=values, name=name)
    drawn.add_scatter(x=TIMES, y=[0, 1, 0], yaxis="y2", name="gap")
    return drawn.add_hline(y=values[0])


def test_every_figure_has_its_slot_and_all_have_one_time_axis():
    stack = stacked([figure("rate", [1.0, 2.0, 3.0]), figure("errors", [0.1, 0.2, 0.3])])
    assert {trace.xaxis for trace in stack.data} == {"x"}
    top, bottom = stack.layout.yaxis.domain, stack.layout.yaxis3.domain
    assert bottom[0] == pytest.approx(0)
    assert bottom[1] <= top[0] < top[1] <= 1
    assert stack.layout.yaxis2.overlaying == "y"
    assert stack.layout.yaxis4.overlaying == "y3"
    assert [shape.yref for shape in stack.layout.shapes] == ["y", "y3"]
    assert stack.layout.hoversubplots == "axis"


def test_one_name_is_one_entry_of_the_legend():
    stack = stacked([figure("rate", [1.0, 2.0, 3.0]), figure("errors", [0.1, 0.2, 0.3])])
    assert sum(trace.name == "gap" and trace.showlegend is not False for trace in stack.data) == 1


def test_what_happened_is_marked_with_a_word_and_its_markup_is_text():
    rows = [(TIMES[0], pd.NaT, "deploy", "<b>v2</b>"), (TIMES[0], TIMES[1], "incident", "down")]
    frame = pd.DataFrame(rows, columns=["start", "end", "kind", "text"])
    drawn = marked(figure("rate", [1.0, 2.0, 3.0]), Happened(frame, as_of=TIMES[2]))
    assert [shape.type for shape in drawn.layout.shapes] == ["line", "line", "rect"]
    assert {"Deploy", "Incident"} <= {trace.name for trace in drawn.data}
    assert "<b>" not in " ".join(str(note.hovertext) for note in drawn.layout.annotations)
