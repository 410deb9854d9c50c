"""``workbench slo burn``: how fast budgets burn now, how long they last, what one failure costs."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.shared.output import exit_by_status, format_option, print_csv, print_json, print_table, say
from workbench.cli.shared.period import PeriodOptions, period_options


@click.command()
@click.argument("system")
@click.option("--slo", "slo_id", help="One objective only, e.g. availability.")
@period_options
@format_option
@click.pass_obj
def burn(
    state: Any,
    system: str,
    slo_id: str | None,
    period: PeriodOptions,
    format_: str,
) -> None:
    """Print burn rates over look-backs, when budgets run out, and which alerts fire.

    Without a period the window of each objective itself counts.

    \b
    Examples:
      workbench slo burn counterfactual-lab
      workbench slo burn conduit --slo availability --last 28d --format json
    """
    from workbench.charts.slo.burn_tables import outlook_notes, outlook_rows
    from workbench.charts.tables import burn_rows, doubts
    from workbench.studies import slo_compliance

    context = state.context()
    now = context.clock()
    span, as_of = period.own(now, state.settings)
    study = slo_compliance(context, system=system, range=span, as_of=as_of, slo=slo_id)
    rates, outlook = study.results["burn"], study.results["outlook"]
    if format_ == "json":
        print_json(study.to_dict())
    elif format_ == "csv":
        print_csv(outlook.to_frame().to_dict(orient="records"))
    else:
        rows = burn_rows(rates)
        print_table(rows, right=[name for name in (rows[0] if rows else {}) if name != "objective"])
        click.echo()
        print_table(outlook_rows(outlook), right=["burn rate", "budget left", "failures left"])
        say(*outlook_notes(outlook), *doubts(study.results["compliance"]))
        say(f"{system}, {study.range}; source {study.provenance.source}; times are UTC")
    for warning in study.warnings:
        say(f"Warning: {warning}")
    exit_by_status(study.status)
