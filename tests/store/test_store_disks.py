"""Full and read-only disks: reading works, writing is refused at once, and the message says which it is."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from workbench.archive import Archive
from workbench.cli.main import main
from workbench.core.errors import ArchiveError
from workbench.core.series import SeriesSet
from workbench.store import Store

SYSTEM = "counterfactual-lab"

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


def test_what_was_written_is_in_the_file_and_not_only_in_its_log(tmp_path: Path) -> None:
    """A process that is killed leaves the log beside the file; whoever copies or deletes files may miss it."""
    path = tmp_path / "workbench.db"
    store = Store(f"sqlite:///{path}")
    begun(store)
    with closing(sqlite3.connect(path)) as other:  # as of a dashboard: the last one to leave would fold the log in
        other.execute("SELECT count(*) FROM report_runs").fetchall()
        begun(store)
        alone = tmp_path / "alone.db"
        alone.write_bytes(path.read_bytes())
    with closing(sqlite3.connect(alone)) as copy:
        assert copy.execute("SELECT count(*) FROM report_runs").fetchone() == (2,)
    store.close()


def lab_home(disk: Path) -> Path:
    """File of the settings of a home on the disk, with an archive and a store."""
    (disk / "workbench.toml").write_text(
        f'home = "home"\n[sources.history]\nkind = "archive"\npath = "home/archive"\nsystems = ["{SYSTEM}"]\n'
    )
    times = np.arange(0, 86_400_000, 60_000) + 1_793_491_200_000
    samples = SeriesSet.of([({"__name__": "up", "system": SYSTEM, "job": SYSTEM}, times, np.ones(len(times)))])
    Archive.open(disk / "home" / "archive", create=True).append_samples(samples)
    return disk / "workbench.toml"


WRITING = {
    "issue": ["report", "issue", "--system", SYSTEM, "--period", "2026-10"],
    "run": ["report", "run", "monthly", "--system", SYSTEM, "--period", "2026-10"],
    "collect": ["collect"],
    "compact": ["archive", "compact", "--whole"],
    "backup": ["backup", "BACKUP"],
    "exclude": ["slo", "exclude", "add", SYSTEM, "--from", "2026-11-01T00:00Z", "--for", "5m", "--reason", "x"],
    "backfill": ["collect", "--backfill", "1d"],
    "schedule": ["schedule", "run", "--once"],
}


@pytest.mark.parametrize(("harm", "said"), [(fill, "full|No space"), (read_only, "[Rr]ead-?only")])
def test_commands_that_write_say_what_the_disk_is(
    disk: Path,
    harm: Callable[[Path], None],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = lab_home(disk)
    monkeypatch.delenv("WORKBENCH_DEBUG", raising=False)
    harm(disk)
    for name, words in WRITING.items():
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(config)] + [str(disk / "backup") if word == "BACKUP" else word for word in words])
        err = capsys.readouterr().err
        assert ended.value.code in (11, 12), (name, err)
        assert re.search(said, err), (name, err)
        assert "fault of the workbench" not in err, (name, err)
