"""Back up a home (store, archive, issued reports) while others work on it, and restore it somewhere else."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from workbench import __version__
from workbench.archive import Archive
from workbench.archive.snapshot import copy_archive, fetch, names_of, put, remove, stored_name
from workbench.archive.storage.document import NAME as DOCUMENT
from workbench.archive.storage.place import LocalFolder, Place, place_of
from workbench.core.errors import ArchiveError, ParameterError
from workbench.core.private import private_folder
from workbench.core.settings import Settings
from workbench.store import open_store
from workbench.store.engine import database_url
from workbench.store.snapshot import place_snapshot, read_snapshot, rows_of_snapshot, write_snapshot
from workbench.store.sqlite import file_of

#: Files of a backup: what it is, the store, and the folders beside it.
MANIFEST, STORE, ARCHIVE, HOME = "backup.json", "store.db", "archive", "home"

_FORMAT = "workbench-backup"

_LOCK = "backup.lock"

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
    the copied store has its files. An earlier backup at the place is whole until the new one is verified: what changed
    is stored beside it.

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
    if isinstance(place, LocalFolder):
        private_folder(place.path)
    with place.alone(_LOCK):
        return _backed_up(settings, place, now)


def _backed_up(settings: Settings, place: Place, now: datetime) -> Backup:
    before = _manifest(place, missing_ok=True)
    if not before and set(place.names()) - {_LOCK}:
        raise ParameterError(f"{place} is not empty and holds no backup.", hint="Name a new or an empty folder.")
    begun = {"format": _FORMAT, "version": __version__, "files": {}}
    if not before:  # one that is killed can go on
        put(place, MANIFEST, _written(begun))
    known: Mapping[str, str] = before.get("files", {})
    files: dict[str, str] = {}
    stored: dict[str, str] = {}
    fresh = size = 0

    def bring(name: str, content: bytes) -> None:
        nonlocal fresh, size
        files[name] = hashlib.sha256(content).hexdigest()
        target = stored_name(name, files[name], known)
        if target != name:
            stored[name] = target
        if known.get(name) != files[name] or name in before.get("stored", {}):
            put(place, target, content)
            fresh, size = fresh + 1, size + len(content)

    with tempfile.TemporaryDirectory(prefix="workbench-backup-") as folder:
        snapshot = Path(folder) / STORE
        with closing(open_store(settings)) as store:
            rows = write_snapshot(store, snapshot)
        bring(STORE, snapshot.read_bytes())
    tables: dict[str, int] = {}
    if Archive.is_at(settings.history):
        inside = {name.partition("/")[2]: value for name, value in known.items() if name.startswith(f"{ARCHIVE}/")}
        copied = copy_archive(Archive.open(settings.history), place / ARCHIVE, inside)
        files |= {f"{ARCHIVE}/{name}": value for name, value in copied.files.items()}
        stored |= {f"{ARCHIVE}/{name}": f"{ARCHIVE}/{value}" for name, value in copied.stored.items()}
        fresh, size = fresh + copied.fresh, size + copied.size
        tables = {name: state.rows for name, state in copied.tables.items()}
    for path in _kept(settings.home):
        bring(f"{HOME}/{path.relative_to(settings.home).as_posix()}", path.read_bytes())
    manifest = begun | {
        "made_at": now.isoformat(),
        "rows": rows,
        "tables": tables,
        "files": files,
        "stored": stored,
    }
    _verify(place, manifest)
    content = _written(manifest)
    put(place, MANIFEST, content)
    present = {STORE, *known, *before.get("stored", {}).values(), *_archived(place)}
    for name in present - {stored.get(name, name) for name in files}:
        remove(place, name)
    return Backup(str(place), now, rows, sum(tables.values()), len(files) + 1, fresh + 1, size + len(content))


def verify(place: Place, *, report: Callable[[str], object] = lambda _: None) -> None:
    """Read a whole backup, and compare every file with its fingerprint.

    Raises
    ------
    ArchiveError
        A file is missing or is not what was copied.
    """
    _verify(place, _manifest(place), report=report)


def _verify(place: Place, manifest: Mapping[str, Any], *, report: Callable[[str], object] = lambda _: None) -> None:
    for name, value in manifest["files"].items():
        fetch(place, manifest.get("stored", {}).get(name, name), value)
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
        There is no whole backup, or the home is not empty.
    """
    place = place_of(backup)
    manifest = _manifest(place)
    if not manifest["files"]:
        raise ParameterError(f"The backup in {place} was not finished.", hint="Run workbench backup again.")
    verify(place)
    aside = settings.home / f"replaced-{now:%Y%m%dT%H%M%SZ}"
    private_folder(settings.home)
    store, path = open_store(settings), file_of(database_url(settings.database))
    there = _occupied(settings, path, replace=replace)
    if path is not None:  # until the end the store counts as lost, so that nobody takes a half-restored home for whole
        store.remember()
    for each in there:
        private_folder(aside)
        shutil.move(each, aside / each.name)
    target = place_of(settings.history)
    ordered = sorted(manifest["files"], key=lambda name: (name == STORE, name == f"{ARCHIVE}/{DOCUMENT}"))
    with tempfile.TemporaryDirectory(prefix="workbench-restore-") as folder:
        for name in ordered:
            content = fetch(place, manifest.get("stored", {}).get(name, name), manifest["files"][name])
            kind, _, rest = name.partition("/")
            if kind == ARCHIVE:
                put(target, rest, content)
            elif kind == HOME:
                put(LocalFolder(settings.home), rest, content)
            else:
                snapshot = Path(folder) / STORE
                snapshot.write_bytes(content)
                rows_of_snapshot(snapshot)
                if path is not None:
                    place_snapshot(snapshot, path)
                else:
                    store.forget()
                    read_snapshot(snapshot, store)
                    store.close()
    return manifest


def _occupied(settings: Settings, store: Path | None, *, replace: bool) -> list[Path]:
    """Return what of a home a restore would overwrite; it is refused unless it may be moved aside."""
    own = [settings.home / name for name in _KEPT]
    archive = place_of(settings.history)
    if isinstance(archive, LocalFolder):
        own.append(archive.path)
    elif archive.names():
        raise ParameterError(f"{archive} is not empty.", hint="Name another archive url in the settings, or empty it.")
    if store is not None:
        own += [store.with_name(store.name + beside) for beside in ("", "-wal", "-shm")]
    there = [path for path in own if path.exists()]
    if there and not replace:
        raise ParameterError(
            f"{settings.home} is not empty: it holds {', '.join(path.name for path in there)}.",
            hint="Add --replace: what is there is moved aside, nothing is deleted.",
        )
    return there


def _archived(place: Place) -> Iterator[str]:
    """Names of the files of the copied archive, those of a copy that was broken off included."""
    for name in names_of(place / ARCHIVE):
        yield f"{ARCHIVE}/{name}"


def _written(manifest: Mapping[str, Any]) -> bytes:
    return (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode()


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
    for name in (*manifest["files"], *manifest.get("stored", {}).values()):
        if not _is_inside(str(name)):
            raise ArchiveError(f"{place}/{MANIFEST} names {name!r}, which is no file of a backup.")
    return manifest


def _is_inside(name: str) -> bool:
    parts = name.split("/")
    if len(parts) == 1:
        return name.startswith(STORE)
    return parts[0] in (ARCHIVE, HOME) and not {"", ".", ".."} & set(parts)
