"""``workbench quality``: drift of scores, the numbers of the quality page and the report."""

from __future__ import annotations

import sys
from typing import Any

import click

from workbench.cli.output import format_option, print_csv, print_json, print_table, say
from workbench.cli.period import chosen_period, period_options


@click.group()
def quality() -> None:
    """Scores of quality and bias against the same hour a week before.

    \b
    Example:
      workbench quality status counterfactual-lab --month last-month
    """


@quality.command()
@click.argument("system")
@click.option(
    "--show",
    type=click.Choice(["states", "drifts", "limits", "documented"]),
    default="states",
    show_default=True,
    help="Which table to print.",
)
@click.option("--check", is_flag=True, help="Exit 1 when a score drifts or breaks a limit at the end of the period.")
@period_options
@format_option
@click.pass_obj
def status(
    state: Any,
    system: str,
    show: str,
    check: bool,
    last: str | None,
    month: str | None,
    since: str | None,
    until: str | None,
    format_: str,
) -> None:
    """Print one line a score: last day, a week before, interval, effect, verdict; or another table.

    \b
    Examples:
      workbench quality status counterfactual-lab
      workbench quality status counterfactual-lab --show drifts --month last-month
      workbench quality status counterfactual-lab --check
    """
    from workbench.charts import quality_tables as tables
    from workbench.studies import quality_drift

    context = state.context()
    now = context.clock()
    span = chosen_period(now, context.zone, last=last, month=month, since=since, until=until, default="30d")
    study = quality_drift(context, system=system, range=span, as_of=min(now, span.end))
    texts = {
        "states": tables.state_rows,
        "drifts": tables.drift_rows,
        "limits": tables.limit_rows,
        "documented": tables.documented_rows,
    }
    if format_ == "json":
        print_json(study.to_dict())
    elif format_ == "csv":
        print_csv(study.results[show].to_frame().to_dict(orient="records"))
    else:
        rows = texts[show](study.results[show])
        print_table(rows, right=[name for name in (rows[0] if rows else {}) if name not in tables.TEXT])
        say(f"{system}, {study.range}: {tables.quality_finding(study)!r}")
    for note in (*study.warnings, *(note for result in study.results.values() for note in result.notes)):
        say(f"Note: {note}")
    if study.status in ("unavailable", "refused"):
        sys.exit(3 if study.status == "unavailable" else 9)
    if check and study.status == "at_risk":
        sys.exit(1)
