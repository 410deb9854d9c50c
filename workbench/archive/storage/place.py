"""Where the files of an archive lie: a folder, or with the same methods a prefix of an object store.

Data files are written once under a new name and never changed, so a place needs to write one, read one and delete one.
The only file that changes is the document, and that in one step: under a lock in a folder, by a conditional put in an
object store (:mod:`workbench.archive.storage.objects`).
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pyarrow import fs

from workbench.core.errors import ArchiveError
from workbench.core.private import FILE, private_folder

T = TypeVar("T")

#: Lock of the document in a folder.
LOCK = "archive.lock"

_URL = re.compile(r"([a-z][a-z0-9+]*)://", re.IGNORECASE)


class Place(Protocol):
    """A folder of files; ``str`` names it for people. Names below it have ``/`` between their parts."""

    @property
    def options(self) -> Mapping[str, str]:
        """What Delta needs beside the address."""
        ...

    @property
    def remote(self) -> bool:
        """Whether a read is a question over the network, so that few large ones are better."""
        ...

    def __hash__(self) -> int:
        """Places are keys of what was read from them."""
        ...

    def __truediv__(self, name: str) -> Place:
        """Return the place below."""
        ...

    def identity(self) -> int:
        """Return a number that changes when another folder takes this place; 0 where there is none."""
        ...

    def changed(self) -> int | None:
        """Return a number that changes with the names that lie below; None where only a question can tell."""
        ...

    def names(self) -> list[str]:
        """Names of what lies directly below, sorted; none where the place is not there."""
        ...

    def size(self) -> int:
        """Size of all files below. [bytes]"""
        ...

    def write(self, name: str, fill: Callable[[Any], T]) -> tuple[T, int]:
        """Let ``fill`` write a new file that never changes; give what it returned, and the size. [bytes]

        Raises
        ------
        ArchiveError
            It cannot be written; nothing is left.
        """
        ...

    def source(self, name: str, size: int) -> Any:
        """Return what pyarrow reads a file from."""
        ...

    def as_arrow(self) -> fs.FileSystem:
        """File system by which a set of rows is read; its paths are those of ``str``."""
        ...

    def delete(self, name: str) -> None:
        """Delete a file where there is one."""
        ...

    def load(self, name: str) -> bytes | None:
        """Read a small file; None where there is none."""
        ...

    def change(self, name: str, make: Callable[[bytes | None], bytes]) -> None:
        """Write a small file anew from what it was, in one step also for other processes.

        ``make`` may be called again when another process came first.
        """
        ...

    def alone(self, name: str) -> Any:
        """Context in which no other process holds the name.

        Raises
        ------
        ArchiveError
            Another process holds it.
        """
        ...


@dataclass(frozen=True)
class LocalFolder:
    """A folder of this machine."""

    path: Path
    remote = False

    def __str__(self) -> str:
        return str(self.path)

    def __truediv__(self, name: str) -> LocalFolder:
        return LocalFolder(self.path / name)

    @property
    def options(self) -> Mapping[str, str]:
        """Delta needs nothing beside the path."""
        return {}

    def identity(self) -> int:
        """Return the number of the folder on its disk."""
        try:
            return self.path.stat().st_ino
        except FileNotFoundError:
            return 0

    def changed(self) -> int:
        """Return when a name was last added or taken away, by the clock of the disk. [ns]"""
        return self.path.stat().st_mtime_ns

    def names(self) -> list[str]:
        """Names of the files and folders in the folder, sorted."""
        return sorted(each.name for each in self.path.iterdir()) if self.path.is_dir() else []

    def size(self) -> int:
        """Size of all files below. [bytes]"""
        return sum(file.stat().st_size for file in self.path.rglob("*") if file.is_file())

    def write(self, name: str, fill: Callable[[Any], T]) -> tuple[T, int]:
        """Write a file that cannot be written to afterwards; see :class:`Place`."""
        path = self.path / name
        new = not path.exists()
        try:
            private_folder(path.parent)
            result = fill(path)
            if not path.exists():
                return result, 0
            path.chmod(0o400)
            return result, path.stat().st_size
        except OSError as error:
            if new:
                with suppress(OSError):  # a disk that is read-only
                    path.unlink(missing_ok=True)
            raise ArchiveError(
                f"The archive cannot write below {path.parent}: {error.strerror or error}.",
                hint="Nothing was changed. Free disk space or mend the permissions, then run the command again.",
            ) from error

    def source(self, name: str, size: int) -> Path:
        """Path of a file."""
        return self.path / name

    def as_arrow(self) -> fs.FileSystem:
        """Return the disk of this machine."""
        return fs.LocalFileSystem()

    def delete(self, name: str) -> None:
        """Delete a file where there is one."""
        (self.path / name).unlink(missing_ok=True)

    def load(self, name: str) -> bytes | None:
        """Read a small file; None where there is none."""
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None

    def change(self, name: str, make: Callable[[bytes | None], bytes]) -> None:
        """Write a small file anew under the lock of the folder, by a sibling that takes its place."""
        with self._locked(LOCK, fcntl.LOCK_EX):
            held = self.load(name)
            fresh = make(held)
            if fresh == held:
                return
            temporary = self.path / f".{name}.{os.getpid()}"
            try:
                temporary.touch(mode=FILE)
                temporary.write_bytes(fresh)
                os.replace(temporary, self.path / name)
            except OSError as error:
                temporary.unlink(missing_ok=True)
                raise ArchiveError(
                    f"{self.path / name} cannot be written: {error.strerror or error}.", hint="It was not changed."
                ) from error

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Hold a lock that a killed process lets go of at once."""
        with self._locked(name, fcntl.LOCK_EX | fcntl.LOCK_NB):
            yield

    @contextmanager
    def _locked(self, name: str, how: int) -> Iterator[None]:
        try:
            private_folder(self.path)
            lock = os.open(self.path / name, os.O_WRONLY | os.O_CREAT, FILE)
        except OSError as error:
            raise ArchiveError(
                f"{self.path / name} cannot be written: {error.strerror or error}.",
                hint="Nothing was changed. Free disk space or mend the permissions, then run the command again.",
            ) from error
        try:
            fcntl.flock(lock, how)  # a process that is killed lets go of it
            yield
        except BlockingIOError:
            raise ArchiveError(
                f"Another process copies into the archive in {self.path}.", hint="Wait until it is done."
            ) from None
        finally:
            os.close(lock)


def is_url(location: str | Path) -> bool:
    """Say whether a location is a URL and no folder.

    Examples
    --------
    >>> is_url("s3://bucket/history"), is_url("/var/lib/history")
    (True, False)
    """
    return _URL.match(str(location)) is not None


def place_of(location: str | Path) -> Place:
    """Return the place that a path, or a URL of an object store, means.

    Raises
    ------
    ArchiveError
        A URL that no object store is known for, with credentials, or without the library that reads it.
    """
    if not is_url(location):
        return LocalFolder(Path(location).expanduser().absolute())
    from workbench.archive.storage.objects import bucket_of

    return bucket_of(str(location))
