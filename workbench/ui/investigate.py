"""The investigation page: what differs in a window, where it began, what else happened, and ways to the rows."""

from __future__ import annotations

import shlex
from datetime import UTC, timedelta

import streamlit as st

from workbench.charts.investigate import figures as charts
from workbench.charts.investigate import tables as rows
from workbench.core.result import Study
from workbench.core.timerange import TimeRange
from workbench.core.units import count_text
from workbench.studies.investigate.commands import literal
from workbench.studies.investigate.investigate import LONGEST
from workbench.ui.parts import figures, links
from workbench.ui.parts.cards import Tile, tiles
from workbench.ui.parts.markdown import escaped, plain
from workbench.ui.parts.view import Sheet, sheets
from workbench.ui.parts.window import window as window_of
from workbench.ui.parts.windowed import Question

#: Window without ``from`` and ``to``.
USUAL = timedelta(hours=1)

#: Columns of a table of changes, in order.
_COLUMNS = ("what", "service", "change", "now", "before", "ratio", "kept", "first", "trace")


def window() -> TimeRange:
    """Return the window of the address, by default the last hour."""
    return window_of(USUAL, LONGEST)


def against() -> str:
    """Draw the choice of what to compare with; empty for the same hours a week before and the hour before."""
    return st.text_input(
        "Compare with",
        key="against",
        bind="query-params",
        placeholder="a week before, and the hour before",
        help="1d: the same hours a day before. 2026-11-24T10:00..2026-11-24T11:00: a range.",
        width=380,
    ).strip()


def question() -> Question:
    """Draw the window and what to compare it with; return what is asked."""
    span, compared = window(), against()
    options = {"against": compared} if compared else {}
    return Question("investigate", span, shown, lambda study: commands(study, compared), "changes", options)


def shown(study: Study) -> None:
    """Draw the findings, what else happened, and the budgets."""
    results = study.results
    frame = results["changes"].frame
    st.markdown(escaped(repr(rows.finding(study))))
    named = frame[frame["named"]] if len(frame) else frame
    tiles(
        [
            Tile("Rows that differ", count_text(len(named)), f"of {len(frame)} compared"),
            *(
                Tile(title, count_text(int((named["kind"] == kind).sum())) if len(frame) else "–", words)
                for kind, title, words in (
                    ("failing operation", "Failing", "operations where failures began"),
                    ("log template", "Log templates", "new, grown, shrunk, vanished"),
                    ("slow operation", "Slower", "operations, by own time"),
                    ("bad requests", "Bad requests", "values over-represented in them"),
                )
            ),
        ]
    )
    _ways(study)
    if len(named):
        figures.card("Rate in the window / rate before", charts.changes_figure, results["changes"], key="changes")
    budget, compared = rows.budget_rows(study), set(results["changes"].frame["kind"])
    sheets(
        [
            *(
                Sheet(
                    heading,
                    [{name: row[name] for name in _COLUMNS} for row in rows.change_rows(results["changes"], kind)],
                    "Kept: lines, spans or requests counted in the window / in the baseline shown.",
                    "No row of this kind differs." if kind in compared else "Nothing of this kind was compared.",
                )
                for kind, heading in rows.HEADINGS.items()
            ),
            Sheet("What else happened", rows.happening_rows(results["happenings"]), "From two hours before."),
            Sheet(
                "Budget",
                budget,
                f"{rows.budget_heading(study)}, in whole slices. A burn rate of 1x spends the budget exactly.",
            ),
        ]
    )


def _ways(study: Study) -> None:
    """Draw links to the lines and spans behind the strongest row of each kind."""
    frame = study.results["changes"].frame
    if frame.empty:
        return
    begin, end = study.range.start, study.range.end
    with st.container(horizontal=True):
        for row in frame[frame["named"] & (frame["rank"] == 1)].itertuples():
            operation = str(row.what) if "operation" in str(row.kind) else ""
            if operation and links.exists("traces.py"):
                given = links.returning(links.stretch(study.system, begin, end, operation=operation))
                st.page_link("traces.py", label=f"Traces with {operation}", icon=":material/account_tree:",
                             query_params=given)  # fmt: skip
            if row.kind == "log template" and links.exists("logs.py"):
                given = links.returning(links.stretch(study.system, begin, end, contains=literal(str(row.what))))
                st.page_link("logs.py", label="Lines of the first template", icon=":material/article:",
                             query_params=given)  # fmt: skip


def commands(study: Study, compared: str) -> None:
    """Show the command that prints the same, and those of the strongest rows."""
    start, end = (f"{edge.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for edge in (study.range.start, study.range.end))
    option = f" --against {shlex.quote(compared)}" if compared else ""
    st.caption("The same numbers on the command line")
    st.code(f"workbench investigate {shlex.quote(study.system)} --from {start} --to {end}{option}", language=None,
            wrap_lines=True)  # fmt: skip
    frame = study.results["changes"].frame
    if len(frame):
        for row in frame[frame["named"] & (frame["rank"] == 1)].itertuples():
            st.code(plain(str(row.command)), language=None, wrap_lines=True)
