"""Full and read-only disks: reading works, writing is refused at once, and the message says which it is."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import pytest

from workbench.core.errors import ArchiveError
from workbench.store import Store

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def disk(tmp_path: Path, omit: Callable[[str], NoReturn]) -> Iterator[Path]:
    """A disk of two megabytes with a store on it."""
    mounted = tmp_path / "disk"
    mounted.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", mounted], check=False).returncode:
        omit("no file system may be mounted here")
    try:
        store = Store(url(mounted))
        begun(store)
        store.close()
        yield mounted
    finally:
        subprocess.run(["umount", mounted], check=True)


def url(disk: Path) -> str:
    return f"sqlite:///{disk / 'home' / 'workbench.db'}"


def begun(store: Store) -> None:
    store.start_run(report="monthly", system="lab", period="2026-10", parameters={"x": "y" * 50_000}, started_at=NOON,
                    version="0", identity="ana")  # fmt: skip


def many(store: Store) -> None:
    for _ in range(30):
        begun(store)


def fill(disk: Path) -> None:
    with (disk / "rest").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"0" * 4096)
        except OSError:
            return


def read_only(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)


@pytest.mark.parametrize(("harm", "said"), [(fill, "disk is full"), (read_only, "read-only")])
def test_reading_works_and_writing_is_refused_at_once(disk: Path, harm: Callable[[Path], None], said: str) -> None:
    harm(disk)
    store, before = Store(url(disk)), time.monotonic()
    assert len(store.runs()) == 1
    with pytest.raises(ArchiveError, match=said):
        begun(store)
    assert len(store.runs()) == 1
    assert time.monotonic() - before < 2
    store.close()


def test_a_new_store_on_a_read_only_disk_is_refused_at_once(disk: Path) -> None:
    read_only(disk)
    before = time.monotonic()
    with pytest.raises(ArchiveError, match="cannot be opened"):
        Store(f"sqlite:///{disk / 'other' / 'workbench.db'}").runs()
    assert time.monotonic() - before < 2


def test_a_store_that_was_open_when_the_disk_became_full_goes_on_reading(disk: Path) -> None:
    store = Store(url(disk))
    assert len(store.runs()) == 1
    fill(disk)
    before = time.monotonic()
    with pytest.raises(ArchiveError, match="disk is full"):
        many(store)
    assert store.runs()
    assert time.monotonic() - before < 2
    store.close()
