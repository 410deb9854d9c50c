"""``workbench capacity``: when resources run out, the numbers of the capacity page and the report."""

from __future__ import annotations

import click

from workbench.cli.shared.question import Asked, question


@click.group()
def capacity() -> None:
    """Forecasts of disks, memory, connections and budgets against their limits.

    \b
    Example:
      workbench capacity status counterfactual-lab --period last-month
    """


@capacity.command()
@click.option(
    "--show",
    type=click.Choice(["limits", "backtests"]),
    default="limits",
    show_default=True,
    help="Which table to print.",
)
@click.option("--horizon", default=30, show_default=True, help="How far ahead, in days.")
@click.option("--check", is_flag=True, help="Exit 1 when a limit is near or broken.")
@question
def status(
    asked: Asked,
    show: str,
    horizon: int,
    check: bool,
) -> None:
    """Print one line per limit: use now, trend, date with interval; or the error of past forecasts.

    \b
    Examples:
      workbench capacity status counterfactual-lab
      workbench capacity status counterfactual-lab --show backtests
      workbench capacity status counterfactual-lab --check
    """
    from workbench.charts.capacity import tables
    from workbench.studies import capacity_forecast

    study = asked.answer(capacity_forecast, horizon_days=horizon)
    texts = {"limits": tables.limit_rows, "backtests": tables.backtest_rows}
    asked.show(
        study,
        texts[show](study.results["limits"]),
        csv=study.results["limits"].to_frame().to_dict(orient="records"),
        right=lambda name: name not in tables.TEXT,
        finding=tables.capacity_finding(study),
        check=check,
    )
