"""Reports that people ask for: a job in the queue of the schedulers, made outside the process that asked."""

from __future__ import annotations

import subprocess
import sys
import threading
import uuid
from collections.abc import Sequence

from workbench.core.errors import ParameterError
from workbench.core.executor.chosen import executor_for
from workbench.core.periods import parse_period
from workbench.core.settings import Settings, load_settings
from workbench.report.delivery.files import OUTPUTS
from workbench.report.run.templates import ALL, takes_all, template_names
from workbench.report.schedule.clock import wall_clock
from workbench.report.schedule.runner import REQUESTED, Scheduler
from workbench.store import Job, NewJob, open_store
from workbench.studies import Context

#: Reports that may wait or be made at the same time. [count]
MOST = 5

#: Statuses of jobs that are not at their end.
UNFINISHED = ("waiting", "running")


def request_report(
    ctx: Context, settings: Settings, *, template: str, system: str, period: str, outputs: Sequence[str] = ("html",)
) -> str:
    """Put a report into the queue, unless it waits there already; returns the id of its job.

    Parameters
    ----------
    ctx : Context
        With a store; ``identity`` is who asks.
    settings : Settings
        The settings of this workbench.
    template : str
        Name of the report.
    system : str
        Id of the system; of a template over all systems it is not read.
    period : str
        Such as ``last-month``, ``2026-10``, ``2026-Q3`` or ``30d``.
    outputs : sequence of str
        Of :data:`workbench.report.delivery.files.OUTPUTS`.

    Raises
    ------
    ParameterError
        Unknown template, system, output or period; or too many reports wait.
    AccessRefused
        The identity is no editor of the system.
    """
    if template not in template_names(settings.reports):
        raise ParameterError(f"There is no report {template!r}.", hint="workbench report list names them.")
    system = ALL if takes_all(template, settings.reports) else system
    ctx.identity.require("editor", "" if system == ALL else system)
    if system != ALL:
        ctx.catalog.profile(system)
    if wrong := [name for name in outputs if name not in OUTPUTS] or not outputs:
        raise ParameterError(f"{wrong!r} is no output of a report.", hint=f"Use some of: {', '.join(OUTPUTS)}.")
    now = ctx.clock()
    parse_period(period, zone=settings.zone, week_start=settings.week_start, as_of=now)
    if ctx.store is None:
        raise ParameterError("Reports need a store.", hint="Set store_url, or home.")
    waiting = [job for job in requested_reports(ctx) if job.status in UNFINISHED]
    for job in waiting:
        if (job.document["template"], job.system, job.period) == (template, system, period):
            return job.id
    if len(waiting) >= MOST:
        raise ParameterError(f"{len(waiting)} reports are being made; {MOST} is the most.", hint="Wait for one to end.")
    document = {"template": template, "outputs": list(outputs), "to": []}
    request = NewJob(uuid.uuid4().hex, REQUESTED, system, period, now, now, False, document)
    ctx.store.add_job(request, who=ctx.identity.name)
    return request.id


def requested_reports(ctx: Context) -> list[Job]:
    """Return the jobs that people asked for and may see, newest first."""
    return ctx.store.jobs(schedule=REQUESTED, limit=50) if ctx.store is not None else []


def begin_requested() -> None:
    """Start a process that makes what was asked for and then ends; a scheduler that runs may be quicker.

    It takes over the jobs of one that was killed.
    """
    quiet, command = subprocess.DEVNULL, [sys.executable, "-m", __name__]
    process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)  # noqa: S603
    threading.Thread(target=process.wait, daemon=True, name="report-on-request").start()


def make_requested() -> None:
    """Make the reports that wait, one after the other."""
    settings = load_settings()
    store, executor = open_store(settings), executor_for(settings, workers=1)
    try:
        scheduler = Scheduler(
            settings=settings, store=store, entries=(), systems=(), executor=executor, clock=wall_clock
        )
        scheduler.run(lambda: False, once=True)
    finally:
        executor.close()
        store.close()


if __name__ == "__main__":
    make_requested()
