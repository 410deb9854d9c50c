"""``workbench alerts``: load of alerts against published limits, the numbers of the alerts page and the report."""

from __future__ import annotations

import sys
from typing import Any

import click

from workbench.cli.output import format_option, print_csv, print_json, print_table, say
from workbench.cli.period import chosen_period, period_options


@click.group()
def alerts() -> None:
    """Episodes of alerts: how often, how long, which flap, stand or come in heaps.

    \b
    Example:
      workbench alerts status counterfactual-lab --month last-month
    """


@alerts.command()
@click.argument("system")
@click.option(
    "--show",
    type=click.Choice(["rules", "measures", "episodes", "noisiest", "bursts"]),
    default="rules",
    show_default=True,
    help="Which table to print.",
)
@click.option("--people", default=1, show_default=True, help="People on call at a time; limits are per person.")
@click.option("--without", multiple=True, help="Label that makes no alert of its own, e.g. replica.")
@period_options
@format_option
@click.pass_obj
def status(
    state: Any,
    system: str,
    show: str,
    people: int,
    without: tuple[str, ...],
    last: str | None,
    month: str | None,
    since: str | None,
    until: str | None,
    format_: str,
) -> None:
    """Print one line a rule: episodes, durations, flapping, stale; or another table.

    \b
    Examples:
      workbench alerts status counterfactual-lab
      workbench alerts status counterfactual-lab --show measures --people 2
      workbench alerts status counterfactual-lab --show episodes --last 7d --format csv
    """
    from workbench.charts import alerts_tables as tables
    from workbench.studies import alert_load

    context = state.context()
    now = context.clock()
    span = chosen_period(now, context.zone, last=last, month=month, since=since, until=until, default="30d")
    as_of = min(now, span.end)
    study = alert_load(context, system=system, range=span, as_of=as_of, positions=people, without=without)
    texts = {
        "rules": tables.rule_rows,
        "measures": tables.measure_rows,
        "episodes": tables.episode_rows,
        "noisiest": tables.noisiest_rows,
        "bursts": tables.burst_rows,
    }
    if format_ == "json":
        print_json(study.to_dict())
    elif format_ == "csv":
        print_csv(study.results[show].to_frame().to_dict(orient="records"))
    else:
        rows = texts[show](study.results[show])
        print_table(rows, right=[name for name in (rows[0] if rows else {}) if name not in tables.TEXT])
        say(f"{system}, {study.range}: {tables.alerts_finding(study)!r}")
    for note in (*study.warnings, *(note for result in study.results.values() for note in result.notes)):
        say(f"Note: {note}")
    if study.status in ("unavailable", "refused"):
        sys.exit(3 if study.status == "unavailable" else 9)
