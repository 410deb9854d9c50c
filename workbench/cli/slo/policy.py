"""``workbench slo policy`` and ``review``: what follows from the budgets, and which objectives to look at again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from workbench.cli.shared.output import exit_by_status, format_option, print_csv, print_json, print_table, say


@click.command()
@click.argument("system")
@click.option(
    "--policy",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Policy; else the shipped one.",
)
@click.option("--at", help="Instant judged, ISO 8601; now by default.")
@click.option("--check", is_flag=True, help="Exit 1 when a step is reached.")
@format_option
@click.pass_obj
def policy(state: Any, system: str, file: Path | None, at: str | None, check: bool, format_: str) -> None:
    """Print the steps of the error-budget policy that are reached, with their consequences.

    \b
    Examples:
      workbench slo policy counterfactual-lab
      workbench slo policy counterfactual-lab --policy our-policy.yaml --check
    """
    from workbench.charts.slo.policy_tables import policy_rows
    from workbench.core.timerange import parse_instant
    from workbench.studies.slo.policy import slo_policy

    context = state.context()
    as_of = parse_instant(at, zone=state.settings.zone) if at else context.clock()
    study = slo_policy(context, system=system, as_of=as_of, policy=file)
    _shown(study, policy_rows(study.results["policy"]), format_)
    if check and (study.results["policy"].frame["state"] == "reached").any():
        sys.exit(1)


@click.command()
@click.argument("system")
@click.option("--at", help="Instant judged, ISO 8601; now by default.")
@format_option
@click.pass_obj
def review(state: Any, system: str, at: str | None, format_: str) -> None:
    """Print objectives that never burn, always overspend, have no data or are overdue for review.

    A review is written down with: workbench slo annotate add SYSTEM --kind review --at … --text …

    \b
    Example:
      workbench slo review counterfactual-lab
    """
    from workbench.charts.slo.policy_tables import review_rows
    from workbench.core.timerange import parse_instant
    from workbench.studies.slo.policy import slo_review

    context = state.context()
    as_of = parse_instant(at, zone=state.settings.zone) if at else context.clock()
    study = slo_review(context, system=system, as_of=as_of)
    _shown(study, review_rows(study.results["review"]), format_)


def _shown(study: Any, rows: list[dict[str, str]], format_: str) -> None:
    if format_ == "json":
        print_json(study.to_dict())
    else:
        {"csv": print_csv, "table": print_table}[format_](rows)
    say(*(f"Warning: {warning}" for warning in study.warnings))
    exit_by_status(study.status)
