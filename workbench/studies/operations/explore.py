"""Free questions of a page: SQL over an archive, LogQL, TraceQL; and what a person asked before."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from typing import Any

import pandas as pd

from workbench.archive.source import ArchiveSource
from workbench.archive.sql import rows_of
from workbench.core.errors import ParameterError, QueryTooExpensive, WorkbenchError
from workbench.core.filters import LogFilter, Native
from workbench.core.secret_text import masked
from workbench.core.series import Metrics
from workbench.core.timerange import TimeRange
from workbench.query.traces.tempo import TempoSource
from workbench.studies.logs.lines import FoundLogs, find_logs
from workbench.studies.operations.ask import step_for
from workbench.studies.sources.context import Context

#: Most rows that one question brings to a page; the command line brings more. [count]
ROWS = 10_000

#: Log lines, and traces, that one question brings to a page. [count]
LINES, TRACES = 200, 100

#: Questions of one person that are kept. [count]
KEPT = 50

#: Languages of a page; a system has those whose servers its settings name.
PROMQL, SQL, LOGQL, TRACEQL = "PromQL", "SQL", "LogQL", "TraceQL"

#: Name under which the store keeps what people asked, and the form of its document.
_HISTORY, _FORM = "explored", "1"

#: A TraceQL text that counts over time, as against one that looks for traces.
_METRICS = re.compile(r"\|\s*(?:rate|\w+_over_time|histogram_over_time|compare)\s*\(")


def archive_names(ctx: Context) -> tuple[str, ...]:
    """Return the sources that SQL can be asked of."""
    return tuple(name for name, source in ctx.sources.items() if isinstance(source, ArchiveSource))


def query_archive(ctx: Context, sql: str, *, source: str) -> pd.DataFrame:
    """Run one SQL statement over the tables ``series, samples, logs, spans, episodes`` of an archive.

    Parameters
    ----------
    ctx : Context
        Its limits end a statement that takes too long.
    sql : str
        One statement; the connection reads the files of the archive and nothing else.
    source : str
        One of :func:`archive_names`.

    Returns
    -------
    DataFrame
        At most :data:`ROWS` rows.

    Raises
    ------
    AccessRefused
        The identity may not see all systems: SQL cannot be kept to one.
    ParameterError
        The source is no archive.
    QueryRejected, QueryTooExpensive
        As duckdb says, or more than :data:`ROWS` rows.
    """
    ctx.identity.require("admin")
    held = ctx.sources.get(source)
    if not isinstance(held, ArchiveSource):
        names = ", ".join(archive_names(ctx)) or "none is set"
        raise ParameterError(f"{source!r} is no archive, so it takes no SQL.", hint=f"Archives: {names}.")
    rows = rows_of(held.archive, sql, seconds=ctx.limits.seconds)
    if len(rows) > ROWS:
        raise QueryTooExpensive(f"The answer has {len(rows):,} rows, the page shows {ROWS:,}.", hint="Add a limit.")
    return pd.DataFrame(rows)


def languages(ctx: Context, system: str) -> tuple[str, ...]:
    """Return the languages in which a system can be asked: LogQL needs a Loki, TraceQL a Tempo in the settings."""
    more = {LOGQL: ("loki", ctx.logs_for), TRACEQL: ("tempo", ctx.spans_for)}
    served = [name for name, (kind, of) in more.items() if system and getattr(of(system), "kind", "") == kind]
    return PROMQL, *served, SQL


def query_logql(ctx: Context, text: str, *, system: str, range: TimeRange) -> FoundLogs:
    """Return the newest lines that a LogQL selector finds, and how many there are.

    Raises
    ------
    AccessRefused
        The Loki holds lines of systems that the identity may not see: text in its language cannot be kept to one.
    ParameterError
        The system's lines are in no Loki.
    SourceError
        As the server answers.
    """
    return find_logs(ctx, system=system, range=range, wanted=LogFilter(native=Native("loki", text)), limit=LINES)


def query_traceql(ctx: Context, text: str, *, system: str, range: TimeRange) -> Metrics | list[dict[str, Any]]:
    """Return the series of a TraceQL metrics query, or the newest traces that a search finds.

    Raises
    ------
    AccessRefused
        The Tempo holds spans of systems that the identity may not see: text in its language cannot be kept to one.
    ParameterError
        The system's spans are in no Tempo.
    SourceError
        As the server answers.
    """
    source: Any = ctx.spans_for(system)
    if getattr(source, "kind", "") != TempoSource.kind:
        raise ParameterError(f"The spans of {system} are in no Tempo.", hint="Add a source of kind tempo.")
    if _METRICS.search(text):
        answer: Metrics = source.metrics(text, range.aligned(step_for(range)), step_ms=step_for(range))
        return answer
    rows: list[dict[str, Any]] = source.search(text, range, limit=TRACES)
    return rows


def past_questions(ctx: Context) -> tuple[tuple[str, str], ...]:
    """Return what the identity asked before, newest first, as language and text; none of somebody without a name."""
    if ctx.store is None or not _person(ctx):
        return ()
    with suppress(WorkbenchError):
        kept = ctx.store.kept_answer(_HISTORY, _person(ctx), _FORM)
        if kept is not None:
            return tuple((str(language), str(text)) for language, text in kept.document["asked"])
    return ()


def keep_question(ctx: Context, language: str, text: str) -> None:
    """Keep a question of the identity, secrets in it masked; that a store cannot be written is no failure of a page."""
    if ctx.store is None or not _person(ctx):
        return
    question = (language, masked(text))
    questions = [question, *(each for each in past_questions(ctx) if each != question)][:KEPT]
    with suppress(WorkbenchError):
        ctx.store.keep_answer(
            _HISTORY, _person(ctx), _FORM, {"asked": questions}, as_of=ctx.clock(), read_at=ctx.clock()
        )


def _person(ctx: Context) -> str:
    """Return a key of who asks; empty for an open dashboard, whose readers have no names."""
    name = ctx.identity.name
    return "" if name in ("", "anyone") else hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
