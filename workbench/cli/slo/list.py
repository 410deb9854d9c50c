"""``workbench slo list``: the objectives that are defined."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.shared.output import format_option, print_csv, print_json, print_table, say


@click.command("list")
@click.argument("system", required=False)
@format_option
@click.pass_obj
def list_(state: Any, system: str | None, format_: str) -> None:
    """List the objectives: target, window, way of budgeting and place of each. No source is asked.

    \b
    Examples:
      workbench slo list
      workbench slo list counterfactual-lab --format csv
    """
    from workbench.studies.counting.definitions import promised_rows

    rows = promised_rows(state.context(), system=system)
    {"json": print_json, "csv": print_csv, "table": print_table}[format_](rows)


@click.command()
@click.argument("system")
@click.option(
    "--period",
    "--month",
    "period",
    default="last-month",
    show_default=True,
    help="Calendar period in --zone: 2026-10, last-month, 2026-Q3.",
)
@click.option("--early", is_flag=True, help="Do not wait three days for late data.")
@click.pass_obj
def report(state: Any, system: str, period: str, early: bool) -> None:
    """Issue the report of a month's objectives and spend, as `workbench report issue` does, and print its path.

    \b
    Example:
      workbench slo report counterfactual-lab --period 2026-10
    """
    from workbench.report.issue.issue import issue_report

    done = issue_report(system=system, period=period, settings=state.settings, early=early)
    click.echo(done.html)
    say(f"Issue {done.issue.number} of {done.issue.period}" + ("." if done.new else " stands: no number has changed."))
