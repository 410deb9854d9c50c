"""``workbench schedule export``: the schedule for cron, systemd, Kubernetes, Airflow, GitHub Actions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from workbench.cli.shared.output import say


@click.command()
@click.argument("names", nargs=-1)
@click.option(
    "--to",
    "target",
    type=click.Choice(["cron", "systemd", "kubernetes", "airflow", "github-actions"]),
    required=True,
    help="The scheduler that starts the workbench.",
)
@click.option("--file", type=click.Path(dir_okay=False, path_type=Path), help="Schedule file to read.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for the files, not the screen.")
@click.option("--program", default="workbench", show_default=True, help="Path of workbench on that machine.")
@click.option(
    "--settings",
    default="/etc/workbench/workbench.toml",
    show_default=True,
    help="Path of the settings file on that machine.",
)
@click.option("--image", default="workbench:latest", show_default=True, help="Container image, for Kubernetes.")
@click.pass_obj
def export(
    state: Any,
    names: tuple[str, ...],
    target: str,
    file: Path | None,
    out: Path | None,
    program: str,
    settings: str,
    image: str,
) -> None:
    """Write the schedule for another scheduler, which then starts `workbench schedule run --once`.

    A working day is started on every day that may be it; the workbench makes a report only when it is due and was not
    made yet.

    \b
    Examples:
      workbench schedule export --to cron
      workbench schedule export --to systemd --out /etc/systemd/system --program /opt/workbench/bin/workbench
      workbench schedule export --to kubernetes --image registry.example.com/workbench:1.4
    """
    from workbench.report.schedule import open_schedule
    from workbench.report.schedule.export import Command
    from workbench.report.schedule.export import export as exported
    from workbench.studies.schedule.entries import chosen

    entries = chosen(open_schedule(state.settings, state.context(), file=file), names)
    files = exported(entries, target, Command(program, settings, image))
    for name, text in files.items():
        if out is None:
            if len(files) > 1:
                click.echo(f"# {name}")
            click.echo(text)
            continue
        out.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text, encoding="utf-8")
        say(f"Written: {out / name}")
