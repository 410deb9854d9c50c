"""The tables of an archive behind five methods: files, append, replace, version, vacuum.

Delta Lake keeps the list of files and makes commits atomic, also between processes and on object stores. The data
files are ours (:mod:`workbench.archive.storage.parquet`); nothing outside this module knows Delta, so another manifest
could take its place.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any

from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from workbench.archive.storage import commits
from workbench.archive.storage.causes import plain
from workbench.archive.storage.commits import Commit
from workbench.archive.storage.layout import Layout
from workbench.archive.storage.objects import Bucket
from workbench.archive.storage.parquet import DataFile, Ranges
from workbench.archive.storage.place import Place
from workbench.core.errors import ArchiveError

#: Commits between checkpoints: opening stays under 20 ms at thousands of commits (33 to 1,847 ms without).
_CHECKPOINT_INTERVAL = "20"
_ATTEMPTS = 50


class CommitConflict(Exception):
    """Another process changed the same table meanwhile: read again, then try again."""


class Tables:
    """The tables below one place; safe to share between threads, and between processes by opening it in each."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._handles: dict[str, tuple[tuple[int, dict[str, str]], DeltaTable]] = {}
        self._logs: dict[str, int | None] = {}
        self._listed: dict[str, tuple[str, tuple[DataFile, ...]]] = {}
        self._made: set[str] = set()
        self._lock = threading.RLock()
        self._looks = threading.local()

    @contextmanager
    def one_look(self) -> Iterator[Callable[[], None]]:
        """Answer everything this thread asks inside from one version of each table: the newest at the first question.

        A commit of this thread ends the look at the table it changes. The context gives what makes it look again.
        """
        self._looks.pins = {}
        try:
            yield self._looks.pins.clear
        finally:
            self._looks.pins = None

    def _pins(self) -> dict[str, tuple[str, tuple[DataFile, ...]]] | None:
        """Version and files of each table that this look has seen; None outside one."""
        pins: dict[str, tuple[str, tuple[DataFile, ...]]] | None = getattr(self._looks, "pins", None)
        return pins

    def folder(self, layout: Layout) -> Place:
        """Place of a table."""
        return self.place / layout.name

    def create(self, layout: Layout) -> None:
        """Make an empty table where there is none, and add the columns that one of an older schema lacks."""
        with _delta(self.folder(layout)):
            table = DeltaTable.create(
                str(self.folder(layout)),
                schema=layout.table_schema,
                partition_by=layout.partitions,
                mode="ignore",
                configuration={"delta.checkpointInterval": _CHECKPOINT_INTERVAL},
                storage_options=dict(self.place.options),
            )
            known = {field.name for field in table.schema().fields}
            _check_lists(self.folder(layout))
            missing = [field for field in Schema.from_arrow(layout.table_schema).fields if field.name not in known]
            if missing:
                table.alter.add_columns(missing)

    def version(self, layout: Layout) -> str:
        """Newest version of a table; the same version means the same rows, also when the folder was built anew."""
        return self._state(layout)[0]

    def files(self, layout: Layout, ranges: Ranges | None = None) -> tuple[DataFile, ...]:
        """Files of the newest version that may hold rows inside the ranges, in the order they were written."""
        _, listed = self._state(layout)
        return tuple(file for file in listed if file.meets(ranges)) if ranges else listed

    def _state(self, layout: Layout) -> tuple[str, tuple[DataFile, ...]]:
        """Version and files of a table: of this look, else the newest."""
        pins = self._pins()
        if pins is not None and layout.name in pins:
            return pins[layout.name]
        with self._lock:
            if self._absent(layout):
                seen: tuple[str, tuple[DataFile, ...]] = ("", ())
            else:
                handle = self._current(layout)
                seen = _version(handle), self._files_of(handle, layout)
        if pins is not None:
            pins[layout.name] = seen
        return seen

    def append(self, layout: Layout, files: Sequence[DataFile], *, expect: str | None = None) -> None:
        """Add written files in one commit.

        Parameters
        ----------
        layout : Layout
            Folders, columns and sort order of one table.
        files : sequence of DataFile
            Files that were written and belong to no commit yet.
        expect : str, optional
            Commit only when the table is still at this version as far as such conditional commits go.

        Raises
        ------
        CommitConflict
            Another conditional commit came first; the files are not part of the table.
        """
        if expect is not None:
            return self._commit(layout, (), files, expect)
        self._try_on(layout, (), files)

    def replace(self, layout: Layout, remove: Sequence[DataFile], add: Sequence[DataFile]) -> None:
        """Take files out and put others in, in one commit.

        Raises
        ------
        CommitConflict
            Another process took one of the files out.
        """
        self._try_on(layout, remove, add)

    def vacuum(self, layout: Layout, *, hours: int = 168) -> int:
        """Delete files that no version of the last hours holds, such as those of a killed writer. [count]"""
        if self._absent(layout):
            return 0
        with self._lock, _delta(self.folder(layout)):
            gone = self._current(layout).vacuum(
                retention_hours=hours, dry_run=False, enforce_retention_duration=False, full=True
            )
        return len(gone)

    def _absent(self, layout: Layout) -> bool:
        """Whether an archive of an older schema does not have the table yet."""
        if layout.since == 1 or layout.name in self._made or (self.folder(layout) / "_delta_log").identity():
            return False
        if self.place.remote and "_delta_log" in self.folder(layout).names():
            self._made.add(layout.name)
            return False
        if (last := commits.noted(self.place).get(layout.name)) is not None:
            commits.check(self.place, layout.name, last, last.table, -1, 0)
        return True

    def _current(self, layout: Layout) -> DeltaTable:
        with _delta(self.folder(layout)):
            options = dict(self.place.options)
            place = ((self.folder(layout) / "_delta_log").identity(), options)
            held, handle = self._handles.get(layout.name, (None, None))
            opens = handle is None or held != place  # a folder that was built anew and renamed is another table
            looks = opens or not self.place.remote  # over a network each look is a question
            last = commits.noted(self.place).get(layout.name) if looks else None  # before the table: it only grows
            if handle is None or opens:
                handle = DeltaTable(str(self.folder(layout)), storage_options=options)
                self._handles[layout.name] = (place, handle)
            elif self._grown(layout, handle):
                handle.update_incremental()
            if last is not None and handle.version() <= last.version:
                rows = sum(file.rows for file in self._files_of(handle, layout))
                commits.check(self.place, layout.name, last, str(handle.metadata().id), handle.version(), rows)
        return handle

    def _grown(self, layout: Layout, handle: DeltaTable) -> bool:
        """Whether a log may hold more than its handle; Delta's own look takes a hundred times longer.

        Two commits of one tick of the disk's clock leave one time: the second is seen by its name.
        """
        log = self.folder(layout) / "_delta_log"
        held, now = self._logs.get(layout.name), log.changed()
        self._logs[layout.name] = now  # read before Delta looks: what comes meanwhile makes another time
        return now is None or now != held or log.load(f"{handle.version() + 1:020d}.json") is not None

    def _try_on(self, layout: Layout, remove: Sequence[DataFile], add: Sequence[DataFile]) -> None:
        """Commit behind whatever others commit meanwhile, as long as the files to remove are still there."""
        for _ in range(_ATTEMPTS):
            with self._lock:
                held = {file.path for file in self.files(layout)} if remove else set()
                if not held.issuperset(file.path for file in remove):
                    raise CommitConflict
                with suppress(CommitConflict):
                    return self._commit(layout, remove, add, None)
        raise ArchiveError(
            f"Other writers changed {self.folder(layout)} {_ATTEMPTS} times in a row.", hint="Run the command again."
        )

    def _commit(self, layout: Layout, remove: Sequence[DataFile], add: Sequence[DataFile], expect: str | None) -> None:
        """Commit as the next version; new files come after all that are there, whatever the clock says."""
        (self._pins() or {}).pop(layout.name, None)
        with self._lock, _delta(self.folder(layout)):
            handle = self._current(layout)
            if expect is not None and _version(handle) != expect:
                raise CommitConflict
            newest = max((file.sequence for file in self._files_of(handle, layout)), default=0)
            numbers = count(max(int(time.time() * 1000), newest + 1))
            actions = [_removed(file) for file in remove]
            actions += [_added(file, file.sequence or next(numbers)) for file in add]
            behind = Transaction(f"workbench-{layout.name}", handle.version() + 1)
            try:
                handle.create_write_transaction(
                    actions,
                    "append",
                    handle.schema(),
                    layout.partitions,
                    commit_properties=CommitProperties(app_transactions=[behind]),
                )
            except CommitFailedError as error:
                raise CommitConflict from error
            handle.update_incremental()
            state = self._state_of(handle, layout)
        with suppress(ArchiveError):  # what was committed holds, also when the disk is full now
            commits.note(self.place, layout.name, state)

    def state(self, layout: Layout) -> Commit | None:
        """Return the newest commit of a table, with its counts of files and rows; None where there is no table."""
        with self._lock:
            return None if self._absent(layout) else self._state_of(self._current(layout), layout)

    def files_at(self, layout: Layout, state: Commit) -> tuple[DataFile, ...]:
        """Files of a table at a commit, whatever was committed after it.

        Raises
        ------
        ArchiveError
            The log does not go back to it any more.
        """
        with self._lock, _delta(self.folder(layout)):
            handle = self._current(layout)
            if handle.version() == state.version:
                return self._files_of(handle, layout)
            then = DeltaTable(str(self.folder(layout)), state.version, storage_options=dict(self.place.options))
            return tuple(sorted(_listing(then, layout), key=lambda file: file.order))

    def _state_of(self, handle: DeltaTable, layout: Layout) -> Commit:
        files = self._files_of(handle, layout)
        return Commit(str(handle.metadata().id), handle.version(), len(files), sum(file.rows for file in files))

    def _files_of(self, handle: DeltaTable, layout: Layout) -> tuple[DataFile, ...]:
        version, listed = self._listed.get(layout.name, ("", ()))
        if version != _version(handle):
            listed = tuple(sorted(_listing(handle, layout), key=lambda file: file.order))
            self._listed[layout.name] = (_version(handle), listed)
        return listed


