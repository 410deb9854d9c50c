"""Log lines of a system, from whatever keeps them: the newest that pass a filter, or counts of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.logs.sampling import MARKS, TAIL_MARKS, estimates, kept_share, share_of
from workbench.analysis.logs.templates import templates
from workbench.core.errors import ParameterError
from workbench.core.filters import LogFilter
from workbench.core.secret_text import masked, masked_attributes
from workbench.core.source import LogSource
from workbench.core.timerange import TimeRange
from workbench.query.logs.reconcile import count_differences, counted_by_server, rows_difference
from workbench.studies.logs.reading import read_lines
from workbench.studies.sources.context import Context

_DAY_MS = 86_400_000
_WITHOUT_LANGUAGE = ("archive", "logfiles")
_FIRST_LOOK = timedelta(minutes=10)

#: Newest lines in which marks of sampling are looked for. [lines]
_LOOKED_AT = 1_000

_ESTIMATED = ("estimate", "standard_error", "low", "high", "share", "share_low", "share_high")


@dataclass(frozen=True)
class FoundLogs:
    """Answer to a question for log lines.

    Attributes
    ----------
    rows : list of dict
        ``time, severity, service, message, trace_id, span_id, event_type, attributes`` of the newest lines, newest
        first, secrets masked; or, where lines are counted, a value, ``lines`` (kept), and what they stand for:
        ``estimate``, ``standard_error``, ``low``, ``high`` (95 % interval), ``share``, ``share_low``, ``share_high``,
        None where a rate of sampling is unknown.
    matched : int
        All lines that pass. [count]
    source, query : str
        Who answered, and the question in its language where it has one.
    warnings : tuple of str
        What the source doubts.
    coverage : mapping
        What became of the lines of files; empty for other sources.
    sampled : bool
        Whether a counted line stands for more than itself, or for an unknown number.
    error_share : tuple of float, optional
        Share of lines of level ERROR and above with both ends of its 95 % interval, where lines are counted by
        severity. [ratio]
    """

    rows: list[dict[str, Any]]
    matched: int
    source: str
    query: str = ""
    warnings: tuple[str, ...] = ()
    coverage: Mapping[str, Any] | None = None
    sampled: bool = False
    error_share: tuple[float, float, float] | None = None


def log_source(ctx: Context, system: str, name: str | None = None) -> LogSource:
    """Return the named source of log lines, else the one of the system.

    Raises
    ------
    ParameterError
        There is no source of that name that keeps lines.
    """
    if name is None:
        return ctx.logs_for(system)
    archives = {key: source for key, source in ctx.sources.items() if isinstance(source, LogSource)}
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

    Counts are weighed: a line that says that one of n was kept stands for n.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        Id of the system, as its profile names it.
    range : TimeRange
        Period to read, without its end.
    wanted : LogFilter
        Without services, those of the system where a source keeps lines of others too.
    count_by : str, optional
        Column or attribute to count by; without it lines are returned.
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
    if count_by == "message":
        return _templated(chosen, wanted, range)
    if count_by is not None:
        return _counted(chosen, wanted, range, count_by, sampling_marks(ctx, chosen, system, wanted, range))
    if kind in _WITHOUT_LANGUAGE:
        return _read_once(chosen, wanted, range, limit)
    return _looked_back(chosen, wanted, range, limit)


def _counted(source: LogSource, wanted: LogFilter, span: TimeRange, by: str, marks: Sequence[str]) -> FoundLogs:
    counts = source.log_counts(wanted, span, step_ms=_DAY_MS, by=[by, *marks])
    kept = kept_lines(counts, by, marks)
    result = estimates(kept, by=by)
    rows = [
        {
            by: masked_attributes({by: value})[by],
            "lines": int(lines),
            **{name: _rounded(row[name]) for name in _ESTIMATED},
        }
        for value, lines, row in zip(
            result.frame["value"], result.frame["kept"], result.frame.to_dict(orient="records"), strict=True
        )
    ]
    attrs = dict(counts.attrs)
    differences = count_differences(source, wanted, span, counts)
    unknown = [f"No line has {by!r}."] if rows and all(row[by] in ("", None) for row in rows) else []
    attrs["warnings"] = (*attrs.get("warnings", ()), *differences, *result.notes, *unknown)
    errors = share_of(kept, ("ERROR", "FATAL"), by=by) if by == "severity" else None
    answer = _as_lines(rows, int(counts["count"].sum()), source, attrs)
    return replace(answer, sampled=result.sampled, error_share=errors)


def _templated(source: LogSource, wanted: LogFilter, span: TimeRange) -> FoundLogs:
    """Count lines by template: one row per kind of message, not one per line."""
    read = read_lines(source, wanted, span)
    index = templates(read.frame)
    shares = read.frame["probability"]
    parts = pd.DataFrame({"value": index.of_line.astype(str), "probability": shares, "count": 1})
    result = estimates(parts, by="message")
    rows = []
    for row in result.frame.to_dict(orient="records"):
        template = index.frame.iloc[int(row["value"])]
        named = {name: str(template[name]) for name in ("service", "severity", "event_type")}
        example = str(read.frame["message"].iloc[int(template["example"])])
        figures = {name: _rounded(row[name]) for name in _ESTIMATED}
        rows.append(
            {"message": str(template["template"]), **named, "lines": int(row["kept"]), **figures, "example": example}
        )
    attrs = dict(read.attrs)
    attrs["warnings"] = (*attrs.get("warnings", ()), *result.notes)
    return replace(_as_lines(rows, len(read.frame), source, attrs), sampled=result.sampled)


def kept_lines(counts: pd.DataFrame, by: str, marks: Sequence[str]) -> pd.DataFrame:
    """Return counts of lines as ``value``, ``probability`` (NaN where not known) and ``count``.

    Parameters
    ----------
    counts : DataFrame
        The columns ``by`` and ``marks``, and ``count``.
    by : str
        Column or attribute to count by.
    marks : sequence of str
        Attributes that may say how a line was sampled; the first that a line has counts.
    """
    mark = pd.Series("", index=counts.index, dtype="str")
    for name in marks:
        if name not in TAIL_MARKS:
            mark = mark.mask(mark == "", counts[name])
    shares = mark.map({text: kept_share(text) for text in mark.unique()}).astype(np.float64)
    for name in marks:
        if name in TAIL_MARKS:
            shares = shares.mask(counts[name] != "", np.nan)
    return pd.DataFrame({"value": counts[by], "probability": shares, "count": counts["count"]})


def sampling_marks(ctx: Context, source: LogSource, system: str, wanted: LogFilter, span: TimeRange) -> tuple[str, ...]:
    """Name the attributes with which lines of a source say how they were sampled.

    A source that reads all lines to count them is asked for every mark there is; a server for those of the profile and
    those of its newest lines, because it counts by fewer columns faster.
    """
    known = (*MARKS, *TAIL_MARKS)
    if getattr(source, "kind", "") in _WITHOUT_LANGUAGE:
        return known
    declared = {field.path for stream in ctx.catalog.profile(system).logs for field in stream.fields}
    recent = TimeRange(max(span.start, span.end - _FIRST_LOOK), span.end)
    newest = next((piece for piece in source.logs(wanted, recent) if len(piece)), None)
    seen = set[str]().union(*newest["attributes"].tail(_LOOKED_AT)) if newest is not None else set[str]()
    return tuple(name for name in known if name in declared & set(known) or name in seen)


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)


def _read_once(source: LogSource, wanted: LogFilter, span: TimeRange, limit: int) -> FoundLogs:
    """Read all lines, as a source has to that cannot count them otherwise, and keep the newest."""
    newest, count, attributes = pd.DataFrame(), 0, dict[str, Any]()
    for piece in source.logs(wanted, span):
        attributes, count = piece.attrs, count + len(piece)
        newest = pd.concat([newest.tail(limit), piece.tail(limit)]) if len(newest) else piece.tail(limit)
    return _as_lines(_rows(newest, limit), count, source, attributes)


def _looked_back(source: LogSource, wanted: LogFilter, span: TimeRange, limit: int) -> FoundLogs:
    """Let the server count, and read back from the end only until there are lines enough."""
    counts = source.log_counts(wanted, span, step_ms=_DAY_MS)
    count, held, attributes = int(counts["count"].sum()), list[pd.DataFrame](), dict(counts.attrs)
    until, width, read = span.end, _FIRST_LOOK, 0
    while until > span.start and read < min(limit, count):
        since = max(span.start, until - width)
        pieces = list(source.logs(wanted, TimeRange(since, until)))
        attributes["warnings"] = (
            *attributes.get("warnings", ()),
            *(text for piece in pieces for text in piece.attrs["warnings"]),
        )
        held = [*pieces, *held]
        read = sum(map(len, held))
        until, width = since, width * 4
    attributes["warnings"] = (*attributes.get("warnings", ()), *_reconciled(source, wanted, span, counts, until, read))
    newest = pd.concat(held) if held else pd.DataFrame()
    return _as_lines(_rows(newest, limit), count, source, attributes)


def _reconciled(
    source: LogSource, wanted: LogFilter, span: TimeRange, counts: pd.DataFrame, until: datetime, read: int
) -> tuple[str, ...]:
    """Hold the lines read since an instant against their count; of none counted, none may be there to read."""
    count = int(counts["count"].sum())
    if not counted_by_server(counts) or (count and until == span.end):
        return ()
    part = TimeRange(until, span.end) if count else span
    if not count:
        read = next((len(piece) for piece in source.logs(wanted, span) if len(piece)), 0)

    def counted() -> int:
        return int(source.log_counts(wanted, part, step_ms=_DAY_MS)["count"].sum())

    return rows_difference(read, count if part == span else counted(), counted)


def _rows(frame: pd.DataFrame, limit: int) -> list[dict[str, Any]]:
    if frame.empty:
        return []
    newest = frame.iloc[::-1].sort_values("time_ns", ascending=False, kind="stable").head(limit)
    times = pd.to_datetime(newest["time_ns"], unit="ns", utc=True)
    shown = newest[["severity", "service", "message", "trace_id", "span_id", "event_type"]].to_dict(orient="records")
    return [
        {
            "time": time.isoformat(),
            **{str(name): value for name, value in row.items()},
            "message": masked(str(row["message"])),
            "attributes": masked_attributes(attributes),
        }
        for time, row, attributes in zip(times, shown, newest["attributes"], strict=True)
    ]


def _as_lines(rows: list[dict[str, Any]], count: int, source: LogSource, attrs: Mapping[Any, Any]) -> FoundLogs:
    return FoundLogs(
        rows,
        count,
        source.name,
        str(attrs.get("query", "")),
        tuple(dict.fromkeys(attrs.get("warnings", ()))),
        attrs.get("coverage"),
    )
