"""``workbench slo scorecard``: which months, or quarters, used up their budget."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.shared.output import exit_by_status, format_option, print_csv, print_json, print_table, say


@click.command()
@click.option("--system", "systems", multiple=True, help="System; may be repeated. All by default.")
@click.option(
    "--months", type=click.IntRange(1, 36), default=12, show_default=True, help="Months before --until, it included."
)
@click.option("--quarters", is_flag=True, help="The quarters of these months in place of them.")
@click.option("--until", default="last-month", show_default=True, help="Last month or quarter, e.g. 2026-10.")
@click.option(
    "--by", type=click.Choice(["system", "owner"]), default="system", show_default=True, help="Order of rows."
)
@click.option("--workers", type=click.IntRange(1, 64), help="Systems counted at once, each in a process of its own.")
@click.option("--cluster", metavar="ADDRESS", help="Count systems on a Dask cluster, e.g. tcp://host:8786.")
@format_option
@click.pass_obj
def scorecard(
    state: Any,
    systems: tuple[str, ...],
    months: int,
    quarters: bool,
    until: str,
    by: str,
    workers: int | None,
    cluster: str | None,
    format_: str,
) -> None:
    """Print each objective by month: SLI, share of its budget spent, status.

    Figures of an issued report stand as they were issued; revisions are marked. All other months are counted.

    \b
    Examples:
      workbench slo scorecard
      workbench slo scorecard --system counterfactual-lab --months 24 --format csv
      workbench slo scorecard --quarters --months 24 --by owner
      workbench slo scorecard --cluster tcp://dask:8786
    """
    from workbench.charts.slo.scorecard_tables import scorecard_finding, scorecard_rows
    from workbench.core.executor.chosen import executor_for
    from workbench.core.periods import parse_period
    from workbench.studies.slo.scorecard import slo_scorecard

    context = state.context()
    now = context.clock()
    last = parse_period(until, zone=context.zone, week_start=context.week_start, as_of=now)
    wide = workers or cluster or state.settings.cluster
    executor = executor_for(state.settings, cluster=cluster, workers=workers) if wide else None
    chosen = {"systems": systems or None, "range": last, "count": months, "quarters": quarters, "as_of": now}
    try:
        study = slo_scorecard(context, **chosen, executor=executor)
    finally:
        if executor is not None:
            executor.close()
    card = study.results["scorecard"]
    if format_ == "json":
        print_json(study.to_dict())
    elif format_ == "csv":
        print_csv(card.to_frame().to_dict(orient="records"))
    else:
        print_table(scorecard_rows(card, by="owner" if by == "owner" else "system"))
        say(repr(scorecard_finding(card)))
    say(*study.warnings)
    exit_by_status(study.status)
