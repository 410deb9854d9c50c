"""``workbench operations``: is the monitoring itself well?"""

from __future__ import annotations

import click

from workbench.cli.shared.question import Request, question


@click.group()
def operations() -> None:
    """Monitor the monitors: targets, scrapes, rules, cardinality, deliveries, backups.

    \b
    Example:
      workbench operations status conduit --last 7d
    """


@operations.command()
@click.option(
    "--show", type=click.Choice(["checks", "targets", "metrics", "labels"]), default="checks", show_default=True,
    help="Which table to print.",
)  # fmt: skip
@click.option("--check", is_flag=True, help="Exit 1 when something is wrong.")
@question
def status(request: Request, show: str, check: bool) -> None:
    """Print one line per check, or targets, metrics and labels.

    \b
    Examples:
      workbench operations status conduit --last 7d
      workbench operations status counterfactual-lab --show targets --last 7d
      workbench operations status choreoai --show metrics --format csv
    """
    from workbench.charts.reviews import tables
    from workbench.studies import monitoring_health

    study = request.answer(monitoring_health)
    texts = {
        "checks": tables.check_rows, "targets": tables.target_rows, "metrics": tables.metric_rows,
        "labels": tables.label_rows,
    }  # fmt: skip
    result = study.results.get(show)
    request.show(
        study,
        texts[show](result) if result else [],
        csv=result.to_frame().to_dict(orient="records") if result else [],
        right=lambda name: name not in tables.TEXT,
        check=check,
    )
