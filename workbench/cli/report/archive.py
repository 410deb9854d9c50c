"""``workbench report list``, ``show``, ``compare`` and ``prune``: the archive of runs."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.shared.output import format_option, print_csv, print_json, print_table, say


@click.command("list")
@click.option("--report", "name", help="One template only.")
@click.option("--system", help="One system only.")
@click.option(
    "--status", type=click.Choice(["done", "failed", "incomplete", "running", "broken off"]), help="Such runs only."
)
@click.option("--search", default="", help="Text in the id, template, system, period, author or error of a run.")
@format_option
@click.pass_obj
def list_(state: Any, name: str | None, system: str | None, status: str | None, search: str, format_: str) -> None:
    """List the runs, newest first.

    \b
    Examples:
      workbench report list --system counterfactual-lab --status failed
      workbench report list --search 2026-10 --format json
    """
    from workbench.report import past_runs

    rows = past_runs(state.settings, report=name, system=system, status=status, search=search)
    {"json": print_json, "csv": print_csv, "table": print_table}[format_](rows)


@click.command()
@click.argument("run_id", metavar="RUN")
@format_option
@click.pass_obj
def show(state: Any, run_id: str, format_: str) -> None:
    """Print the files of a run, and whether each is still what was made (SHA-256).

    \b
    Example:
      workbench report show 3f9c2a51
    """
    from workbench.report.run.archive import files_of, find_run

    run = find_run(state.settings, run_id)
    files = files_of(state.settings, run)
    rows = [{"output": form, "path": str(path), "state": state_} for form, (path, state_) in files.items()]
    {"json": print_json, "csv": print_csv, "table": print_table}[format_](rows)
    say(f"{run.report} of {run.system}, {run.period}: {run.status}.", *filter(None, [run.error]))


@click.command()
@click.argument("name", default="monthly")
@click.option("--system", required=True, help="System, or all for a template of all.")
@click.option("--period", default="last-month", show_default=True, help="Compared with the period before it.")
@format_option
@click.pass_obj
def compare(state: Any, name: str, system: str, period: str, format_: str) -> None:
    """Put the answers of the newest run of a period beside those of the period before.

    \b
    Example:
      workbench report compare monthly --system counterfactual-lab --period 2026-10
    """
    from workbench.report.run.archive import compared

    rows = compared(state.settings, report=name, system=system, period=period)
    {"json": print_json, "csv": print_csv, "table": print_table}[format_](rows)


@click.command()
@click.option("--older-than", default="400d", show_default=True, help="Drafts made longer ago lose their files.")
@click.option("--yes", is_flag=True, required=True, help="Really delete.")
@click.pass_obj
def prune(state: Any, older_than: str, yes: bool) -> None:
    """Delete the files of old drafts; issued reports, the list of runs and the newest run of each period stay.

    \b
    Example:
      workbench report prune --older-than 400d --yes
    """
    from datetime import timedelta

    from workbench.core.timerange import duration_ms
    from workbench.report.run.archive import prune as pruned

    gone = pruned(state.settings, older_than=timedelta(milliseconds=duration_ms(older_than)))
    for path in gone:
        click.echo(path)
    say(f"{len(gone)} {'file' if len(gone) == 1 else 'files'} deleted.")
