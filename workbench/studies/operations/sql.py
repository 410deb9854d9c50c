"""SQL over the archive that holds a system's history."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from workbench.archive import Archive
from workbench.archive.sql import rows_of
from workbench.core.errors import AccessRefused, ParameterError
from workbench.studies.sources.context import Context


@dataclass(frozen=True)
class SqlAnswer:
    """Rows of a query, and the archive that was asked."""

    frame: pd.DataFrame
    archive: str


def query_sql(ctx: Context, query: str, *, source: str | None = None) -> SqlAnswer:
    """Ask an archive in SQL: tables series, samples, logs, spans, episodes and slices.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    query : str
        One statement that reads; see ``workbench archive sql``.
    source : str, optional
        Archive of the settings; the first by default.

    Raises
    ------
    AccessRefused
        The identity may not see all systems; SQL is not restricted to some.
    ParameterError
        The settings name no such archive, or the query is wrong.
    """
    if ctx.identity.scope is not None:
        raise AccessRefused(
            "SQL reads all systems, and you may see some of them.", hint="Use PromQL, logs and traces of your systems."
        )
    archives = {name: given for name, given in ctx.given.items() if given.kind == "archive"}
    name = source or next(iter(archives), "")
    if name not in archives:
        raise ParameterError(
            f"There is no archive {name!r} in the settings." if name else "The settings name no archive.",
            hint=f"Archives: {', '.join(archives) or 'none'}.",
        )
    archive = Archive.open(archives[name].place)
    rows = rows_of(archive, query, seconds=ctx.limits.seconds)
    return SqlAnswer(pd.DataFrame(rows), name)
