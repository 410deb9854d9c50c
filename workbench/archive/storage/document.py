"""The document of an archive: what it is, its schema, and what its fillers say about it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from workbench.archive.storage.place import Place
from workbench.core.errors import ArchiveError

NAME = "archive.json"

#: Schema that is written; older ones are read, and brought to this one by the first write.
SCHEMA = 2
#: Key of the time before which raw samples were deleted; their slices stay. [ms since the epoch]
RAW_DELETED_BEFORE = "raw_expired_before_ms"
_FORMAT = "workbench-archive"
_OLDEST = 1


class Document:
    """``archive.json`` of one place; read anew at each call, changed in one step also for other processes."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def create(self, prepare: Callable[[], object]) -> None:
        """Write the first one after ``prepare`` where there is none yet."""

        def first(held: bytes | None) -> bytes:
            if held is not None:
                return held
            prepare()
            return _written({"format": _FORMAT, "schema": SCHEMA, "meta": {}, "families": {}})

        self.place.change(NAME, first)

    def exists(self) -> bool:
        """Whether there is one."""
        return self.place.load(NAME) is not None

    def read(self) -> dict[str, Any]:
        """Return the document.

        Raises
        ------
        ArchiveError
            There is none, it is damaged, foreign, or of a newer schema.
        """
        return self._checked(self.place.load(NAME))

    def update(self, part: str, values: Mapping[str, Any]) -> None:
        """Set keys of ``meta`` or ``families``; values are plain JSON."""

        def changed(held: bytes | None) -> bytes:
            document = self._checked(held)
            return _written({**document, part: {**document[part], **values}})

        self.place.change(NAME, changed)

    def raise_schema(self) -> None:
        """Say that the archive has the schema of this version."""
        self.place.change(NAME, lambda held: _written(self._checked(held) | {"schema": SCHEMA}))

    def _checked(self, held: bytes | None) -> dict[str, Any]:
        path = f"{self.place}/{NAME}"
        if held is None:
            raise ArchiveError(
                f"No archive in {self.place}.",
                hint="Build the demo (workbench demo build), or check the path of the source in the settings.",
            )
        try:
            document = json.loads(held.decode("utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ArchiveError(f"{path} is damaged: {error}.", hint="Restore it from a backup.") from None
        if not isinstance(document, dict) or document.get("format") != _FORMAT:
            raise ArchiveError(
                f"{path} does not describe an archive of the workbench.", hint="Name the folder of an archive."
            )
        schema = document.get("schema")
        if not isinstance(schema, int) or not _OLDEST <= schema <= SCHEMA:
            raise ArchiveError(
                f"The archive in {self.place} has format {schema!r}; this workbench reads {_OLDEST} to {SCHEMA}.",
                hint="Use the version of the workbench that wrote it, or build the archive again.",
            )
        return document


def _written(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode("utf-8")