def _version(handle: DeltaTable) -> str:
    return f"{handle.metadata().id}@{handle.version()}"


def _added(file: DataFile, sequence: int) -> AddAction:
    """Return the action of a file; its time rises from commit to commit, as in-commit timestamps of Delta do."""
    statistics = {
        "numRecords": file.rows,
        "minValues": dict(file.low),
        "maxValues": dict(file.high),
        "nullCount": dict.fromkeys(file.low, 0),
    }
    partition = {"month": file.month} if file.month else {}
    return AddAction(file.path, file.size, partition, sequence, True, json.dumps(statistics))


def _removed(file: DataFile) -> Any:
    partition = {"month": file.month} if file.month else {}
    return RemoveAction(file.path, True, int(time.time() * 1000), size=file.size, partition_values=partition)


def _listing(handle: DeltaTable, layout: Layout) -> Iterator[DataFile]:
    actions = handle.get_add_actions(flatten=True)
    columns = {name: actions.column(name).to_pylist() for name in actions.column_names}
    count = actions.num_rows
    months = columns.get("partition.month", [""] * count)
    for i in range(count):
        low = {name: _at(columns, f"min.{name}", i) for name in layout.order}
        high = {name: _at(columns, f"max.{name}", i) for name in layout.order}
        yield DataFile(
            columns["path"][i],
            months[i],
            columns["size_bytes"][i],
            columns["num_records"][i],
            _sequence(columns["path"][i], columns["modification_time"][i]),
            {name: value for name, value in low.items() if value is not None},
            {name: value for name, value in high.items() if value is not None},
        )


