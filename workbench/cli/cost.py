"""``workbench cost``: spend and tokens, the numbers of the cost page and the report."""

from __future__ import annotations

import click

from workbench.cli.shared.question import Asked, question

_TEXT = (
    "measure",
    "by",
    "group",
    "per",
    "counter",
    "budget",
    "status",
    "day",
    "from",
    "to",
    "severity",
    "provider",
    "verdict",
)


@click.group()
def cost() -> None:
    """Spend and tokens by every label they are counted with, unit costs and budgets.

    \b
    Example:
      workbench cost status counterfactual-lab --period last-month
    """


@cost.command()
@click.option("--by", help="Only this label, e.g. model, provider, key, service, or day.")
@question
def status(
    asked: Asked,
    by: str | None,
) -> None:
    """Print totals, the groups of each label, what stands out, unit costs, budgets and invoices.

    \b
    Examples:
      workbench cost status counterfactual-lab
      workbench cost status counterfactual-lab --by service --period last-month
      workbench cost status counterfactual-lab --by day --format csv
    """
    from workbench.charts.cost import tables as rows_of
    from workbench.core.errors import ParameterError
    from workbench.studies import spend_and_tokens

    study = asked.answer(spend_and_tokens)
    results = study.results
    known = list(results["groups"].frame["dimension"].unique())
    if by not in (None, "day", *known) and known:
        raise ParameterError(f"{asked.system} does not count by {by!r}.", hint=f"Labels: {', '.join([*known, 'day'])}.")
    groups = results["groups"].to_frame()
    parts = [rows_of.total_rows(results["totals"])]
    if by == "day":
        groups = results["days"].to_frame()
        parts.append(rows_of.day_rows(results["days"]))
    elif by:
        groups = groups[groups["dimension"] == by]
        parts.append(rows_of.group_rows(results["groups"], dimension=by))
    else:
        parts += [rows_of.group_rows(results["groups"]), rows_of.jump_rows(results["jumps"])]
        parts += [rows_of.unit_rows(results["unit_costs"]), rows_of.budget_rows(results["budgets"])]
        parts += [rows_of.invoice_rows(results["invoices"])]
    asked.show(
        study,
        *parts,
        csv=groups.to_dict(orient="records"),
        right=lambda name: name not in _TEXT,
        finding=f"compared with {rows_of.compared_with(results['totals'])}",
    )
