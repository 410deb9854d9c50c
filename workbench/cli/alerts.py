"""``workbench alerts``: load of alerts against published limits, the numbers of the alerts page and the report."""

from __future__ import annotations

import click

from workbench.cli.shared.question import Asked, question


@click.group()
def alerts() -> None:
    """Episodes of alerts: how often, how long, which flap, stand or come in heaps.

    \b
    Example:
      workbench alerts status counterfactual-lab --month last-month
    """


@alerts.command()
@click.option(
    "--show",
    type=click.Choice(["rules", "measures", "episodes", "noisiest", "bursts", "interruptions", "shifts"]),
    default="rules",
    show_default=True,
    help="Which table to print.",
)
@click.option("--people", default=1, show_default=True, help="People on call at a time; limits are per person.")
@click.option("--without", multiple=True, help="Label that makes no alert of its own, e.g. replica.")
@question
def status(
    asked: Asked,
    show: str,
    people: int,
    without: tuple[str, ...],
) -> None:
    """Print one line a rule: episodes, durations, flapping, stale; or another table.

    \b
    Examples:
      workbench alerts status counterfactual-lab
      workbench alerts status counterfactual-lab --show measures --people 2
      workbench --zone Europe/Warsaw alerts status counterfactual-lab --show shifts
      workbench alerts status counterfactual-lab --show episodes --last 7d --format csv
    """
    from workbench.charts.alerts import tables
    from workbench.studies import alert_load

    study = asked.answer(alert_load, positions=people, without=without)
    texts = {
        "rules": tables.rule_rows,
        "measures": tables.measure_rows,
        "episodes": tables.episode_rows,
        "noisiest": tables.noisiest_rows,
        "bursts": tables.burst_rows,
        "interruptions": tables.interruption_rows,
        "shifts": tables.shift_rows,
    }
    asked.show(
        study,
        texts[show](study.results[show]),
        csv=study.results[show].to_frame().to_dict(orient="records"),
        right=lambda name: name not in tables.TEXT,
        finding=tables.alerts_finding(study),
    )


@alerts.command()
@click.option("--least", default=2.0, show_default=True, help="Percentage of a budget from which a burn is an event.")
@click.option("--without", multiple=True, help="Label that makes no alert of its own, e.g. replica.")
@question
def rules(asked: Asked, least: float, without: tuple[str, ...]) -> None:
    """Print which rule earns its pages: precision, recall, detection time, pages without use.

    A rule is held against the burns of the objectives that its profile entry names, and against incidents written down
    with `workbench slo annotate`. A rule that guards no objective is not judged, which is not 0 %.

    \b
    Examples:
      workbench alerts rules counterfactual-lab --month last-month
      workbench alerts rules conduit --least 5 --format csv
    """
    from workbench.charts.alerts.worth_tables import TEXT, worth_finding, worth_rows
    from workbench.studies import alert_rule_worth

    study = asked.answer(alert_rule_worth, least_share=least / 100, without=without)
    worth = study.results["worth"]
    asked.show(
        study,
        worth_rows(worth),
        csv=worth.to_frame().to_dict(orient="records"),
        right=lambda name: name not in TEXT,
        finding=worth_finding(study),
    )
