"""Log lines of a system, from whatever keeps them: the newest that pass a filter, or counts of all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from workbench.core.errors import ParameterError
from workbench.core.filters import LogFilter
from workbench.core.source import LogSource
from workbench.core.timerange import TimeRange
from workbench.query.logs.reconcile import count_differences, counted_by_server, rows_difference
from workbench.studies.sources.context import Context

_DAY_MS = 86_400_000
_WITHOUT_LANGUAGE = ("archive", "logfiles")
_FIRST_LOOK = timedelta(minutes=10)


@dataclass(frozen=True)
class FoundLogs:
    """Answer to a question for log lines.

    Attributes
    ----------
    rows : list of dict
        ``time, severity, service, message, trace_id`` of the newest lines, newest first; or a value and ``lines``.
    found : int
        All lines that pass. [count]
    source, query : str
        Who answered, and the question in its language where it has one.
    warnings : tuple of str
        What the source doubts.
    coverage : mapping
        What became of the lines of files; empty for other sources.
    """

    rows: list[dict[str, Any]]
    found: int
    source: str
    query: str = ""
    warnings: tuple[str, ...] = ()
    coverage: Mapping[str, Any] | None = None


def log_source(ctx: Context, system: str, name: str | None = None) -> LogSource:
    """Return the named source of log lines, else the one of the system.

    Raises
    ------
    ParameterError
        There is no source of that name that keeps lines.
    """
    if name is None:
        return ctx.logs_for(system)
    archives = {key: one for key, one in ctx.sources.items() if isinstance(one, LogSource)}
    known: dict[str, LogSource] = {**archives, **ctx.log_sources}
    if name not in known:
        raise ParameterError(
            f"There is no source {name!r} that keeps log lines.", hint=f"Sources of log lines: {', '.join(known)}."
        )
    return ctx.fenced_logs(ctx.by_profile(known[name], system), system)


def find_logs(
    ctx: Context,
    *,
    system: str,
    range: TimeRange,
    wanted: LogFilter,
    count_by: str | None = None,
    limit: int = 100,
    source: str | None = None,
) -> FoundLogs:
    """Return the newest matching log lines, or counts by one column or attribute, and how many lines match.

    Parameters
    ----------
    ctx : Context
    system : str
    range : TimeRange
    wanted : LogFilter
        Without services, those of the system where a source keeps lines of others too.
    count_by : str, optional
    limit : int
        Lines to return. [count]
    source : str, optional
        Name of a source in place of the system's.

    Raises
    ------
    ParameterError
        No such source, or text for another backend.
    SourceError
        As the source raises it; this is a question of a person, not a study.
    """
    ctx.catalog.profile(system)
    chosen = log_source(ctx, system, source)
    kind = getattr(chosen, "kind", "")
    if wanted.native is not None and kind in _WITHOUT_LANGUAGE:
        raise ParameterError(
            f"{chosen.name} ({kind}) has no language of its own.", hint="Use the options of the neutral filter."
        )
    if not (wanted.services or wanted.trace_id or wanted.native):
        wanted = replace(wanted, services=ctx.services_within(chosen, system))
    if count_by is not None:
        return _counted(chosen, wanted, range, count_by)
    if kind in _WITHOUT_LANGUAGE:
        return _read_once(chosen, wanted, range, limit)
    return _looked_back(chosen, wanted, range, limit)


def _counted(source: LogSource, wanted: LogFilter, span: TimeRange, by: str) -> FoundLogs:
    counts = source.log_counts(wanted, span, step_ms=_DAY_MS, by=[by])
    totals = counts.groupby(by, sort=False)["count"].sum().sort_values(ascending=False, kind="stable")
    rows = [{by: str(value), "lines": int(count)} for value, count in totals.items()]
    told = dict(counts.attrs)
    told["warnings"] = (*told.get("warnings", ()), *count_differences(source, wanted, span, counts))
    return _told(rows, int(counts["count"].sum()), source, told)


def _read_once(source: LogSource, wanted: LogFilter, span: TimeRange, limit: int) -> FoundLogs:
    """Read all lines, as a source has to that cannot count them otherwise, and keep the newest."""
    newest, found, told = pd.DataFrame(), 0, dict[str, Any]()
    for piece in source.logs(wanted, span):
        told, found = piece.attrs, found + len(piece)
        newest = pd.concat([newest.tail(limit), piece.tail(limit)]) if len(newest) else piece.tail(limit)
    return _told(_rows(newest, limit), found, source, told)


def _looked_back(source: LogSource, wanted: LogFilter, span: TimeRange, limit: int) -> FoundLogs:
    """Let the server count, and read back from the end only until there are lines enough."""
    counts = source.log_counts(wanted, span, step_ms=_DAY_MS)
    found, held, told = int(counts["count"].sum()), list[pd.DataFrame](), dict(counts.attrs)
    until, width, read = span.end, _FIRST_LOOK, 0
    while until > span.start and read < min(limit, found):
        since = max(span.start, until - width)
        pieces = list(source.logs(wanted, TimeRange(since, until)))
        told["warnings"] = (*told.get("warnings", ()), *(text for one in pieces for text in one.attrs["warnings"]))
        held = [*pieces, *held]
        read = sum(map(len, held))
        until, width = since, width * 4
    told["warnings"] = (*told.get("warnings", ()), *_reconciled(source, wanted, span, counts, until, read))
    newest = pd.concat(held) if held else pd.DataFrame()
    return _told(_rows(newest, limit), found, source, told)


def _reconciled(
    source: LogSource, wanted: LogFilter, span: TimeRange, counts: pd.DataFrame, until: datetime, read: int
) -> tuple[str, ...]:
    """Hold the lines read since an instant against their count; of none counted, none may be there to read."""
    found = int(counts["count"].sum())
    if not counted_by_server(counts) or (found and until == span.end):
        return ()
    part = TimeRange(until, span.end) if found else span
    if not found:
        read = next((len(piece) for piece in source.logs(wanted, span) if len(piece)), 0)

    def counted() -> int:
        return int(source.log_counts(wanted, part, step_ms=_DAY_MS)["count"].sum())

    return rows_difference(read, found if part == span else counted(), counted)


def _rows(frame: pd.DataFrame, limit: int) -> list[dict[str, Any]]:
    if frame.empty:
        return []
    newest = frame.iloc[::-1].sort_values("time_ns", ascending=False, kind="stable").head(limit)
    times = pd.to_datetime(newest["time_ns"], unit="ns", utc=True)
    shown = newest[["severity", "service", "message", "trace_id"]].to_dict(orient="records")
    return [{"time": time.isoformat(), **row} for time, row in zip(times, shown, strict=True)]


def _told(rows: list[dict[str, Any]], found: int, source: LogSource, attrs: Mapping[Any, Any]) -> FoundLogs:
    return FoundLogs(
        rows,
        found,
        source.name,
        str(attrs.get("query", "")),
        tuple(dict.fromkeys(attrs.get("warnings", ()))),
        attrs.get("coverage"),
    )
