"""All systems and their promises on one board, worst first."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from workbench import __version__
from workbench.analysis.overview import promise_board
from workbench.analysis.slo import ComplianceResult
from workbench.core.errors import ArchiveError
from workbench.core.result import Provenance, Status, Study, worst
from workbench.core.timerange import TimeRange, from_ms
from workbench.studies.context import Context
from workbench.studies.history import history_key, remember, stored
from workbench.studies.indicators import Measured, measure
from workbench.studies.slo import judged, promises_of
from workbench.studies.windows import hull


def overview(ctx: Context, *, system: str | None = None, range: TimeRange | None = None, as_of: datetime) -> Study:
    """Board of systems and their promises, the worst first.

    Parameters
    ----------
    ctx : Context
    system : str, optional
        One system only; by default all that a source answers for.
    range : TimeRange, optional
        Period judged; by default the own window of each objective at ``as_of``.
    as_of : datetime
        Aware instant up to which history is read.

    Returns
    -------
    Study
        ``results``: ``board`` (:class:`workbench.analysis.overview.PromiseBoard`).

    Raises
    ------
    ParameterError
        Unknown system.

    Notes
    -----
    Counts come from the store where it holds those of the last five minutes, else from the source, and are then
    stored. The judgement is always made anew from the counts, so a changed target shows at once.
    """
    systems = [system] if system is not None else list(ctx.systems)
    results: dict[str, ComplianceResult] = {}
    parts: list[Measured] = []
    for name in systems:
        results[name], measured = _one_system(ctx, name, range, as_of)
        parts.append(measured)
    titles = {name: ctx.catalog.profile(name).title for name in systems}
    board = promise_board(results, titles=titles, as_of=as_of)
    statuses: list[Status] = [worst(list(result.frame["status"])) for result in results.values()]
    coverage = [float(result.frame["coverage"].min()) for result in results.values() if len(result.frame)]
    newest = [part.newest_ms for part in parts if part.newest_ms is not None]
    windows = [
        TimeRange(start, end)
        for result in results.values()
        for start, end in zip(result.frame["window_start"], result.frame["window_end"], strict=True)
    ]
    return Study(
        name="overview",
        system=system or "",
        range=range or hull(windows, as_of=as_of),
        as_of=as_of,
        results={"board": board},
        status=worst(statuses),
        freshness=from_ms(max(newest)) if newest else None,
        coverage=min(coverage, default=float("nan")),
        provenance=Provenance(
            source=", ".join(dict.fromkeys(ctx.source_for(name).name for name in systems)),
            engine=", ".join(sorted({engine for part in parts for engine in part.engines})),
            semantics=", ".join(dict.fromkeys(ctx.source_for(name).semantics for name in systems)),
            method=", ".join(sorted({method for part in parts for method in part.methods.values()})),
            queries=tuple(dict.fromkeys(query for part in parts for query in part.queries)),
            version=__version__,
        ),
        warnings=tuple(warning for part in parts for warning in part.warnings),
    )


def _one_system(
    ctx: Context, system: str, span: TimeRange | None, as_of: datetime
) -> tuple[ComplianceResult, Measured]:
    profile, objectives = ctx.catalog.profile(system), ctx.catalog.objectives.get(system, ())
    source = ctx.source_for(system)
    promises = promises_of(objectives, range=span, as_of=as_of, zone=ctx.zone)
    keys = {
        objective.id: history_key(objective, promise, scope=profile.scope, source=source)
        for objective, promise in zip(objectives, promises, strict=True)
    }
    measured = None
    unusable: ArchiveError | None = None
    try:
        measured = stored(ctx.store, keys, promises, as_of=as_of, now=ctx.clock()) if ctx.store is not None else None
    except ArchiveError as error:
        unusable = error
    if measured is None:
        spans = {promise.objective: promise.elapsed(as_of) for promise in promises}
        measured = measure(source, profile.scope, objectives, spans)
        try:
            if ctx.store is not None and unusable is None:
                remember(ctx.store, keys, measured, now=ctx.clock())
        except ArchiveError as error:
            unusable = error
    if unusable is not None:
        measured.warnings.append(f"The store is not used: {unusable}")
    promises = [replace(one, method=measured.methods.get(one.objective, "exact")) for one in promises]
    return judged(objectives, promises, measured, as_of=as_of), measured
