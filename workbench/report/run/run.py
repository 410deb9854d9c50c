"""Run a template: papermill into a temporary folder, export, rename, and only then the row in the store."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench import __version__
from workbench.core.errors import ReportError, ReportIncomplete
from workbench.core.periods import calendar_name, parse_period
from workbench.core.private import private_folder
from workbench.core.settings import Settings
from workbench.core.units import instant_text
from workbench.report.export.html import to_html, write_atomically
from workbench.report.export.kept import published, writing
from workbench.report.export.outputs import Output, checked_outputs, copied, hash_of, write_outputs
from workbench.report.run.compose import composed
from workbench.report.run.jupyter import jupyter_library
from workbench.report.run.kernel import KERNEL_NAME, kernel_in
from workbench.report.run.statuses import DATA, take_unanswered, with_status_cell
from workbench.report.run.templates import ALL, checked_parameters, template_parameters, template_path
from workbench.store import Store, open_store
from workbench.store.kept import DRAFTS, kept_as, kept_at
from workbench.studies import open_context

#: A cell that takes longer is stopped. [s]
CELL_TIMEOUT_S = 300


@dataclass(frozen=True)
class ReportRun:
    """A finished run: where its files are and what they hold."""

    run_id: str
    report: str
    system: str
    period: str
    html: Path
    notebook: Path
    sha256: str
    size: int
    seconds: float
    files: Mapping[str, Path] = field(default_factory=dict)


def run_report(
    name: str,
    *,
    system: str,
    period: str,
    settings: Settings,
    parameters: Mapping[str, Any] | None = None,
    outputs: Iterable[Output] = (),
    interactive: bool = False,
    out: Path | None = None,
    now: datetime | None = None,
    processes: int | None = None,
    job: str = "",
) -> ReportRun:
    """Run a report template for one system, or all, and a calendar period.

    Parameters
    ----------
    name : str
        Template, e.g. ``monthly``, from the shipped ones or a folder of ``settings.reports``.
    system : str
        System of the catalog; ``all`` where the template takes all.
    period : str
        Calendar period in the zone of the settings: ``2026-10``, ``last-month``, ``last-week``, ``2026-Q3``.
    settings : Settings
        The settings of this workbench.
    parameters : mapping of str to value, optional
        Further parameters of the template; they are checked before anything starts.
    outputs : iterable of {"pdf", "parquet", "csv", "xlsx"}
        What to write beside HTML, Markdown and JSON.
    interactive : bool
        Figures that a script draws, in place of SVG.
    out : Path, optional
        A file, or a folder, for a copy of the HTML; the other outputs are copied beside it.
    now : datetime, optional
        Aware instant taken for "now".
    processes : int, optional
        Processes that may work on this report at once; two by default where a processor is idle. [count]
    job : str
        The job for which it is made; the run keeps it, and a second attempt at a job returns the report of the first.

    Returns
    -------
    ReportRun

    Raises
    ------
    ParameterError
        Unknown template, system or period.
    ReportError
        A cell failed; the half-run notebook is kept under ``failed`` and named in the message.
    ReportIncomplete
        A source did not answer; what was made is kept beside earlier reports, and no copy is replaced.
    """
    template = template_path(name, settings.reports)
    instant = now or datetime.now(UTC)
    context = open_context(settings)
    known = {
        template_parameter.name: template_parameter
        for template_parameter in template_parameters(name, settings.reports)
    }
    if system != ALL or "system" not in known or known["system"].value != ALL:
        context.catalog.profile(system)
    calendar = {"zone": settings.zone, "week_start": settings.week_start}
    period = calendar_name(period, **calendar, as_of=instant)
    span = parse_period(period, **calendar, as_of=instant)
    as_of = min(instant, span.end)
    given = {
        "system": system,
        "period": period,
        "zone": settings.zone,
        "as_of": as_of.isoformat(),
        "home": str(settings.home),
        "config": str(settings.origin or ""),
    }
    declared = {key: value for key, value in given.items() if key in known}
    values = checked_parameters(name, {**(parameters or {}), **declared}, settings.reports)
    wanted = checked_outputs(outputs)
    folder = settings.home / DRAFTS / system / period.replace(":", "")
    with writing(folder):
        private_folder(folder)
    begun = time.monotonic()
    store = context.store or open_store(settings)
    if job and (made_before := _made_before(store, settings, name, system, job)) is not None:
        return made_before
    run_id = store.start_run(
        report=name,
        system=system,
        period=period,
        parameters=values,
        started_at=instant,
        version=__version__,
        identity=settings.identity,
    ).id
    footer = {
        "status": "draft, not issued",
        "run": run_id[:12],
        "made": f"{instant_text(instant)}",
        "history up to": f"{instant_text(as_of)}",
        "system": system,
        "period": f"{period} ({settings.zone})",
        "version": f"workbench {__version__}",
        "template": name,
    }
    target = folder / f"{name}-{run_id[:12]}.html"
    try:
        with tempfile.TemporaryDirectory(prefix="report-") as scratch:
            kernel = kernel_in(Path(scratch), processes or _spare_processes())
            notebook, unanswered = _execute(template, values, folder, run_id, Path(scratch), kernel)
            head = "Incomplete" if unanswered else "Draft"
            footer |= {"status": f"incomplete: no answer for {', '.join(unanswered)}"} if unanswered else {}
            title = f"{head}: {name} report of {context.catalog.title(system)}, {period}"
            text = to_html(notebook, title=title, footer=footer, interactive=interactive)
            with writing(target):
                write_atomically(target, text)
                files = write_outputs(notebook, target, Path(scratch) / DATA, wanted)
        _complete(unanswered, target, out)
        with writing(out or target):
            copied(files, out)
            for path in files.values():
                published(path, settings)
    except ReportIncomplete as error:
        made = kept_as(target, settings.home)
        store.fail_run(run_id, finished_at=datetime.now(UTC), error=str(error), status="incomplete", path=made)
        raise
    except ReportError as error:
        half = _half(folder, name, run_id)
        kept = kept_as(half, settings.home) if half.is_file() else None
        store.fail_run(run_id, finished_at=datetime.now(UTC), error=str(error), path=kept)
        raise
    except Exception as error:
        store.fail_run(run_id, finished_at=datetime.now(UTC), error=f"{type(error).__name__}: {error}")
        raise
    digest = hashlib.sha256(text.encode()).hexdigest()
    seconds = time.monotonic() - begun
    store.finish_run(
        run_id,
        finished_at=datetime.now(UTC),
        path=kept_as(target, settings.home),
        sha256=digest,
        provenance={
            "template": name,
            "as_of": str(as_of),
            "job": job,
            "files": {form: kept_as(path, settings.home) for form, path in files.items()},
            "sha256": {form: hash_of(path) for form, path in files.items()},
        },
    )
    notebook_path = target.with_suffix(".ipynb")
    return ReportRun(run_id, name, system, period, target, notebook_path, digest, len(text.encode()), seconds, files)


def _made_before(store: Store, settings: Settings, name: str, system: str, job: str) -> ReportRun | None:
    """Return the report that an earlier attempt at a job finished before its scheduler or worker died."""
    for run in store.runs(report=name, system=system):
        html = kept_at(run.path or "", settings.home)
        if run.status == "done" and run.provenance.get("job") == job and run.finished_at and html.is_file():
            files = {form: kept_at(path, settings.home) for form, path in run.provenance["files"].items()}
            seconds, size = (run.finished_at - run.started_at).total_seconds(), html.stat().st_size
            notebook = html.with_suffix(".ipynb")
            return ReportRun(run.id, name, system, run.period, html, notebook, run.sha256 or "", size, seconds, files)
    return None


def _spare_processes() -> int:
    """Return two where a processor is idle: on a busy machine a second process makes a report slower."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return 2 if (os.cpu_count() or 1) - load > 0.5 else 1


