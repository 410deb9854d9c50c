"""A store that lost changes, or whose rows are not what was written, is an error, never other figures."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from workbench.core.errors import ArchiveError
from workbench.core.timerange import TimeRange
from workbench.store import Store
from workbench.store.decided.decisions import ExclusionRecord
from workbench.store.store import HistoryKey

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
#: Adds an exclusion while another process reads, and is killed: the change stands in the write-ahead log alone.
KILLED = """
import os, signal, sqlite3, sys
from tests.store.test_store_whole import excluded
reader = sqlite3.connect(sys.argv[1])
reader.execute("BEGIN")
reader.execute("SELECT count(*) FROM exclusions").fetchall()
excluded(sys.argv[1], 1)
os.kill(os.getpid(), signal.SIGKILL)
"""


def excluded(path: object, hour: int) -> None:
    store = Store(f"sqlite:///{path}")
    start = NOON + timedelta(hours=hour)
    store.add_exclusion(ExclusionRecord("lab", "remove", start, start + timedelta(hours=1), "Exchange", NOON, "ana"))
    store.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    excluded(tmp_path / "workbench.db", 0)
    return tmp_path / "workbench.db"


def killed(path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path)], env=environment, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert path.with_name("workbench.db-wal").stat().st_size


@pytest.mark.slow
def test_a_lost_write_ahead_log_is_an_error_that_names_it(path: Path) -> None:
    killed(path)
    for beside in ("-wal", "-shm"):
        path.with_name(f"workbench.db{beside}").unlink()
    for ask in (lambda store: store.exclusions("lab"), lambda store: store.issues(), lambda _: excluded(path, 2)):
        with pytest.raises(ArchiveError, match=r"lacks its newest changes.*workbench\.db-wal was lost") as error:
            ask(Store(f"sqlite:///{path}"))
        assert "workbench restore" in error.value.hint
    path.with_name(".workbench.db.made").unlink()
    assert len(Store(f"sqlite:///{path}").exclusions("lab")) == 1, "as the hint says"


@pytest.mark.slow
def test_what_a_killed_process_left_in_the_log_is_read(path: Path) -> None:
    killed(path)
    assert len(Store(f"sqlite:///{path}").exclusions("lab")) == 2


def test_an_older_copy_in_the_place_of_the_store_is_an_error(path: Path) -> None:
    older = shutil.copy(path, path.with_name("older.db"))
    store = Store(f"sqlite:///{path}")
    assert len(store.exclusions("lab")) == 1
    excluded(path, 1)
    assert len(store.exclusions("lab")) == 2, "what it has in memory is not what it gives afterwards"
    shutil.copy(older, path)
    with pytest.raises(ArchiveError, match="lacks its newest changes"):
        store.exclusions("lab")


def seen(path: Path) -> str:
    """Say whether the exclusion is as it was written, another one, or cannot be read."""
    try:
        kept = Store(f"sqlite:///{path}").exclusions("lab")
    except ArchiveError as error:
        return "restore" if "restore" in error.hint else error.hint
    whole = [(each.starts_at, each.ends_at, each.semantics, each.zone, each.slo) for each in kept]
    return "whole" if whole == [(NOON, NOON + timedelta(hours=1), "remove", "UTC", "")] else f"another: {kept}"


def test_an_open_store_reads_the_file_that_was_put_in_its_place(path: Path, tmp_path: Path) -> None:
    store, newer = Store(f"sqlite:///{path}"), tmp_path / "newer" / "workbench.db"
    assert len(store.exclusions("lab")) == 1
    newer.parent.mkdir()
    for hour in range(3):
        excluded(newer, hour)
    os.replace(newer, path)
    assert len(store.exclusions("lab")) == 3
    for beside in ("", "-wal", "-shm"):
        path.with_name(f"workbench.db{beside}").unlink(missing_ok=True)
    with pytest.raises(ArchiveError, match="is gone"):
        store.exclusions("lab")


def test_a_store_is_opened_once_for_all_that_is_read_in_turn(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **named: opened.append(given) or connect(*given, **named))
    store = Store(f"sqlite:///{path}")
    for _ in range(10):
        store.exclusions("lab")
    assert len(opened) == 1
    store.close()
    assert not path.with_name("workbench.db-wal").exists(), "it is closed with the store"


@pytest.mark.parametrize("part", [b"2026-11-01 12:00", b"remove", b"lab", b"2026-11-01 13:00", b"UTC"])
def test_a_byte_that_flipped_in_an_exclusion_is_an_error(path: Path, part: bytes) -> None:
    content, last = path.read_bytes(), 0
    while (last := content.find(part, last)) >= 0:
        path.write_bytes(content[: last + len(part) - 1] + bytes([part[-1] ^ 1]) + content[last + len(part) :])
        assert seen(path) in ("whole", "restore")
        last += len(part)


KEY = HistoryKey("lab", "availability", "r" * 64)


def with_counts(path: Path) -> Store:
    times = pd.date_range(NOON, periods=50, freq="5min")
    counts = pd.DataFrame({"time": times, "good": range(1000, 1050), "total": 2000.0, "covered": 1.0})
    bounds = {"good_low": [None, *[7.5] * 49], "good_high": [-0.0, *[8.5] * 49]}
    store = Store(f"sqlite:///{path}")
    store.put_slices(KEY, counts.assign(**bounds), method="exact", read_at=NOON)
    return store


def test_counts_come_back_and_a_changed_one_is_an_error(path: Path) -> None:
    store, span = with_counts(path), TimeRange(NOON, NOON + timedelta(hours=5))
    history = store.slices(KEY, span)
    assert history is not None
    assert history.frame["good"].tolist() == list(range(1000, 1050))
    changes = {
        "content": "content = CAST(substr(content, 1, 99) || x'07' || substr(content, 101) AS BLOB)",
        "cut": "content = substr(content, 1, length(content) - 8)",
        "day": "day = day - 1",
        "history": "history_id = 7",
    }
    for name, change in changes.items():
        copy = path.with_name(f"{name}.db")
        with sqlite3.connect(path) as whole, sqlite3.connect(copy) as damaged:
            whole.backup(damaged)
            damaged.execute("INSERT INTO slice_histories SELECT 7, 'a', 'b', 'c', 1, 'exact', '{}'")
            damaged.execute(f"UPDATE count_days SET {change} WHERE day = {NOON.timestamp() // 86_400}")
        whole.close(), damaged.close()
        other = Store(f"sqlite:///{copy}")
        key = HistoryKey("a", "b", "c", 1) if name == "history" else KEY
        with pytest.raises(ArchiveError, match=r"stored counts of .* not what was written"):
            other.slices(key, TimeRange(NOON - timedelta(days=1), span.end))
        other.close()
    store.close()


def test_a_damaged_answer_is_no_answer(path: Path) -> None:
    store = Store(f"sqlite:///{path}")
    store.keep_study("k", b"rows", study="cost", system="lab", as_of=NOON, made=NOON, data="d")
    kept = store.kept_study("k")
    assert kept is not None
    assert kept.content == b"rows"
    for change in ("content = CAST(content || 'x' AS BLOB)", "as_of_ms = as_of_ms + 1", "data = 'e'"):
        with sqlite3.connect(path) as database:
            database.execute(f"UPDATE study_answers SET {change}")
        database.close()
        assert store.kept_study("k") is None, change
        store.keep_study("k", b"rows", study="cost", system="lab", as_of=NOON + timedelta(1), made=NOON, data="d")
    store.close()
