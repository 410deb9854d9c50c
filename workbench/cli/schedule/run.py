"""``workbench schedule run``: the scheduler."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from workbench.cli.shared.output import say


@click.command()
@click.argument("names", nargs=-1)
@click.option(
    "--file", type=click.Path(dir_okay=False, path_type=Path), help="Schedule file in place of reports/schedule.yaml."
)
@click.option("--once", is_flag=True, help="Make and send what is due now, then end: for cron, systemd, Kubernetes.")
@click.option("--cluster", metavar="ADDRESS", help="Make reports on a Dask cluster, e.g. tcp://host:8786.")
@click.option("--workers", type=click.IntRange(1, 64), help="Reports at once on this machine.")
@click.option("--clock", "clock_start", metavar="INSTANT", help="Rehearse: take this instant for now.")
@click.option("--speed", type=click.FloatRange(min=0), default=1.0, help="Rehearse: how fast the clock runs.")
@click.option("--until", metavar="INSTANT", help="Rehearse: end when the clock is there.")
@click.pass_obj
def run(
    state: Any,
    names: tuple[str, ...],
    file: Path | None,
    once: bool,
    cluster: str | None,
    workers: int | None,
    clock_start: str | None,
    speed: float,
    until: str | None,
) -> None:
    """Make each report when it is due, and send it, until a signal ends it.

    Any number of schedulers may share one store: each report is made by one of them. Runs missed while none was there
    are made up for once. NAMES are schedules; without any, all are run. With --once the exit code is that of a report
    that failed (12) when one did.

    \b
    Examples:
      workbench schedule run
      workbench schedule run --once monthly
      workbench schedule run --cluster tcp://dask:8786
      workbench schedule run --clock 2026-11-01 --speed 3600 --until 2026-11-11
    """
    from workbench.cli.collect import until_signal
    from workbench.core.errors import ReportError
    from workbench.core.executor.chosen import executor_for
    from workbench.core.timerange import parse_instant
    from workbench.report.schedule import Scheduler, open_schedule
    from workbench.report.schedule.clock import rehearsal_clock, wall_clock
    from workbench.store import open_store
    from workbench.studies.schedule.entries import chosen

    settings = state.settings
    context = state.context()
    entries = chosen(open_schedule(settings, context, file=file), names)
    clock = rehearsal_clock(parse_instant(clock_start, zone=settings.zone), speed) if clock_start else wall_clock
    store = open_store(settings)
    executor = executor_for(settings, cluster=cluster, workers=workers)
    try:
        scheduler = Scheduler(
            settings=settings,
            store=store,
            entries=entries,
            systems=context.systems,
            executor=executor,
            clock=clock,
            say=lambda event: say(
                f"{event.at:%Y-%m-%d %H:%M:%S} {event.what}: {event.subject} {event.detail}".rstrip()
            ),
            look_back=once,
        )
        with until_signal() as stopped:
            errors = scheduler.run(
                stopped.is_set,
                once=once,
                until=parse_instant(until, zone=settings.zone) if until else None,
                rest_s=5.0 if not clock_start else min(5.0, 600.0 / max(speed, 1.0)),
            )
    finally:
        executor.close()
        store.close()
    if once and errors:
        count = "1 report was" if len(errors) == 1 else f"{len(errors)} reports were"
        raise ReportError(f"{count} not made:\n" + "\n".join(errors))
    sys.exit(0)
