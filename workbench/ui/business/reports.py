"""Parts of the page of reports: runs that were made, their findings and files, and the period before beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from workbench.core.errors import ReportError, WorkbenchError
from workbench.core.foreign_text import unlinked
from workbench.core.settings import load_settings
from workbench.core.units import instant_text
from workbench.report import past_runs
from workbench.report.delivery.files import OUTPUTS
from workbench.report.run.archive import compared, files_of, find_run
from workbench.report.run.templates import template_names
from workbench.report.schedule.requests import UNFINISHED, begin_requested, request_report, requested_reports
from workbench.ui.parts import filters, load, tables
from workbench.ui.parts.markdown import escaped

_KINDS = {"html": "text/html", "pdf": "application/pdf", "md": "text/markdown", "json": "application/json"}

#: Runs, and reports asked for, in the list at most. [count]
_SHOWN, _ASKED_SHOWN = 200, 10

#: How often the reports that are being made are looked at. [s]
LOOKED_S = 10


def past() -> list[dict[str, Any]]:
    """Ask for a text, and return the runs that hold it, newest first, of the systems that the reader may see."""
    search = st.text_input("Search", key="search", bind="query-params", placeholder="system, period, template, status")
    return past_runs(load_settings(), search=search, store=load.context().store)


def asked_for() -> None:
    """Show the form that asks for a report, to editors, and the reports that people asked for and that are not done."""
    context = load.context()
    systems = [name for name in context.systems if context.identity.may("editor", name)]
    if context.store is None or not systems:
        return
    with st.expander("Make a report", icon=":material/add_notes:"):
        with st.form("make-report", border=False):
            with st.container(horizontal=True, vertical_alignment="bottom"):
                names = template_names(load_settings().reports)
                template = st.selectbox("Report", names, index=names.index("monthly"), width=220)
                system = st.selectbox("System", systems, width=220)
                period = st.text_input("Period", "last-month", width=160, help="last-month, 2026-10, 2026-Q3 or 30d")
                outputs = st.multiselect("Outputs", OUTPUTS, default=["html"], width=260)
            if st.form_submit_button("Make it"):
                _request(str(template), str(system), period, outputs)
        unfinished = any(job.status in UNFINISHED for job in requested_reports(context))
        st.fragment(_waiting, run_every=LOOKED_S if unfinished else None)()


def _request(template: str, system: str, period: str, outputs: Sequence[str]) -> None:
    try:
        request_report(
            load.context(), load_settings(), template=template, system=system, period=period.strip(), outputs=outputs
        )
    except WorkbenchError as error:
        st.error(escaped(f"{error.message} {error.hint}".strip()), icon=":material/error:")
    if any(job.status in UNFINISHED for job in requested_reports(load.context())):
        begin_requested()


def _waiting() -> None:
    """Show what is being made, or failed, of what people asked for; what is done stands in the list of runs."""
    jobs = [job for job in requested_reports(load.context()) if job.status != "done"][:_ASKED_SHOWN]
    rows = [
        {
            "Report": str(job.document["template"]),
            "System": job.system,
            "Period": job.period,
            "Status": job.status,
            "Asked": instant_text(job.due),
            "Error": job.error,
        }
        for job in jobs
    ]
    if rows:
        tables.texts(rows, alt="Reports that people asked for and that are not done")


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
        st.markdown(report_text(files["md"][0].read_text(encoding="utf-8")))
    stated = [{"Output": form, "State": state, "Place": str(path)} for form, (path, state) in files.items()]
    if stated:
        tables.texts(stated, alt="Files of the run; as made: the content is still what was written")
    if run.status == "done":
        _beside(run)


def report_text(text: str) -> str:
    """Return the Markdown of a report, also of an older revision, without formulas and live addresses."""
    return unlinked(text.replace("\\$", "$").replace("$", "&#36;"))


def _beside(run: Any) -> None:
    st.subheader("Beside the period before", anchor=False)
    try:
        rows = compared(load_settings(), report=run.report, system=run.system, period=run.period)
    except ReportError as error:
        st.caption(escaped(str(error)))
        return
    tables.texts([{name.capitalize(): text for name, text in row.items()} for row in rows], alt="Answers, two periods")
