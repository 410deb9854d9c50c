"""Is everything the workbench keeps whole, private, and on time? One finding a part, each with a next step."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from workbench import __version__
from workbench.archive import Archive
from workbench.archive.storage import commits
from workbench.archive.storage.layout import LAYOUTS, Layout
from workbench.archive.storage.parquet import checked_tail
from workbench.core.errors import WorkbenchError
from workbench.core.settings import Settings
from workbench.core.timerange import TimeRange
from workbench.store import open_store
from workbench.store.engine import database_url
from workbench.store.kept import kept_at
from workbench.store.sqlite import file_of, mark_of

#: Files of each table that are read whole. [count]
SAMPLED = 20

#: Free disk below which a finding warns, and below which writers will fail soon. [bytes]
LITTLE, TOO_LITTLE = 5 << 30, 500 << 20

#: All stored counts: to the year 2109.
_EVER = TimeRange.from_ms(0, 1 << 42)

#: Messages that are named one by one. [count]
_NAMED = 10

#: A clock that moved by more against the time since the boot while it was looked at was set. [s]
_JUMP_S = 0.5

#: Libraries whose versions matter when figures differ between two machines.
_LIBRARIES = ("numpy", "pandas", "pyarrow", "deltalake", "duckdb", "sqlalchemy", "streamlit", "papermill")


@dataclass(frozen=True)
class Diagnosis:
    """What was found of one part.

    Attributes
    ----------
    part : str
        ``store``, ``archive``, ``reports``, ``schedule``, ``delivery``, ``permissions``, ``disk``,
        ``clock``, ``versions``.
    status : str
        ``ok``, ``warning`` or ``broken``.
    text : str
        What was looked at and what was found.
    next_step : str
        Empty where nothing is to be done.
    """

    part: str
    status: str
    text: str
    next_step: str = ""


def diagnose(settings: Settings, *, now: datetime, whole: bool = False) -> Iterator[Diagnosis]:
    """Look at each part, one after the other; a part that cannot be looked at is broken, never an exception.

    Parameters
    ----------
    settings : Settings
        The settings of this workbench.
    now : datetime
        Aware instant; newest data after it is a sign of a clock that went back.
    whole : bool
        Read every file of the archive, not a sample of each table.

    Yields
    ------
    Diagnosis
    """
    parts: dict[str, Callable[[], Iterator[Diagnosis]]] = {
        "store": lambda: _store(settings),
        "archive": lambda: _archive(settings, now, whole),
        "reports": lambda: _reports(settings),
        "schedule": lambda: _schedule(settings),
        "delivery": lambda: _delivery(settings),
        "permissions": lambda: _permissions(settings),
        "disk": lambda: _disk(settings),
        "clock": lambda: _clock(settings, now),
        "versions": lambda: _versions(),
    }
    for part, look in parts.items():
        try:
            yield from look()
        except WorkbenchError as error:
            yield Diagnosis(part, "broken", error.message, error.hint)
        except OSError as error:
            yield Diagnosis(part, "broken", f"It cannot be read: {error}.", "Check the disk and the permissions.")


def _store(settings: Settings) -> Iterator[Diagnosis]:
    path = file_of(database_url(settings.database))
    if path is not None and not path.exists() and not mark_of(path).exists():
        yield Diagnosis("store", "ok", f"There is no store in {path} yet; the first command that writes makes it.")
        return
    with closing(open_store(settings)) as store:
        issues, runs = len(store.issues()), len(store.runs(limit=1_000))
        if path is not None:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
                try:
                    problems = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(5)")]
                except sqlite3.Error as error:
                    problems = [str(error)]
            if problems != ["ok"]:
                yield Diagnosis("store", "broken", f"{path} is damaged: {'; '.join(problems)}.", _RESTORE)
                return
        for system in {line.system for line in store.audit(limit=1_000_000)}:  # each is compared with its audit trail
            store.exclusions(system)
            store.annotations(system)
        for key in store.history_keys():  # counts are compared with their sums
            store.slices(key, _EVER)
    yield Diagnosis("store", "ok", f"The store {store.location} is whole: {issues} issued reports, {runs} runs.")


def _archive(settings: Settings, now: datetime, whole: bool) -> Iterator[Diagnosis]:
    if not Archive.is_at(settings.history):
        yield Diagnosis("archive", "ok", f"There is no archive in {settings.history} yet: workbench archive sync.")
        return
    archive = Archive.open(settings.history)
    rows, read, uncounted = 0, 0, []
    for layout in LAYOUTS:
        try:
            state = archive.state_of(layout)
            if state is None:
                continue
            rows += state.rows
            if state.rows and layout.name not in commits.noted(archive.place):
                uncounted.append(layout.name)
            gaps = _gaps(archive, layout, state.version)
            if gaps:
                yield Diagnosis(
                    "archive", "broken", f"{archive.place}/{layout.name}/_delta_log lacks {gaps}.", _RESTORE
                )
            for text in _damaged(archive, layout, None if whole else SAMPLED):
                yield Diagnosis("archive", "broken", text, _RESTORE)
            read += state.files if whole else min(state.files, SAMPLED)
        except WorkbenchError as error:
            faults = "".join(f" {fault}" for fault in _log_faults(archive, layout))
            yield Diagnosis("archive", "broken", error.message + faults, error.hint)
    if uncounted:
        text = f"{archive.place}/{commits.NAME} is missing, or has no count of {', '.join(uncounted)}"
        step = f"{_RESTORE} The next write of a table counts it again."
        yield Diagnosis("archive", "broken", f"{text}: newest commits that were lost would not be noticed.", step)
    newest = archive.newest_ms()
    text = f"{archive.place}: {rows:,} rows; {read} files were read whole, the logs are continuous as far as they go."
    yield Diagnosis("archive", "ok", text)
    if newest is not None and newest > now.timestamp() * 1000 + 60_000:
        ahead = timedelta(milliseconds=newest - int(now.timestamp() * 1000))
        yield Diagnosis(
            "archive",
            "warning",
            f"The newest sample lies {ahead} after now.",
            "Compare the clock of this host with that of the sources: workbench sources check.",
        )


def _gaps(archive: Archive, layout: Layout, newest: int) -> str:
    """Name the commits that are missing from the log of a table, from the oldest that is there on."""
    names = (archive.place / layout.name / "_delta_log").names()
    numbers = sorted(int(name[:20]) for name in names if name.endswith(".json") and name[:20].isdigit())
    missing = sorted(set(range(numbers[0], newest + 1)) - set(numbers)) if numbers else [newest]
    return ", ".join(f"{number:020d}.json" for number in missing[:3]) + (" and more" if len(missing) > 3 else "")


def _log_faults(archive: Archive, layout: Layout) -> Iterator[str]:
    """Name the files of a log that are missing between others, or are no lines of JSON."""
    folder = archive.place / layout.name / "_delta_log"
    names = [name for name in folder.names() if name.endswith(".json") and name[:20].isdigit()]
    if names and (gaps := _gaps(archive, layout, int(names[-1][:20]))):
        yield f"{folder} lacks {gaps}."
    for name in names:
        try:
            for line in (folder.load(name) or b"").decode().splitlines():
                json.loads(line)
        except ValueError as error:
            yield f"{folder}/{name} is damaged: {error}."


def _damaged(archive: Archive, layout: Layout, most: int | None) -> Iterator[str]:
    """Files of a table that cannot be read, or have other rows than the log says: all, or a sample spread over time."""
    files = archive.files(layout)
    folder = archive.place / layout.name
    chosen = (
        range(len(files)) if most is None else sorted(set(np.linspace(0, len(files) - 1, most).astype(int).tolist()))
    )
    for number in chosen if files else ():
        file = files[number]
        try:
            tail = checked_tail(folder.source(file.path, file.size), file.path, file.size)
            source, footer = folder.source(file.path, file.size), pq.read_metadata(pa.BufferReader(tail))
            with pq.ParquetFile(source, metadata=footer, page_checksum_verification=True) as opened:
                held = sum(len(batch) for batch in opened.iter_batches(batch_size=1 << 16))
        except (OSError, ValueError) as error:
            yield f"The file {folder}/{file.path} cannot be read: {' '.join(str(error).split())[:200]}."
        else:
            if held != file.rows:
                yield f"The file {folder}/{file.path} has {held:,} rows, the log says {file.rows:,}."


def _reports(settings: Settings) -> Iterator[Diagnosis]:
    path = file_of(database_url(settings.database))
    if path is not None and not path.exists():
        return
    with closing(open_store(settings)) as store:
        issues = store.issues()
    wrong = 0
    for issue in issues:
        folder = kept_at(issue.folder, settings.home)
        sums = {**issue.manifest["made"]["inputs_sha256"], "figures.json": issue.figures_sha256}
        for name, value in {**sums, "report.html": issue.manifest["page_sha256"]}.items():
            file = folder / name
            held = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
            if held != value:
                wrong += 1
                what = "is not what was issued" if held else "is missing"
                yield Diagnosis("reports", "broken", f"{file} {what}.", "Restore it from a backup (workbench restore).")
        file = folder / "manifest.json"
        if not file.is_file() or _document(file) != issue.manifest:
            wrong += 1
            what = "is not what was issued" if file.is_file() else "is missing"
            yield Diagnosis("reports", "broken", f"{file} {what}.", "Restore it from a backup (workbench restore).")
    if not wrong:
        count = f"{len(issues):,} issued report{'s' if len(issues) != 1 else ''}"
        text = f"All files of {count} are as issued." if issues else "No report was issued yet."
        yield Diagnosis("reports", "ok", text)


def _document(file: Path) -> object:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return None


def _schedule(settings: Settings) -> Iterator[Diagnosis]:
    """Name the schedules whose newest report of a system was not made."""
    path = file_of(database_url(settings.database))
    if path is not None and not path.exists():
        return
    with closing(open_store(settings)) as store:
        jobs = store.jobs()
    over = [job for job in jobs if job.status not in ("waiting", "running")]
    newest = {(job.schedule, job.system): job for job in reversed(over)}
    unmade = [job for job in newest.values() if job.status != "done"]
    for job in unmade:
        what = f"Schedule {job.schedule}, system {job.system}: report of {job.period} {job.status}"
        run = f"workbench report run {job.document['template']} --system {job.system} --period {job.period}"
        yield Diagnosis("schedule", "warning", f"{what}. {job.error}".rstrip(), run)
    if not unmade:
        text = "No scheduled report was due yet."
        if newest:
            text = f"The newest report of each schedule and system was made ({len(newest):,} checked)."
        yield Diagnosis("schedule", "ok", text)


def _delivery(settings: Settings) -> Iterator[Diagnosis]:
    """Name the messages that were given up."""
    path = file_of(database_url(settings.database))
    if path is not None and not path.exists():
        return
    with closing(open_store(settings)) as store:
        messages = store.deliveries()
    dead = [each for each in messages if each.status == "dead"]
    for each in dead[:_NAMED]:
        text = f"Message {each.message.id[:12]} to {each.message.channel}, {each.message.subject}, was given up"
        step = f"Mend the cause, then workbench delivery retry {each.message.id[:12]}"
        yield Diagnosis("delivery", "warning", f"{text}: {each.error or 'no reason is known'}", step)
    if len(dead) > _NAMED:
        text = f"{len(dead) - _NAMED} more messages were given up."
        yield Diagnosis("delivery", "warning", text, "workbench delivery list --status dead")
    if not dead:
        text = (
            f"None of the newest {len(messages):,} messages was given up." if messages else "No message was sent yet."
        )
        yield Diagnosis("delivery", "ok", text)


def _permissions(settings: Settings) -> Iterator[Diagnosis]:
    if not settings.home.exists():
        yield Diagnosis("permissions", "ok", f"{settings.home} is not there yet.")
        return
    if not os.access(settings.home, os.W_OK):
        yield Diagnosis(
            "permissions", "warning", f"{settings.home} cannot be written.", "Reading works; writing fails."
        )
    loose = settings.home.stat().st_mode & (0o066 if settings.open_reports else 0o077)
    owner = settings.home.stat().st_uid
    if loose:
        step = f"chmod {'711' if settings.open_reports else '700'} {settings.home}"
        yield Diagnosis("permissions", "warning", f"Other users of this host can read {settings.home}.", step)
    elif owner != os.geteuid() and os.geteuid() != 0:
        yield Diagnosis("permissions", "warning", f"{settings.home} belongs to user {owner}.", "Run as that user.")
    else:
        yield Diagnosis("permissions", "ok", f"{settings.home} is its user's alone.")


def _disk(settings: Settings) -> Iterator[Diagnosis]:
    places: dict[str, Path] = {"home": settings.home}
    if isinstance(settings.history, Path):
        places["archive"] = settings.history
    seen: set[int] = set()
    for name, path in places.items():
        there = next(each for each in (path, *path.parents) if each.exists())
        if there.stat().st_dev in seen:
            continue
        seen.add(there.stat().st_dev)
        free = shutil.disk_usage(there).free
        text = f"{free / 1e9:,.1f} GB are free for the {name} in {path}."
        if free < LITTLE:
            status = "broken" if free < TOO_LITTLE else "warning"
            yield Diagnosis("disk", status, text, "Free space, or shorten retention: workbench archive expire.")
        else:
            yield Diagnosis("disk", "ok", text)


def _clock(settings: Settings, now: datetime) -> Iterator[Diagnosis]:
    wall, steady = time.time(), time.monotonic()
    probe = settings.home / f".clock-{os.getpid()}"
    skew = 0.0
    if settings.home.is_dir() and os.access(settings.home, os.W_OK):
        try:
            probe.touch()
            skew = probe.stat().st_mtime - time.time()
        finally:
            probe.unlink(missing_ok=True)
    jumped = abs((time.time() - wall) - (time.monotonic() - steady))
    if jumped > _JUMP_S:
        yield Diagnosis("clock", "warning", f"The clock was set by {jumped:.1f} s just now.", "Let NTP hold it.")
    elif abs(skew) > 2:
        text = f"The disk of {settings.home} dates files {skew:+.0f} s off this host's clock."
        yield Diagnosis("clock", "warning", text, "Synchronise the clocks of this host and of the file server.")
    else:
        yield Diagnosis("clock", "ok", "The clock is steady; those of the servers: workbench sources check.")


def _versions() -> Iterator[Diagnosis]:
    held = []
    for name in _LIBRARIES:
        try:
            held.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            held.append(f"{name} (missing)")
    text = f"workbench {__version__}; " + ", ".join(held) + f"; SQLite {sqlite3.sqlite_version}."
    yield Diagnosis("versions", "ok", text)


_RESTORE = "Restore it from a backup (workbench restore), or copy the period again (workbench archive sync)."