def _half(folder: Path, name: str, run_id: str) -> Path:
    """Place of the notebook of a run that failed, up to its failing cell."""
    return folder / "failed" / f"{name}-{run_id[:12]}.ipynb"


def _complete(unanswered: tuple[str, ...], target: Path, out: Path | None) -> None:
    if unanswered:
        kept = f" {out} was not written." if out is not None else ""
        raise ReportIncomplete(
            f"The report is incomplete: the source did not answer for {', '.join(unanswered)}.{kept}",
            hint=f"What was made: {target}. Check the source with `workbench sources check`, then run it again.",
        )


def _execute(
    template: Path, parameters: Mapping[str, Any], folder: Path, run_id: str, scratch: Path, kernel: type[Any]
) -> tuple[Any, tuple[str, ...]]:
    nbformat, papermill = jupyter_library("nbformat"), jupyter_library("papermill")
    # What the export needs is loaded while the kernel works and this process only waits.
    threading.Thread(target=jupyter_library, args=("nbconvert",), name="export", daemon=True).start()

    half = scratch / "run.ipynb"
    try:
        notebook = papermill.execute_notebook(
            with_status_cell(composed(template)),
            str(half),
            parameters=parameters,
            kernel_name=KERNEL_NAME,
            language="python",
            progress_bar=False,
            start_timeout=120,
            execution_timeout=CELL_TIMEOUT_S,
            request_save_on_cell_execute=False,
            kernel_manager_class=kernel,
            resources={"metadata": {"path": str(scratch)}},
        )
    except Exception as error:
        kept = _half(folder, template.stem, run_id)
        if half.is_file():
            write_atomically(kept, half.read_text(encoding="utf-8"))
        reason = str(getattr(error, "evalue", "")) or str(error) or type(error).__name__
        cell = getattr(error, "exec_count", None)
        where = f" in cell {cell}" if cell is not None else ""
        raise ReportError(
            f"The report {template.stem!r} failed{where}: {reason.strip()}",
            hint=f"The notebook up to that point: {kept}" if kept.is_file() else "",
        ) from error
    unanswered = take_unanswered(notebook)
    finished = folder / f"{template.stem}-{run_id[:12]}.ipynb"
    with writing(finished):
        write_atomically(finished, nbformat.writes(notebook))
    return notebook, unanswered
