"""Run a template: papermill into a temporary folder, export, rename, and only then the row in the store."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from workbench import __version__
from workbench.core.errors import ReportError, ReportIncomplete
from workbench.core.periods import calendar_name, parse_period
from workbench.core.private import private_folder
from workbench.core.settings import Settings
from workbench.report.export.html import to_html, write_atomically
from workbench.report.export.kept import published
from workbench.report.run.compose import composed
from workbench.report.run.jupyter import jupyter_library
from workbench.report.run.kernel import KERNEL_NAME, kernel_in
from workbench.report.run.statuses import take_unanswered, with_status_cell
from workbench.report.run.templates import check_parameters, template_path
from workbench.store import open_store
from workbench.store.kept import DRAFTS, kept_as, kept_at
from workbench.studies import open_context

#: A cell that takes longer is stopped. [s]
CELL_TIMEOUT_S = 300
#: A run that has not ended after this long was broken off: its process was killed, or its machine. [s]
LONGEST_RUN_S = 3600
#: Reports made at once; each has a kernel of its own, with up to about a gigabyte. [count]
MOST_AT_ONCE = 4


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


def run_report(
    name: str,
    *,
    system: str,
    period: str,
    settings: Settings,
    out: Path | None = None,
    now: datetime | None = None,
) -> ReportRun:
    """Run a report template for one system and calendar period.

    Parameters
    ----------
    name : str
        Template, e.g. ``monthly``.
    system : str
    period : str
        Calendar period in the zone of the settings: ``2026-10``, ``last-month``, ``last-week``, ``2026-Q3``.
    settings : Settings
    out : Path, optional
        A file, or a folder, for a copy of the HTML.
    now : datetime, optional
        Aware instant taken for "now".

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
    template = template_path(name)
    instant = now or datetime.now(UTC)
    context = open_context(settings)
    context.catalog.profile(system)
    calendar = {"zone": settings.zone, "week_start": settings.week_start}
    period = calendar_name(period, **calendar, as_of=instant)
    span = parse_period(period, **calendar, as_of=instant)
    as_of = min(instant, span.end)
    parameters = {
        "system": system,
        "period": period,
        "zone": settings.zone,
        "as_of": as_of.isoformat(),
        "home": str(settings.home),
        "config": str(settings.origin or ""),
    }
    check_parameters(name, dict(parameters))
    folder = settings.home / DRAFTS / system / period
    with _writing(folder):
        private_folder(folder)
    begun = time.monotonic()
    store = context.store or open_store(settings)
    run_id = store.start_run(
        report=name,
        system=system,
        period=period,
        parameters=parameters,
        started_at=instant,
        version=__version__,
        identity=settings.identity,
    ).id
    footer = {
        "status": "draft, not issued",
        "run": run_id[:12],
        "made": f"{instant:%Y-%m-%d %H:%M} UTC",
        "history up to": f"{as_of:%Y-%m-%d %H:%M} UTC",
        "system": system,
        "period": f"{period} ({settings.zone})",
        "version": f"workbench {__version__}",
        "template": name,
    }
    try:
        notebook, unanswered = _execute(template, parameters, folder, run_id)
        head = "Incomplete" if unanswered else "Draft"
        footer |= {"status": f"incomplete: no answer for {', '.join(unanswered)}"} if unanswered else {}
        text = to_html(notebook, title=f"{head}: {name} report of {system}, {period}", footer=footer)
        target = folder / f"{name}-{run_id[:12]}.html"
        for path in [target] if out is None or unanswered else [target, out / target.name if out.is_dir() else out]:
            with _writing(path):
                write_atomically(path, text)
        _complete(unanswered, target, out)
        with _writing(target):
            published(target, settings)
    except ReportIncomplete as error:
        store.fail_run(run_id, finished_at=datetime.now(UTC), error=str(error), status="incomplete")
        raise
    except ReportError as error:
        store.fail_run(run_id, finished_at=datetime.now(UTC), error=str(error))
        raise
    digest = hashlib.sha256(text.encode()).hexdigest()
    seconds = time.monotonic() - begun
    store.finish_run(
        run_id,
        finished_at=datetime.now(UTC),
        path=kept_as(target, settings.home),
        sha256=digest,
        provenance={"template": name, "as_of": str(as_of)},
    )
    return ReportRun(
        run_id, name, system, period, target, target.with_suffix(".ipynb"), digest, len(text.encode()), seconds
    )


def _complete(unanswered: tuple[str, ...], target: Path, out: Path | None) -> None:
    if unanswered:
        kept = f" {out} was not written." if out is not None else ""
        raise ReportIncomplete(
            f"The report is incomplete: the source did not answer for {', '.join(unanswered)}.{kept}",
            hint=f"What was made: {target}. Check the source with `workbench sources check`, then run it again.",
        )


def run_reports(
    name: str, systems: Iterable[str], *, period: str, settings: Settings, out: Path | None = None
) -> Iterator[tuple[str, ReportRun | ReportError]]:
    """Run a report for several systems, as many at once as there are processors, at most four.

    Yields
    ------
    system : str
    outcome : ReportRun or ReportError
        In the order of ``systems``; one that fails does not stop the others.

    Raises
    ------
    ParameterError
        As :func:`run_report` raises it.
    """
    from jupyter_core.utils import ensure_event_loop

    def made(system: str) -> ReportRun | ReportError:
        loop = ensure_event_loop()  # papermill would open one for this thread too, and leave it open
        try:
            return run_report(name, system=system, period=period, settings=settings, out=out)
        except ReportError as error:
            return error
        finally:
            loop.close()

    chosen = list(systems)
    with ThreadPoolExecutor(max(1, min(MOST_AT_ONCE, os.cpu_count() or 1, len(chosen)))) as pool:
        yield from zip(chosen, pool.map(made, chosen), strict=True)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn what goes wrong while a report is written into an error that names the place."""
    try:
        yield
    except OSError as error:
        raise ReportError(
            f"The report cannot be written to {path}: {error.strerror or error}.",
            hint="Make room or name another folder with --out; `home` in the settings says where reports are kept.",
        ) from error


def _execute(template: Path, parameters: dict[str, str], folder: Path, run_id: str) -> tuple[Any, tuple[str, ...]]:
    nbformat, papermill = jupyter_library("nbformat"), jupyter_library("papermill")

    with tempfile.TemporaryDirectory(prefix="report-") as scratch:
        half = Path(scratch) / "run.ipynb"
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
                kernel_manager_class=kernel_in(Path(scratch)),
                resources={"metadata": {"path": scratch}},
            )
        except Exception as error:
            kept = folder / "failed" / f"{template.stem}-{run_id[:12]}.ipynb"
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
    with _writing(finished):
        write_atomically(finished, nbformat.writes(notebook))
    return notebook, unanswered


def past_runs(settings: Settings, *, now: datetime | None = None) -> list[dict[str, object]]:
    """Earlier runs, newest first, as plain rows; one that never ended is called ``broken off`` after an hour."""
    oldest = (now or datetime.now(UTC)) - timedelta(seconds=LONGEST_RUN_S)
    return [
        {
            "run": run.id[:12],
            "report": run.report,
            "system": run.system,
            "period": run.period,
            "status": "broken off" if run.status == "running" and run.started_at < oldest else run.status,
            "started": f"{run.started_at:%Y-%m-%d %H:%M} UTC",
            "path": str(kept_at(run.path, settings.home)) if run.path else "",
        }
        for run in open_store(settings).runs()
    ]
