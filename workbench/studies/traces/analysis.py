"""What traces of a system say: rates, service graph, critical paths, tokens, and how sound they are as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import numpy as np
import pandas as pd

from workbench import __version__
from workbench.analysis.traces.bands import path_bands, time_saved
from workbench.analysis.traces.compare import trace_comparison
from workbench.analysis.traces.failures import failure_paths
from workbench.analysis.traces.graph import service_graph
from workbench.analysis.traces.health import trace_health
from workbench.analysis.traces.population import population
from workbench.analysis.traces.red import operation_rates
from workbench.analysis.traces.slowest import slowest_traces
from workbench.core.errors import ParameterError, QueryRejected, QueryTooExpensive, WorkbenchError
from workbench.core.result import Provenance, Result, Status, Study
from workbench.core.timerange import TimeRange, from_ms
from workbench.studies.sources.context import Context
from workbench.studies.sources.newest import recorded_until
from workbench.studies.traces.prices import priced_tokens
from workbench.studies.traces.reading import TraceRows, read_traces

_METHOD = (
    "clocks repaired across hosts; critical path by the last child that ended; counts weighed by 1/probability of the "
    "trace, 95 % intervals of sampling"
)


def trace_analysis(
    ctx: Context, *, system: str, range: TimeRange, as_of: datetime, operation: str = "", overlap: float = 0.0
) -> Study:
    """Analyse the traces of a system that began in a window.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        System of the catalog.
    range : TimeRange
        Period to read, without its end.
    as_of : datetime
        Aware instant of the question.
    operation : str
        Only traces of which some span has this operation.
    overlap : float
        Share of the parent's time by which siblings on the critical path may overlap; 0.01 is CRISP's. [ratio]

    Returns
    -------
    Study
        ``results``: ``operations`` (:class:`~workbench.analysis.traces.red.OperationRates`), ``graph``
        (:class:`~workbench.analysis.traces.graph.ServiceGraph`), ``paths``
        (:class:`~workbench.analysis.traces.bands.PathBands`), ``saved``
        (:class:`~workbench.analysis.traces.bands.TimeSaved`), ``failures``
        (:class:`~workbench.analysis.traces.failures.FailurePaths`), ``slowest``
        (:class:`~workbench.analysis.traces.slowest.SlowestTraces`), ``tokens``
        (:class:`~workbench.analysis.traces.tokens.TraceTokens`) and ``health``
        (:class:`~workbench.analysis.traces.health.TraceHealth`).

    Raises
    ------
    ParameterError
        Unknown system. A failing source is a status of the study, never an exception.
    """

    def results(spans: pd.DataFrame) -> Mapping[str, Result]:
        traces, recorded = population(spans, overlap=overlap), _recorded(ctx, system, range, spans)
        return {
            "operations": operation_rates(traces, recorded),
            "graph": service_graph(traces, recorded),
            "paths": path_bands(traces),
            "saved": time_saved(traces),
            "failures": failure_paths(traces.forest, traces.path, overlap=overlap),
            "slowest": slowest_traces(traces),
            "tokens": priced_tokens(ctx, traces),
            "health": trace_health(traces),
        }

    return _study(
        ctx, "trace_analysis", system, range, as_of,
        lambda: [read_traces(ctx, system=system, range=range, operation=operation)],
        lambda read: results(read[0].spans),
    )  # fmt: skip


def trace_compare(
    ctx: Context, *, system: str, range: TimeRange, as_of: datetime, against: TimeRange, operation: str = ""
) -> Study:
    """Compare the traces of a window with those of another, operation by operation.

    Parameters
    ----------
    ctx, system, range, as_of, operation
        As for :func:`trace_analysis`.
    against : TimeRange
        The other window.

    Returns
    -------
    Study
        ``results``: ``comparison`` (:class:`~workbench.analysis.traces.compare.TraceComparison`).
    """
    if against.end > range.start and against.start < range.end:
        raise ParameterError(f"The windows overlap: {range} and {against}.", hint="Choose windows apart.")
    return _study(
        ctx, "trace_compare", system, range, as_of,
        lambda: [read_traces(ctx, system=system, range=each, operation=operation) for each in (range, against)],
        lambda read: {
            "comparison": trace_comparison(*(population(each.spans) for each in read), range=range, before=against)
        },
    )  # fmt: skip


def _recorded(ctx: Context, system: str, range: TimeRange, spans: pd.DataFrame) -> TimeRange:
    """Return the part of a range of which traces are known: rates count that time only."""
    if not len(spans):
        return range
    newest = ctx.source_for(system).state().newest
    return TimeRange(range.start, recorded_until(newest, int(spans["start_ns"].max()), range))


def _study(
    ctx: Context, name: str, system: str, range: TimeRange, as_of: datetime, read: Callable[[], list[TraceRows]],
    results: Callable[[list[TraceRows]], Mapping[str, Result]],
) -> Study:  # fmt: skip
    ctx.catalog.profile(system)
    source = ctx.spans_for(system)
    warnings: list[str] = []
    answers: Mapping[str, Result] = {}
    status: Status = "ok"
    newest = None
    try:
        rows = read()
        warnings += [text for each in rows for text in each.warnings]
        spans = rows[0].spans
        answers = results(rows)
        if not len(spans):
            status = "no_data"
            warnings.append(f"No traces of {ctx.catalog.title(system)} began in {range}.")
        else:
            newest = from_ms(int(np.max(spans["start_ns"].to_numpy())) // 1_000_000)
    except (QueryRejected, QueryTooExpensive) as error:
        status, answers = "refused", {}
        warnings.append(str(error))
    except WorkbenchError as error:
        if isinstance(error, ParameterError):
            raise
        status, answers = "unavailable", {}
        warnings.append(str(error))
    return Study(
        name=name, system=system, range=range, as_of=as_of, results=answers, status=status, freshness=newest,
        coverage=float("nan"),
        provenance=Provenance(source.name, "spans", "", _METHOD, version=__version__),
        warnings=tuple(dict.fromkeys(warnings)),
    )  # fmt: skip
