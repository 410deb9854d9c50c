"""SQL over an archive of the settings, as somebody on a page may ask it."""

from __future__ import annotations

import pandas as pd

from workbench.archive.source import ArchiveSource
from workbench.archive.sql import connect, rows_of
from workbench.core.errors import ParameterError, QueryTooExpensive
from workbench.studies.sources.context import Context

#: Most rows that one question brings to a page; the command line brings more. [count]
ROWS = 10_000


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
    rows = rows_of(connect(held.archive), sql, seconds=ctx.limits.seconds)
    if len(rows) > ROWS:
        raise QueryTooExpensive(f"The answer has {len(rows):,} rows, the page shows {ROWS:,}.", hint="Add a limit.")
    return pd.DataFrame(rows)
