"""``%%promql``, ``%%logql``, ``%%traceql``, ``%%sql``: a question in a cell, its answer in a variable.

Each says what a query costs before it runs, and shows a wrong query with the place of the mistake.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, magics_class
from IPython.display import display

from workbench.core.errors import ParameterError, QueryRejected, WorkbenchError
from workbench.core.filters import LogFilter, Native
from workbench.core.timerange import TimeRange, duration_ms, parse_instant
from workbench.report.notebook.answers import Answer, series_figure
from workbench.report.notebook.languages import read_logql, read_traceql
from workbench.studies import Context, explain_query, find_logs, find_spans, open_period, query_metrics
from workbench.studies.operations.sql import query_sql


class _Options(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise UsageError(f"{message}\n{self.format_usage()}")


@dataclass(frozen=True)
class _Request:
    """Options of a cell, and the workbench as they open it."""

    options: argparse.Namespace
    context: Context
    span: TimeRange
    now: datetime

    @property
    def system(self) -> str | None:
        """The system of the options."""
        return self.options.system or None


def parser(name: str) -> argparse.ArgumentParser:
    """Return the options of one magic."""
    options = _Options(prog=f"%%{name}", add_help=False)
    options.add_argument("-s", "--system", default="", help="restrict the question to a system")
    options.add_argument("-p", "--period", default="24h", help="30d, last-month, 2026-10-01..2026-10-08")
    options.add_argument("-o", "--out", default=f"{name}_answer", help="variable for the frame")
    options.add_argument("--source", default=None, help="source of the settings")
    options.add_argument("--as-of", default="", help="instant taken for now")
    options.add_argument("--config", default="", help="settings file")
    options.add_argument("--home", default="", help="folder of archive and store")
    options.add_argument("--cost", action="store_true", help="say the cost and ask nothing")
    if name == "promql":
        options.add_argument("--step", default="", help="step, e.g. 5m")
        options.add_argument("--at", default="", help="one instant in place of a range")
    if name in ("logql", "traceql"):
        options.add_argument("-n", "--limit", type=int, default=100, help="rows")
    return options


@magics_class
class WorkbenchMagics(Magics):
    """Questions in cells."""

    @cell_magic
    def promql(self, line: str, cell: str) -> None:
        """Evaluate PromQL: ``%%promql -s SYSTEM -p 7d -o rates``."""
        self._answered("promql", line, cell, _promql)

    @cell_magic
    def logql(self, line: str, cell: str) -> None:
        """Find log lines: ``%%logql -s SYSTEM -p 6h`` and ``{service="api"} |= "timeout"``."""
        self._answered("logql", line, cell, _logql)

    @cell_magic
    def traceql(self, line: str, cell: str) -> None:
        """Find spans: ``%%traceql -s SYSTEM`` and ``{ duration > 2s && status = error }``."""
        self._answered("traceql", line, cell, _traceql)

    @cell_magic
    def sql(self, line: str, cell: str) -> None:
        """Ask the archive in SQL: ``%%sql -o top``."""
        self._answered("sql", line, cell, _sql)

    def _answered(self, name: str, line: str, cell: str, ask: Callable[[_Request, str], Answer | None]) -> None:
        assert self.shell is not None
        names = self.shell.user_ns
        expanded = [_variable(word, names) for word in shlex.split(line)]
        options = parser(name).parse_args(expanded)
        if not options.out.isidentifier():
            raise UsageError(f"{options.out!r} is not the name of a variable.")
        try:
            opened = {"as_of": options.as_of, "home": options.home, "config": options.config}
            defaults = {key: value or str(names.get(key, "")) for key, value in opened.items()}
            context, span, now = open_period(options.period, **defaults)
            if span is None:
                raise ParameterError("A cell needs a period.", hint="Write e.g. -p 24h.")
            answer = ask(_Request(options, context, span, now), cell.strip())
        except WorkbenchError as error:
            raise UsageError(str(error)) from None
        if answer is None:
            return
        names[options.out] = answer.frame
        if (figure := series_figure(answer.frame)) is not None:
            display(figure)  # type: ignore[no-untyped-call]
        display(answer)  # type: ignore[no-untyped-call]


def _variable(word: str, names: dict[str, Any]) -> str:
    """Return the value of ``$name``, so that parameters of a notebook reach its cells."""
    return str(names[word[1:]]) if word.startswith("$") and word[1:] in names else word


def _promql(request: _Request, text: str) -> Answer | None:
    options = request.options
    step_ms = duration_ms(options.step) if options.step else None
    place = {"source": options.source, "system": request.system}
    instant = parse_instant(options.at) if options.at else None
    if instant is None:
        cost = explain_query(request.context, text, range=request.span, step_ms=step_ms, **place).text
        print(f"Cost: {cost}.")
    if options.cost:
        return None
    metrics = query_metrics(request.context, text, at=instant, range=request.span, step_ms=step_ms, **place)
    notes = [f"{metrics.meta.get('source', '')}: {len(metrics.labels)} series, {metrics.meta.get('semantics', '')}"]
    return Answer(metrics.frame, options.out, (*notes, *metrics.meta.get("warnings", ())))


def _logql(request: _Request, text: str) -> Answer | None:
    source = request.context.logs_for(_needed(request))
    kind = source.state().kind
    try:
        wanted = read_logql(text)
    except QueryRejected:
        if kind != "loki":
            raise
        wanted = LogFilter(native=Native("loki", text))
    print(f"Cost: at most {request.options.limit} lines of {source.name} ({kind}), {request.span}.")
    if request.options.cost:
        return None
    lines = find_logs(
        request.context, system=_needed(request), range=request.span, wanted=wanted, limit=request.options.limit,
        source=request.options.source,
    )  # fmt: skip
    return Answer(pd.DataFrame(lines.rows), request.options.out, (_matching(lines.matched, "line"), *lines.warnings))


def _traceql(request: _Request, text: str) -> Answer | None:
    wanted = read_traceql(text)
    source = request.context.spans_for(_needed(request))
    print(f"Cost: at most {request.options.limit} spans of {source.name}, {request.span}.")
    if request.options.cost:
        return None
    rows, count, warnings = find_spans(
        request.context, system=_needed(request), range=request.span, wanted=wanted, limit=request.options.limit
    )
    return Answer(pd.DataFrame(rows), request.options.out, (_matching(count, "span", ", slowest first"), *warnings))


def _sql(request: _Request, text: str) -> Answer | None:
    print(f"Cost: stopped after {request.context.limits.seconds:g} s; nothing is written.")
    if request.options.cost:
        return None
    answer = query_sql(request.context, text, source=request.options.source)
    return Answer(answer.frame, request.options.out, (f"archive {answer.archive}",))


def _matching(count: int, what: str, order: str = "") -> str:
    return f"1 {what} matches." if count == 1 else f"{count:,} {what}s match{order}."


def _needed(request: _Request) -> str:
    if not request.system:
        raise ParameterError("A search of logs or spans needs a system.", hint="Write -s SYSTEM.")
    return request.system
