"""``workbench performance``: the numbers of the performance page and the report."""

from __future__ import annotations

import click

from workbench.cli.shared.question import Request, question

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
@click.option("--check", is_flag=True, help="Exit 1 when a threshold is broken at the end of the period.")
@question
def status(
    request: Request,
    check: bool,
) -> None:
    """Print flows, thresholds, availability, limits, caches and resources; csv prints the flows.

    \b
    Examples:
      workbench performance status counterfactual-lab
      workbench performance status counterfactual-lab --period last-month --format json
    """
    from workbench.charts.performance import tables as words
    from workbench.studies import service_performance

    study = request.answer(service_performance)
    results = study.results
    request.show(
        study,
        words.flow_rows(results["flows"]),
        words.threshold_rows(results["thresholds"]),
        words.breach_rows(results["breaches"]),
        words.availability_rows(results["availability"]),
        words.limit_rows(results["limits"]),
        words.cache_rows(results["caches"]),
        words.resource_rows(results["resources"]),
        words.error_rows(results["resource_errors"]),
        csv=results["flows"].to_frame().to_dict(orient="records"),
        right=_NUMBERS.__contains__,
        check=check,
    )
