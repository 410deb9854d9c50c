"""Parts of the explore page: the question, what it would cost, its answer to see and to take away, and past ones."""

from __future__ import annotations

import streamlit as st

from workbench.charts.explore import SERIES, notebook_cell, series_figure, series_rows
from workbench.studies.operations.ask import explain_query, query_metrics, why_empty
from workbench.studies.operations.explore import archive_names, query_archive
from workbench.ui.parts import figures, filters, load, states, tables
from workbench.ui.parts.exports import csv_text
from workbench.ui.parts.markdown import escaped

#: Languages that a question can be written in.
PROMQL, SQL = "PromQL", "SQL"

#: Questions that are kept for this visit. [count]
HISTORY = 20

_EXAMPLES = {
    PROMQL: "sum by (status) (rate(http_requests_total[5m]))",
    SQL: "select metric, count(*) as series from series group by 1 order by 2 desc limit 20",
}


def question() -> tuple[str, str]:
    """Draw the language and the text of a question, both part of the address; returns them."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        language = st.segmented_control(
            "Language", [PROMQL, SQL], default=PROMQL, required=True, key="lang", bind="query-params"
        )
        past = st.session_state.setdefault("asked", [])
        with st.popover("History", icon=":material/history:", disabled=not past):
            for number, (kind, text) in enumerate(past):
                st.button(escaped(f"{kind}: {text}"), key=f"past-{number}", on_click=_again, args=(kind, text))
    text = st.text_area("Question", key="q", bind="query-params", placeholder=_EXAMPLES[language], height=90)
    return str(language), text.strip()


def _again(kind: str, text: str) -> None:
    st.session_state["lang"], st.session_state["q"] = kind, text


def answered(language: str, text: str) -> None:
    """Say what a question would cost, and run it when the reader says so."""
    if not text:
        st.caption(escaped(f"For example: {_EXAMPLES[language]}"))
        return
    context, system, period = load.context(), filters.system(), filters.period()
    if language == PROMQL:
        cost = explain_query(context, text, source=None, system=system, range=period.range, step_ms=None)
        st.caption(escaped(f"Cost: {cost.text}."))
    else:
        limits = context.limits.seconds
        st.caption(escaped(f"Cost: not known before; ended after {limits:g} s. It reads files of the archive only."))
    if st.button("Run", type="primary", icon=":material/play_arrow:"):
        st.session_state["ran"] = (language, text)
        past = [one for one in st.session_state["asked"] if one != (language, text)]
        st.session_state["asked"] = [(language, text), *past][:HISTORY]
    if st.session_state.get("ran") == (language, text):
        _series(text, system, period) if language == PROMQL else _rows(text)


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
    frame = query_archive(context, text, source=names[0] if names else "")
    st.caption(f"{len(frame):,} rows")
    st.dataframe(frame, hide_index=True, height=400, alt="Rows")
    st.download_button(
        "Download CSV",
        lambda: csv_text(frame),
        file_name="explore.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
