"""``workbench cost``: spend and tokens, the numbers of the cost page and the report."""

from __future__ import annotations

import sys
from typing import Any

import click

from workbench.cli.output import format_option, print_csv, print_json, print_table, say
from workbench.cli.period import chosen_period, period_options

_TEXT = ("measure", "by", "group", "per", "counter", "budget", "status", "day")


@click.group()
def cost() -> None:
    """Spend and tokens by every label they are counted with, unit costs and budgets.

    \b
    Example:
      workbench cost status counterfactual-lab --month last-month
    """


@cost.command()
@click.argument("system")
@click.option("--by", help="Only this label, e.g. model, provider, key, service, or day.")
@period_options
@format_option
@click.pass_obj
def status(
    state: Any,
    system: str,
    by: str | None,
    last: str | None,
    month: str | None,
    since: str | None,
    until: str | None,
    format_: str,
) -> None:
    """Print totals, the groups of each label, unit costs and budgets.

    \b
    Examples:
      workbench cost status counterfactual-lab
      workbench cost status counterfactual-lab --by service --month last-month
      workbench cost status counterfactual-lab --by day --format csv
    """
    from workbench.charts.cost_tables import budget_rows, compared_with, day_rows, group_rows, total_rows, unit_rows
    from workbench.core.errors import ParameterError
    from workbench.studies import spend_and_tokens

    context = state.context()
    now = context.clock()
    span = chosen_period(now, context.zone, last=last, month=month, since=since, until=until, default="30d")
    study = spend_and_tokens(context, system=system, range=span, as_of=min(now, span.end))
    known = list(study.results["groups"].frame["dimension"].unique())
    if by not in (None, "day", *known) and known:
        raise ParameterError(f"{system} does not count by {by!r}.", hint=f"Labels: {', '.join([*known, 'day'])}.")
    if format_ == "json":
        print_json(study.to_dict())
    elif format_ == "csv":
        frame = study.results["days" if by == "day" else "groups"].to_frame()
        rows = frame if by in (None, "day") else frame[frame["dimension"] == by]
        print_csv(rows.to_dict(orient="records"))
    else:
        parts = [total_rows(study.results["totals"])]
        if by == "day":
            parts.append(day_rows(study.results["days"]))
        else:
            parts.append(group_rows(study.results["groups"], dimension=by or ""))
        if by is None:
            parts += [unit_rows(study.results["unit_costs"]), budget_rows(study.results["budgets"])]
        for number, rows in enumerate(part for part in parts if part):
            if number:
                click.echo()
            print_table(rows, right=[name for name in rows[0] if name not in _TEXT])
        say(f"{system}, {study.range}; compared with {compared_with(study.results['totals'])}")
    for note in (*study.warnings, *(note for result in study.results.values() for note in result.notes)):
        say(f"Note: {note}")
    if study.status in ("unavailable", "refused"):
        sys.exit(3 if study.status == "unavailable" else 9)
