"""``workbench dora``: the five metrics of delivery."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.cli.shared.question import Asked, question

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def dora() -> None:
    """Deployment frequency, lead time, fail rate, recovery time, rework rate.

    \b
    Example:
      workbench dora status conduit --deployments deploys.csv --period 2026-10
    """


@dora.command()
@click.option(
    "--deployments", type=_FILE, required=True, help="CSV: deployment, finished [result, environment, rework]."
)
@click.option("--incidents", type=_FILE, help="CSV: created, resolved (empty while open).")
@click.option("--requests", type=_FILE, help="CSV: first_commit, created, first_review, merged, deployed.")
@click.option(
    "--benchmark", type=click.Choice(["2021", "2023"]), default="2023", show_default=True, help="Year of levels."
)
@question
def status(asked: Asked, deployments: Path, incidents: Path | None, requests: Path | None, benchmark: str) -> None:
    """Print one line per metric with its level, the year of the benchmark named.

    \b
    Example:
      workbench dora status conduit --deployments deploys.csv --incidents incidents.csv --last 90d
    """
    from workbench.charts.reviews import tables
    from workbench.studies.operations.delivery import delivery_performance

    study = asked.answer(
        delivery_performance, deployments=deployments, incidents=incidents, requests=requests, benchmark=int(benchmark)
    )
    result = study.results["metrics"]
    asked.show(
        study,
        tables.delivery_rows(result),
        csv=result.to_frame().to_dict(orient="records"),
        right=lambda name: name in ("value", "of"),
    )
