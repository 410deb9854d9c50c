"""``workbench slo attribute``: what spent the budget, by episode, by label, and what else happened."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.shared.output import exit_by_status, format_option, print_csv, print_json, print_table, say
from workbench.cli.shared.period import PeriodOptions, period_options


@click.command()
@click.argument("system")
@click.option("--slo", "slo_id", help="One objective only, e.g. availability.")
@click.option("--episode", type=int, help="One episode of --slo in detail, by its rank: 1 spent most.")
@click.option("--least", default=0.1, show_default=True, help="Leave out episodes below this percentage of the budget.")
@click.option("--records/--no-records", default=True, help="Look into logs and traces too.", show_default=True)
@period_options
@format_option
@click.pass_obj
def attribute(
    state: Any,
    system: str,
    slo_id: str | None,
    episode: int | None,
    least: float,
    records: bool,
    period: PeriodOptions,
    format_: str,
) -> None:
    """Print what spent each budget: episodes, where they were, what happened with them.

    Without a period the window of each objective itself counts.

    \b
    Examples:
      workbench slo attribute counterfactual-lab --period last-month
      workbench slo attribute conduit --slo provider-success --episode 1
      workbench slo attribute conduit --last 90d --format json
    """
    from workbench.charts.slo.spending_tables import companion_rows, contribution_rows, spending_rows
    from workbench.charts.tables import doubts
    from workbench.core.errors import ParameterError
    from workbench.studies import slo_attribution

    if episode is not None and slo_id is None:
        raise ParameterError("--episode needs --slo.", hint="Episodes are counted within one objective.")
    context = state.context()
    now = context.clock()
    span, as_of = period.own(now, state.settings)
    study = slo_attribution(context, system=system, range=span, as_of=as_of, slo=slo_id, records=records)
    spent, shares, beside = (study.results[name] for name in ("spending", "contributions", "companions"))
    if format_ == "json":
        print_json(study.to_dict())
    elif format_ == "csv":
        print_csv(spent.to_frame().to_dict(orient="records"))
    else:
        print_table(spending_rows(spent, shares, beside, least=least / 100), right=["lasted", "bad", "budget"])
        if episode is not None:
            ranked = spent.frame[spent.frame["kind"] == "episode"].sort_values("bad", ascending=False)
            if not 1 <= episode <= len(ranked):
                raise ParameterError(f"There is no episode {episode}; {slo_id} has {len(ranked)} in this period.")
            number = int(ranked["episode"].iloc[episode - 1])
            for rows in (
                contribution_rows(shares, objective=str(slo_id), episode=number),
                companion_rows(beside, objective=str(slo_id), episode=number),
            ):
                click.echo()
                print_table(rows, right=["bad", "of", "bad share", "of the episode", "count", "before"])
        say(*doubts(study.results["compliance"]))
        say(f"{system}, {study.range}; source {study.provenance.source}; times are UTC")
    for warning in study.warnings:
        say(f"Warning: {warning}")
    exit_by_status(study.status)
