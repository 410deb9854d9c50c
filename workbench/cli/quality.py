"""``workbench quality``: drift of scores, the numbers of the quality page and the report."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.shared.question import Asked, question


@click.group()
def quality() -> None:
    """Scores of quality and bias against a reference of weeks.

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
    """Print one line per score: last day, reference, interval, verdict; or another table.

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


@quality.command()
@click.argument("system")
@click.option("--score", required=True, help="Role of the profile, e.g. quality or bias.age.")
@click.option("--series", default="all", show_default=True, help="Series of the score, as tables show it.")
@click.option("--at", "since", help="From when on, ISO 8601; now by default.")
@click.option("--note", required=True, help="Why the level is accepted.")
@click.pass_obj
def accept(state: Any, system: str, score: str, series: str, since: str | None, note: str) -> None:
    """Accept the level of a score as its new usual: an open drift of it ends; print the id.

    The acceptance keeps your name and the time. Take it back with `workbench slo annotate revoke`.

    \b
    Example:
      workbench quality accept counterfactual-lab --score quality --series "method icg" --note "New training data"
    """
    from workbench.core.timerange import parse_instant
    from workbench.studies.quality.accepted import accept_level

    context = state.context()
    at = parse_instant(since, zone=state.settings.zone) if since else context.clock()
    click.echo(accept_level(context, system=system, score=score, at=at, note=note, series=series).id)
