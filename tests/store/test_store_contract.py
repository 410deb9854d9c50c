"""One contract over SQLite and PostgreSQL."""

from __future__ import annotations

import gc
import multiprocessing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import create_engine, text

from workbench.core.errors import ArchiveError, ParameterError, SettingsError
from workbench.core.timerange import TimeRange
from workbench.store import HistoryKey, Store

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
KEY = HistoryKey("lab", "availability", "r1")


def slices(start: datetime, count: int, good: float = 9.0) -> pd.DataFrame:
    times = pd.date_range(start, periods=count, freq="5min", unit="ms", tz="UTC")
    return pd.DataFrame({"time": times, "good": good, "total": 10.0, "covered": 1.0})


def begun(store: Store, report: str = "monthly", at: datetime = NOON) -> str:
    return store.start_run(
        report=report,
        system="lab",
        period="2026-10",
        parameters={"zone": "Europe/Berlin", "top": 3},
        started_at=at,
        version="0.1.0",
        identity="ana",
    ).id


def test_a_run_is_read_back_as_it_was_begun(store: Store) -> None:
    run = store.run(begun(store))
    assert (run.status, run.parameters, run.started_at) == ("running", {"zone": "Europe/Berlin", "top": 3}, NOON)
    assert run.started_at.tzinfo is UTC
    assert run.finished_at is None


@pytest.mark.slow
def test_a_store_that_is_dropped_leaves_no_connection_open(url: str) -> None:
    assert Store(url).runs() == []
    gc.collect()  # an open connection would warn here, and a warning is an error


def test_a_finished_run_knows_its_file_and_what_it_was_made_from(store: Store) -> None:
    done = store.finish_run(
        begun(store),
        finished_at=NOON + timedelta(seconds=7),
        path="m.html",
        sha256="ab" * 32,
        provenance={"queries": ["q"]},
    )
    assert (done.status, done.path, done.sha256, done.provenance) == ("done", "m.html", "ab" * 32, {"queries": ["q"]})


def test_a_failed_run_knows_why(store: Store) -> None:
    failed = store.fail_run(begun(store), finished_at=NOON, error="The source is away.")
    assert (failed.status, failed.error, failed.path) == ("failed", "The source is away.", None)


def test_runs_come_newest_first_and_by_report(store: Store) -> None:
    first, second = begun(store), begun(store, at=NOON + timedelta(hours=1))
    other = begun(store, report="weekly", at=NOON + timedelta(hours=2))
    assert [run.id for run in store.runs()] == [other, second, first]
    assert [run.id for run in store.runs(report="monthly", limit=1)] == [second]
    assert store.runs(system="elsewhere") == []


def test_an_unknown_run_is_a_clear_error(store: Store) -> None:
    with pytest.raises(ParameterError, match="no report run 'x'"):
        store.run("x")


def test_a_time_without_zone_is_refused(store: Store) -> None:
    with pytest.raises(ParameterError, match="no time zone"):
        begun(store, at=datetime(2026, 11, 1))


def test_a_time_in_another_zone_is_the_same_instant(store: Store) -> None:
    there = NOON.astimezone(timezone(timedelta(hours=5, minutes=45)))
    assert store.run(begun(store, at=there)).started_at == NOON


def test_slices_are_read_back_exactly_and_half_open(store: Store) -> None:
    written = slices(NOON, 12).assign(good=np.linspace(0.1, 9.9, 12))
    assert store.put_slices(KEY, written, method="exact", read_at=NOON + timedelta(hours=1)) == 12
    found = store.slices(KEY, TimeRange(NOON, NOON + timedelta(minutes=55)))
    assert found is not None
    assert (found.method, found.read_at) == ("exact", NOON + timedelta(hours=1))
    pd.testing.assert_frame_equal(found.frame, written.iloc[:11])


def test_writing_slices_again_replaces_them(store: Store) -> None:
    store.put_slices(KEY, slices(NOON, 4), method="exact", read_at=NOON)
    store.put_slices(
        KEY, slices(NOON + timedelta(minutes=10), 4, good=5.0), method="exact", read_at=NOON + timedelta(1)
    )
    found = store.slices(KEY, TimeRange(NOON, NOON + timedelta(hours=1)))
    assert found is not None
    assert found.frame["good"].tolist() == [9, 9, 5, 5, 5, 5]
    assert found.read_at == NOON  # the earliest of all
    later = store.slices(KEY, TimeRange(NOON + timedelta(minutes=10), NOON + timedelta(hours=1)))
    assert later is not None
    assert later.read_at == NOON + timedelta(1)


