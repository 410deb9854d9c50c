"""One trace: its spans as a tree, its critical path, where its failures began, and the log lines between."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from workbench import __version__
from workbench.analysis.traces.failures import failure_paths
from workbench.analysis.traces.health import trace_health
from workbench.analysis.traces.population import population
from workbench.analysis.traces.self_time import span_statistics
from workbench.analysis.traces.single import trace_sections, trace_spans
from workbench.core.errors import ParameterError, WorkbenchError
from workbench.core.filters import LogFilter
from workbench.core.result import Provenance, Result, Status, Study
from workbench.core.timerange import TimeRange, from_ms
from workbench.studies.logs.lines import find_logs
from workbench.studies.sources.context import Context
from workbench.studies.traces.prices import priced_tokens
from workbench.studies.traces.reading import read_trace

#: Log lines of a trace that are shown. [count]
LINES = 500

#: Lines are looked for so long before and after the spans: they are written when work ends, by other clocks.
AROUND = timedelta(minutes=5)


@dataclass(frozen=True, eq=False, repr=False)
class TraceLines(Result):
    """Log lines of one trace in order of time.

    Columns of ``frame``: ``time`` (ISO 8601), ``offset_ms`` (from the start of the trace) [ms], ``severity``,
    ``service``, ``message`` (str).
    """


@dataclass(frozen=True, eq=False, repr=False)
class TraceOperations(Result):
    """Statistics of one trace by service and operation.

    Columns as :func:`~workbench.analysis.traces.self_time.span_statistics` gives them.
    """


def trace_detail(ctx: Context, *, trace_id: str, system: str, range: TimeRange, as_of: datetime) -> Study:
    """Look at one trace.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    trace_id : str
        Id of the trace, in hexadecimal digits.
    system : str
        System whose source keeps the trace.
    range : TimeRange
        Where it is looked for; some sources need it.
    as_of : datetime
        Aware instant of the question.

    Returns
    -------
    Study
        ``results``: ``spans`` (:class:`~workbench.analysis.traces.single.TraceSpans`), ``path``
        (:class:`~workbench.analysis.traces.single.TraceSections`), ``operations``, ``failures``, ``tokens``, ``health``
        and ``lines``. Status ``no_data`` when there is no such trace in the range.

    Raises
    ------
    ParameterError
        Unknown system, or an empty id.
    """
    if not trace_id.strip():
        raise ParameterError("A trace id is needed.", hint="workbench traces SYSTEM lists ids.")
    ctx.catalog.profile(system)
    source = ctx.spans_for(system).name
    status: Status = "ok"
    warnings: list[str] = []
    results: dict[str, Result] = {}
    newest = None
    try:
        rows = read_trace(ctx, trace_id.strip(), system=system, range=range)
        warnings += rows.warnings
        if len(rows.spans):
            of = population(rows.spans)
            start, end = int(of.forest.start.min()), int(of.forest.end.max())
            newest = from_ms(start // 1_000_000)
            results = {
                "spans": trace_spans(of),
                "path": trace_sections(of),
                "operations": TraceOperations(span_statistics(of.forest, ["service", "operation"])),
                "failures": failure_paths(of.forest, of.path),
                "tokens": priced_tokens(ctx, of),
                "health": trace_health(of),
                "lines": _lines(ctx, trace_id.strip(), system, start, end, warnings),
            }
        else:
            status = "no_data"
            warnings.append(f"{source} has no trace {trace_id} in {range}.")
    except WorkbenchError as error:
        status = "unavailable"
        warnings.append(str(error))
    return Study(
        name="trace_detail", system=system, range=range, as_of=as_of, results=results, status=status, freshness=newest,
        coverage=float("nan"),
        provenance=Provenance(source, "spans", "", "clocks repaired across hosts", version=__version__),
        warnings=tuple(dict.fromkeys(warnings)),
    )  # fmt: skip


def _lines(ctx: Context, trace_id: str, system: str, start_ns: int, end_ns: int, warnings: list[str]) -> TraceLines:
    """Read the log lines of the trace; a source of lines that fails is a warning."""
    columns = ["time", "offset_ms", "severity", "service", "message"]
    around = TimeRange(from_ms(start_ns // 1_000_000) - AROUND, from_ms(end_ns // 1_000_000) + AROUND)
    try:
        wanted = LogFilter(trace_id=trace_id)
        lines = find_logs(ctx, system=system, range=around, wanted=wanted, limit=LINES)
    except WorkbenchError as error:
        warnings.append(f"Log lines of the trace: {error}")
        return TraceLines(pd.DataFrame(columns=columns))
    warnings += lines.warnings
    frame = pd.DataFrame(lines.rows, columns=["time", "severity", "service", "message"])
    times = pd.to_datetime(frame["time"], utc=True, format="ISO8601")
    frame.insert(1, "offset_ms", (times.astype("datetime64[ns, UTC]").astype("int64") - start_ns) / 1e6)
    frame = frame.sort_values("offset_ms", kind="stable", ignore_index=True)
    if lines.matched > LINES:
        warnings.append(f"{lines.matched:,} log lines belong to the trace; the newest {LINES} are shown.")
    return TraceLines(frame)
