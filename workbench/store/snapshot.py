"""The store as one file of SQLite, consistent while others write, and back into a store of either kind."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine, create_engine, func, insert, select, text

from workbench.core.errors import ArchiveError
from workbench.core.private import FILE, private_folder
from workbench.store.engine import HEAD, open_engine, writing
from workbench.store.models import metadata
from workbench.store.store import Store

_BATCH = 5_000


def write_snapshot(store: Store, to: Path) -> dict[str, int]:
    """Copy all tables of a store into a new file of SQLite, in one transaction that reads; gives rows by table.

    Raises
    ------
    ArchiveError
        The store cannot be read, or the file not be written.
    """
    to.unlink(missing_ok=True)
    to.touch(mode=FILE)
    with store.engine_for_copy() as source:
        if source.dialect.name == "sqlite":
            with closing(sqlite3.connect(to)) as target, source.connect() as connection:
                raw = connection.connection.driver_connection
                assert isinstance(raw, sqlite3.Connection)
                raw.backup(target)
                target.execute("PRAGMA journal_mode = DELETE")
        else:
            copy = create_engine(f"sqlite:///{to}")
            isolated = source.execution_options(isolation_level="REPEATABLE READ")
            metadata.create_all(copy)
            _copied(isolated, copy)
            with copy.begin() as connection:
                connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
                connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})
            copy.dispose()
    return rows_of_snapshot(to)


def rows_of_snapshot(file: Path) -> dict[str, int]:
    """Check a snapshot and count the rows of its tables.

    Raises
    ------
    ArchiveError
        It is damaged.
    """
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            (result,) = connection.execute("PRAGMA integrity_check").fetchone()
            if result != "ok":
                raise ArchiveError(f"The copy of the store {file} is damaged: {result}.", hint="Use another copy.")
            held = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            tables = [table.name for table in metadata.sorted_tables if table.name in held]
            return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables}  # noqa: S608
    except sqlite3.Error as error:
        raise ArchiveError(f"The copy of the store {file} cannot be read: {error}.", hint="Use another copy.") from None


def place_snapshot(file: Path, to: Path) -> None:
    """Let a snapshot become the file of a store, in one step; the next program that opens it upgrades it.

    Raises
    ------
    ArchiveError
        The disk cannot be written.
    """
    part = to.with_name(f".{to.name}.part")
    try:
        private_folder(to.parent)
        part.touch(mode=FILE)
        shutil.copyfile(file, part)
        part.replace(to)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ArchiveError(
            f"{to} cannot be written: {error.strerror}.", hint="Free disk space, then restore."
        ) from None


def read_snapshot(file: Path, store: Store) -> None:
    """Put the rows of a snapshot into an empty store, of either kind.

    Raises
    ------
    ArchiveError
        The store holds rows already, or cannot be written.
    """
    copy = open_engine(f"sqlite:///{file}", remember=False)
    try:
        with store.engine_for_copy() as target:
            with target.connect() as connection:
                for table in metadata.sorted_tables:
                    if connection.execute(select(table).limit(1)).first() is not None:
                        raise ArchiveError(
                            f"The store {store.location} is not empty: it has rows of {table.name}.",
                            hint="Restore into an empty store.",
                        )
            _copied(copy, target)
    finally:
        copy.dispose()
        for beside in ("-wal", "-shm"):
            Path(f"{file}{beside}").unlink(missing_ok=True)


def _copied(source: Engine, target: Engine) -> None:
    with source.connect() as reading, writing(target) as connection:
        for table in metadata.sorted_tables:
            rows = reading.execution_options(yield_per=_BATCH).execute(select(table))
            for part in rows.mappings().partitions(_BATCH):
                connection.execute(insert(table), [dict(row) for row in part])
            if target.dialect.name == "postgresql" and "id" in table.c and table.c.id.type.python_type is int:
                newest = func.coalesce(func.max(table.c.id), 1)
                connection.execute(select(func.setval(func.pg_get_serial_sequence(table.name, "id"), newest)))
