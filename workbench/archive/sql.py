"""SQL over an archive, for notebooks: an in-memory duckdb that reads the Parquet files as they are."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.archive.archive import Archive
from workbench.archive.storage.layout import LAYOUTS, LOGS, SAMPLES, Layout
from workbench.archive.storage.parquet import TURN, DataFile, batches, checked_rows, overlapping, row_groups
from workbench.core.errors import QueryRejected, QueryTooExpensive

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: Where an error of duckdb points: the line, what is shown of it, and the spaces before the caret.
_POINTED = re.compile(r"^LINE (\d+): (.*)\n( *)\^", re.MULTILINE)

#: How duckdb begins what Arrow says of a file that it cannot read.
_UNREADABLE = "reading the Arrow source failed"

#: Equal log lines of one file are several lines; those of another file are the same ones again.
_COPY = f"row_number() OVER (PARTITION BY {', '.join(LOGS.schema.names)}, {TURN})"
_VALUE = "series_id, ts, coalesce(value_int::DOUBLE / pow(10.0, coalesce(scale, 0)), value) AS value"


#: Memory of a connection, and rows of an answer; time is that of the caller. [MiB], [count]
MEMORY_MIB, MAX_ROWS = 1_024, 1_000_000


def connect(archive: Archive, *, memory_mib: int = MEMORY_MIB) -> DuckDBPyConnection:
    """Open an in-memory database with one view a table: ``series, samples, logs, spans, episodes``.

    The views stand on the newest commit at the time of the call. The connection reads the files of the archive and
    nothing else: no other file, no network, no extension. Pass values as parameters.

    Parameters
    ----------
    archive : Archive
        The archive to read or to write.
    memory_mib : int
        A query that would take more is refused. [MiB]

    Returns
    -------
    DuckDBPyConnection

    Notes
    -----
    ``samples`` has ``series_id``, ``ts`` [ms since the epoch] and ``value``. Stale marks are NaN here.

    Examples
    --------
    >>> import tempfile
    >>> from workbench.core.series import SeriesSet
    >>> archive = Archive.open(tempfile.mkdtemp(), create=True)
    >>> archive.append_samples(SeriesSet.of([({"__name__": "up", "job": "a"}, [0, 60_000], [1.0, 0.0])]))
    >>> connect(archive).execute(
    ...     "select labels['job'], sum(value) from samples join series using (series_id) where metric = ? group by 1",
    ...     ["up"],
    ... ).fetchall()
    [('a', 1.0)]
    """
    import duckdb

    connection = duckdb.connect(":memory:")
    connection.execute(f"SET memory_limit = '{int(memory_mib)}MiB'")
    connection.execute("SET temp_directory = ''")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    for layout in LAYOUTS:
        _view(connection, archive, layout, archive.files(layout))
    return connection


def rows_of(
    archive: Archive, query: str, *, seconds: float | None = None, memory_mib: int = MEMORY_MIB
) -> list[dict[str, Any]]:
    """Run one statement over an archive and return its rows by the names of the columns.

    Parameters
    ----------
    archive : Archive
        The archive that is asked; see :func:`connect`.
    query : str
        One SQL statement.
    seconds : float, optional
        After so long it is ended. [s]
    memory_mib : int
        A query that would take more is refused. [MiB]

    Raises
    ------
    ArchiveError
        A file that the statement reads is damaged.
    QueryRejected
        duckdb does not take it.
    QueryTooExpensive
        It takes more memory or time than it may, or has more than a million rows.
    """
    import duckdb

    # Closed here: threads of a connection that outlives the interpreter end the process with an abort.
    with closing(connect(archive, memory_mib=memory_mib)) as connection:
        ends = threading.Timer(threading.TIMEOUT_MAX if seconds is None else seconds, connection.interrupt)
        ends.daemon = True
        ends.start()
        try:
            answer = connection.execute(query)
            names = [column[0] for column in answer.description or ()]
            rows = answer.fetchmany(MAX_ROWS + 1)
        except (duckdb.OutOfMemoryException, duckdb.InterruptException) as error:
            late = isinstance(error, duckdb.InterruptException)
            why = f"longer than {seconds:g} s" if late and seconds else "more memory than it may"
            raise QueryTooExpensive(
                f"The query takes {why}.",
                query=query,
                hint="Narrow it, aggregate in it, or raise `limits` in the settings.",
            ) from None
        except duckdb.Error as error:
            if _UNREADABLE in str(error):
                _read_whole(archive)
            words, position = _placed(str(error), query)
            hint = "Tables: " + ", ".join(each.name for each in LAYOUTS) + "."
            raise QueryRejected(words, query=query, hint=hint, position=position) from None
        finally:
            ends.cancel()
    if len(rows) > MAX_ROWS:
        raise QueryTooExpensive(
            f"The query gives more than {MAX_ROWS:,} rows.", query=query, hint="Aggregate or LIMIT."
        )
    return [dict(zip(names, row, strict=True)) for row in rows]


def _read_whole(archive: Archive) -> None:
    """Read every file until one raises the error that names it."""
    for layout in LAYOUTS:
        folder = archive.place / layout.name
        for file in archive.files(layout):
            for _ in batches(folder, file, layout, row_groups(folder, file, layout, {})):
                pass


def _placed(message: str, query: str) -> tuple[str, int | None]:
    """Split an error of duckdb into its words and the place in the query that it points at.

    Examples
    --------
    >>> _placed("No column b" + chr(10) + "LINE 1: select b" + chr(10) + "               ^", "select b")
    ('No column b', 7)
    """
    pointed = _POINTED.search(message)
    words = " ".join(message[: pointed.start() if pointed else None].split())
    if pointed is None:
        return words, None
    shown, line = pointed[2], query.split("\n")[int(pointed[1]) - 1]
    before = line.find(shown.removeprefix("...").removesuffix("..."))  # a long line is shown in part
    column = len(pointed[3]) - len(f"LINE {pointed[1]}: ") - (3 if shown.startswith("...") else 0)
    start = sum(len(each) + 1 for each in query.split("\n")[: int(pointed[1]) - 1])
    return words, start + before + column if before >= 0 else None


def _view(connection: DuckDBPyConnection, archive: Archive, layout: Layout, files: Sequence[DataFile]) -> None:
    columns = _VALUE if layout == SAMPLES else ", ".join(layout.schema.names)
    key = ", ".join(layout.identity or layout.schema.names)
    shared = overlapping(files, layout) if layout.time else np.zeros(len(files), bool)
    rows = connection.from_arrow(layout.schema.empty_table()).project(columns)
    for twice in (False, True):
        chosen = [file for file, is_ in zip(files, shared, strict=True) if is_ == twice]
        if chosen:
            relation = connection.from_arrow(checked_rows(archive.place / layout.name, layout, chosen))
            if twice:
                relation = relation.project(f"*, {_COPY if layout == LOGS else '0'} AS copy")
                place = f"row_number() OVER (PARTITION BY {key}, copy ORDER BY {TURN} DESC) AS place"
                relation = relation.project(f"*, {place}").filter("place = 1")
            rows = rows.union(relation.project(columns))
    rows.create_view(layout.name)
