"""``workbench performance``: the numbers of the performance page and the report."""

from __future__ import annotations

import sys
from typing import Any

import click

from workbench.cli.output import format_option, print_csv, print_json, print_table, say
from workbench.cli.period import chosen_period, period_options

_NUMBERS = ("requests", "rate", "errors", "error share", "p50", "p95", "p99", "available", "refused", "share", "count",
            "hits", "misses", "hit share", "left now", "least left", "mean", "peak", "at the end", "breaches",
            "in breach", "longest", "share of time", "worst", "unknown", "lasted")  # fmt: skip


@click.group()
def performance() -> None:
    """Rate, errors and duration, availability, limits, caches, resources and broken thresholds.

    \b
    Example:
      workbench performance status counterfactual-lab --last 1d
    """


@performance.command()
@click.argument("system")
@click.option("--check", is_flag=True, help="Exit 1 when a threshold is broken at the end of the period.")
@period_options
@format_option
@click.pass_obj
def status(
    state: Any,
    system: str,
    check: bool,
    last: str | None,
    month: str | None,
    since: str | None,
    until: str | None,
    format_: str,
) -> None:
    """Print flows, thresholds, availability, limits, caches and resources; csv prints the flows.

    \b
    Examples:
      workbench performance status counterfactual-lab
      workbench performance status counterfactual-lab --month last-month --format json
    """
    from workbench.charts import performance_tables as words
    from workbench.studies import service_performance

    context = state.context()
    now = context.clock()
    span = chosen_period(now, context.zone, last=last, month=month, since=since, until=until, default="30d")
    study = service_performance(context, system=system, range=span, as_of=min(now, span.end))
    results = study.results
    if format_ == "json":
        print_json(study.to_dict())
    elif format_ == "csv":
        print_csv(results["flows"].to_frame().to_dict(orient="records"))
    else:
        parts = [
            words.flow_rows(results["flows"]),
            words.threshold_rows(results["thresholds"]),
            words.breach_rows(results["breaches"]),
            words.availability_rows(results["availability"]),
            words.limit_rows(results["limits"]),
            words.cache_rows(results["caches"]),
            words.resource_rows(results["resources"]),
            words.error_rows(results["resource_errors"]),
        ]
        for number, rows in enumerate(part for part in parts if part):
            if number:
                click.echo()
            print_table(rows, right=[name for name in rows[0] if name in _NUMBERS])
        say(f"{system}, {study.range}")
    for note in (*study.warnings, *(note for result in results.values() for note in result.notes)):
        say(f"Note: {note}")
    if study.status in ("unavailable", "refused"):
        sys.exit(3 if study.status == "unavailable" else 9)
    if check and study.status == "at_risk":
        sys.exit(1)
