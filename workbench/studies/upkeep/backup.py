"""Back up a home (store, archive, issued reports) while others work on it, and restore it somewhere else."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from workbench import __version__
from workbench.archive import Archive
from workbench.archive.snapshot import copy_archive, fetch, put
from workbench.archive.storage.place import LocalFolder, Place, place_of
from workbench.core.errors import ArchiveError, ParameterError
from workbench.core.private import private_folder
from workbench.core.settings import Settings
from workbench.store import Store, open_store
from workbench.store.snapshot import read_snapshot, rows_of_snapshot, write_snapshot

#: Files of a backup: what it is, the store, and the folders beside it.
MANIFEST, STORE, ARCHIVE, HOME = "backup.json", "store.db", "archive", "home"

_FORMAT = "workbench-backup"

#: What of a home is copied as it is; the demo is built anew.
_KEPT = ("issued", "reports", "pseudonyms.key")


@dataclass(frozen=True)
class Backup:
    """A backup that was made and verified.

    Attributes
    ----------
    place : str
    made_at : datetime
    rows : mapping of str to int
        Rows of the store by table. [count]
    samples : int
        Rows of all tables of the archive. [count]
    files, fresh, size : int
        Files of the backup; those copied now, and their size. [count], [count], [bytes]
    """

    place: str
    made_at: datetime
    rows: Mapping[str, int]
    samples: int
    files: int
    fresh: int
    size: int


def back_up(settings: Settings, to: str | Path, *, now: datetime) -> Backup:
    """Copy store, archive and reports to a folder or an object store, and verify the copy.

    The store is copied in one transaction; of the archive one version of each table; files that the backup holds
    already are not read again, so that a second backup copies only what is new. Reports come last, so every issue of
    the copied store has its files.

    Parameters
    ----------
    settings : Settings
        The settings of this workbench.
    to : str or Path
        New or empty folder, that of an earlier backup of the same home, or ``s3://bucket/path`` (or gs://, az://).
    now : datetime
        Aware instant that the backup is dated with.

    Raises
    ------
    ArchiveError
        Something is missing or damaged, or the place cannot be written.
    ParameterError
        The place holds something else, or lies inside the home.
    """
    place = place_of(to)
    if isinstance(place, LocalFolder) and place.path.resolve().is_relative_to(settings.home):
        raise ParameterError(f"{place} lies inside the home {settings.home}.", hint="Name a folder on another disk.")
    before = _manifest(place, missing_ok=True)
    if not before and place.names():
        raise ParameterError(f"{place} is not empty and holds no backup.", hint="Name a new or an empty folder.")
    known: Mapping[str, str] = before.get("files", {})
    files: dict[str, str] = {}
    fresh = size = 0
    with tempfile.TemporaryDirectory(prefix="workbench-backup-") as folder:
        snapshot = Path(folder) / STORE
        with closing(open_store(settings)) as store:
            rows = write_snapshot(store, snapshot)
        content = snapshot.read_bytes()
    files[STORE] = hashlib.sha256(content).hexdigest()
    put(place, STORE, content)
    tables: dict[str, int] = {}
    if Archive.is_at(settings.history):
        inside = {name.partition("/")[2]: value for name, value in known.items() if name.startswith(f"{ARCHIVE}/")}
        copied = copy_archive(Archive.open(settings.history), place / ARCHIVE, inside)
        files |= {f"{ARCHIVE}/{name}": value for name, value in copied.files.items()}
        fresh, size = copied.fresh, copied.size
        tables = {name: state.rows for name, state in copied.tables.items()}
    for path in _kept(settings.home):
        name = f"{HOME}/{path.relative_to(settings.home).as_posix()}"
        content = path.read_bytes()
        files[name] = hashlib.sha256(content).hexdigest()
        if known.get(name) != files[name]:
            put(place, name, content)
            fresh, size = fresh + 1, size + len(content)
    manifest = {
        "format": _FORMAT,
        "version": __version__,
        "made_at": now.isoformat(),
        "rows": rows,
        "tables": tables,
        "files": files,
    }
    put(place, MANIFEST, (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode())
    verify(place)
    return Backup(str(place), now, rows, sum(tables.values()), len(files) + 1, fresh + 2, size + len(content))


def verify(place: Place, *, report: Callable[[str], object] = lambda _: None) -> None:
    """Read a whole backup, and compare every file with its fingerprint.

    Raises
    ------
    ArchiveError
        A file is missing or is not what was copied.
    """
    for name, value in _manifest(place)["files"].items():
        fetch(place, name, value)
        report(name)


def restore(settings: Settings, backup: str | Path, *, now: datetime, replace: bool = False) -> dict[str, Any]:
    """Put a backup into the home, store and archive that the settings name, every file compared with its fingerprint.

    Parameters
    ----------
    settings : Settings
        The settings of this workbench.
    backup : str or Path
        Folder or URL of a backup.
    now : datetime
        Aware instant; names the folder into which ``replace`` moves what is there.
    replace : bool
        Move what the home holds aside first. Without it, a home that holds anything of the backup's kinds is refused.

    Returns
    -------
    dict
        The manifest of the backup.

    Raises
    ------
    ArchiveError
        The backup is damaged; the home is untouched then. Or the store on a server is not empty.
    ParameterError
        There is no backup, or the home is not empty.
    """
    place = place_of(backup)
    manifest = _manifest(place)
    verify(place)
    aside = settings.home / f"replaced-{now:%Y%m%dT%H%M%SZ}"
    private_folder(settings.home)
    _make_room(settings, aside, replace=replace)
    store = open_store(settings)
    store.forget()
    target = place_of(settings.history)
    with tempfile.TemporaryDirectory(prefix="workbench-restore-") as folder:
        for name, value in manifest["files"].items():
            content = fetch(place, name, value)
            kind, _, rest = name.partition("/")
            if name == STORE:
                (Path(folder) / STORE).write_bytes(content)
            elif kind == ARCHIVE:
                put(target, rest, content)
            elif kind == HOME:
                put(LocalFolder(settings.home), rest, content)
        _restore_store(store, Path(folder) / STORE)
    return manifest


def _restore_store(store: Store, snapshot: Path) -> None:
    rows_of_snapshot(snapshot)
    read_snapshot(snapshot, store)
    store.close()


def _make_room(settings: Settings, aside: Path, *, replace: bool) -> None:
    own = [settings.home / name for name in _KEPT]
    archive = place_of(settings.history)
    if isinstance(archive, LocalFolder):
        own.append(archive.path)
    elif archive.names():
        raise ParameterError(f"{archive} is not empty.", hint="Name another archive url in the settings, or empty it.")
    if not settings.store_url or settings.store_url.startswith("sqlite"):
        file = Path(settings.database.removeprefix("sqlite:///"))
        own += [file.with_name(file.name + beside) for beside in ("", "-wal", "-shm")]
    there = [path for path in own if path.exists()]
    if there and not replace:
        raise ParameterError(
            f"{settings.home} is not empty: it holds {', '.join(path.name for path in there)}.",
            hint="Add --replace: what is there is moved aside, nothing is deleted.",
        )
    for path in there:
        private_folder(aside)
        shutil.move(path, aside / path.name)


def _kept(home: Path) -> list[Path]:
    """Files of a home that a backup takes as they are; what is being written is not among them."""
    files = [home / name for name in _KEPT if (home / name).is_file()]
    for name in _KEPT:
        for path in sorted((home / name).rglob("*")):
            if path.is_file() and not any(part.startswith(".") for part in path.relative_to(home).parts):
                files.append(path)
    return files


def _manifest(place: Place, *, missing_ok: bool = False) -> dict[str, Any]:
    content = place.load(MANIFEST)
    if content is None:
        if missing_ok:
            return {}
        raise ParameterError(f"There is no backup in {place}.", hint="Make one: workbench backup TO.")
    try:
        manifest: dict[str, Any] = json.loads(content)
        if manifest["format"] != _FORMAT or not isinstance(manifest["files"], dict):
            raise ValueError("another document")
    except (ValueError, KeyError, TypeError) as error:
        raise ArchiveError(f"{place}/{MANIFEST} is damaged: {error}.", hint="Use another backup.") from None
    for name in manifest["files"]:
        if not _is_inside(str(name)):
            raise ArchiveError(f"{place}/{MANIFEST} names {name!r}, which is no file of a backup.")
    return manifest


def _is_inside(name: str) -> bool:
    parts = name.split("/")
    return name == STORE or (parts[0] in (ARCHIVE, HOME) and len(parts) > 1 and not {"", ".", ".."} & set(parts))
