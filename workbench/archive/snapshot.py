"""One archive copied to another place while others write: a consistent state of all tables, only what is new.

Data files never change, so a copy that has one need not read it again. Of each table the files of one version are
taken, with the log up to it: what was copied from sources (coverage) first and the labels of series last, so that the
copy never claims a period whose samples it lacks, nor holds samples without labels.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench.archive.archive import Archive
from workbench.archive.storage import commits, document
from workbench.archive.storage.commits import Commit
from workbench.archive.storage.layout import COVERAGE, LAYOUTS, SERIES, Layout
from workbench.archive.storage.place import Place
from workbench.core.errors import ArchiveError

_LOG, _LAST = "_delta_log", "_last_checkpoint"
_ORDER = (COVERAGE, *(each for each in LAYOUTS if each not in (COVERAGE, SERIES)), SERIES)


@dataclass(frozen=True)
class Copied:
    """What a copy of an archive is made of: fingerprints of files by name, state of each table, and files copied now.

    Attributes
    ----------
    files : mapping of str to str
        SHA-256 by the name below the archive.
    stored : mapping of str to str
        Names in the copy of files that are stored under another, as an earlier copy still needs theirs.
    tables : mapping of str to Commit
    fresh : int
        Files copied now; the others were there. [count]
    size : int
        Of the files copied now. [bytes]
    """

    files: Mapping[str, str]
    stored: Mapping[str, str]
    tables: Mapping[str, Commit]
    fresh: int
    size: int


def copy_archive(archive: Archive, to: Place, known: Mapping[str, str] | None = None) -> Copied:
    """Copy an archive; files that ``known`` has are not read again, and nothing that it names is changed or deleted.

    Raises
    ------
    ArchiveError
        A file of the archive is missing, or the place cannot be written.
    """
    files: dict[str, str] = {}
    stored: dict[str, str] = {}
    tables: dict[str, Commit] = {}
    counts = [0, 0]
    known = known or {}
    held = set(names_of(to))

    def bring(name: str, content: bytes | None) -> None:
        if content is None:
            raise ArchiveError(
                f"The file {archive.place}/{name} of the archive is missing.",
                hint="`workbench doctor` says what else is; an earlier backup may have it.",
            )
        files[name] = hashlib.sha256(content).hexdigest()
        place = stored_name(name, files[name], known)
        if place != name:
            stored[name] = place
        if _load(to, place) != content:
            put(to, place, content)
            counts[0] += 1
            counts[1] += len(content)

    for layout in _ORDER:
        state = archive.state_of(layout)
        if state is None:
            continue
        tables[layout.name] = state
        for file in archive.files_at(layout, state):
            name = f"{layout.name}/{file.path}"
            if name in known and name in held:
                files[name] = known[name]
            else:
                bring(name, _load(archive.place, name))
        for name in _log(archive.place, layout, state.version):
            bring(name, _load(archive.place, name))
    bring(document.NAME, archive.place.load(document.NAME))
    counted = json.dumps({name: asdict(state) for name, state in tables.items()}, indent=1, sort_keys=True) + "\n"
    bring(commits.NAME, counted.encode())
    return Copied(files, stored, tables, counts[0], counts[1])


def stored_name(name: str, sha256: str, known: Mapping[str, str]) -> str:
    """Return where a copy stores a file: beside the one of an earlier copy that has another content.

    Examples
    --------
    >>> stored_name("store.db", "beef", {})
    'store.db'
    >>> stored_name("store.db", "beef", {"store.db": "cafe"})
    'store.db.beef'
    """
    return name if known.get(name, sha256) == sha256 else f"{name}.{sha256[:16]}"


def fetch(place: Place, name: str, sha256: str) -> bytes:
    """Read a file of a copy, and compare it with its fingerprint.

    Raises
    ------
    ArchiveError
        It is missing, or is not what was copied.
    """
    content = _load(place, name)
    if content is None or hashlib.sha256(content).hexdigest() != sha256:
        what = "is missing" if content is None else "is not what was copied"
        raise ArchiveError(f"The file {place}/{name} {what}.", hint="Use another copy; this one is damaged.")
    return content


def put(place: Place, name: str, content: bytes) -> None:
    """Write a file of a copy in one step, in the place of any other."""
    folder, _, file = name.rpartition("/")
    target = place / folder if folder else place

    def fill(sink: Any) -> None:
        if isinstance(sink, Path):
            part = sink.with_name(f".{sink.name}.part")
            part.unlink(missing_ok=True)
            try:
                part.write_bytes(content)
                os.replace(part, sink)
            finally:
                part.unlink(missing_ok=True)
        else:
            sink.write(content)

    target.write(file, fill)


def remove(place: Place, name: str) -> None:
    """Delete a file of a copy where there is one."""
    folder, _, file = name.rpartition("/")
    (place / folder if folder else place).delete(file)


def _load(place: Place, name: str) -> bytes | None:
    folder, _, file = name.rpartition("/")
    return (place / folder if folder else place).load(file)


def _log(place: Place, layout: Layout, version: int) -> Iterator[str]:
    """Names of the log of a table up to a version."""
    folder = place / layout.name / _LOG
    for name in folder.names():
        number = name.split(".", 1)[0]
        until = int(number) if number.isdigit() else _points_at(folder.load(name)) if name == _LAST else None
        if until is not None and until <= version:
            yield f"{layout.name}/{_LOG}/{name}"


def _points_at(content: bytes | None) -> int:
    try:
        return int(json.loads(content or b"{}")["version"])
    except (ValueError, KeyError, TypeError):
        return 1 << 62


def names_of(place: Place, below: str = "") -> Iterator[str]:
    """Names of all files of a copy, by the folders that an archive has."""
    folders: Callable[[str], bool] = lambda name: "." not in name or name.startswith("month=")  # noqa: E731
    for name in (place / below if below else place).names():
        path = f"{below}/{name}" if below else name
        if folders(name) and name != _LAST:
            yield from names_of(place, path)
        else:
            yield path
