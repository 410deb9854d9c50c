"""``workbench traces show``: one trace."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.shared.output import format_option
from workbench.cli.shared.period import PeriodOptions, period_options
from workbench.cli.shared.question import Request


@click.command()
@click.argument("trace_id")
@click.option("--system", help="System of the trace; by default all are tried.")
@click.option("--raw", is_flag=True, help="Show the clock before its repair beside.")
@click.option("--statistics", is_flag=True, help="Add statistics by service and operation.")
@period_options
@format_option
@click.pass_obj
def show(
    state: Any, trace_id: str, system: str | None, raw: bool, statistics: bool, period: PeriodOptions, format_: str
) -> None:
    """Print one trace: tree with self time, critical path, where failures began, and the log lines between.

    \b
    Examples:
      workbench traces show 731665ae2a800b609d116c601d0db84e
      workbench traces show 731665ae2a800b609d116c601d0db84e --system choreoai --raw --format json
    """
    import sys

    from workbench.charts.traces import tables
    from workbench.cli.shared.output import say
    from workbench.studies import trace_detail

    context = state.context()
    span, as_of = period.read(context.clock(), context, default="30d")
    study = None
    for name in (system,) if system else context.systems:
        answer = trace_detail(context, trace_id=trace_id, system=name, range=span, as_of=as_of)
        study = answer if study is None or answer.results else study
        # Systems may share a source: the trace is that of the system whose services are in it.
        if answer.results and (
            system or set(answer.results["spans"].frame["service"]) & set(context.services_of(name))
        ):
            break
    if study is None or not study.results:
        notes = study.warnings if study is not None else ()
        say(f"No trace {trace_id} in {span}." + "".join(f"\nNote: {text}" for text in notes))
        sys.exit(3 if study is not None and study.status == "unavailable" else 4)
    results: Any = study.results
    texts = [tables.span_rows(results["spans"], raw=raw), tables.section_rows(results["path"])]
    texts += [tables.statistic_rows(results["operations"])] if statistics else []
    texts += [tables.failure_rows(results["failures"]), tables.token_rows(results["tokens"])]
    texts.append(tables.line_rows(results["lines"]))
    spans = results["spans"]
    number = f"{len(spans.frame):,} span{'s' if len(spans.frame) != 1 else ''}"
    services = f"{spans.services} service{'s' if spans.services != 1 else ''}"
    Request(state, study.system, period, format_).show(
        study,
        *texts,
        csv=spans.to_frame().to_dict(orient="records"),
        right=lambda column: column not in tables.TEXT,
        finding=f"{number}, {services}, in {tables.ms_text(spans.duration_ms)}",
    )
