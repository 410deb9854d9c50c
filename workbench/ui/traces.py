"""The traces page: rates, critical paths, service graph and faults of many traces, or one trace as a tree."""

from __future__ import annotations

import shlex
from datetime import UTC, timedelta

import streamlit as st

from workbench.charts.traces import figures as charts
from workbench.charts.traces import tables as rows
from workbench.core.result import Study
from workbench.core.timerange import TimeRange
from workbench.core.units import count_text
from workbench.ui.parts import figures
from workbench.ui.parts.cards import Tile, tiles
from workbench.ui.parts.markdown import escaped
from workbench.ui.parts.view import Sheet, sheets
from workbench.ui.parts.window import window as window_of
from workbench.ui.parts.windowed import Question

#: Window without ``from`` and ``to``.
USUAL = timedelta(days=1)

#: The longest window of the page; the command line takes longer ones.
LONGEST = timedelta(days=14)


def window() -> TimeRange:
    """Return the window of the address, by default the last day."""
    return window_of(USUAL, LONGEST)


def around(span: TimeRange) -> TimeRange:
    """Return where one trace is looked for: the window, or the last 30 days without one."""
    return span if "from" in st.query_params else TimeRange(span.end - timedelta(days=30), span.end)


def trace_id() -> str:
    """Draw the choice of a trace; empty for all."""
    return st.text_input("Trace id", key="trace", bind="query-params", placeholder="all traces", width=380).strip()


def operation() -> str:
    """Draw the choice of an operation that a trace must hold; empty for any."""
    return st.text_input("Operation", key="operation", bind="query-params", placeholder="any", width=380).strip()


def question() -> Question:
    """Draw the window and the choice of a trace or an operation; return what is asked."""
    span, trace = window(), trace_id()
    if trace:
        options = {"trace_id": trace}
        return Question("trace_detail", around(span), single, lambda study: commands(study, trace), "spans", options)
    options = {"operation": operation()}
    return Question("trace_analysis", span, many, lambda study: commands(study, ""), "operations", options)


def many(study: Study) -> None:
    """Draw the analysis of the traces of a window."""
    results = study.results
    st.markdown(escaped(repr(rows.traces_finding(study))))
    slow, paths = results["slowest"], results["paths"].frame
    slowest = slow.frame["duration_ms"]
    tiles(
        [
            Tile("Traces", count_text(slow.traces), "kept, that began in the window"),  # type: ignore[attr-defined]
            Tile("With a failure", count_text(slow.failed), "kept traces"),  # type: ignore[attr-defined]
            Tile("Slowest", rows.ms_text(float(slowest.max())) if len(slowest) else "–", "duration"),
            Tile("Operations", count_text(len(results["operations"].frame)), "service, operation and kind"),
            Tile("On critical paths", count_text(paths["operation"].nunique()), "operations"),
        ]
    )
    if len(paths):
        figures.card("Critical path by band of latency", charts.bands_figure, results["paths"], key="bands")
    sheets(
        [
            Sheet(
                "Operations", rows.operation_rows(results["operations"]), "Estimates from kept traces, 95 % intervals."
            ),
            Sheet("Critical paths", rows.band_rows(results["paths"]), "Time of a band adds up to its mean duration."),
            Sheet("Time saved", rows.saved_rows(results["saved"]), "Traces recomputed without the operation."),
            Sheet("Service graph", rows.graph_rows(results["graph"]), "Names in brackets have no spans of their own."),
            Sheet("Slowest traces", rows.slowest_rows(results["slowest"]), "Put an id into the field above."),
            Sheet(
                "Failures", rows.failure_rows(results["failures"]), "On critical paths.", "No span failed on a path."
            ),
            Sheet("Tokens", rows.token_rows(results["tokens"]), "", "No span holds tokens."),
            Sheet("Data quality", rows.health_rows(results["health"])),
        ]
    )


def single(study: Study) -> None:
    """Draw one trace."""
    results = study.results
    spans = results["spans"]
    failed = spans.frame[spans.frame["origin"]]
    began = ", ".join(f"{row.service} {row.operation}" for row in failed.itertuples())
    st.markdown(escaped(f"Failures began in {began}." if began else "No span of this trace failed."))
    tiles(
        [
            Tile("Duration", rows.ms_text(spans.duration_ms), "of the entry span"),  # type: ignore[attr-defined]
            Tile("Spans", count_text(len(spans.frame)), f"{spans.services} services"),  # type: ignore[attr-defined]
            Tile("Failed", count_text(int((spans.frame["status"] == "error").sum())), "spans"),
            Tile("Clocks repaired", count_text(int((spans.frame["shift_ms"] != 0).sum())), "spans"),
        ]
    )
    if len(spans.frame):
        figures.card("Spans and critical path", charts.waterfall_figure, spans, results["path"], key="waterfall")
        if len(spans.frame) > charts.SPANS:
            st.caption(f"The {charts.SPANS} longest of {len(spans.frame)} spans; the tree holds all.")
    sheets(
        [
            Sheet("Tree", rows.span_rows(spans, raw=bool((spans.frame["shift_ms"] != 0).any()))),
            Sheet("Critical path", rows.section_rows(results["path"]), "Stretches in order of time; they add up."),
            Sheet("Log lines", rows.line_rows(results["lines"]), "", "No log line carries this trace id."),
            Sheet("Operations", rows.statistic_rows(results["operations"])),
            Sheet("Tokens", rows.token_rows(results["tokens"]), "", "No span holds tokens."),
            Sheet("Data quality", rows.health_rows(results["health"])),
        ]
    )


def commands(study: Study, trace: str) -> None:
    """Show the command that prints the same."""
    start, end = (f"{edge.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for edge in (study.range.start, study.range.end))
    system = shlex.quote(study.system)
    noun = f"show {shlex.quote(trace)} --system {system}" if trace else f"red {system}"
    st.caption("The same numbers on the command line")
    st.code(f"workbench traces {noun} --from {start} --to {end}", language=None, wrap_lines=True)
