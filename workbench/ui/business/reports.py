"""Parts of the page of reports: runs that were made, their findings and files, and the period before beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from workbench.core.errors import ReportError
from workbench.core.settings import load_settings
from workbench.report import past_runs
from workbench.report.run.archive import compared, files_of, find_run
from workbench.ui.parts import filters, load, tables
from workbench.ui.parts.markdown import escaped

_KINDS = {"html": "text/html", "pdf": "application/pdf", "md": "text/markdown", "json": "application/json"}

#: Runs in the list at most. [count]
_SHOWN = 200


def past() -> list[dict[str, Any]]:
    """Ask for a text, and return the runs that hold it, newest first, of the systems that the reader may see."""
    search = st.text_input("Search", key="search", bind="query-params", placeholder="system, period, template, status")
    return past_runs(load_settings(), search=search, store=load.context().store)


def runs(rows: Sequence[Mapping[str, Any]]) -> None:
    """Show the runs; one that failed or is incomplete says why."""
    names = ("report", "system", "period", "status", "started", "error", "run")
    shown = [{name.capitalize(): str(row[name]) for name in names} for row in rows[:_SHOWN]]
    tables.texts(shown, alt="Runs of reports, newest first")


def choice(rows: Sequence[Mapping[str, Any]]) -> str:
    """Ask which run is opened, and say what it is; its id stands in the address."""
    titles = {str(row["run"]): f"{row['report']} of {row['system']}, {row['period']} ({row['status']})" for row in rows}
    run = filters.choice("Run", list(titles), "run")
    st.caption(escaped(titles[run]))
    return run


def show(run_id: str) -> None:
    """Show the findings of a run, its files with whether they are still what was made, and the period before."""
    settings = load_settings()
    run = find_run(settings, run_id, store=load.context().store)
    if run.error:
        st.error(escaped(run.error), icon=":material/error:")
    files = files_of(settings, run)
    with st.container(horizontal=True):
        for form, (path, state) in files.items():
            if form in _KINDS and state == "as made":
                st.download_button(
                    form.upper(), path.read_bytes, file_name=path.name, mime=_KINDS[form], key=f"get-{form}"
                )
    if "md" in files and files["md"][1] == "as made":
        st.markdown(files["md"][0].read_text(encoding="utf-8"))
    stated = [{"Output": form, "State": state, "Place": str(path)} for form, (path, state) in files.items()]
    if stated:
        tables.texts(stated, alt="Files of the run; as made: the content is still what was written")
    if run.status == "done":
        _beside(run)


def _beside(run: Any) -> None:
    st.subheader("Beside the period before", anchor=False)
    try:
        rows = compared(load_settings(), report=run.report, system=run.system, period=run.period)
    except ReportError as error:
        st.caption(escaped(str(error)))
        return
    tables.texts([{name.capitalize(): text for name, text in row.items()} for row in rows], alt="Answers, two periods")