def _sequence(path: str, modified: int) -> int:
    """Place of a file in the order of commits; files of older programs had it in their name, as a time in ns."""
    written, dash, _ = path.rsplit("/", 1)[-1].partition("-")
    if dash and written.isdigit():
        return int(written) // 1_000_000
    return int(modified)


def _at(columns: dict[str, list[Any]], name: str, row: int) -> int | None:
    value = columns[name][row] if name in columns else None
    return None if value is None else int(value)


@contextmanager
def _delta(folder: Place) -> Iterator[None]:
    """Turn errors of the transaction log into ours, with the folder and the next step."""
    try:
        yield
    except TableNotFoundError as error:
        raise ArchiveError(
            f"There is no table in {folder}.",
            hint="A part of the archive is missing. Restore the folder from a backup, or build the archive again.",
        ) from error
    except (DeltaError, OSError) as error:
        with suppress(DeltaError, OSError):
            _check_lists(folder)
        if folder.remote and "uploadType" in str(error):
            raise ArchiveError(
                f"The object store of {folder} takes no upload of Google's XML API, by which a commit is put.",
                hint="The emulator fake-gcs-server does not take it; Google Cloud Storage does. For tests use moto's "
                "server of S3 (docs/archive.md says which emulators work).",
            ) from error
        raise ArchiveError(
            f"The transaction log in {folder} cannot be used: {plain(error) if folder.remote else error}.",
            hint="Is the disk full, the folder read-only, or was a file of _delta_log changed by hand? "
            "Data that was committed before is untouched.",
        ) from error


def _check_lists(folder: Place) -> None:
    """Refuse an object store in which Delta cannot find the newest commit of a table."""
    if isinstance(folder, Bucket) and not (folder / "_delta_log").lists_from():
        raise ArchiveError(
            f"The object store of {folder} lists every object and ignores the requested start, "
            "and Delta cannot follow a table there.",
            hint="The Azurite emulator does so; Azure Storage itself does not. For tests use moto's server "
            "of S3 (docs/archive.md says which emulators work).",
        )
