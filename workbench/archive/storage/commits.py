"""The archive's own count of each table, beside the tables: a log that lost its newest commits is noticed.

The newest file of a Delta log can be lost without a trace, as an older version of the table is a valid table. So each
commit is written down once more, in ``commits.json`` of the archive, and every reader compares.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from workbench.archive.storage.place import Place
from workbench.core.errors import ArchiveError

NAME = "commits.json"


@dataclass(frozen=True)
class Commit:
    """State of a table after a commit: identity of the table, version, files and rows. [count]"""

    table: str
    version: int
    files: int
    rows: int


def noted(place: Place) -> dict[str, Commit]:
    """Return the newest commit written down of each table; none in archives that never wrote any.

    Raises
    ------
    ArchiveError
        The file is damaged.
    """
    held = place.load(NAME)
    return {} if held is None else _read(place, held)


def note(place: Place, layout: str, commit: Commit) -> None:
    """Write a commit down, unless a later one of the same table already is."""

    def changed(held: bytes | None) -> bytes:
        known = {} if held is None else _read(place, held)
        before = known.get(layout)
        if before is not None and before.table == commit.table and before.version >= commit.version and held:
            return held
        rows: dict[str, Any] = {name: asdict(each) for name, each in {**known, layout: commit}.items()}
        return (json.dumps(rows, indent=1, sort_keys=True) + "\n").encode()

    place.change(NAME, changed)


def check(place: Place, layout: str, last: Commit | None, table: str, version: int, rows: int | None = None) -> None:
    """Compare a table with what was written down of it.

    Parameters
    ----------
    place : Place
        The archive.
    layout : str
        Name of the table.
    last : Commit or None
        Read before the table was.
    table : str
        Identity of the table; another one was built anew, and is not compared.
    version : int
        Newest version of the log.
    rows : int, optional
        Rows at that version; compared when it is the version written down. [count]

    Raises
    ------
    ArchiveError
        Commits are missing.
    """
    if last is None or last.table != table or version > last.version:
        return
    if version == last.version and rows in (None, last.rows):
        return
    lost = f"_delta_log/{version + 1:020d}.json" if version < last.version else f"_delta_log/{version:020d}.json"
    gone = "" if rows is None else f"{last.rows - rows:,} of {last.rows:,} rows are missing. "
    raise ArchiveError(
        f"The table {place}/{layout} is not whole: its log ends at version {version}, "
        f"but version {last.version} was written ({last.rows:,} rows in {last.files:,} files). {gone}"
        f"The file {lost} is lost or changed.",
        hint="Restore the archive (workbench restore), or copy the missing period again (workbench archive sync).",
    )


def _read(place: Place, held: bytes) -> dict[str, Commit]:
    try:
        return {name: Commit(**each) for name, each in json.loads(held).items()}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ArchiveError(
            f"{place}/{NAME} is damaged: {error}.",
            hint="Restore it from a backup; deleting it gives up the check for lost commits.",
        ) from None
