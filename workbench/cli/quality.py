"""``workbench quality``: drift of scores, the numbers of the quality page and the report."""

from __future__ import annotations

import click

from workbench.cli.shared.question import Asked, question


@click.group()
def quality() -> None:
    """Scores of quality and bias against the same hour a week before.

    \b
    Example:
      workbench quality status counterfactual-lab --period last-month
    """


@quality.command()
@click.option(
    "--show",
    type=click.Choice(["states", "drifts", "limits", "documented"]),
    default="states",
    show_default=True,
    help="Which table to print.",
)
@click.option("--check", is_flag=True, help="Exit 1 when a score drifts or breaks a limit at the end of the period.")
@question
def status(
    asked: Asked,
    show: str,
    check: bool,
) -> None:
    """Print one line a score: last day, a week before, interval, effect, verdict; or another table.

    \b
    Examples:
      workbench quality status counterfactual-lab
      workbench quality status counterfactual-lab --show drifts --period last-month
      workbench quality status counterfactual-lab --check
    """
    from workbench.charts.quality import tables
    from workbench.studies import quality_drift

    study = asked.answer(quality_drift)
    texts = {
        "states": tables.state_rows,
        "drifts": tables.drift_rows,
        "limits": tables.limit_rows,
        "documented": tables.documented_rows,
    }
    asked.show(
        study,
        texts[show](study.results[show]),
        csv=study.results[show].to_frame().to_dict(orient="records"),
        right=lambda name: name not in tables.TEXT,
        finding=tables.quality_finding(study),
        check=check,
    )
