"""``workbench dora``: the five metrics of delivery."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from workbench.cli.shared.question import Request, question

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def dora() -> None:
    """Deployment frequency, lead time, fail rate, recovery time, rework rate.

    \b
    Examples:
      workbench dora status conduit --period 2026-10
      workbench dora status conduit --git /srv/conduit --tags 'v*' --last 90d
    """


@dora.command()
@click.option(
    "--git",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Local repository whose tags are deployments; by default that of the settings.",
)
@click.option("--tags", default="", help="Pattern of the tags that are deployments.  [default: v*]")
@click.option("--deployments", type=_FILE, help="CSV: deployment, finished [result, environment, rework].")
@click.option("--requests", type=_FILE, help="CSV: first_commit, created, first_review, merged, deployed.")
@click.option("--incidents", type=_FILE, help="CSV: created, resolved (empty while open).")
@click.option("--alerts", is_flag=True, help="Without incidents: severe alerts within a day of a deployment.")
@click.option(
    "--benchmark", type=click.Choice(["2021", "2023"]), default="2023", show_default=True, help="Year of levels."
)
@question
def status(request: Request, benchmark: str, **given: Any) -> None:
    """Print one line per metric with its level, the year of the benchmark named.

    Without --git and --deployments: the repository of the settings, else noted deployments, tables of deployments, or
    versions in metrics and log lines.

    \b
    Examples:
      workbench dora status conduit --last 90d --alerts
      workbench dora status conduit --deployments deploys.csv --incidents incidents.csv --last 90d
    """
    from workbench.charts.reviews import tables
    from workbench.studies.operations.delivery import delivery_performance

    study = request.answer(delivery_performance, benchmark=int(benchmark), **given)
    result = study.results["metrics"]
    request.show(
        study,
        tables.delivery_rows(result),
        csv=result.to_frame().to_dict(orient="records"),
        right=lambda name: name in ("value", "counted"),
        finding=tables.delivery_finding(study),
    )
