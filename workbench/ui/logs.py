"""The logs page: levels over time, error shares, templates, latency, security, lines with search, parse coverage."""

from __future__ import annotations

import shlex
from datetime import UTC, timedelta

import streamlit as st

from workbench.charts.logs import figures as charts
from workbench.charts.logs import tables as rows
from workbench.core.frames import SEVERITIES
from workbench.core.result import Study
from workbench.core.timerange import TimeRange
from workbench.core.units import count_text, ratio_text
from workbench.ui.parts import figures, links
from workbench.ui.parts.cards import Tile, tiles
from workbench.ui.parts.filters import choice
from workbench.ui.parts.markdown import escaped
from workbench.ui.parts.view import Sheet, sheets
from workbench.ui.parts.window import window as window_of
from workbench.ui.parts.windowed import Question

#: Window without ``from`` and ``to``, and the longest one.
USUAL, LONGEST = timedelta(hours=6), timedelta(days=14)

_ALL = "all"


def window() -> TimeRange:
    """Return the window of the address, by default the last six hours."""
    return window_of(USUAL, LONGEST)


def filters() -> dict[str, str]:
    """Draw the filters of lines; return those that are set, as options of the study."""
    with st.container(horizontal=True):
        levels = [_ALL, *SEVERITIES]
        level = choice("Least severe level", levels, "level", width=180)
        chosen = {
            "contains": st.text_input("Text in the message", key="contains", bind="query-params", width=340),
            "service": st.text_input("Service", key="service", bind="query-params", placeholder="all", width=200),
            "trace_id": st.text_input("Trace id", key="trace", bind="query-params", placeholder="all", width=300),
        }
    given = {name: text.strip() for name, text in chosen.items() if text.strip()}
    return given | ({"level": level} if level != _ALL else {})


def question() -> Question:
    """Draw the window and the filters; return what is asked."""
    span, given = window(), filters()
    return Question("log_overview", span, shown, lambda study: commands(study, given), "templates", given)


def shown(study: Study) -> None:
    """Draw what the lines say."""
    results = study.results
    st.markdown(escaped(repr(rows.logs_finding(study))))
    whole = next(iter(results["errors"].frame.itertuples()))
    templates, fields = results["templates"].frame, results["fields"].frame.set_index("field")
    security = templates[templates["security"].astype(bool)]
    bound = "" if study.coverage == study.coverage else "at least; "
    tiles(
        [
            Tile("Lines", count_text(round(whole.estimate)) if whole.estimate == whole.estimate else "unknown",
                 f"{bound}{count_text(whole.kept)} kept"),
            Tile("Error share", ratio_text(whole.share, digits=2), "of lines, sampling undone"),
            Tile("Templates", count_text(len(templates)), "kinds of messages"),
            Tile("Security lines", count_text(int(security["kept"].sum())), "kept"),
            Tile("With a trace id", ratio_text(float(fields.loc["trace_id", "share"]), digits=1), "of kept lines"),
        ]
    )  # fmt: skip
    figures.timed("Lines by level", charts.levels_figure, results["levels"], key="levels", study=study, steady=False)
    sheets(
        [
            Sheet("Templates", rows.template_rows(results["templates"]), "Values are masked; see docs/logs.md."),
            Sheet("Lines", rows.line_rows(results["lines"]), "The newest lines; put a trace id into the field above."),
            Sheet("Errors by service", rows.error_rows(results["errors"]), "With 95 % intervals."),
            Sheet("Latency", rows.latency_rows(results["latency"]), "Of the durations that lines tell, weighed.",
                  "No line tells a duration."),
            Sheet("Security", rows.template_rows(results["templates"], security=True),
                  "By event type, else by words of the message.", "No line tells of security in this window."),
            Sheet("Parse coverage", rows.coverage_rows(results["fields"], results["coverage"]),
                  "Below 95 % understood, or with a level, the page does not say OK."),
        ]
    )  # fmt: skip
    trace = st.session_state.get("trace", "")
    if trace and links.exists("traces.py"):
        given = links.returning(links.stretch(study.system, study.range.start, study.range.end, trace=trace))
        st.page_link("traces.py", label="This trace as a tree", icon=":material/account_tree:", query_params=given)


def commands(study: Study, given: dict[str, str]) -> None:
    """Show the commands that print the same."""
    start, end = (f"{edge.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for edge in (study.range.start, study.range.end))
    named = {"level": "severity", "contains": "contains", "service": "service", "trace_id": "trace"}
    options = "".join(f" --{named[name]} {shlex.quote(text)}" for name, text in given.items())
    st.caption("The same numbers on the command line")
    for more in ("", " --count-by message", " --count-by severity"):
        text = f"workbench logs {shlex.quote(study.system)} --from {start} --to {end}{options}{more}"
        st.code(text, language=None, wrap_lines=True)
