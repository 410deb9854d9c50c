"""``workbench query``: PromQL against a source of the settings."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.shared.output import format_option, print_csv, print_json, print_table, say
from workbench.cli.shared.period import PeriodOptions, period_options


@click.command()
@click.argument("promql")
@click.option("--source", help="Source of the settings; the first by default.")
@click.option("--system", help="Restrict every selector to the scope of this system.")
@click.option("--at", help="Evaluate once, at this instant (ISO 8601 or 'now').")
@click.option("--step", default="", help="Step of a range query, e.g. 1m; about 250 points by default.")
@click.option("--explain", is_flag=True, help="Say what the query would cost and do not run it.")
@period_options
@format_option
@click.pass_obj
def query(
    state: Any,
    promql: str,
    source: str | None,
    system: str | None,
    at: str | None,
    step: str,
    explain: bool,
    period: PeriodOptions,
    format_: str,
) -> None:
    """Evaluate PromQL and print the samples.

    \b
    Examples:
      workbench query 'sum(rate(http_requests_total[5m]))' --last 6h --step 5m
      workbench query 'up' --at now --format json
      workbench query 'rate(http_requests_total[5m])' --last 90d --explain
    """
    from workbench.core.errors import EmptyAnswer
    from workbench.core.histograms import is_mark
    from workbench.core.result import jsonable
    from workbench.core.timerange import duration_ms, parse_instant
    from workbench.core.units import number_text, unbounded
    from workbench.studies.operations.ask import explain_query, query_metrics, why_empty

    context = state.context()
    now = context.clock()
    instant = None if at is None else now if at == "now" else parse_instant(at, zone=state.settings.zone)
    span, _ = period.read(now, state.settings, default="1h")
    step_ms = duration_ms(step) if step else None
    if explain:
        click.echo(explain_query(context, promql, source=source, system=system, range=span, step_ms=step_ms).text)
        return
    answer = query_metrics(context, promql, source=source, system=system, at=instant, range=span, step_ms=step_ms)
    if not answer.labels:
        raise EmptyAnswer(
            "The query matched no series.",
            source=answer.meta.get("source", ""),
            query=promql,
            hint=why_empty(context, promql, source=source, system=system, at=instant or span.end),
        )
    rows = [
        {key: number_text(value) if unbounded(value) else jsonable(value) for key, value in row.items()}
        for row in answer.long().to_dict(orient="records")
    ]
    {"json": print_json, "csv": print_csv, "table": print_table}[format_](rows)
    for text in (*answer.meta.get("warnings", ()), *answer.meta.get("infos", ())):
        say(f"Warning: {text}")
    if is_mark(answer.values[answer.present]).any():
        say("Native histograms have no single value: ask histogram_quantile(), histogram_count() or histogram_avg().")
    made = f"{answer.meta.get('engine', '')} {answer.meta.get('semantics', '')}"
    say(f"{made}, tier {answer.meta.get('tier', 'raw')}, {len(answer.labels)} series")
