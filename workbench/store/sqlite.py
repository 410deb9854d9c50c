"""SQLite as the store's database: private files, write-ahead logging, and reading where nothing can be written."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import QueuePool

from workbench.core.errors import ArchiveError
from workbench.core.private import FILE, private_folder

#: How long a writer waits for another one. [ms]
BUSY_MS = 30_000

#: Connections that are kept open between transactions; further ones are closed after theirs. [count]
_KEPT = 2

_BUSY = {"SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_BUSY_RECOVERY", "SQLITE_BUSY_SNAPSHOT", "SQLITE_PROTOCOL"}


def file_of(location: URL) -> Path | None:
    """Return the file of a database; None for one in memory, or on a server."""
    if location.get_backend_name() != "sqlite" or not location.database or location.database == ":memory:":
        return None
    return Path(location.database)


def sqlite_engine(location: URL) -> Engine:
    """Return an engine for a file, which is made where it is missing, for its user alone."""
    path = file_of(location)
    if path is None:
        engine = create_engine(location)
    else:
        if not path.exists():
            private_folder(path.parent)
            path.touch(mode=FILE)
        engine = create_engine(
            location, creator=lambda: _connected(path), poolclass=QueuePool, pool_size=_KEPT, max_overflow=-1
        )
        _kept_while_in_place(engine, path)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("immediate", False)
        least = 0 if path is None else changes_noted(path)  # read first: the file is never behind it
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
        number = connection.exec_driver_sql("PRAGMA user_version").scalar() or 0
        if path is not None and number < least:
            raise ArchiveError(
                f"The store {path} lacks its newest changes: {least} were made, it has {number}. "
                f"{path.name}-wal was lost, or an older copy was put in its place.",
                hint=f"Restore it (workbench restore). To go on with what is there, delete {mark_of(path)} first.",
            )
        if immediate:
            connection.exec_driver_sql(f"PRAGMA user_version = {number + 1}")

    return engine


class _ReadOnly(sqlite3.Connection):
    """A connection to a database that could not be written when it was opened."""


def _kept_while_in_place(engine: Engine, path: Path) -> None:
    """Let a kept connection be used only by its process and while its files are those that lie at their paths."""

    @event.listens_for(engine, "checkin")
    def _note(connection: Any, record: Any) -> None:
        if isinstance(connection, _ReadOnly):
            record.invalidate()  # the next may be able to write
        elif connection is not None:
            record.info["place"] = _place(path)

    @event.listens_for(engine, "checkout")
    def _compare(_connection: Any, record: Any, _proxy: Any) -> None:
        if record.info.get("place", place := _place(path)) != place:
            raise DisconnectionError


def _place(path: Path) -> tuple[int, ...]:
    """Return what tells other files, or the same written by somebody else, from those that a connection has open."""
    numbers = [os.getpid()]
    with suppress(FileNotFoundError):
        state = path.stat()
        numbers += state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns
    with suppress(FileNotFoundError):
        numbers += ((state := path.with_name(path.name + "-wal").stat()).st_dev, state.st_ino)
    return tuple(numbers)


def mark_of(path: Path) -> Path:
    """Return the file beside a database that says that it was there, and how often it was changed."""
    return path.with_name(f".{path.name}.made")


def changes_noted(path: Path) -> int:
    """Return how often a database was changed as far as its mark says; 0 where it does not say. [count]"""
    try:
        return int(json.loads(mark_of(path).read_text(encoding="utf-8"))["changes"])
    except (OSError, ValueError, TypeError, KeyError):
        return 0


def fold_log(connection: Any, path: Path) -> None:
    """Count the change, and bring what was committed from the write-ahead log into the file."""
    with suppress(sqlite3.Error, OSError):  # a reader, or a full disk, leaves it for the next time
        (number,) = connection.execute("PRAGMA user_version").fetchone()
        if mark_of(path).exists() and number > changes_noted(path):
            write_mark(mark_of(path), {"changes": number})
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


def write_mark(mark: Path, document: object) -> None:
    """Write down what is known of a database, in one step: a mark that is half written would be taken for none."""
    part = mark.with_name(f"{mark.name}.{os.getpid()}.{threading.get_ident()}")
    part.touch(mode=FILE)
    part.write_text(json.dumps(document), encoding="utf-8")
    part.replace(mark)


def keep_copy(path: Path, copy: Path) -> None:
    """Copy a database as it stands, its write-ahead log included, unless the copy is there already."""
    if copy.exists():
        return
    partial = copy.with_name(f"{copy.name}.{os.getpid()}")
    partial.touch(mode=FILE)
    with closing(sqlite3.connect(path)) as whole, closing(sqlite3.connect(partial)) as part:
        whole.backup(part)
    partial.replace(copy)


def _connected(path: Path) -> sqlite3.Connection:
    """Connect for reading and writing; where nothing can be written, on a full or read-only disk, for reading."""
    try:
        if not os.access(path.parent, os.W_OK):
            raise sqlite3.OperationalError("attempt to write a readonly database")
        connection = sqlite3.connect(path, timeout=BUSY_MS / 1000, check_same_thread=False)
        try:
            _write_ahead(connection)
            connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            connection.close()
            raise
        return connection
    except sqlite3.OperationalError as error:
        if _may_pass(error):
            raise
        return _reading_only(path, error)


def _reading_only(path: Path, error: sqlite3.OperationalError) -> sqlite3.Connection:
    written = path.with_name(path.name + "-wal")
    whole = not written.exists() or not written.stat().st_size
    for way in ("mode=ro", "mode=ro&immutable=1"):
        if way != "mode=ro" and not whole:
            break  # what stands only in the log would be passed over
        address = f"file:{quote(str(path))}?{way}"
        connection = sqlite3.connect(address, uri=True, check_same_thread=False, factory=_ReadOnly)
        try:
            connection.execute("SELECT name FROM sqlite_master LIMIT 1").fetchall()
        except sqlite3.OperationalError:
            connection.close()
        else:
            return connection
    raise error


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging; SQLite does not wait for its busy timeout here when another process switches."""
    deadline = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not _may_pass(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _may_pass(error: sqlite3.OperationalError) -> bool:
    """Whether another process holds the database, so that waiting helps."""
    return getattr(error, "sqlite_errorname", "") in _BUSY
