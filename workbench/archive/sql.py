"""SQL over an archive, for notebooks: an in-memory duckdb that reads the Parquet files as they are."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from workbench.archive.archive import Archive
from workbench.archive.storage.layout import LAYOUTS, LOGS, SAMPLES, Layout
from workbench.archive.storage.parquet import DataFile, overlapping
from workbench.core.errors import QueryRejected, QueryTooExpensive

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: Where an error of duckdb points: the line, what is shown of it, and the spaces before the caret.
_POINTED = re.compile(r"^LINE (\d+): (.*)\n( *)\^", re.MULTILINE)

#: Equal log lines of one file are several lines; those of another file are the same ones again.
_COPY = f"row_number() OVER (PARTITION BY {', '.join(LOGS.schema.names)}, filename)"
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

    listed = {layout: archive.files(layout) for layout in LAYOUTS}
    connection = duckdb.connect(":memory:")
    if files_of := archive.place.as_fsspec():
        connection.register_filesystem(files_of)
    paths = [f"{archive.place}/{layout.name}/{file.path}" for layout, files in listed.items() for file in files]
    connection.execute("SET allowed_paths = $1", [paths])
    for layout, files in listed.items():
        _view(connection, archive, layout, files)
    connection.execute(f"SET memory_limit = '{int(memory_mib)}MiB'")
    connection.execute("SET temp_directory = ''")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def rows_of(connection: DuckDBPyConnection, query: str, *, seconds: float | None = None) -> list[dict[str, Any]]:
    """Run one statement and return its rows by the names of the columns.

    Parameters
    ----------
    connection : DuckDBPyConnection
        The open database.
    query : str
        One SQL statement.
    seconds : float, optional
        After so long it is ended. [s]

    Raises
    ------
    QueryRejected
        duckdb does not take it.
    QueryTooExpensive
        It takes more memory or time than it may, or has more than a million rows.
    """
    import duckdb

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
        paths = [
            f"{archive.place}/{layout.name}/{file.path}"
            for file, is_ in zip(files, shared, strict=True)
            if is_ == twice
        ]
        if paths:
            relation = connection.read_parquet(paths, filename=twice, union_by_name=True)
            for name in set(layout.schema.names) - set(relation.columns):  # every file is of an older schema
                relation = relation.project(f"*, NULL AS {name}")
            if twice:
                relation = relation.project(f"*, {_COPY if layout == LOGS else '0'} AS copy")
                order = pa.table({"filename": paths, "turn": range(len(paths))})  # files come by their commits
                relation = relation.join(connection.from_arrow(order), "filename")
                place = f"row_number() OVER (PARTITION BY {key}, copy ORDER BY turn DESC) AS place"
                relation = relation.project(f"*, {place}").filter("place = 1")
            rows = rows.union(relation.project(columns))
    rows.create_view(layout.name)
