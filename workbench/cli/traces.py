"""``workbench traces``: spans by the neutral filter."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.logs import conditions
from workbench.cli.shared.output import format_option, print_csv, print_json, print_table, say
from workbench.cli.shared.period import PeriodOptions, period_options


@click.command()
@click.argument("system")
@click.option("--service", "services", multiple=True, help="Service; may be repeated.")
@click.option("--operation", "operations", multiple=True, help="Operation; may be repeated.")
@click.option("--status", default="", help="Status of the span: ok, error or unset.")
@click.option("--slower-than", default="", help="Least duration, e.g. 2s.")
@click.option("--where", multiple=True, metavar="NAME=VALUE", help="Attribute condition: =, != or =~.")
@click.option("--trace", "trace_id", default="", help="Trace id.")
@click.option("--limit", type=int, default=100, show_default=True, help="Slowest spans to print.")
@period_options
@format_option
@click.pass_obj
def traces(
    state: Any,
    system: str,
    services: tuple[str, ...],
    operations: tuple[str, ...],
    status: str,
    slower_than: str,
    where: tuple[str, ...],
    trace_id: str,
    limit: int,
    period: PeriodOptions,
    format_: str,
) -> None:
    """Find spans of a system, slowest first.

    \b
    Examples:
      workbench traces counterfactual-lab --slower-than 5s --last 24h
      workbench traces counterfactual-lab --status error --last 7d --format json
    """
    from workbench.core.filters import SpanFilter
    from workbench.core.timerange import duration_ms
    from workbench.studies.operations.ask import find_spans

    context = state.context()
    now = context.clock()
    span, _ = period.read(now, state.settings, default="24h")
    wanted = SpanFilter(
        services=services,
        operations=operations,
        status=status,
        min_duration_ns=duration_ms(slower_than) * 1_000_000 if slower_than else 0,
        attributes=conditions(where),
        trace_id=trace_id,
    )
    rows, found, warnings = find_spans(context, system=system, range=span, wanted=wanted, limit=limit)
    for warning in warnings:
        say(f"Warning: {warning}")
    {"json": print_json, "csv": print_csv, "table": print_table}[format_](rows)
    say(f"{found:,} spans match in {span}" + (f", the slowest {limit} are shown" if found > limit else ""))
