"""``workbench slo backtest``: alerting policies replayed on history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from workbench.cli.shared.output import exit_by_status, format_option, print_csv, print_json, print_table, say
from workbench.cli.shared.period import PeriodOptions, period_options


@click.command()
@click.argument("system")
@click.option("--slo", "slo_id", help="One objective only, e.g. availability.")
@click.option(
    "--rules", type=click.Path(dir_okay=False, path_type=Path), help="Prometheus rule file to replay too; with --slo."
)
@click.option("--step", default="5m", show_default=True, help="Resolution of the replay: 1m or 5m.")
@click.option(
    "--least",
    default=2.0,
    show_default=True,
    help="Share of the budget that makes an event worth an alert, in percent.",
)
@period_options
@format_option
@click.pass_obj
def backtest(
    state: Any,
    system: str,
    slo_id: str | None,
    rules: Path | None,
    step: str,
    least: float,
    period: PeriodOptions,
    format_: str,
) -> None:
    """Print what alerting policies would have caught, missed and paged for nothing.

    \b
    Examples:
      workbench slo backtest counterfactual-lab --slo availability --last 90d
      workbench slo backtest conduit --slo availability --rules alerts.yml --step 1m
    """
    from workbench.catalog.rules.rule_file import read_rule_file
    from workbench.charts.slo.burn_tables import backtest_finding, backtest_rows
    from workbench.charts.tables import doubts
    from workbench.core.timerange import duration_ms
    from workbench.studies import slo_backtest

    context = state.context()
    now = context.clock()
    span, as_of = period.read(now, state.settings, default="90d")
    study = slo_backtest(
        context,
        system=system,
        range=span,
        as_of=as_of,
        slo=slo_id,
        rules=read_rule_file(rules) if rules else None,
        step_ms=duration_ms(step),
        least_share=least / 100,
    )
    result = study.results["backtest"]
    if format_ == "json":
        print_json(study.to_dict())
    elif format_ == "csv":
        print_csv(result.to_frame().to_dict(orient="records"))
    else:
        rows = backtest_rows(result)
        print_table(rows, right=[name for name in (rows[0] if rows else {}) if name not in ("objective", "policy")])
        say(repr(backtest_finding(result)), *doubts(study.results["compliance"]))
        say(f"{system}, {study.range}; replayed in steps of {step}, so detection times are up to one step late")
    for warning in study.warnings:
        say(f"Note: {warning}")
    exit_by_status(study.status)
