"""What do the logs say? Levels, error ratios, templates, latency, security events and lines of a period."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from workbench import __version__
from workbench.analysis.logs.mix import error_ratios, level_history, line_fields, line_latency
from workbench.analysis.logs.seen import newest_lines, parse_coverage, parse_faults, template_counts
from workbench.core.errors import QueryRejected, QueryTooExpensive, WorkbenchError
from workbench.core.filters import LogFilter
from workbench.core.result import Provenance, Result, Status, Study
from workbench.core.timerange import TimeRange, from_ms
from workbench.studies.logs.reading import ReadLines, read_lines
from workbench.studies.sources.context import Context
from workbench.studies.sources.newest import recorded_until

#: Lines that a look reads; a longer period is a lower bound. [lines]
MOST = 200_000

_STEPS_S = (60, 300, 900, 3600, 10_800, 21_600, 86_400)
_STEPS = 60


def log_overview(
    ctx: Context,
    *,
    system: str,
    range: TimeRange,
    as_of: datetime,
    level: str = "",
    service: str = "",
    contains: str = "",
    trace_id: str = "",
) -> Study:
    """Describe the log lines of a system.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        Id of the system, as its profile names it.
    range : TimeRange
        Cut at ``as_of``.
    as_of : datetime
        Instant up to which data is read.
    level : str
        Least severe level, e.g. ``WARN``; empty for all.
    service, contains, trace_id : str
        Empty for all.

    Returns
    -------
    Study
        ``results``: ``levels``, ``errors``, ``templates``, ``latency``, ``fields``, ``coverage``, ``lines``.

    Raises
    ------
    ParameterError
        Unknown system, or a level that does not exist. A failing source is a status of the study, never an exception.
    """
    profile = ctx.catalog.profile(system)
    span = TimeRange(range.start, max(min(range.end, as_of), range.start))
    source = ctx.logs_for(system)
    services = (service,) if service else () if trace_id else ctx.services_within(source, system)
    wanted = LogFilter(services=services, severity=level.upper(), contains=contains, trace_id=trace_id)
    status: Status = "ok"
    warnings: tuple[str, ...] = ()
    try:
        read = read_lines(source, wanted, span, most=MOST)
    except WorkbenchError as error:
        status = "refused" if isinstance(error, QueryRejected | QueryTooExpensive) else "unavailable"
        read, warnings = _nothing(), (str(error),)
    lines = read.frame
    if status == "ok" and lines.empty:
        status = "no_data"
    coverage = parse_coverage(read.attrs.get("parsers", {}), read.attrs.get("coverage") or {})
    faults = parse_faults(coverage)
    if faults and status == "ok":
        status = "at_risk"
    results: dict[str, Result] = {
        "levels": level_history(lines, span, step_ms=_step_ms(span)),
        "errors": error_ratios(lines),
        "templates": template_counts(lines),
        "latency": line_latency(lines),
        "fields": line_fields(lines),
        "coverage": coverage,
        "lines": newest_lines(lines),
    }
    last_ns = int(lines["time_ns"].max()) if len(lines) else None
    until = recorded_until(ctx.source_for(system).state().newest, last_ns, span)
    return Study(
        name="log_overview",
        system=profile.system,
        range=span,
        as_of=as_of,
        results=results,
        status=status,
        freshness=None if last_ns is None else from_ms(last_ns // 1_000_000),
        coverage=(until - span.start) / (span.end - span.start) if read.whole and span.seconds else float("nan"),
        provenance=Provenance(
            source.name,
            "",
            "",
            "estimated",
            tuple(filter(None, [str(read.attrs.get("query", ""))])),
            version=__version__,
        ),
        warnings=(*warnings, *faults, *read.attrs.get("warnings", ())),
    )


def _step_ms(span: TimeRange) -> int:
    wanted = span.seconds / _STEPS
    return next((seconds for seconds in _STEPS_S if seconds >= wanted), _STEPS_S[-1]) * 1000


def _nothing() -> ReadLines:
    columns = ("severity", "message", "service", "trace_id", "event_type", "attributes")
    held = {name: pd.Series(dtype=object if name == "attributes" else "str") for name in columns}
    kinds = {"time_ns": pd.Series(dtype="int64"), "probability": pd.Series(dtype="float64")}
    return ReadLines(pd.DataFrame(held | kinds), True, {})
