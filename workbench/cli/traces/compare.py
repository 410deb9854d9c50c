"""``workbench traces compare``: two windows, operation by operation."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.shared.output import format_option
from workbench.cli.shared.period import PeriodOptions, period_options
from workbench.cli.shared.question import Request


@click.command()
@click.argument("system")
@click.option("--operation", default="", help="Only traces of which some span has this operation.")
@click.option(
    "--against", default="7d", show_default=True, metavar="DURATION",
    help="Compare with the same hours so long before.",
)  # fmt: skip
@period_options
@format_option
@click.pass_obj
def compare(state: Any, system: str, operation: str, against: str, period: PeriodOptions, format_: str) -> None:
    """Compare the traces of a window (the last 24 h) with those of the same hours some time before.

    \b
    Examples:
      workbench traces compare llm-ab-testing --last 1h --against 1h
      workbench traces compare llm-ab-testing --from 2026-11-25T14:50Z --to 2026-11-25T15:20Z --against 7d
    """
    from datetime import timedelta

    from workbench.charts.traces import tables
    from workbench.core.timerange import TimeRange, duration_ms
    from workbench.studies import trace_compare

    context = state.context()
    span, as_of = period.read(context.clock(), context, default="24h")
    back = timedelta(milliseconds=duration_ms(against))
    before = TimeRange(span.start - back, span.end - back)
    study = trace_compare(context, system=system, range=span, as_of=as_of, against=before, operation=operation)
    result = study.results.get("comparison")
    Request(state, system, period, format_).show(
        study,
        tables.comparison_rows(result) if result else [],
        csv=result.to_frame().to_dict(orient="records") if result else [],
        right=lambda column: column not in tables.TEXT,
        finding=f"against {before}",
    )
