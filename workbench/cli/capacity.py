"""``workbench capacity``: when resources run out, the numbers of the capacity page and the report."""

from __future__ import annotations

import click

from workbench.cli.shared.question import Request, question


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
    type=click.Choice(["limits", "headroom", "use", "plan", "money", "backtests"]),
    default="limits",
    show_default=True,
    help="Which table to print.",
)
@click.option("--horizon", default=30, show_default=True, help="How far ahead, in days.")
@click.option(
    "--check", is_flag=True, help="Exit 1 when a limit is reached, or is within its lead time with 33 % or more."
)
@question
def status(
    request: Request,
    show: str,
    horizon: int,
    check: bool,
) -> None:
    """Print one line per limit: use now, probabilities, date with interval; or the room left; or past errors.

    \b
    Examples:
      workbench capacity status counterfactual-lab
      workbench capacity status counterfactual-lab --show headroom
      workbench capacity status counterfactual-lab --show use
      workbench capacity status counterfactual-lab --show plan --horizon 60
      workbench capacity status counterfactual-lab --show money
      workbench capacity status counterfactual-lab --show backtests
      workbench capacity status counterfactual-lab --check
    """
    from workbench.charts.capacity import money_tables, tables
    from workbench.studies import capacity_forecast

    study = request.answer(capacity_forecast, horizon_days=horizon)
    result = study.results["money" if show == "money" else "limits"]
    texts = {
        "limits": tables.limit_rows,
        "headroom": tables.headroom_rows,
        "use": tables.use_rows,
        "plan": tables.plan_rows,
        "money": money_tables.money_rows,
        "backtests": tables.backtest_rows,
    }
    request.show(
        study,
        texts[show](result),
        csv=result.to_frame().to_dict(orient="records"),
        right=lambda name: name not in (*tables.TEXT, *money_tables.TEXT),
        finding=tables.capacity_finding(study),
        check=check,
    )


@capacity.command()
@click.option("--demand", default=0.0, show_default=True, help="More customers or requests, in percent.")
@click.option("--per-request", default=0.0, show_default=True, help="More tokens or work for each, in percent.")
@click.option("--nodes", default=1, show_default=True, help="Nodes that carry the load now.")
@click.option("--lose", default=0, show_default=True, help="How many of them are gone.")
@click.option("--limit", type=float, default=None, help="Factor on the limits, e.g. 2 for twice as much.")
@click.option("--resource", default="", help="Only levels with this in their name.")
@click.option("--horizon", default=30, show_default=True, help="How far ahead, in days.")
@question
def whatif(
    request: Request,
    demand: float,
    per_request: float,
    nodes: int,
    lose: int,
    limit: float | None,
    resource: str,
    horizon: int,
) -> None:
    """Print each limit as it is and as it would be with more demand, fewer nodes or another limit.

    \b
    Examples:
      workbench capacity whatif counterfactual-lab --demand 20
      workbench capacity whatif counterfactual-lab --nodes 4 --lose 1 --resource cpu
      workbench capacity whatif counterfactual-lab --resource disk --limit 2
    """
    from workbench.analysis.capacity.what_if import Change
    from workbench.charts.capacity import tables
    from workbench.studies import capacity_forecast

    change = Change(demand / 100, per_request / 100, nodes, lose, limit, resource)
    study = request.answer(capacity_forecast, horizon_days=horizon, change=change)
    result = study.results["what_if"]
    request.show(
        study,
        tables.what_if_rows(result),
        csv=result.to_frame().to_dict(orient="records"),
        right=lambda name: name not in tables.TEXT,
    )
