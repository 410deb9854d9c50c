"""First pages as full as they get: four systems or six questions, and every part with the most that it holds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import nbformat
import pandas as pd

from workbench.analysis.overview.first_page import FIGURE_COLUMNS, PeriodFigures, ReportFindings
from workbench.charts.overview.first_page import FirstPage
from workbench.charts.tables import Table
from workbench.core.timerange import TimeRange

OCTOBER = TimeRange(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))

_LONG = (
    "1 of 11 levels reaches a limit within the lead time; first Disk space used of device /dev/sdb1, filesystem ext4, "
    "instance node-2.europe-west.example.internal:9100, mount /data/images: 90 % (assumed) on 1 Nov 2026 11:00 UTC."
)
_CAUSE = (
    "90 % of the budget went in 40 min from 20 Oct 2026 10:55 UTC on, at provider anthropic or openai; the new error "
    "message “counterfactual-lab: GET /api/<*>/counterfactuals/<*> <*> in <*> s: upstream unavailable, connection pool "
    "exhausted” came 8 min 21 s after its start."
)
_COST = (
    "It cost as much of the budget as 1 h 14 min of complete outage. 1,234.56 USD was spent in the 44 min of the "
    "episode, 2,345.67 USD in the same time a week before."
)


def fullest() -> Any:
    """Return the executed cell of a first page that holds the most, and the longest."""
    questions = ("slo", "performance", "cost", "quality", "capacity", "alerts")
    rows = [("answer", question, _LONG, "+32.163 percentage points against 2026-09") for question in questions]
    rows += [
        (part, "slo", text, "")
        for _ in range(3)
        for part, text in (("missed", _LONG), ("cause", _CAUSE), ("cost", _COST))
    ]
    rows += [("decision", "slo", _LONG, "")] * 3 + [("unknown", "", _LONG, "")] * 7
    frame = pd.DataFrame(rows, columns=["part", "question", "text", "change"]).assign(
        id="report/slo/met", status="at_risk", owner="Platform team", coverage=0.99942, weight=0.0, facts=None
    )
    findings = ReportFindings(
        frame, system="s", title="Multimodal Counterfactual Lab", owner="", period="2026-10", range=OCTOBER,
        as_of=OCTOBER.end, newest=OCTOBER.end,
    )  # fmt: skip
    figures = [
        (question, "fullest level", f"2026-{month:02}", pd.Timestamp(2026, month, 1, tz="UTC"),
         float(month % 5), "count", 1.0, "count", "up")
        for question in questions
        for month in range(1, 11)
    ]  # fmt: skip
    periods = PeriodFigures(pd.DataFrame(figures, columns=FIGURE_COLUMNS))
    output = nbformat.v4.new_output("execute_result", data=FirstPage(findings, periods)._repr_mimebundle_())
    return nbformat.v4.new_code_cell("", outputs=[output])


def whole() -> Any:
    """Return an executed notebook with a first page, a figure, tables of every status and one that opens."""
    figure = {"application/vnd.plotly.v1+json": {"data": [{"name": "SLI", "y": [1, 2]}], "layout": {}}}
    words = ("OK", "At risk", "Budget spent", "No data", "Unavailable")
    rows = [{"objective": f"o{number}", "status": word, "bad": "3"} for number, word in enumerate(words)]
    tables = [Table(rows, caption="Counts."), Table(rows, usual=[False, True, True, True, True])]
    outputs = [figure, *({"text/html": table._repr_html_()} for table in tables)]
    cells: list[Any] = [fullest()]
    for number, data in enumerate(outputs):
        cells.append(nbformat.v4.new_markdown_cell(f"## Question {number}?\n\nHow it went.", id=f"h{number}"))
        shown = nbformat.v4.new_output("display_data", data=data)
        cells.append(nbformat.v4.new_code_cell("", outputs=[shown], id=f"c{number}"))
    return nbformat.v4.new_notebook(cells=cells)
