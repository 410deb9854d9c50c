"""Reports of several systems: kernels side by side on this machine, or tasks on the workers of a cluster."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from workbench.core.errors import ReportError, WorkbenchError, raised_elsewhere
from workbench.core.executor import Executor, TaskDied
from workbench.core.settings import Settings
from workbench.report.export.outputs import Output
from workbench.report.run.run import ReportRun, run_report

#: The function that makes a report on a worker.
TASK = f"{__name__}:report_task"

#: Reports made at once; each has a kernel of its own, with up to about 1.3 gigabytes. [count]
MOST_AT_ONCE = 4


def run_reports(
    name: str,
    systems: Iterable[str],
    *,
    period: str,
    settings: Settings,
    parameters: Mapping[str, Any] | None = None,
    outputs: Sequence[Output] = (),
    interactive: bool = False,
    out: Path | None = None,
    executor: Executor | None = None,
) -> Iterator[tuple[str, ReportRun | ReportError]]:
    """Run a report for several systems, as many at once as there are processors, at most four, or on a cluster.

    Parameters
    ----------
    name, period, settings, parameters, outputs, interactive, out
        As :func:`workbench.report.run.run.run_report` takes them.
    systems : iterable of str
        Systems of the catalog.
    executor : Executor, optional
        Workers of a cluster, each of which makes a report with the kernel and the files of its own host.

    Yields
    ------
    system : str
    outcome : ReportRun or ReportError
        In the order of ``systems``; one that fails does not stop the others.

    Raises
    ------
    ParameterError
        As :func:`workbench.report.run.run.run_report` raises it.
    """
    chosen = list(systems)
    arguments = {"name": name, "period": period, "outputs": list(outputs), "interactive": interactive}
    if executor is not None:
        arguments |= {"settings": settings.model_dump(mode="json"), "parameters": dict(parameters or {})}
        arguments["job"] = uuid.uuid4().hex  # where a worker dies after its work, the next one finds the report made
        arguments["out"] = None if out is None else str(out.resolve())
        waiting = [executor.submit(TASK, {**arguments, "system": system}) for system in chosen]
        yield from ((system, _received(future)) for system, future in zip(chosen, waiting, strict=True))
        return
    from jupyter_core.utils import ensure_event_loop

    def made(system: str) -> ReportRun | ReportError:
        loop = ensure_event_loop()  # papermill would open one for this thread too, and leave it open
        try:
            return run_report(
                name,
                system=system,
                period=period,
                settings=settings,
                parameters=parameters,
                outputs=outputs,
                interactive=interactive,
                out=out,
                processes=max(1, processors // at_once),
            )
        except ReportError as error:
            return error
        finally:
            loop.close()

    processors = os.cpu_count() or 1
    at_once = max(1, min(MOST_AT_ONCE, processors, len(chosen)))
    with ThreadPoolExecutor(at_once) as pool:
        yield from zip(chosen, pool.map(made, chosen), strict=True)


def report_task(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Make one report in a process of its own; paths come and go as texts."""
    given = {name: arguments[name] for name in ("system", "period", "parameters", "outputs", "interactive", "job")}
    out = None if arguments["out"] is None else Path(arguments["out"])
    try:
        settings = Settings.model_validate(arguments["settings"])
        done = run_report(arguments["name"], **given, settings=settings, out=out, processes=1)
    except WorkbenchError as error:
        return {"error": [type(error).__name__, error.message, error.hint]}
    places = {name: str(path) for name, path in done.files.items()}
    return {**asdict(done), "html": str(done.html), "notebook": str(done.notebook), "files": places}


def _received(future: Future[Any]) -> ReportRun | ReportError:
    try:
        answer = future.result()
    except TaskDied as error:
        return ReportError(error.message, hint=error.hint)
    if "error" in answer:
        raised = raised_elsewhere(*answer["error"])
        if isinstance(raised, ReportError):
            return raised
        raise raised
    places = {name: Path(text) for name, text in answer["files"].items()}
    return ReportRun(**{**answer, "html": Path(answer["html"]), "notebook": Path(answer["notebook"]), "files": places})
