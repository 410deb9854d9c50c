"""The document of an archive: what it is, its schema, and what its fillers say about it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.core.errors import ArchiveError

NAME = "archive.json"
LOCK = "archive.lock"

#: Schema that is written; older ones are read, and brought to this one by the first write.
SCHEMA = 2
_FORMAT = "workbench-archive"
_OLDEST = 1


class Document:
    """``archive.json`` below one folder; read anew at each call, changed in one step also for other processes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root / NAME

    def exists(self) -> bool:
        """Whether there is one."""
        return self.path.is_file()

    def create(self) -> None:
        """Write the first one."""
        self._store({"format": _FORMAT, "schema": SCHEMA, "meta": {}, "families": {}})

    def read(self) -> dict[str, Any]:
        """Return the document.

        Raises
        ------
        ArchiveError
            There is none, it is damaged, foreign, or of a newer schema.
        """
        try:
            document = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ArchiveError(
                f"No archive in {self.root}.",
                hint="Build the demo (workbench demo build), or check the path of the source in the settings.",
            ) from None
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ArchiveError(f"{self.path} is damaged: {error}.", hint="Restore it from a backup.") from None
        if not isinstance(document, dict) or document.get("format") != _FORMAT:
            raise ArchiveError(
                f"{self.path} does not describe an archive of the workbench.", hint="Name the folder of an archive."
            )
        schema = document.get("schema")
        if not isinstance(schema, int) or not _OLDEST <= schema <= SCHEMA:
            raise ArchiveError(
                f"The archive in {self.root} has format {schema!r}; this workbench reads {_OLDEST} to {SCHEMA}.",
                hint="Use the version of the workbench that wrote it, or build the archive again.",
            )
        return document

    def update(self, part: str, values: Mapping[str, Any]) -> None:
        """Set keys of ``meta`` or ``families``; values are plain JSON."""
        with self.locked():
            document = self.read()
            document[part] = {**document[part], **values}
            self._store(document)

    def raise_schema(self) -> None:
        """Say that the archive has the schema of this version."""
        with self.locked():
            self._store(self.read() | {"schema": SCHEMA})

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the document; a process that is killed lets go of it."""
        with open(self.root / LOCK, "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _store(self, document: Mapping[str, Any]) -> None:
        temporary = self.root / f".{NAME}.{os.getpid()}"
        try:
            temporary.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            os.replace(temporary, self.path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise ArchiveError(
                f"{self.path} cannot be written: {error.strerror or error}.", hint="It was not changed."
            ) from error
