"""Opening the store's database: settings of SQLite, and migrations that two processes may start at once."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from workbench.core.errors import ArchiveError, SettingsError

#: Revision of the newest migration; a test holds it to the scripts.
HEAD = "0005"

#: How long a writer waits for another one. [ms]
BUSY_MS = 30_000

_LOCK = 7_061_974_113  # any number, the same in every process that migrates


def open_engine(url: str) -> Engine:
    """Return an engine whose tables are of the newest revision.

    Raises
    ------
    SettingsError
        The URL is not one of a database we know.
    ArchiveError
        The database cannot be opened, or is of a newer program.
    """
    location = database_url(url)
    where = location.render_as_string(hide_password=True)
    engine: Engine | None = None
    try:
        engine = (
            _sqlite(location)
            if location.get_backend_name() == "sqlite"
            else create_engine(location, pool_pre_ping=True)
        )
        with reading(engine) as connection:
            current = _revision(connection)
        if current != HEAD:
            with writing(engine) as connection:
                _migrate(connection, where)
    except Exception as error:
        if engine is not None:
            engine.dispose()
        if not isinstance(error, (SQLAlchemyError, OSError)):
            raise
        raise ArchiveError(
            f"The store {where} cannot be opened: {_reason(error)}",
            hint="Check store_url and the rights of the folder.",
        ) from None
    return engine


def database_url(text_: str) -> URL:
    """Parse the URL of the store; only SQLite and PostgreSQL are supported."""
    try:
        location = make_url(text_)
        backend = location.get_backend_name()
        location.get_dialect()
    except (ArgumentError, NoSuchModuleError):
        backend = ""
    if backend not in ("sqlite", "postgresql"):
        raise SettingsError(
            "The store_url is not the URL of a database the store can use.",
            hint="Write sqlite:////path/to/file.db or postgresql://user@host/name.",
        )
    return location


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One transaction that only reads."""
    with engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that writes; on SQLite it takes the write lock at once and so never meets a changed snapshot."""
    with engine.connect().execution_options(immediate=True) as connection, connection.begin():
        yield connection


def _sqlite(location: URL) -> Engine:
    if location.database and location.database != ":memory:":
        Path(location.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(location)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _write_ahead(connection: Any) -> None:
    """Switch to write-ahead logging; SQLite does not wait for its busy timeout here when another process switches."""
    deadline = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _revision(connection: Connection) -> str:
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or ""


def _migrate(connection: Connection, where: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    current = _revision(connection)  # another process may have been first
    if current == HEAD:
        return
    if current > HEAD:
        raise ArchiveError(
            f"The store {where} is of revision {current}, this program knows {HEAD}.",
            hint="Install the newer workbench, or name another store_url.",
        )
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _reason(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
