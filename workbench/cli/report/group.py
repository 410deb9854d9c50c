"""``workbench report``: run monthly reports, issue them, and find earlier ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from workbench.cli.report.issue import diff, issue, issues, reproduce
from workbench.cli.shared.output import format_option, print_csv, print_json, print_table, say


@click.group()
def report() -> None:
    """Run monthly reports as drafts, issue them, and find earlier ones.

    \b
    Examples:
      workbench report run monthly --system counterfactual-lab --period last-month
      workbench report issue --system counterfactual-lab --period last-month
    """


for _command in (issue, issues, diff, reproduce):
    report.add_command(_command)


@report.command()
@click.argument("name", default="monthly")
@click.option("--system", "systems", multiple=True, help="System; may be repeated.")
@click.option("--all", "every", is_flag=True, help="Every system that a source answers for.")
@click.option(
    "--period",
    "--month",
    "period",
    default="last-month",
    show_default=True,
    help="Calendar period in --zone: 2026-10, last-month, last-week, 2026-Q3.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder, or file for one system, for a copy.")
@click.pass_obj
def run(state: Any, name: str, systems: tuple[str, ...], every: bool, period: str, out: Path | None) -> None:
    """Run a report and print the path of its HTML file; it is a draft until it is issued.

    Several systems are run at once, one a processor. A run that fails is kept and marked; it never replaces an earlier
    report. Of several systems the others are run all the same, and the exit code is that of the first failure.

    \b
    Examples:
      workbench report run monthly --system counterfactual-lab
      workbench --zone Europe/Berlin report run monthly --system counterfactual-lab --period 2026-10 --out october.html
      workbench report run monthly --all --out reports/
    """
    from workbench.core.errors import ParameterError, ReportError
    from workbench.report import run_reports

    if every == bool(systems):
        raise ParameterError("Say which systems: name one or more with --system, or use --all.")
    chosen = state.context().systems if every else dict.fromkeys(systems)
    if len(chosen) > 1 and out is not None:
        if out.is_file():
            raise ParameterError(f"{out} is a file.", hint="The reports of several systems need a folder.")
        out.mkdir(parents=True, exist_ok=True)
    failures: list[ReportError] = []
    say(f"Running {name} of {', '.join(chosen)} for {period} …")
    for system, done in run_reports(name, chosen, period=period, settings=state.settings, out=out):
        if isinstance(done, ReportError):
            failures.append(done)
            say(f"Failed: {system}: {done}")
            continue
        click.echo(done.html)
        say(f"{system}: {done.seconds:.1f} s, {done.size / 1e6:.1f} MB, run {done.run_id}")
    if failures:
        raise failures[0]


@report.command("list")
@format_option
@click.pass_obj
def list_(state: Any, format_: str) -> None:
    """List the runs, newest first.

    \b
    Example:
      workbench report list --format json
    """
    from workbench.report import past_runs

    rows = past_runs(state.settings)
    {"json": print_json, "csv": print_csv, "table": print_table}[format_](rows)


@report.command()
@click.argument("name", default="monthly")
@format_option
def parameters(name: str, format_: str) -> None:
    """List the parameters of a report template with types and defaults.

    \b
    Example:
      workbench report parameters monthly
    """
    from workbench.report.run.templates import template_parameters

    rows = [dict(vars(parameter)) for parameter in template_parameters(name)]
    {"json": print_json, "csv": print_csv, "table": print_table}[format_](rows)
