"""Opening the store's database, migrations that two processes may start at once, and a mark that it was there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, create_engine, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from workbench.core.errors import ArchiveError, SettingsError
from workbench.core.private import private_folder
from workbench.store.models import metadata
from workbench.store.sqlite import file_of, fold_log, keep_copy, mark_of, sqlite_engine, write_mark

#: Revision of the newest migration; a test holds it to the scripts.
HEAD = "0013"

#: Where alembic keeps the revision of the tables; a new store has them at once, and alembic takes long to load.
_VERSION = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True, nullable=False))

_LOCK = 7_061_974_113  # any number, the same in every process that migrates


def open_engine(url: str, *, mark: Path | None = None, remember: bool = True) -> Engine:
    """Return an engine whose tables are of the newest revision.

    Parameters
    ----------
    url : str
        Address of the database, as SQLAlchemy reads it.
    mark : Path, optional
        File that keeps in mind which stores were there; beside the database where it is a file.
    remember : bool
        Keep it in mind; not for copies.

    Raises
    ------
    SettingsError
        The URL is not one of a database we know.
    ArchiveError
        The database cannot be opened, is of a newer program, or was there before and is gone.
    """
    location = database_url(url)
    path = file_of(location)
    kept, where = _kept(mark, location)
    engine: Engine | None = None
    try:
        known = remember and (_marked(kept, where) if path is None else kept is not None and kept.exists())
        if known and path is not None and not path.exists():
            raise _lost(where, kept)
        engine = (
            sqlite_engine(location)
            if location.get_backend_name() == "sqlite"
            else create_engine(location, pool_pre_ping=True)
        )
        with reading(engine) as connection:
            current = _revision(connection)
        if known and not current:
            raise _lost(where, kept)
        if current != HEAD:
            if current and path is not None and current < HEAD:
                keep_copy(path, path.with_name(f"{path.name}.{current}"))
            with writing(engine) as connection:
                _migrate(connection, where)
        if remember and not known:
            _mark(kept, location)
    except Exception as error:
        if engine is not None:
            engine.dispose()
        if not isinstance(error, (SQLAlchemyError, OSError)):
            raise
        raise ArchiveError(
            f"The store {where} cannot be opened: {_reason(error)}",
            hint=next_step(_reason(error), "Check store_url and the rights of the folder."),
        ) from None
    return engine


def database_url(text_: str) -> URL:
    """Parse the URL of the store; only SQLite and PostgreSQL are supported."""
    try:
        location = make_url(text_)
        backend = location.get_backend_name()
        location.get_dialect().import_dbapi()
    except ImportError as error:
        raise SettingsError(
            f"The store_url needs the driver {error.name}, which is not installed.",
            hint="Write postgresql+psycopg://user@host/name, or install it with pip.",
        ) from None
    except (ArgumentError, NoSuchModuleError, ValueError):
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
    with engine.connect().execution_options(immediate=True) as connection:
        with connection.begin():
            yield connection
        if (path := file_of(engine.url)) is not None:
            fold_log(connection.connection.driver_connection, path)


def _lost(where: str, mark: Path | None) -> ArchiveError:
    return ArchiveError(
        f"The store {where} was there before and is gone or empty: its exclusions, issues and history are missing.",
        hint=f"Restore it (workbench restore). To begin with an empty store, delete {mark} first.",
    )


def forget(mark: Path | None, url: str) -> None:
    """Forget that a store was there, so that an empty one may take its place: it is restored."""
    kept, _ = _kept(mark, database_url(url))
    if kept is not None:
        kept.unlink(missing_ok=True)


def remember(mark: Path | None, url: str) -> None:
    """Keep in mind that there is a store, before it is there: until it is restored, it counts as lost."""
    location = database_url(url)
    _mark(_kept(mark, location)[0], location)


def _kept(mark: Path | None, location: URL) -> tuple[Path | None, str]:
    """File that keeps in mind whether a store was there, and its address without the password."""
    path = file_of(location)
    kept = mark if path is None else mark_of(path)
    return kept, location.render_as_string(hide_password=True)


def _marked(mark: Path | None, where: str) -> bool:
    """Whether a store was made, or seen, at this address of a server before."""
    if mark is None:
        return False
    try:
        return where in json.loads(mark.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


def _mark(mark: Path | None, location: URL) -> None:
    """Keep in mind that there is a store at this address; where nothing can be written, it is done another time."""
    if mark is None:
        return
    try:
        private_folder(mark.parent)
        if file_of(location) is not None:
            return write_mark(mark, {"changes": 0})
        held = json.loads(mark.read_text(encoding="utf-8")) if mark.exists() else []
        write_mark(mark, sorted({*held, location.render_as_string(hide_password=True)}))
    except (OSError, ValueError):
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
    if not current and not set(inspect(connection).get_table_names()) & set(metadata.tables):
        metadata.create_all(connection, checkfirst=False)
        _VERSION.create(connection, checkfirst=True)
        connection.execute(_VERSION.insert().values(version_num=HEAD))
        return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _reason(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__


def next_step(reason: str, otherwise: str = "Is the disk full or the database gone? `workbench doctor` looks.") -> str:
    """Return what to do about what the database said."""
    for part, step in _NEXT.items():
        if part in reason.lower():
            return step
    return otherwise


_NEXT = {
    "readonly": "Its folder or disk is read-only: nothing was changed. Make it writable, then run the command again.",
    "is full": "The disk is full: nothing was changed. Free space, then run the command again.",
    "no such ": "The file is damaged. Restore the store (workbench restore).",
    "malformed": "The file is damaged. Restore the store (workbench restore).",
    "not a database": "The file is damaged or foreign. Restore the store (workbench restore).",
    "locked": "Another process has been writing for long. Run the command again.",
}