def test_slices_of_several_statements_are_read_back_and_replaced(store: Store) -> None:
    first = slices(NOON, 1001).assign(good=np.arange(1001.0))
    later = slices(NOON + timedelta(minutes=5 * 250), 700, good=-1.0)
    assert store.put_slices(KEY, first, method="exact", read_at=NOON) == 1001
    assert store.put_slices(KEY, later, method="exact", read_at=NOON) == 700
    read = store.slices(KEY, TimeRange(NOON, NOON + timedelta(days=9)))
    assert read is not None
    expected = [float(place) if not 250 <= place < 950 else -1.0 for place in range(1001)]
    assert read.frame["good"].tolist() == expected
    assert read.frame["time"].tolist() == first["time"].tolist()


def test_each_definition_has_a_history_of_its_own(store: Store) -> None:
    store.put_slices(KEY, slices(NOON, 1), method="exact", read_at=NOON)
    changed = HistoryKey("lab", "availability", "r2")
    assert store.slices(changed, TimeRange(NOON, NOON + timedelta(1))) is None
    assert store.put_slices(changed, slices(NOON, 0), method="exact", read_at=NOON) == 0
    empty = store.slices(changed, TimeRange(NOON, NOON + timedelta(1)))
    assert empty is not None
    assert (len(empty.frame), empty.read_at) == (0, None)
    assert str(empty.frame["time"].dtype) == "datetime64[ms, UTC]"


DAY = HistoryKey("lab", "day", "r")


def _write(url: str, worker: int, begin: multiprocessing.synchronize.Barrier) -> None:
    begin.wait(120)
    store = Store(url)
    for turn in range(10):
        store.put_slices(KEY, slices(NOON, 50, good=float(worker)), method="exact", read_at=NOON)
        store.put_slices(HistoryKey("lab", f"w{worker}", "r"), slices(NOON, 50), method="exact", read_at=NOON)
        own = NOON + timedelta(minutes=5 * (2 * turn + worker))  # every other slice of one day, which both write
        store.put_slices(DAY, slices(own, 1), method="exact", read_at=NOON)
        store.finish_run(
            begun(store, at=NOON + timedelta(seconds=turn)), finished_at=NOON, path="", sha256="", provenance={}
        )
    store.close()


@pytest.mark.slow
def test_two_processes_open_a_new_store_and_write_at_once(url: str) -> None:
    spawning = multiprocessing.get_context("spawn")
    begin = spawning.Barrier(2)
    writers = [spawning.Process(target=_write, args=(url, worker, begin)) for worker in (1, 2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(240)
    assert [writer.exitcode for writer in writers] == [0, 0]
    store = Store(url)
    assert [run.status for run in store.runs()] == ["done"] * 20
    shared = store.slices(KEY, TimeRange(NOON, NOON + timedelta(1)))
    assert shared is not None
    assert shared.frame["good"].nunique() == 1  # one writer's transaction, never a mixture
    day = store.slices(DAY, TimeRange(NOON, NOON + timedelta(1)))
    assert day is not None
    assert len(day.frame) == 20  # what the other wrote on the same day stays
    store.close()


def test_a_store_of_a_newer_program_is_refused(url: str) -> None:
    store = Store(url)
    store.runs()
    store.close()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(ArchiveError, match="revision 9999"):
        Store(url).runs()


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchiveError, match="cannot be opened"):
        Store(f"sqlite:///{tmp_path / 'file' / 'store.db'}").runs()


@pytest.mark.parametrize("wrong", ["mysql://host/db", "nonsense", "", "postgresql+no_driver://host/db"])
def test_another_kind_of_database_is_refused(wrong: str) -> None:
    with pytest.raises(SettingsError, match="store_url"):
        Store(wrong)


def test_the_password_is_nowhere_to_be_read() -> None:
    store = Store("postgresql://ana:hunter2@127.0.0.1:1/none")
    assert "hunter2" not in repr(store)
    with pytest.raises(ArchiveError) as caught:
        store.runs()
    assert "hunter2" not in str(caught.value)
