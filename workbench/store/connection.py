"""How the store reaches its database: opened at first use, one transaction at a time, errors told as ours."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Column, ColumnElement, Connection, Engine, Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import SQLAlchemyError

from workbench.core.access.identity import not_seen
from workbench.core.errors import ArchiveError, WorkbenchError
from workbench.store import engine as database
from workbench.store.sqlite import file_of


class Connected:
    """A database by its URL; every transaction of the store goes through ``_reading`` and ``_writing``."""

    def __init__(self, url: str, *, mark: Path | None = None) -> None:
        self._url = database.database_url(url)
        self._file, self._mark = file_of(self._url), mark
        self._whole: Self | None = None
        self._scope: tuple[str, ...] | None = None

    def within(self, scope: tuple[str, ...] | None) -> Self:
        """Return the same store, which gives and takes nothing of systems outside a scope; None is all systems."""
        if scope is None:
            return self
        part = copy(self)
        part._whole = self._whole or self
        part._scope = scope if self._scope is None else tuple(name for name in scope if name in self._scope)
        return part

    def _visible_rows(self, system: Column[Any]) -> list[ColumnElement[bool]]:
        """Conditions of a query for rows of the systems that may be seen."""
        return [] if self._scope is None else [system.in_(self._scope)]

    def _may_write(self, system: str) -> None:
        if self._scope is not None and system not in self._scope:
            raise not_seen(system)

    @property
    def location(self) -> str:
        """Address of the database, without its password."""
        return self._url.render_as_string(hide_password=True)

    def __repr__(self) -> str:
        return f"Store({self.location!r})"

    def close(self) -> None:
        """Give the connections back."""
        if "_engine" in vars(self):
            self._engine.dispose()

    @contextmanager
    def engine_for_copy(self) -> Iterator[Engine]:
        """Give the engine, for a copy of all tables."""
        with self._named_failures():
            yield self._engine

    def forget(self) -> None:
        """Let an empty database take the place of one that was there, before it is restored."""
        self.close()
        vars(self).pop("_engine", None)
        database.forget(self._mark, self._url.render_as_string(hide_password=False))

    def remember(self) -> None:
        """Let the store count as lost until it is there, while it is restored."""
        self.close()
        database.remember(self._mark, self._url.render_as_string(hide_password=False))

    @cached_property
    def _engine(self) -> Engine:
        if self._whole is not None:
            return self._whole._engine
        engine = database.open_engine(self._url.render_as_string(hide_password=False), mark=self._mark)
        weakref.finalize(self, engine.dispose)
        return engine

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._named_failures(), database.reading(self._engine) as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._named_failures(), database.writing(self._engine) as connection:
            yield connection

    @contextmanager
    def _named_failures(self) -> Iterator[None]:
        if self._file is not None and "_engine" in vars(self) and not self._file.exists():
            raise ArchiveError(
                f"The store {self.location} is gone: its file was deleted.", hint="Restore it (workbench restore)."
            )
        try:
            yield
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            if isinstance(cause, WorkbenchError):  # raised by a column type, wrapped by SQLAlchemy
                raise cause from None
            reason = str(cause).splitlines()[0]
            if "readonly" in reason and self._file is not None and os.access(self._file.parent, os.W_OK):
                reason = "nothing can be written, the disk is full"  # then it was opened for reading
            raise ArchiveError(f"The store {self.location} failed: {reason}", hint=database.next_step(reason)) from None
        except ValueError as error:  # of a column that holds a document or a time
            raise ArchiveError(
                f"The store {self.location} failed: a value in it is malformed ({error}).",
                hint=database.next_step("malformed"),
            ) from None


def upsert(connection: Connection, table: Table, rows: list[dict[str, Any]], *, on: tuple[str, ...]) -> None:
    """Insert rows in the order of their key, so that two writers wait for each other and never lock crosswise."""
    statement = dialect_insert(connection, table)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in on}
    connection.execute(statement.on_conflict_do_update(index_elements=on, set_=changed), rows)


def dialect_insert(connection: Connection, table: Table) -> Any:
    """Return the insert statement of the connection's database, which knows what to do on a conflict."""
    dialect: Any = sqlite
    if connection.dialect.name == "postgresql":  # it loads all its drivers
        from sqlalchemy.dialects import postgresql as dialect
    return dialect.insert(table)
