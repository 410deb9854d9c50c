"""``workbench traces red|graph|path|slowest|failures|tokens|health``: tables of one analysis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from workbench.cli.shared.output import format_option
from workbench.cli.shared.period import PeriodOptions, period_options
from workbench.cli.shared.question import Request


def _verb(command: Callable[..., None]) -> Any:
    """Give a command SYSTEM, ``--operation``, ``--overlap``, a period (24 h by default) and a format."""
    import functools

    def request(
        state: Any, /, system: str, operation: str, overlap: float, period: PeriodOptions, format_: str, **more: Any
    ) -> None:
        from workbench.studies import trace_analysis

        context = state.context()
        span, as_of = period.read(context.clock(), context, default="24h")
        study = trace_analysis(
            context, system=system, range=span, as_of=as_of, operation=operation, overlap=overlap / 100
        )
        command(Request(state, system, period, format_), study, **more)

    functools.update_wrapper(request, command)
    options = (
        click.option("--operation", default="", help="Only traces of which some span has this operation."),
        click.option(
            "--overlap", default=0.0, show_default=True, type=click.FloatRange(0, 50),
            help="Overlap of siblings that still counts as sequential, in percent of the parent (CRISP: 1).",
        ),
    )  # fmt: skip
    wrapped: Any = period_options(format_option(click.pass_obj(request)))
    for option in options:
        wrapped = option(wrapped)
    return click.argument("system")(wrapped)


def _show(request: Request, study: Any, name: str, *tables: str, finding: str = "traces_finding") -> None:
    from workbench.charts.traces import tables as texts

    if not study.results:
        request.show(study, [], csv=[], right=lambda _: False)
        return
    rows = [getattr(texts, f"{table}_rows")(study.results[result]) for table, result in map(str.split, tables)]
    request.show(
        study,
        *rows,
        csv=study.results[name].to_frame().to_dict(orient="records"),
        right=lambda column: column not in texts.TEXT,
        finding=getattr(texts, finding)(study),
    )


@click.command()
@_verb
def red(request: Request, study: Any) -> None:
    """Print rate, errors and duration of each operation, weighed by what each kept trace stands for.

    \b
    Examples:
      workbench traces red llm-ab-testing
      workbench traces red llm-ab-testing --operation db.query --from 2026-11-25T14:00Z --to 2026-11-25T15:00Z
    """
    _show(request, study, "operations", "operation operations")


@click.command()
@_verb
def graph(request: Request, study: Any) -> None:
    """Print who calls whom: calls, errors, duration; databases and providers without spans stand outside.

    \b
    Example:
      workbench traces graph conduit --last 6h
    """
    _show(request, study, "graph", "graph graph")


@click.command()
@_verb
def path(request: Request, study: Any) -> None:
    """Print the mean critical path by band of latency, and what traces would save without an operation.

    \b
    Examples:
      workbench traces path llm-ab-testing
      workbench traces path choreoai --overlap 1 --format csv
    """
    _show(request, study, "paths", "band paths", "saved saved")


@click.command()
@_verb
def slowest(request: Request, study: Any) -> None:
    """Print the slowest traces: entry, duration, where the time went, where a failure began.

    \b
    Example:
      workbench traces slowest conduit --last 24h
    """
    _show(request, study, "slowest", "slowest slowest")


@click.command()
@_verb
def failures(request: Request, study: Any) -> None:
    """Print call paths with failures: began here, inherited from a child, or handled.

    \b
    Example:
      workbench traces failures llm-ab-testing --last 7d
    """
    _show(request, study, "failures", "failure failures")


@click.command()
@_verb
def tokens(request: Request, study: Any) -> None:
    """Print tokens and cost per trace by provider and model, from the attributes of spans.

    \b
    Example:
      workbench traces tokens choreoai
    """
    _show(request, study, "tokens", "token tokens", finding="tokens_finding")


@click.command()
@_verb
def health(request: Request, study: Any) -> None:
    """Print how sound the traces are as data: missing parents, duplicates, clocks that run apart.

    \b
    Example:
      workbench traces health conduit
    """
    _show(request, study, "health", "health health")
