"""``workbench schedule``: reports that are made and sent by themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from workbench.cli.schedule.export import export
from workbench.cli.schedule.run import run
from workbench.cli.shared.output import format_option, print_csv, print_json, print_table, say

file_option = click.option(
    "--file", type=click.Path(dir_okay=False, path_type=Path), help="Schedule file in place of reports/schedule.yaml."
)


@click.group()
def schedule() -> None:
    """Make reports when they are due, and send them.

    \b
    Examples:
      workbench schedule list
      workbench schedule next --days 60
      workbench schedule run
    """


schedule.add_command(run)
schedule.add_command(export)


def opened(state: Any, file: Path | None) -> tuple[Any, Any]:
    """Return the entries of the schedule and the context they were checked against."""
    from workbench.report.schedule import open_schedule

    context = state.context()
    return open_schedule(state.settings, context, file=file), context


@schedule.command("list")
@file_option
@click.option("--jobs", is_flag=True, help="List the jobs of the past in place of the schedules.")
@format_option
@click.pass_obj
def list_(state: Any, file: Path | None, jobs: bool, format_: str) -> None:
    """List the schedules with their next report, or the jobs so far.

    \b
    Examples:
      workbench schedule list
      workbench schedule list --jobs --format json
    """
    from workbench.core.timerange import duration_text
    from workbench.store import open_store

    show = {"json": print_json, "csv": print_csv, "table": print_table}[format_]
    if jobs:
        show([_job_row(job) for job in open_store(state.settings).jobs()])
        return
    entries, context = opened(state, file)
    now = context.clock()
    show(
        [
            {
                "schedule": entry.name,
                "template": entry.template,
                "systems": ", ".join(entry.systems) or "all",
                "when": str(entry.when),
                "period": entry.period,
                "next": _instant(next(entry.when.after(now), None)),
                "grace": duration_text(round(entry.grace.total_seconds() * 1000)),
                "outputs": ", ".join(entry.outputs),
                "to": ", ".join(each.channel for each in entry.to) or "archive only",
            }
            for entry in entries
        ]
    )


@schedule.command()
@file_option
@click.pass_obj
def check(state: Any, file: Path | None) -> None:
    """Check the schedule: names, times, zones, periods, channels; every mistake with file and line.

    \b
    Example:
      workbench schedule check --file reports/schedule.yaml
    """
    from workbench.report.schedule import schedule_file

    entries, _ = opened(state, file)
    count = f"{len(entries)} {'schedule' if len(entries) == 1 else 'schedules'}"
    say(f"{schedule_file(state.settings, file)}: {count}, no mistakes.")


@schedule.command("next")
@file_option
@click.option("--days", type=click.IntRange(1, 3660), default=31, show_default=True, help="How far to look ahead.")
@click.option("--from", "since", metavar="INSTANT", help="Look from this instant on; now by default.")
@format_option
@click.pass_obj
def next_(state: Any, file: Path | None, days: int, since: str | None, format_: str) -> None:
    """List what will be due: instant, local time, report, system, period.

    \b
    Examples:
      workbench schedule next
      workbench schedule next --days 400 --from 2027-01-01
    """
    from datetime import timedelta

    from workbench.core.timerange import named_zone, parse_instant
    from workbench.studies.schedule.entries import due_reports

    entries, context = opened(state, file)
    start = parse_instant(since, zone=state.settings.zone) if since else context.clock()
    rows = []
    for entry in entries:
        for due in entry.when.after(start):
            if due > start + timedelta(days=days):
                break
            local = due.astimezone(named_zone(entry.when.zone))
            for report in due_reports(
                entry,
                after=due - timedelta(milliseconds=1),
                until=due,
                systems=context.systems,
                zone=state.settings.zone,
                week_start=state.settings.week_start,
            ):
                rows.append(
                    {
                        "due": _instant(due),
                        "local": f"{local:%a %Y-%m-%d %H:%M %Z}",
                        "schedule": entry.name,
                        "template": entry.template,
                        "system": report.system,
                        "period": report.period,
                    }
                )
    rows.sort(key=lambda row: (row["due"], row["schedule"], row["system"]))
    {"json": print_json, "csv": print_csv, "table": print_table}[format_](rows)


def _instant(instant: Any) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC" if instant is not None else ""


def _job_row(job: Any) -> dict[str, object]:
    return {
        "job": job.id[:12],
        "schedule": job.schedule,
        "system": job.system,
        "period": job.period,
        "due": _instant(job.due),
        "status": job.status,
        "attempts": job.claims,
        "ended": _instant(job.ended),
        "run": job.run_id[:12],
        "error": job.error,
    }
