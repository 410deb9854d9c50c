"""Rows of a table put in the place of others in one commit, however many writers do the same."""

from __future__ import annotations

from collections.abc import Callable

from workbench.archive.storage import parquet
from workbench.archive.storage.layout import Layout
from workbench.archive.storage.parquet import DataFile
from workbench.archive.storage.tables import CommitConflict, Tables
from workbench.core.errors import ArchiveError

#: How often a change is made anew when another writer was faster. [count]
ATTEMPTS = 50


def replace_files(tables: Tables, layout: Layout, change: Callable[[], tuple[list[DataFile], list[DataFile]]]) -> None:
    """Commit a change of files; where another writer was faster, make it anew from what is there then.

    Parameters
    ----------
    tables : Tables
        The tables of the archive.
    layout : Layout
        Folders, columns and sort order of one table.
    change : callable
        Returns the files to remove, and those it wrote to add; without any nothing is committed.

    Raises
    ------
    ArchiveError
        Other writers were faster :data:`ATTEMPTS` times in a row.
    """
    for _ in range(ATTEMPTS):
        removed, added = change()
        if not (removed or added):
            return
        try:
            tables.replace(layout, removed, added)
        except CommitConflict:
            parquet.discard(tables.folder(layout), added)
        else:
            return
    raise ArchiveError(
        f"Other writers changed {tables.folder(layout)} {ATTEMPTS} times in a row.", hint="Run the command again."
    )
