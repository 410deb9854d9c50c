"""``workbench traces find``: spans by the neutral filter."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.logs import conditions
from workbench.cli.shared.output import format_option, print_csv, print_json, print_table, say
from workbench.cli.shared.period import PeriodOptions, period_options

#: Columns of the table; JSON and CSV have all.
SHOWN = ("time", "service", "operation", "status", "duration_ms", "trace_id", "span_id")


@click.command()
@click.argument("system")
@click.option("--service", "services", multiple=True, help="Service; may be repeated.")
@click.option("--operation", "operations", multiple=True, help="Operation; may be repeated.")
@click.option("--status", default="", help="Status of the span: ok, error or unset.")
@click.option("--slower-than", default="", help="Least duration, e.g. 2s.")
@click.option("--where", multiple=True, metavar="NAME=VALUE", help="Attribute condition: =, != or =~.")
@click.option("--trace", "trace_id", default="", help="Trace id.")
@click.option("--count-by", default="", help="Estimate spans by service, operation, status, kind or an attribute.")
@click.option("--wide", is_flag=True, help="Add kind, ids, weight and attributes to the table.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="Slowest spans to print.")
@period_options
@format_option
@click.pass_obj
def find(
    state: Any,
    system: str,
    services: tuple[str, ...],
    operations: tuple[str, ...],
    status: str,
    slower_than: str,
    where: tuple[str, ...],
    trace_id: str,
    count_by: str,
    wide: bool,
    limit: int,
    period: PeriodOptions,
    format_: str,
) -> None:
    """Find spans of a system, slowest first, or estimate how many there were: each kept span is weighed.

    JSON and CSV hold everything of a span; ``--wide`` shows it in the table too.

    \b
    Examples:
      workbench traces counterfactual-lab --slower-than 5s --last 24h
      workbench traces find counterfactual-lab --status error --last 7d --format json
      workbench traces counterfactual-lab --last 7d --count-by status
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
    if count_by:
        _counted(context, system, span, wanted, count_by, format_)
        return
    rows, result, warnings = find_spans(context, system=system, range=span, wanted=wanted, limit=limit)
    for warning in warnings:
        say(f"Warning: {warning}")
    if format_ == "table" and not wide:
        rows = [{name: row[name] for name in SHOWN} for row in rows]
    {"json": print_json, "csv": print_csv, "table": print_table}[format_](rows)
    say(
        f"{'1 span matches' if result == 1 else f'{result:,} spans match'} in {span}"
        + (f", the slowest {limit} are shown" if result > limit else "")
    )


def _counted(context: Any, system: str, span: Any, wanted: Any, count_by: str, format_: str) -> None:
    """Print estimated counts and shares with their intervals."""
    from workbench.charts.traces.counts import count_rows
    from workbench.studies import count_spans

    counts = count_spans(context, system=system, range=span, wanted=wanted, by=count_by)
    if format_ == "table":
        print_table(count_rows(counts), right=["kept", "spans (95 %)", "standard error", "share (95 %)"])
    else:
        {"json": print_json, "csv": print_csv}[format_](counts.to_frame().to_dict(orient="records"))
    for note in counts.notes:
        say(f"Note: {note}")
    kept = int(counts.frame["kept"].sum())
    say(f"{'1 kept span matches' if kept == 1 else f'{kept:,} kept spans match'} in {span}")
