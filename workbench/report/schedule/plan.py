"""The schedule of the settings, and the planning of its jobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from workbench.core.settings import Settings
from workbench.core.shipped import shipped
from workbench.report.delivery.files import OUTPUTS
from workbench.report.run.templates import ALL, takes_all, template_names
from workbench.store import NewJob, Store
from workbench.studies import Context
from workbench.studies.schedule.entries import Entry, due_reports, last_due
from workbench.studies.schedule.file import Known, read_schedule

#: Where a schedule is looked for beside the settings file.
FILE = Path("reports", "schedule.yaml")


def schedule_file(settings: Settings, given: Path | None = None) -> Path:
    """Return the schedule file that counts: given, of the settings, beside their file, or the shipped one."""
    if given is not None or settings.schedule is not None:
        return given or settings.schedule or FILE
    beside = (settings.origin.parent if settings.origin else Path.cwd()) / FILE
    return beside if beside.is_file() else shipped(*FILE.parts)


def open_schedule(settings: Settings, context: Context, *, file: Path | None = None) -> tuple[Entry, ...]:
    """Read and check the schedule.

    Raises
    ------
    CatalogError
        Every mistake with file and line.
    """
    known = Known(
        systems=tuple(context.catalog.profiles),
        templates=template_names(settings.reports),
        outputs=OUTPUTS,
        channels={name: channel.kind for name, channel in settings.channels.items()},
        zone=settings.zone,
        week_start=settings.week_start,
    )
    entries = read_schedule(schedule_file(settings, file), known)
    return tuple(
        replace(entry, systems=(ALL,)) if not entry.systems and takes_all(entry.template, settings.reports) else entry
        for entry in entries
    )


def plan(
    store: Store, entry: Entry, *, now: datetime, systems: Sequence[str], settings: Settings, look_back: bool
) -> int:
    """Write down the jobs of a schedule that became due; returns how many are new.

    A schedule that was never planned begins now.

    Parameters
    ----------
    store : Store
        The store of the workbench.
    entry : Entry
        One schedule of the settings.
    now : datetime
        The present instant.
    systems : sequence of str
        Systems of an entry for all.
    settings : Settings
        The settings of this workbench.
    look_back : bool
        Plan the newest due instant even where the schedule was never planned before: for commands that cron starts.
    """

    def propose(planned: datetime | None) -> Iterator[NewJob]:
        if planned is None:
            last = last_due(entry, now=now) if look_back else None
            if last is None:
                return
            planned = last - timedelta(milliseconds=1)
        for due in due_reports(
            entry, after=planned, until=now, systems=systems, zone=settings.zone, week_start=settings.week_start
        ):
            yield NewJob(
                due.key, due.schedule, due.system, due.period, due.due, due.deadline, due.missed, entry.document()
            )

    return store.plan_jobs(entry.name, propose, now=now)
