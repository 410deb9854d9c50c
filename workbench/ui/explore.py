"""Parts of the explore page: the question, what it would cost, its answer to see and to take away, and past ones."""

from __future__ import annotations

import json
from datetime import timedelta

import pandas as pd
import streamlit as st

from workbench.charts.explore import SERIES, notebook_cell, series_figure, series_rows
from workbench.core.foreign_text import cut
from workbench.core.timerange import TimeRange
from workbench.core.units import interval_text, span_text
from workbench.studies.operations.ask import explain_query, query_metrics, why_empty
from workbench.studies.operations.explore import (
    LINES,
    LOGQL,
    PROMQL,
    SQL,
    TRACEQL,
    TRACES,
    archive_names,
    keep_question,
    languages,
    past_questions,
    query_archive,
    query_logql,
    query_traceql,
)
from workbench.ui.parts import figures, filters, links, load, states, tables
from workbench.ui.parts.exports import csv_text
from workbench.ui.parts.markdown import escaped, plain, plain_cells

#: Traces that get a link to their tree. [count]
LINKED = 5

_EXAMPLES = {
    PROMQL: "sum by (status) (rate(http_requests_total[5m]))",
    SQL: "select metric, count(*) as series from series group by 1 order by 2 desc limit 20",
    LOGQL: '{app="api"} |= "timeout"',
    TRACEQL: "{ status = error && duration > 1s }",
}

#: What is known of the cost of a question before it runs, where its source cannot say.
_COSTS = {
    SQL: "not known before; it reads files of the archive only",
    LOGQL: f"not known before; the server counts the lines of the period, the newest {LINES} are read",
    TRACEQL: f"not known before; at most {TRACES} traces are listed",
}

#: Period of questions to logs and traces where none is chosen.
_RECENT = timedelta(hours=1)


def question() -> tuple[str, str]:
    """Draw the language and the text of a question, both part of the address; returns them."""
    context = load.context()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        language = filters.segments("Language", languages(context, filters.system()), "lang")
        past = past_questions(context)
        with st.popover("History", icon=":material/history:", disabled=not past):
            for number, (kind, text) in enumerate(past):
                label = escaped(f"{kind}: {cut(text, 120)}")
                st.button(label, key=f"past-{number}", on_click=_again, args=(kind, text), help=escaped(text))
    text = st.text_area("Question", key="q", bind="query-params", placeholder=_EXAMPLES[language], height=90)
    return language, text.strip()


def _again(kind: str, text: str) -> None:
    st.session_state["lang"], st.session_state["q"] = kind, text


def answered(language: str, text: str) -> None:
    """Say what a question would cost, and run it when the reader says so."""
    if not text:
        st.caption(escaped(f"For example: {_EXAMPLES[language]}"))
        return
    context, system, period = load.context(), filters.system(), filters.period()
    span = period.range
    if language in (LOGQL, TRACEQL) and period.span is None:
        span = TimeRange(max(span.start, span.end - _RECENT), span.end)
    if language == PROMQL:
        cost = explain_query(context, text, source=None, system=system, range=span, step_ms=None).text
    else:
        cost = f"{_COSTS[language]}; ended after {context.limits.seconds:g} s"
    st.caption(escaped(f"Cost: {cost}. Period: {interval_text(span.start, span.end)}."))
    if st.button("Run", icon=":material/play_arrow:"):
        st.session_state["ran"] = (language, text)
        keep_question(context, language, text)
    if st.session_state.get("ran") == (language, text):
        match language:
            case "PromQL":
                _series(text, system, period)
            case "LogQL":
                _lines(text, system, span)
            case "TraceQL":
                _traces(text, system, span)
            case _:
                _rows(text)


def _lines(text: str, system: str, span: TimeRange) -> None:
    answer = query_logql(load.context(), text, system=system, range=span)
    shown = f", the newest {len(answer.rows):,} shown" if answer.matched > len(answer.rows) else ""
    st.caption(f"{answer.matched:,} {'line' if answer.matched == 1 else 'lines'}{shown}")
    _frame(pd.DataFrame(answer.rows), "Lines")
    for warning in answer.warnings:
        st.text(plain(warning))


def _traces(text: str, system: str, span: TimeRange) -> None:
    answer = query_traceql(load.context(), text, system=system, range=span)
    if isinstance(answer, list):
        noun = "trace" if len(answer) == 1 else "traces"
        st.caption(f"{len(answer):,} {noun}" + (", there may be more" if len(answer) == TRACES else ""))
        _frame(pd.DataFrame(answer), "Traces")
        for row in answer[:LINKED]:
            given = links.returning(links.stretch(system, span.start, span.end, trace=row["trace_id"]))
            label = escaped(f"{row['service']} {row['operation']}, {span_text(row['duration_ms'] / 1000)}")
            st.page_link("traces.py", label=label, icon=":material/account_tree:", query_params=given)
        return
    figures.card("Series of the spans", series_figure, answer, key="explore")
    tables.texts(series_rows(answer), alt="Series")


def _series(text: str, system: str, period: filters.Period) -> None:
    context = load.context()
    answer = query_metrics(context, text, system=system, range=period.range)
    if not answer.labels:
        states.nothing("No series", escaped(why_empty(context, text, source=None, system=system, at=period.range.end)))
        return
    title = f"{len(answer.labels):,} series" + (f", the first {SERIES} drawn" if len(answer.labels) > SERIES else "")
    figures.card(title, series_figure, answer, key="explore")
    tables.texts(series_rows(answer), alt="Series")
    for warning in answer.warnings:
        st.text(warning)
    st.download_button(
        "Download CSV",
        lambda: csv_text(answer.long()),
        file_name="explore.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
    st.caption("The same in a notebook")
    st.code(notebook_cell(text, system, period.name or period.text), language="python")


def _rows(text: str) -> None:
    context = load.context()
    names = archive_names(context)
    _frame(query_archive(context, text, source=names[0] if names else ""), "Rows", count=True)


def _frame(frame: pd.DataFrame, alt: str, *, count: bool = False) -> None:
    """Show rows as they came, foreign text letter by letter, and offer them as CSV."""
    if count:
        st.caption(f"{len(frame):,} rows")
    if len(frame):
        st.dataframe(plain_cells(frame.map(_shown_value)), hide_index=True, height=400, alt=alt)
    st.download_button(
        "Download CSV",
        lambda: csv_text(frame),
        file_name="explore.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _shown_value(value: object) -> object:
    """Write attributes as text; a table shows no mapping."""
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list) else value
