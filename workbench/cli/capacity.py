"""``workbench capacity``: when resources run out, the numbers of the capacity page and the report."""

from __future__ import annotations

import sys
from typing import Any

import click

from workbench.cli.output import format_option, print_csv, print_json, print_table, say
from workbench.cli.period import chosen_period, period_options


@click.group()
def capacity() -> None:
    """Forecasts of disks, memory, connections and budgets against their limits.

    \b
    Example:
      workbench capacity status counterfactual-lab --month last-month
    """


@capacity.command()
@click.argument("system")
@click.option(
    "--show",
    type=click.Choice(["limits", "backtests"]),
    default="limits",
    show_default=True,
    help="Which table to print.",
)
@click.option("--horizon", default=30, show_default=True, help="How far ahead, in days.")
@click.option("--check", is_flag=True, help="Exit 1 when a limit is near or broken.")
@period_options
@format_option
@click.pass_obj
def status(
    state: Any,
    system: str,
    show: str,
    horizon: int,
    check: bool,
    last: str | None,
    month: str | None,
    since: str | None,
    until: str | None,
    format_: str,
) -> None:
    """Print one line a limit: use now, trend, date with interval; or the error of past forecasts.

    \b
    Examples:
      workbench capacity status counterfactual-lab
      workbench capacity status counterfactual-lab --show backtests
      workbench capacity status counterfactual-lab --check
    """
    from workbench.charts import capacity_tables as tables
    from workbench.studies import capacity_forecast

    context = state.context()
    now = context.clock()
    span = chosen_period(now, context.zone, last=last, month=month, since=since, until=until, default="30d")
    study = capacity_forecast(context, system=system, range=span, as_of=min(now, span.end), horizon_days=horizon)
    texts = {
        "limits": tables.limit_rows,
        "backtests": tables.backtest_rows,
    }
    if format_ == "json":
        print_json(study.to_dict())
    elif format_ == "csv":
        print_csv(study.results["limits"].to_frame().to_dict(orient="records"))
    else:
        rows = texts[show](study.results["limits"])
        print_table(rows, right=[name for name in (rows[0] if rows else {}) if name not in tables.TEXT])
        say(f"{system}, {study.range}: {tables.capacity_finding(study)!r}")
    for note in (*study.warnings, *(note for result in study.results.values() for note in result.notes)):
        say(f"Note: {note}")
    if study.status in ("unavailable", "refused"):
        sys.exit(3 if study.status == "unavailable" else 9)
    if check and study.status == "at_risk":
        sys.exit(1)
