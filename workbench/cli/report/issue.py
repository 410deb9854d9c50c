"""``workbench report issue``, ``issues``, ``diff`` and ``reproduce``: reports that stand, and from what."""

from __future__ import annotations

import sys
from typing import Any

import click

from workbench.cli.shared.output import format_option, print_csv, print_json, print_table, say


@click.command()
@click.option("--system", "systems", multiple=True, required=True, help="System; may be repeated.")
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
def issue(state: Any, systems: tuple[str, ...], period: str, early: bool) -> None:
    """Issue the report of a month and print the path of its HTML file; again only when a number changed.

    Counts and costs are frozen with it, so that it can be made again bit for bit.

    \b
    Examples:
      workbench report issue --system counterfactual-lab
      workbench --zone Europe/Berlin report issue --system conduit --period 2026-10 --early
    """
    from workbench.report.issue.issue import issue_report

    for system in systems:
        done = issue_report(system=system, period=period, settings=state.settings, early=early)
        click.echo(done.html)
        if not done.new:
            say(f"Issue {done.issue.number} of {done.issue.period} stands: no number has changed.")
            continue
        say(f"Issue {done.issue.number} of {done.issue.period}, figures {done.issue.figures_sha256[:16]}.")
        say(*(f"It differs from issue {done.issue.number - 1}: {why}" for why in done.issue.manifest["causes"]))


@click.command()
@click.option("--system", help="One system only.")
@format_option
@click.pass_obj
def issues(state: Any, system: str | None, format_: str) -> None:
    """List issued reports, newest period first.

    \b
    Example:
      workbench report issues --system counterfactual-lab
    """
    from workbench.report.issue.reproduce import issued_rows

    rows = issued_rows(state.settings, system=system)
    {"json": print_json, "csv": print_csv, "table": print_table}[format_](rows)


@click.command()
@click.argument("system")
@click.option("--period", "--month", "period", required=True, help="Period of the issue, e.g. 2026-10.")
@click.option("--number", type=click.IntRange(min=0), default=0, help="Issue; the newest by default.")
@format_option
@click.pass_obj
def diff(state: Any, system: str, period: str, number: int, format_: str) -> None:
    """Print what an issue changed in the one before, and why.

    \b
    Example:
      workbench report diff counterfactual-lab --period 2026-10
    """
    from workbench.charts.issue.tables import diff_rows
    from workbench.report.issue.reproduce import changes, find_issue

    issue = find_issue(state.settings, system=system, period=period, number=number)
    changed = changes(state.settings, issue)
    if changed is None:
        say(f"Issue {issue.number} is the first of {issue.period}.")
        return
    if format_ == "json":
        print_json({"causes": issue.manifest["causes"], **changed.to_dict()})
        return
    say(*issue.manifest["causes"])
    {"csv": print_csv, "table": print_table}[format_](diff_rows(changed))


@click.command()
@click.argument("system")
@click.option("--period", "--month", "period", required=True, help="Period of the issue, e.g. 2026-10.")
@click.option("--number", type=click.IntRange(min=0), default=0, help="Issue; the newest by default.")
@click.pass_obj
def reproduce(state: Any, system: str, period: str, number: int) -> None:
    """Make an issue again from what was frozen with it, and exit 1 where it is not the same to the last byte.

    \b
    Example:
      workbench report reproduce counterfactual-lab --period 2026-10 --number 1
    """
    from workbench.report.issue.reproduce import find_issue
    from workbench.report.issue.reproduce import reproduce as again

    issue = find_issue(state.settings, system=system, period=period, number=number)
    made = again(state.settings, issue)
    parts = {"figures": made.figures, "document": made.page, "document in the archive": made.page_kept}
    for name, same in parts.items():
        click.echo(f"{name}: {'the same' if same else 'different'}")
    for name in made.changed:
        click.echo(f"{name}: changed since it was issued")
    if made.note:
        say(made.note)
    if not made.whole:
        sys.exit(1)
